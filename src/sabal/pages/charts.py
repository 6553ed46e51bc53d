"""Charts as SVG, drawn by pygal, for public pages and the desk.

The policy of our pages allows no style or script inside an SVG, and pygal writes both. So everything is taken out that
is not a shape or a text, and looks are set as attributes, in the colours of the page: a chart is right in dark mode and
in print. ElementTree, by which pygal writes, escapes every text.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width
from xml.etree.ElementTree import Element

from babel.dates import format_skeleton
from babel.numbers import format_compact_decimal, format_decimal
from django.utils.safestring import SafeString, mark_safe
from pygal import Bar, HorizontalBar, Line
from pygal.etree import etree
from pygal.graph.graph import Graph
from pygal.style import Style

from sabal.petitions.growth import Part, Step
from sabal.petitions.locales import locale_of, locale_of_sentences

# pygal hooks into every import, for plug-ins of its own that we do not use. The hook is of a form that Python 3.12 has
# dropped, and programs that walk the hooks, such as pytest, fail on it.
sys.meta_path[:] = [hook for hook in sys.meta_path if type(hook).__module__ != "pygal"]

# With lxml, which another library brings, pygal would write with that, and `_plain` would get its elements.
etree.to_etree()

WIDTH, HEIGHT = 360, 190  # of the drawing; it is shown up to 1.4 times as large
TEXT, MARGIN = 12, 8
LONGEST_LABEL = 18  # characters beside a bar
_SHOWN = {"axis", "series", "plot", "graph", "guides", "bars", "bar"}
_DECIMALS = re.compile(r"(\.\d)\d+")
_AXIS, _FULL = "var(--rule,currentColor)", "var(--green,currentColor)"


def growth(parts: Sequence[Part], step: Step, label: str, language: str) -> SafeString:
    """Return a line: how many counted at the end of each part. `label` says what is drawn."""
    chart = Line(**_options(language), show_dots=False, fill=True)
    return _drawn(chart, _days(parts, step, language), [part.counted for part in parts], label)


def added(parts: Sequence[Part], step: Step, label: str, language: str) -> SafeString:
    """Return bars: how many were confirmed in each part."""
    return _drawn(
        Bar(**_options(language)), _days(parts, step, language), [part.confirmed for part in parts], label
    )


def shares(items: Sequence[tuple[str, int]], label: str, language: str) -> SafeString:
    """Return horizontal bars of named numbers, the first on top."""
    names = [name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…" for name, _ in items]
    wide = max((sum(east_asian_width(c) in "WF" for c in name) for name in names), default=0)
    size = {
        "height": 40 + 26 * len(items),
        "margin_left": MARGIN + 5 * wide,
    }  # pygal takes them for narrow ones
    chart = HorizontalBar(**_options(language) | size, show_y_guides=False)
    return _drawn(chart, names[::-1], [n for _, n in items][::-1], label, every=True)


def _options(language: str) -> dict[str, object]:
    locale = locale_of(language)

    def shown(n: float) -> str:
        write = format_decimal if abs(n) < 10_000 else format_compact_decimal
        return str(write(n, locale=locale))

    return {
        "width": WIDTH,
        "height": HEIGHT,
        "margin": MARGIN,
        "style": Style(label_font_size=TEXT, major_label_font_size=TEXT, font_family="sans-serif"),
        "css": [],
        "js": [],
        "disable_xml_declaration": True,
        "show_legend": False,
        "show_x_guides": False,
        "max_scale": 5,
        "min_scale": 2,
        "include_x_axis": True,
        "truncate_label": -1,
        "value_formatter": shown,
        "no_data_text": "",
    }


def _days(parts: Sequence[Part], step: Step, language: str) -> list[str]:
    skeleton = "yMMM" if step is Step.MONTH else "MMMd"
    return [format_skeleton(skeleton, part.first, locale=locale_of_sentences(language)) for part in parts]


def _drawn(
    chart: Graph, names: list[str], numbers: list[int], label: str, *, every: bool = False
) -> SafeString:
    chart.x_labels = names
    if not every:
        chart.x_labels_major = _few(names)
        chart.show_minor_x_labels = False
    chart.add("", numbers)
    top = max(numbers, default=0)
    if top < 5:  # people are whole: no mark of the axis between two of them
        chart.y_labels = list(range(top + 1))
    chart.add_xml_filter(lambda root: _plain(root, label))
    svg: str = chart.render(is_unicode=True)
    return mark_safe(svg)  # noqa: S308 - its texts are escaped, and all else is ours


def _few(names: list[str]) -> list[str]:
    """Return the first, the middle and the last name: more would not fit beside each other on a phone."""
    middle = names[len(names) // 2 : len(names) // 2 + 1] if len(names) > 4 else []
    return list(dict.fromkeys([*names[:1], *middle, *names[-1:]]))


def _plain(root: Element, label: str) -> Element:
    """Keep what is drawn, with its looks as attributes, and name the picture for those who do not see it."""
    _prune(root)
    for element in root.iter():
        _look(element)
    _align(root)
    root.attrib.pop("id", None)
    root.attrib.update({"role": "img", "width": str(WIDTH * 4 // 3), "class": "chart", "aria-label": label})
    return root


def _prune(parent: Element) -> None:
    for child in list(parent):
        classes = set(child.get("class", "").split())
        drawn = child.tag in ("path", "text", "rect") and "background" not in classes
        group = child.tag == "g" and (classes & _SHOWN or not classes)
        if drawn or group:
            _prune(child)
        else:
            parent.remove(child)


def _look(element: Element) -> None:
    classes = element.attrib.pop("class", "").split()
    for name in ("rx", "ry"):
        element.attrib.pop(name, None)
    element.attrib.update({name: _DECIMALS.sub(r"\1", value) for name, value in element.attrib.items()})
    if element.tag == "text":
        element.attrib.update({"fill": "currentColor", "font-size": str(TEXT)})
    elif element.tag == "path" and {"line", "axis"} & set(classes) and "reactive" not in classes:
        element.attrib.update(stroke=_AXIS, fill="none")
    elif element.tag in ("path", "rect"):
        element.set("fill", _FULL)
    elif element.tag == "g" and classes:
        element.set("data-part", " ".join(classes))


def _align(root: Element) -> None:
    """Align the texts of each axis with their marks, so that the first and the last do not leave the picture."""
    for axis in _axes(root):
        texts = list(axis.iter("text"))
        vertical = "y" in axis.get("data-part", "").split()
        for text in texts:
            text.set("text-anchor", "end" if vertical or text is texts[-1] else "middle")
    for group in root.iter("g"):
        group.attrib.pop("data-part", None)


def _axes(root: Element) -> Iterator[Element]:
    return (group for group in root.iter("g") if "axis" in group.get("data-part", "").split())

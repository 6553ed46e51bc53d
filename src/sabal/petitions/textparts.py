"""The Markdown of a LANG.md as parts that a form can show: sections, demands and the closing text. No Django here.

A part that did not change keeps its bytes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from sabal.petitions.definition import PARSER_NESTING, Section
from sabal.petitions.editing import with_wording, wording
from sabal.petitions.frontmatter import join_lines
from sabal.petitions.letters.words import own_words

_Place = tuple[int, str, int]
_LISTS = ("bullet_list", "ordered_list")
_PARSER = MarkdownIt("commonmark", {"html": True, "maxNesting": PARSER_NESTING})
_PARSER.validateLink = lambda url: True  # type: ignore[method-assign]
# Emphasis and links cost most, and do not decide what is a list.
_BLOCKS = MarkdownIt("commonmark", {"html": True, "maxNesting": PARSER_NESTING}).disable("inline")


@dataclass(frozen=True)
class DemandLine:
    """A demand (level 0) or a part of the demand above it (level 1 and deeper). `text` is inline Markdown."""

    level: int
    text: str


@dataclass(frozen=True)
class Parts:
    """All that is below the front matter. `closing` is the Markdown after the demands."""

    sections: tuple[Section, ...]
    demands_heading: str
    demands: tuple[DemandLine, ...]
    closing: str


@dataclass(frozen=True)
class Written:
    """A body, and which part begins at which of its lines: (line from 0, kind, index)."""

    body: str
    places: tuple[_Place, ...]

    def part_at(self, line: int) -> tuple[str, int]:
        """Return the kind ("section", "demand" or "closing") and index of the part that has this line."""
        before = [place for place in self.places if place[0] <= line]
        return before[-1][1:] if before else ("section", 0)


@dataclass
class _Source:
    """Parts with their source."""

    parts: Parts
    sections: dict[Section, str] = field(default_factory=dict)
    heading: str = ""
    demands: str = ""
    demand_lines: tuple[int, ...] = ()


def parts_of(body: str) -> Parts:
    """Return the parts of a body that `wording.parse_text` accepts."""
    return _read(body).parts


def with_parts(body: str, parts: Parts) -> Written:
    """Return the body with these parts. Those that it has already keep their bytes."""
    old = _read(body)
    blocks: list[tuple[str, tuple[_Place, ...]]] = []
    for index, section in enumerate(parts.sections):
        source = old.sections.get(section)
        block = source or f"## {heading_source(section.heading)}\n\n{section.body}"
        blocks.append((block, ((0, "section", index),)))
    same = parts.demands_heading == old.parts.demands_heading and old.heading
    heading = old.heading if same else f"## {heading_source(parts.demands_heading)}"
    blocks.append((heading, ((0, "heading", 0),)))
    if parts.demands == old.parts.demands:
        places = tuple((line, "demand", n) for n, line in enumerate(old.demand_lines))
        blocks.append((old.demands, places))
    else:
        lines = [f"{'  ' * one.level}- {demand_source(one.text)}" for one in parts.demands]
        blocks.append(("\n".join(lines), tuple((n, "demand", n) for n in range(len(lines)))))
    if parts.closing:
        blocks.append((parts.closing, ((0, "closing", 0),)))
    written = _joined(body, blocks)
    return replace(written, body=body) if parts == old.parts else written


def _joined(body: str, blocks: Sequence[tuple[str, tuple[_Place, ...]]]) -> Written:
    """Put blocks together. Two that follow each other in `body` keep what is between them, all others an empty line."""
    text = before = ""
    places: list[_Place] = []
    for block, inside in blocks:
        if before and f"{before}{block}" not in body:
            text = text.rstrip("\n") + "\n\n"
        line = text.count("\n")
        places += [(line + offset, kind, index) for offset, kind, index in inside]
        text, before = text + block, block
    return Written(text.strip("\n"), tuple(places))


def with_demands_like(
    files: Mapping[str, str], language: str, demands: Sequence[tuple[int | None, int]]
) -> dict[str, str]:
    """Return the files with the demands of every other language in the same order as those of this one.

    `demands` are (place before, level). A demand without a place is new: in the other languages it must still be
    written. An anchor must mean the same demand in each language, so one language cannot change alone.
    """
    changed = dict(files)
    for name, source in files.items():
        other = name.removesuffix(".md")
        if not name.endswith(".md") or other == language:
            continue
        front, body = wording(source)
        parts = parts_of(body)
        lines = tuple(
            DemandLine(level, own_words(other)["complete"] if place is None else parts.demands[place].text)
            for place, level in demands
        )
        changed[name] = with_wording(source, front, with_parts(body, replace(parts, demands=lines)).body)
    return changed


def heading_source(text: str) -> str:
    """Return Markdown that shows this text as a heading."""
    text = join_lines(text)
    if _plain_heading(f"## {text}") == text:
        return text
    return re.sub(r"([\\`*_\[\]<>&#!])", r"\\\1", text)


def demand_source(text: str) -> str:
    """Return one line of Markdown that is this text as an item of a list, and nothing else such as a heading."""
    text = join_lines(text)
    if _item(text) == text:
        return text
    return re.sub(r"^(\d{1,9})([.)])", r"\1\\\2", re.sub(r"^([^\w\s\\])", r"\\\1", text))


def has_list(markdown: str) -> bool:
    """Return whether there is a list in it. The demands are the only list of a petition."""
    return any(token.type in ("bullet_list_open", "ordered_list_open") for token in _BLOCKS.parse(markdown))


def is_closed(markdown: str) -> bool:
    """Return whether what follows it is not swallowed by it, as by a block of code without its end."""
    last = SyntaxTreeNode(_BLOCKS.parse(f"{markdown}\n\n## end")).children[-1]
    return last.type == "heading" and last.children[0].content == "end"


def _read(body: str) -> _Source:
    lines = body.splitlines(keepends=True)
    nodes = SyntaxTreeNode(_PARSER.parse(body)).children
    heads = [n for n, node in enumerate(nodes) if node.type == "heading" and node.tag == "h2"]
    found = _Source(Parts((), "", (), ""))
    sections: list[Section] = []
    for place, start in enumerate(heads):
        end = heads[place + 1] if place + 1 < len(heads) else len(nodes)
        first, after = _line(nodes[start], 0), _line(nodes[end], 0) if end < len(nodes) else len(lines)
        below, heading = _line(nodes[start], 1), _text_of_heading(nodes[start])
        listed = next((node for node in nodes[start:end] if node.type in _LISTS), None)
        if listed is None:
            section = Section(heading, "".join(lines[below:after]).strip("\n"))
            sections.append(section)
            found.sections[section] = "".join(lines[first:after])
            continue
        begins = _line(listed, 0)
        ends = _end_of_list(lines, listed)
        items = list(_items(listed, 0))
        found.heading = "".join(lines[first:begins])
        found.demands = "".join(lines[begins:ends])
        found.demand_lines = tuple(line - begins for _, line in items)
        closing = "".join(lines[ends:]).strip("\n")
        found.parts = Parts(tuple(sections), heading, tuple(one for one, _ in items), closing)
        break
    return found


def _items(node: SyntaxTreeNode, level: int) -> Iterator[tuple[DemandLine, int]]:
    for item in node.children:
        first = item.children[0] if item.children else None
        text = first.children[0].content if first and first.type == "paragraph" else ""
        yield DemandLine(level, join_lines(text)), _line(item, 0)
        for inner in item.children:
            if inner.type in _LISTS:
                yield from _items(inner, level + 1)


def _end_of_list(lines: Sequence[str], node: SyntaxTreeNode) -> int:
    end = _line(node, 1)
    while end < len(lines) and not lines[end].strip():
        end += 1
    return end


def _line(node: SyntaxTreeNode, which: int) -> int:
    return node.map[which] if node.map else 0


def _text_of_heading(node: SyntaxTreeNode) -> str:
    pieces = [piece for inline in node.children for piece in inline.children]
    return join_lines("".join(piece.content or "\n" for piece in pieces))


def _plain_heading(source: str) -> str | None:
    nodes = SyntaxTreeNode(_PARSER.parse(source)).children
    if len(nodes) != 1 or nodes[0].type != "heading":
        return None
    pieces = [piece for inline in nodes[0].children for piece in inline.children]
    return _text_of_heading(nodes[0]) if all(piece.type == "text" for piece in pieces) else None


def _item(text: str) -> str | None:
    """Return what a list says whose one item is this line; None if it is more than one paragraph."""
    nodes = SyntaxTreeNode(_PARSER.parse(f"- {text}")).children
    if len(nodes) != 1 or nodes[0].type not in _LISTS or len(nodes[0].children) != 1:
        return None
    inside = nodes[0].children[0].children
    return inside[0].children[0].content if len(inside) == 1 and inside[0].type == "paragraph" else None

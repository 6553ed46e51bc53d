"""One page of a mirror: what an allow-list knows of the page as it was, in a frame of the copy's own.

Nothing that is written here can be read as anything but text, or an element and an attribute that only show something:
so it does not matter where in a page, inside of what, it stood. Should anything slip through nevertheless, the copy's
policy stands before all of it.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import date
from hashlib import sha256
from html import escape
from html.parser import HTMLParser
from urllib.parse import urlsplit

_SHOWN = frozenset(
    "a abbr address article aside b bdi bdo blockquote br caption cite code dd del details dfn div dl dt em figcaption"
    " figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p pre progress q s samp section small"
    " span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr"
    " circle ellipse g line path polygon polyline rect svg".split()
)
"""None of them holds anything but markup: no browser can read what stands in one in another way."""

_LEFT_OUT = frozenset(
    "applet audio button canvas datalist dialog form frameset iframe label math noembed noframes noscript object"
    " optgroup option output plaintext script select slot template textarea video xmp".split()
)
"""With all that is in them; of others that are not shown, what is in them stays."""

_EMPTY = frozenset("br hr img wbr".split())
_VOID = _EMPTY | frozenset("area base col embed frame input link meta param source track".split())
_ATTRIBUTES = frozenset(
    "alt aria-current aria-hidden aria-label aria-labelledby class colspan cx cy d datetime dir fill height hreflang id"
    " lang max open points r rel rowspan rx ry scope start stroke stroke-dasharray stroke-linecap stroke-linejoin"
    " stroke-width title value viewbox width x x1 x2 y y1 y2".split()
)
_META = re.compile(r"viewport|description|robots|(og|twitter):[a-z_:]+", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII)  # a language's, as BCP 47 has them
_FETCHES = re.compile(r"url|\\", re.IGNORECASE)
_SCHEMES = ("http", "https", "mailto")
_RELATIONS = ("canonical", "alternate")  # no icon: a picture that somebody else drew may hold a script
# What is said on a copy: that it is one, and in place of the form.
_SAID = {
    "en": (
        "This is a copy of {}. The original:",
        "This copy takes no signatures and sends nothing. Sign on the original page:",
    ),
    "ko": ("{}에 만든 사본입니다. 원본:", "이 사본에서는 서명도 개인정보도 받지 않습니다. 원본 페이지에서 서명하세요:"),
    "zh-hans": ("这是 {} 的副本。原页面：", "此副本不收集签名，也不收集任何信息。请在原页面签名："),
    "zh-hant": ("這是 {} 的副本。原頁面：", "此副本不收集簽名，也不收集任何資訊。請在原頁面簽名："),
}  # fmt: skip


class CopiedPage(HTMLParser):
    """One page, read once and written again without what could take anything from its reader."""

    def __init__(self, base: str, path: str, copied: frozenset[str], log: str, day: date) -> None:
        super().__init__(convert_charrefs=False)
        self._base, self._path, self._copied, self._log, self._day = base, path, copied, log, day
        language = path.partition("/")[0]
        self._said = _SAID.get(language, _SAID["en"])
        self._root = {"lang": language}  # what the page's own html element said of itself
        self._title: str | None = None
        self._metas: list[str] = []
        self._styles: list[str] = []
        self._body: list[str] = []
        self._inside: list[str] = []  # elements that are left out, the outermost first
        self._raw: tuple[str, list[str]] | None = (
            None  # a title or a style that has begun, and its text so far
        )
        self._drawn = 0  # how many svg are open
        self._noticed = False

    def of(self, data: bytes) -> bytes:
        """The copy of a page; ValueError where it cannot be read as one."""
        try:
            self.feed(data.decode(errors="replace"))
            self.close()
        except AssertionError:  # so html.parser says of some declarations
            raise ValueError("no page") from None
        if not self._noticed:
            self._body.insert(0, self._notice())
        root = "".join(_attribute(name, value) for name, value in self._root.items())
        head = [self._policy(), f"<title>{self._title or ''}</title>", *self._metas]
        head += [f"<style>{style}</style>" for style in self._styles]
        lines = ["<!doctype html>", f"<html{root}>", "<head>", '<meta charset="utf-8">', *head, "</head>"]
        lines += ["<body>", "".join(self._body).strip(), "</body>", "</html>", ""]
        return "\n".join(lines).encode()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._raw:
            return
        if self._inside or tag in _LEFT_OUT:
            self._leave_out(tag)
        elif tag in ("title", "style"):
            if self._drawn:
                self._inside.append(tag)
            else:
                self._raw = (tag, [])
        elif tag in ("html", "meta", "link"):
            self._take(tag, dict(attrs))
        elif tag in _SHOWN:
            self._drawn += tag == "svg"
            kept = "".join(_attribute(name, value) for name, value in self._kept(tag, attrs))
            self._body.append(f"<{tag}{kept}>")
            if tag == "main" and not self._noticed:
                self._body.append(self._notice())

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._raw:
            if tag == self._raw[0]:
                self._end_raw(*self._raw)
        elif self._inside:
            if tag in self._inside:
                while self._inside.pop() != tag:
                    pass
        elif tag in _SHOWN and tag not in _EMPTY:
            self._drawn = max(0, self._drawn - (tag == "svg"))
            self._body.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._raw:
            self._raw[1].append(data)
        elif not self._inside:
            self._body.append(data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _leave_out(self, tag: str) -> None:
        if tag == "form" and not self._inside:
            self._body.append(f'<div class="panel" id="sign"><p>{self._sentence(1)}</p></div>')
        if tag not in _VOID:
            self._inside.append(tag)

    def _end_raw(self, tag: str, parts: list[str]) -> None:
        """Keep the first title, and a style that no browser can take for anything else."""
        text, self._raw = "".join(parts), None
        if tag == "title" and self._title is None:
            self._title = text.replace("<", "&lt;")
        elif tag == "style" and "<" not in text and "\0" not in text:
            self._styles.append(text.replace("\r\n", "\n").replace("\r", "\n"))  # as a browser hashes it

    def _take(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        """What the copy's head says of what the page's said."""
        if tag == "html":
            if _TAG.fullmatch(attributes.get("lang") or ""):
                self._root["lang"] = str(attributes["lang"])
            if attributes.get("dir") in ("ltr", "rtl"):
                self._root["dir"] = str(attributes["dir"])
            return
        if tag == "meta":
            names = ("name", "property", "content")
            if "http-equiv" in attributes or not _META.fullmatch(
                attributes.get("name") or attributes.get("property") or ""
            ):
                return
        else:
            names = ("rel", "hreflang", "href")
            if attributes.get("rel") not in _RELATIONS or self._led(attributes.get("href") or "") is None:
                return
            attributes = {**attributes, "href": self._led(attributes["href"] or "")}
        kept = "".join(_attribute(name, attributes[name]) for name in names if name in attributes)
        self._metas.append(f"<{tag}{kept}>")

    def _policy(self) -> str:
        hashes = " ".join(f"'sha256-{_hash(style)}'" for style in self._styles) or "'none'"
        policy = f"default-src 'none'; style-src {hashes}; img-src 'self' data:; form-action 'none'; base-uri 'none'"
        return f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'

    def _notice(self) -> str:
        self._noticed = True
        return f'\n<p class="notice">{self._sentence(0, self._day.isoformat())}</p>'

    def _sentence(self, which: int, *values: str) -> str:
        original = escape(f"{self._base}/{self._path}")
        return f'{self._said[which].format(*values)} <a href="{original}" rel="noreferrer">{original}</a>'

    def _kept(self, tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[tuple[str, str | None]]:
        for name, value in attrs:
            if tag == "a" and name == "href":
                if (led := self._led(value or "")) is not None:
                    yield name, led
            elif tag == "img" and name == "src":
                if (value or "").startswith("data:image/"):
                    yield name, value
            elif name in _ATTRIBUTES and not (name in ("fill", "stroke") and _FETCHES.search(value or "")):
                yield name, value

    def _led(self, href: str) -> str | None:
        """Where a link leads from the copy: to another copied page beside it, or to the original."""
        if href.startswith("#"):
            return href
        if href.startswith("/") and not href.startswith("//"):
            path, mark, anchor = href.removeprefix("/").partition("#")
            up = "../" * (self._path.count("/") + 1)
            if path in self._copied:
                return f"{up}{path}/{mark}{anchor}"
            return up + path if path.startswith(self._log) and ".." not in path else self._base + href
        try:
            return href if urlsplit(href).scheme in _SCHEMES else None
        except ValueError:
            return None


def _attribute(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{escape(value)}"'


def _hash(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()

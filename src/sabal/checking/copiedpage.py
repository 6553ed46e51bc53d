"""One page of a mirror: what an allow-list knows of the page as it was, in a frame of the copy's own.

nh3 parses a page as browsers do, and writes of it what the lists name. No element of them holds anything but markup, so
what is written cannot be read in another way. Should anything slip through nevertheless, the copy's policy stands
before all of it.
"""

import base64
import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

import nh3

MOST_CHARACTERS, MOST_TAGS = 1 << 19, 20_000
"""Several times what a page has. The time of a parser can grow with the square of what is open or named."""

_SHOWN = set(
    "abbr address article aside bdi bdo blockquote br caption cite dd del details dfn div dl dt figcaption"
    " figure footer h1 h2 h3 h4 h5 h6 header hr img ins kbd li main mark nav ol p pre progress q samp section"
    " span sub summary sup table tbody td tfoot th thead time tr ul var wbr"
    " circle ellipse g line path polygon polyline rect svg"
    " x-a x-b x-code x-em x-i x-s x-small x-strong x-u".split()
)
_LEFT_OUT = set(
    "applet audio button canvas datalist dialog form frameset iframe label math noembed noframes noscript object"
    " optgroup option output plaintext script select slot style template textarea title video xmp".split()
)
"""With all that is in them; of others that are not shown, what is in them stays."""

_ATTRIBUTES = {
    "*": set(
        "alt aria-current aria-hidden aria-label aria-labelledby class colspan cx cy d datetime dir fill height"
        " hreflang id lang max open points r rel rowspan rx ry scope start stroke stroke-dasharray stroke-linecap"
        " stroke-linejoin stroke-width title value viewBox width x x1 x2 y y1 y2".split()
    ),
    "x-a": {"href"},
    "img": {"src"},
}  # fmt: skip
_HEAD_ATTRIBUTES = {"meta": {"name", "property", "content"}, "link": {"rel", "hreflang", "href"}}
# What of the head is kept, as nh3 writes it. No icon: a picture that somebody else drew may hold a script.
_KEPT_IN_HEAD = re.compile(
    r'<meta (?:name|property)="(?:viewport|description|robots|(?:og|twitter):[a-z_:]+)" content="[^"]*">'
    r'|<link rel="(?:canonical|alternate)"(?: hreflang="[^"]*")? href="[^"]*">',
    re.ASCII,
)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_FETCHES = re.compile(r"url|\\", re.IGNORECASE)
_SCHEMES = {"http", "https", "mailto"}
# Of a page as it came. What follows the beginning of its body is no head; a style with a "<" may be something else.
_BODY = re.compile(r"<(?:body|main)\b", re.IGNORECASE)
_LANGUAGE = re.compile(r"""<html\b[^<>]*\slang=["']?([a-z0-9-]{1,40})["'\s>]""", re.IGNORECASE | re.ASCII)
_DIRECTION = re.compile(r"""<html\b[^<>]*\sdir=["']?(ltr|rtl)["'\s>]""", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^<>]*>([^<\0]*)</style>", re.IGNORECASE)
_FORM = re.compile(r"(?=<form\b)", re.IGNORECASE)
# A parser opens these again in each paragraph that follows, so of a small page it could make a huge one. Under a name
# that it does not know it leaves them as they are.
_REOPENED = re.compile(
    r"<(/?)(?=(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/>])", re.IGNORECASE
)
_RENAMED = re.compile(r"<(/?)x-")
_MAIN = re.compile(r"<main\b[^>]*>")  # as nh3 writes it: in values of attributes it writes &lt; and &gt;
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


@dataclass(frozen=True)
class CopiedPage:
    """A page at `base`/`path`, written again without what could take anything from its reader."""

    base: str
    path: str
    copied: frozenset[str]
    """The paths of the pages that are copied with it."""
    log: str
    """Where in the copy the log is."""
    day: date

    def of(self, data: bytes) -> bytes:
        """The copy of a page; ValueError where it is larger than a page can be."""
        page = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
        if len(page) > MOST_CHARACTERS or page.count("<") > MOST_TAGS:
            raise ValueError("no page")
        page = _REOPENED.sub(r"<\1x-", page)
        body = _BODY.search(page)
        head = page[: body.start()] if body else page
        language, direction = _LANGUAGE.search(head), _DIRECTION.search(head)
        root = f' lang="{language[1] if language else self._language}"'
        root += f' dir="{direction[1]}"' if direction else ""
        return (
            f'<!doctype html>\n<html{root}>\n<head>\n<meta charset="utf-8">\n{self._head(head)}'
            f"</head>\n<body>\n{self._body(page)}\n</body>\n</html>\n"
        ).encode()

    def _head(self, head: str) -> str:
        styles = _STYLE.findall(head)
        hashes = " ".join(f"'sha256-{_hash(style)}'" for style in styles) or "'none'"
        policy = f"default-src 'none'; style-src {hashes}; img-src 'self' data:; form-action 'none'; base-uri 'none'"
        clean = nh3.clean(
            head,
            tags={"title", *_HEAD_ATTRIBUTES},
            clean_content_tags=_LEFT_OUT - {"title"},
            attributes=_HEAD_ATTRIBUTES,
            attribute_filter=self._kept,
            link_rel=None,
        )
        title = _TITLE.search(clean)
        lines = [
            f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">',
            f"<title>{title[1] if title else ''}</title>",
            *_KEPT_IN_HEAD.findall(clean),
            *(f"<style>{style}</style>" for style in styles),
        ]
        return "".join(f"{line}\n" for line in lines)

    def _body(self, page: str) -> str:
        panel = f'<div class="panel" id="sign"><p>{self._sentence(1)}</p></div>'
        clean = nh3.clean(
            _FORM.sub(lambda _: _REOPENED.sub(r"<\1x-", panel), page, count=1),
            tags=_SHOWN,
            clean_content_tags=_LEFT_OUT,
            attributes=_ATTRIBUTES,
            attribute_filter=self._kept,
            link_rel=None,
            url_schemes={*_SCHEMES, "data"},
        )
        notice = f'\n<p class="notice">{self._sentence(0, self.day.isoformat())}</p>'
        clean = _RENAMED.sub(r"<\1", clean)
        main = _MAIN.search(clean)
        start = main.end() if main else 0
        return f"{clean[:start]}{notice}{clean[start:]}"

    @property
    def _language(self) -> str:
        return self.path.partition("/")[0]

    def _sentence(self, which: int, *values: str) -> str:
        said = _SAID.get(self._language, _SAID["en"])
        original = escape(f"{self.base}/{self.path}")
        return f'{said[which].format(*values)} <a href="{original}" rel="noreferrer">{original}</a>'

    def _kept(self, tag: str, name: str, value: str) -> str | None:
        """The value of an attribute in the copy; None where it is left out."""
        if name == "href":
            return self._led(value)
        if name == "src":
            return value if value.startswith("data:image/") else None
        return None if name in ("fill", "stroke") and _FETCHES.search(value) else value

    def _led(self, href: str) -> str | None:
        """Where a link leads from the copy: to another copied page beside it, or to the original."""
        if href.startswith("#"):
            return href
        if href.startswith("/") and not href.startswith("//"):
            path, mark, anchor = href.removeprefix("/").partition("#")
            up = "../" * (self.path.count("/") + 1)
            if path in self.copied:
                return f"{up}{path}/{mark}{anchor}"
            return up + path if path.startswith(self.log) and ".." not in path else self.base + href
        try:
            return href if urlsplit(href).scheme in _SCHEMES else None
        except ValueError:
            return None


def _hash(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()

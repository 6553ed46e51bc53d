"""Copy one page of a mirror: keep the elements and attributes of an allow-list, inside a page frame of our own.

nh3 parses a page as browsers do, and writes only the listed elements. All of them contain normal markup, so the output
has one reading. If anything is still missed, the copy's Content-Security-Policy blocks it. It comes first in the page.
"""

import base64
import re
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from html import escape
from urllib.parse import urlsplit

import nh3

MOST_CHARACTERS, MOST_TAGS, MOST_OPEN, MOST_SEPARATORS = 1 << 19, 20_000, 1_000, 5_000
"""Several times the size of a real page: its characters, its tags, its tags that are open at once, and the separators
between two tags. A parser's time can grow with the square of the open tags, and of the attributes in one tag."""

_ALLOWED_TAGS = set(
    "abbr address article aside bdi bdo blockquote br caption cite dd del details dfn div dl dt figcaption"
    " figure footer h1 h2 h3 h4 h5 h6 header hr img ins kbd li main mark nav ol p pre progress q samp section"
    " span sub summary sup table tbody td tfoot th thead time tr ul var wbr"
    " circle ellipse g line path polygon polyline rect svg"
    " x-a x-b x-code x-em x-i x-s x-small x-strong x-u".split()
)
_REMOVED_TAGS = set(
    "applet audio button canvas datalist dialog form frameset iframe label math noembed noframes noscript object"
    " optgroup option output plaintext script select slot style template textarea title video xmp".split()
)
"""Removed with their content. Of other unlisted elements only the tags are removed."""

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
# The elements of the head that are kept, as nh3 writes them. Icons are not: an SVG from elsewhere may contain a script.
_KEPT_IN_HEAD = re.compile(
    r'<meta (?:name|property)="(?:viewport|description|robots|(?:og|twitter):[a-z_:]+)" content="[^"]*">'
    r'|<link rel="(?:canonical|alternate)"(?: hreflang="[^"]*")? href="[^"]*">',
    re.ASCII,
)
_TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_FETCHES = re.compile(r"url|\\", re.IGNORECASE)
_SCHEMES = {"http", "https", "mailto"}
# These match the original page. The head ends where the body begins. A style with a "<" is dropped: it may be markup.
_BODY = re.compile(r"<(?:body|main)\b", re.IGNORECASE)
_LANGUAGE = re.compile(r"""<html\b[^<>]*\slang=["']?([a-z0-9-]{1,40})["'\s>]""", re.IGNORECASE | re.ASCII)
_DIRECTION = re.compile(r"""<html\b[^<>]*\sdir=["']?(ltr|rtl)["'\s>]""", re.IGNORECASE)
_STYLE = re.compile(r"<style\b[^<>]*>([^<\0]*)</style>", re.IGNORECASE)
_FORM = re.compile(r"(?=<form\b)", re.IGNORECASE)
# If these are not closed, a parser opens them again in each following paragraph, so a small page could become huge.
# It does not do this for unknown names, so they are renamed for the parser.
_REOPENED = re.compile(
    r"<(/?)(?=(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/>])", re.IGNORECASE
)
_SEPARATOR = re.compile(r"[\s/\"']+")  # between attributes
_RENAMED = re.compile(r"<(/?)x-")
_MAIN = re.compile(r"<main\b[^>]*>")  # as nh3 writes it; in attribute values it writes &lt; and &gt;
# The sentences on a copy: the notice that it is one, and the sentence in place of the form.
_SENTENCES = {
    "en": (
        "This is a copy of {}. The original:",
        "This copy takes no signatures and sends nothing. Sign on the original page:",
    ),
    "ko": ("{}에 만든 사본입니다. 원본:", "이 사본에서는 서명도 개인정보도 받지 않습니다. 원본 페이지에서 서명하세요:"),
    "zh-hans": ("这是 {} 的副本。原页面：", "此副本不收集签名，也不收集任何信息。请在原页面签名："),
    "ja": (
        "これは{}の写しです。元のページ：",
        "この写しでは署名を受け付けず、何も送信しません。元のページで署名してください：",
    ),
    "zh-hant": ("這是 {} 的副本。原頁面：", "此副本不收集簽名，也不收集任何資訊。請在原頁面簽名："),
}  # fmt: skip


@dataclass(frozen=True)
class CopiedPage:
    """A page at `base`/`path`, to be copied without forms, scripts and anything that the browser would fetch."""

    base: str
    path: str
    copied: frozenset[str]
    """The paths of all pages that are copied."""
    log: str
    """The path of the log in the copy."""
    day: date
    files: frozenset[str] = frozenset()
    """The paths of all files beside the pages that are copied."""

    def of(self, data: bytes) -> bytes:
        """Return the copy of a page. Raise `ValueError` if it is larger than a page can be."""
        page = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n")
        if len(page) > MOST_CHARACTERS or page.count("<") > MOST_TAGS or _is_slow(page):
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
            clean_content_tags=_REMOVED_TAGS - {"title"},
            attributes=_HEAD_ATTRIBUTES,
            attribute_filter=self._attribute,
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
            tags=_ALLOWED_TAGS,
            clean_content_tags=_REMOVED_TAGS,
            attributes=_ATTRIBUTES,
            attribute_filter=self._attribute,
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
        sentences = _SENTENCES.get(self._language, _SENTENCES["en"])
        original = escape(f"{self.base}/{self.path}")
        return f'{sentences[which].format(*values)} <a href="{original}" rel="noreferrer">{original}</a>'

    def _attribute(self, tag: str, name: str, value: str) -> str | None:
        """Return the value of an attribute in the copy; None if the attribute is removed."""
        if name == "href":
            return self._link(value)
        if name == "src":
            return self._picture(value)
        return None if name in ("fill", "stroke") and _FETCHES.search(value) else value

    def _picture(self, source: str) -> str | None:
        """Return the address of a picture in the copy; None if it is not copied."""
        if source.removeprefix("/") in self.files:
            return "../" * (self.path.count("/") + 1) + source.removeprefix("/")
        return source if source.startswith("data:image/") else None

    def _link(self, href: str) -> str | None:
        """Return the target of a link in the copy: another copied page or the original; None if it is not allowed."""
        if href.startswith("#"):
            return href
        if href.startswith("/") and not href.startswith("//"):
            path, mark, anchor = href.removeprefix("/").partition("#")
            up = "../" * (self.path.count("/") + 1)
            if path in self.copied:
                return f"{up}{path}/{mark}{anchor}"
            here = path in self.files or (path.startswith(self.log) and ".." not in path)
            return up + path if here else self.base + href
        try:
            return href if urlsplit(href).scheme in _SCHEMES else None
        except ValueError:
            return None


def _is_slow(page: str) -> bool:
    """Return whether more tags are open at once, or more attributes may be in one tag, than a real page has.

    Tags that are never closed, such as `<br>`, count as open, and text counts like attributes: where a tag ends depends
    on quotes, which only a parser understands. So this can refuse too much, and never too little.
    """
    depth = 0
    for piece in page.split("<")[1:]:
        depth = max(0, depth - 1) if piece.startswith("/") else depth + 1
        if depth > MOST_OPEN or len(_SEPARATOR.findall(piece)) > MOST_SEPARATORS:
            return True
    return False


def _hash(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()

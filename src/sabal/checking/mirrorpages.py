"""The pages of a mirror: as they were, but that they take nothing from anybody, and say that they are copies.

What a page holds is not believed: only elements that show something are kept, no script, no form, nothing that loads
from elsewhere; and a policy stands in the copy that would stop whatever slipped through.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from hashlib import sha256
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sabal.checking import strict
from sabal.checking.copy import MOST_MANIFEST, CannotCheck
from sabal.checking.tiled import Get

MOST_PAGE, MOST_LANGUAGES = 4 << 20, 60
Put = Callable[[Path, bytes], bool]

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2,8})?", re.ASCII)
_PNG = b"\x89PNG\r\n\x1a\n"
_DROPPED = frozenset(
    "applet base button datalist dialog embed frame frameset iframe input label math noscript object optgroup option"
    " output script select slot template textarea".split()
)
_EMPTY = frozenset("area base br col embed frame hr img input link meta param source track wbr".split())
_ATTRIBUTES = frozenset(
    "alt aria-current aria-hidden aria-label charset class colspan content cx cy d datetime dir fill height hreflang"
    " id lang name open property r rel start stroke stroke-dasharray stroke-width title type viewbox width".split()
)
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


def copy_pages(
    get: Get, base: str, slug: str, folder: Path, put: Put, state: dict[str, Any], day: date
) -> int:
    """Copy what stands beside the log; how many files are new or changed. Raises CannotCheck and OSError.

    `state` keeps a hash of what each page was made of: the day that a copy names is no news.
    """
    document = _needed(get, f"{slug}.json", MOST_PAGE)
    languages = _languages(document)
    paths = [f"{language}/{name}" for language in languages for name in (slug, "verify")]
    changed = int(put(folder / f"{slug}.json", document))
    for name in ("count.json", "manifest.json"):
        changed += put(folder / slug / name, _needed(get, f"{slug}/{name}", MOST_MANIFEST))
    made_of: dict[str, str] = dict(state.get("pages", {}))
    found = {path: data for path in paths if (data := get(path, MOST_PAGE)) is not None}
    for path, data in found.items():
        if len(data) > MOST_PAGE:
            raise CannotCheck(f"{base}/{path} is longer than any page is.")
        page = CopiedPage(base, path, frozenset(found), f"{slug}/log/", day).of(data)
        digest = sha256(data).hexdigest()
        changed += made_of.get(path) != digest or not (folder / path / "index.html").is_file()
        put(folder / path / "index.html", page)
        made_of[path] = digest
    state["pages"] = made_of
    for path in (f"{language}/{slug}/card.png" for language in languages):
        card = get(path, MOST_PAGE)
        if card is not None and card.startswith(_PNG) and len(card) <= MOST_PAGE:
            changed += put(folder / path, card)
    return changed + put(folder / "index.html", _index(languages, slug))


class CopiedPage(HTMLParser):
    """One page, read once and written again without what could take anything from its reader."""

    def __init__(self, base: str, path: str, copied: frozenset[str], log: str, day: date) -> None:
        super().__init__(convert_charrefs=False)
        self._base, self._path, self._copied, self._log, self._day = base, path, copied, log, day
        self._said = _SAID.get(path.partition("/")[0], _SAID["en"])
        self._parts: list[str] = []
        self._inside: list[str] = []  # elements that are left out, the outermost first
        self._styles: list[str] = []
        self._style = False
        self._head = 0  # where the policy stands: first of all, or first in the head

    def of(self, data: bytes) -> bytes:
        """The copy of a page."""
        self.feed(data.decode(errors="replace"))
        self.close()
        hashes = " ".join(f"'sha256-{_hash(style)}'" for style in self._styles) or "'none'"
        policy = f"default-src 'none'; style-src {hashes}; img-src 'self' data:; form-action 'none'; base-uri 'none'"
        self._parts.insert(
            self._head, f'\n<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        )
        return "".join(["<!doctype html>", *self._parts]).encode()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inside or tag == "form" or tag in _DROPPED:
            self._leave_out(tag, dict(attrs))
            return
        if tag in ("meta", "link") and not _is_harmless(tag, dict(attrs)):
            return
        kept = "".join(_attribute(name, value) for name, value in self._kept(tag, attrs))
        self._parts.append(f"<{tag}{kept}>")
        self._style = tag == "style"
        if tag == "head":
            self._head = self._head or len(self._parts)
        if tag == "main":
            self._parts.append(f'\n<p class="notice">{self._sentence(0, self._day.isoformat())}</p>')

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _EMPTY:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside:
            if tag in self._inside:
                while self._inside.pop() != tag:
                    pass
        elif tag not in _DROPPED and tag not in _EMPTY and tag != "form":
            self._parts.append(f"</{tag}>")
            self._style = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            return
        if self._style:
            self._styles.append(data)
        self._parts.append(data if self._style else data.replace("<", "&lt;"))

    def handle_entityref(self, name: str) -> None:
        self.handle_data(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.handle_data(f"&#{name};")

    def _leave_out(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        if tag == "form" and not self._inside:
            self._parts.append(f'<div class="panel" id="sign"><p>{self._sentence(1)}</p></div>')
        if tag not in _EMPTY:
            self._inside.append(tag)

    def _sentence(self, which: int, *values: str) -> str:
        original = escape(f"{self._base}/{self._path}")
        return f'{self._said[which].format(*values)} <a href="{original}" rel="noreferrer">{original}</a>'

    def _kept(self, tag: str, attrs: list[tuple[str, str | None]]) -> Iterator[tuple[str, str | None]]:
        for name, value in attrs:
            if name == "href":
                if (led := self._led(value or "")) is not None:
                    yield name, led
            elif tag == "img" and name == "src":
                if (value or "").startswith("data:image/"):
                    yield name, value
            elif name in _ATTRIBUTES:
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


def _is_harmless(tag: str, attributes: Mapping[str, str | None]) -> bool:
    if tag == "link":
        return attributes.get("rel") in _RELATIONS
    return "http-equiv" not in attributes


def _attribute(name: str, value: str | None) -> str:
    return f" {name}" if value is None else f' {name}="{escape(value)}"'


def _hash(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()


def _needed(get: Get, path: str, limit: int) -> bytes:
    data = get(path, limit)
    if data is None or len(data) > limit:
        raise CannotCheck(
            f"The log was copied, and its page was not: {path} is not there, or too long. Try again later."
        )
    return data


def _languages(document: bytes) -> list[str]:
    try:
        found = list(strict.parse(document)["data"]["attributes"]["languages"])
    except (ValueError, KeyError, TypeError):
        raise CannotCheck("The log was copied, and its page was not: its .json names no languages.") from None
    return [one for one in found if isinstance(one, str) and _LANGUAGE.fullmatch(one)][:MOST_LANGUAGES]


def _index(languages: list[str], slug: str) -> bytes:
    """Where a reader begins who knows the mirror's address alone."""
    links = "".join(f'<li><a lang="{code}" href="{code}/{slug}/">{code}</a>\n' for code in languages)
    policy = "default-src 'none'; form-action 'none'; base-uri 'none'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta charset="utf-8">\n<title>{slug}</title>\n</head>\n<body>\n<ul>\n{links}</ul>\n</body>\n</html>\n'
    ).encode()

"""Feeds: the newest entries of something, as Atom (RFC 4287) and as JSON Feed 1.1."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from sabal.http import PUBLIC, Response, file, for_any_site

ATOM = "http://www.w3.org/2005/Atom"
JSON_FEED = "https://jsonfeed.org/version/1.1"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
# No XML document may contain these, escaped or not (XML 1.0, section 2.2).
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Entry:
    """One entry of a feed. `id` is a URN that never changes; `content` is HTML; moments are Unix time (seconds)."""

    id: str
    url: str
    language: str
    title: str
    content: str
    published: int
    changed: int
    image: str = ""  # an absolute address


@dataclass(frozen=True)
class Feed:
    """A feed in one language. `page` is the page that shows the same; the feed has its address and an ending."""

    id: str
    language: str
    title: str
    author: str
    page: str
    entries: Sequence[Entry]
    began: int = 0  # its time of change, as long as it has no entry


def atom(feed: Feed) -> Response:
    """Return a feed as Atom."""
    root = ElementTree.Element(f"{{{ATOM}}}feed", {_LANGUAGE: feed.language})
    _add(root, "title", feed.title)
    _add(root, "id", feed.id)
    _add(root, "updated", time_of(max((one.changed for one in feed.entries), default=feed.began)))
    _add(root, "link", rel="self", type="application/atom+xml", href=f"{feed.page}.atom")
    _add(root, "link", rel="alternate", type="text/html", hreflang=feed.language, href=feed.page)
    _add(_add(root, "author"), "name", feed.author)
    for one in feed.entries:
        entry = ElementTree.SubElement(root, f"{{{ATOM}}}entry", {_LANGUAGE: one.language})
        _add(entry, "title", one.title)
        _add(entry, "id", one.id)
        _add(entry, "published", time_of(one.published))
        _add(entry, "updated", time_of(one.changed))
        _add(entry, "link", rel="alternate", type="text/html", href=one.url)
        _add(entry, "content", one.content, type="html")
    ElementTree.register_namespace("", ATOM)
    body = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return for_any_site(file(body, "application/atom+xml; charset=utf-8", PUBLIC))


def json_feed(feed: Feed) -> Response:
    """Return a feed as JSON Feed."""
    document = {
        "version": JSON_FEED,
        "title": feed.title,
        "home_page_url": feed.page,
        "feed_url": f"{feed.page}.json",
        "language": feed.language,
        "authors": [{"name": feed.author}],
        "items": [_item(one) for one in feed.entries],
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    return for_any_site(file(body, "application/feed+json; charset=utf-8", PUBLIC))


def time_of(moment: int) -> str:
    """Return a moment in Unix time (seconds) as RFC 3339 writes it."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _item(entry: Entry) -> dict[str, object]:
    item: dict[str, object] = {
        "id": entry.id,
        "url": entry.url,
        "title": entry.title,
        "content_html": entry.content,
        "date_published": time_of(entry.published),
        "date_modified": time_of(entry.changed),
        "language": entry.language,
    }
    return item | {"image": entry.image} if entry.image else item


def _add(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    child.text = _NO_XML.sub("", text) or None
    return child

"""The services for sharing: links to those that a petition offers, and the names of those that it leaves out."""

import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from sabal.petitions.countries import places
from sabal.petitions.locales import listed, nearest


@dataclass(frozen=True)
class Service:
    """One service of share-services.toml. `link` is "" if pages never offer it; `authorities` is a country or ""."""

    names: Mapping[str, str]
    link: str
    authorities: str

    def name(self, language: str) -> str:
        """Return the name in that language, or the English one."""
        return self.names[nearest(language, self.names) or "en"]


class ShareLink(NamedTuple):
    """The name of a service, as it writes it itself, and a link to it. Empty name: email, named in the template."""

    name: str
    href: str


class LeftOut(NamedTuple):
    """The services that a petition leaves out: their number, their names, and the authorities that can read them.

    `authorities` is "" if the petition does not warn of all of them.
    """

    number: int
    services: str
    authorities: str


def share_links(title: str, url: str, language: str, without: Collection[str] = ()) -> tuple[ShareLink, ...]:
    """Return plain links that pass `title` and `url` to a service. `url` must not contain a token."""
    t, u, both = (quote(text, safe="") for text in (title, url, f"{title} {url}"))
    offered = (service for key, service in SERVICES.items() if service.link and key not in without)
    return (
        ShareLink("", f"mailto:?subject={t}&body={both}"),
        *(ShareLink(one.name(language), one.link.format(url=u, title=t, both=both)) for one in offered),
    )


def left_out(without: Sequence[str], warned: Collection[str], language: str) -> LeftOut | None:
    """Return what a page says about the services that a petition leaves out; None if it names none.

    `warned` are the places whose residents the petition warns.
    """
    if not without:
        return None
    services = [SERVICES[key] for key in without]
    read_by = dict.fromkeys(service.authorities for service in services)
    return LeftOut(
        len(services),
        listed((service.name(language) for service in services), language),
        places(read_by, language) if set(read_by) <= set(warned) else "",
    )


def _services(table: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Service]]:
    for key, row in table.items():
        names = row["name"] if isinstance(row["name"], dict) else {"en": row["name"]}
        yield key, Service(names, row.get("link", ""), row.get("authorities", ""))


_FILE = Path(__file__).parent / "share-services.toml"
SERVICES: Mapping[str, Service] = dict(_services(tomllib.loads(_FILE.read_text(encoding="utf-8"))))

"""A petition as another platform describes it, in one form for all of them. It contains no signer.

The browser carries it as JSON from the page that shows it to the one that makes the draft, so it is checked again then.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from sabal import typed
from sabal.refusal import Refusal

MOST_TEXT = 200_000  # characters of one text
MOST_LINE = 2_000
MOST_MATERIALS = 500
MOST_PETITIONS = 200
MOST_JSON = 1_500_000  # characters; a form of the desk has at most 2 MB
MOST_SIGNATURES = 1_000_000_000
MATERIALS = ("answer", "update", "note")


class NotRecognised(Refusal):
    """The file cannot be used. `code` says why (desk/arriving.py has the sentences)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Found:
    """A text that came with a petition: an answer of a recipient, an update, or a note of the other platform."""

    kind: str
    title: str
    text: str
    day: str = ""  # ISO 8601; "" if it is not known
    link: str = ""


@dataclass(frozen=True)
class Arrival:
    """One petition of a file. `source` is the name of the platform or of its format.

    `body` is plain text. `own` is what only our own format has: the texts of all languages. `rest` are further values
    of the file, as (name, value), which are shown and not kept.
    """

    source: str
    title: str = ""
    summary: str = ""
    body: str = ""
    recipients: tuple[str, ...] = ()
    link: str = ""
    signatures: int | None = None
    counted_on: str = ""
    materials: tuple[Found, ...] = ()
    rest: tuple[tuple[str, str], ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)


def as_json(arrivals: tuple[Arrival, ...]) -> str:
    """Return the petitions as JSON. Raises NotRecognised if they are too many or too long for a form."""
    text = json.dumps([asdict(one) for one in arrivals], ensure_ascii=False)
    if len(arrivals) > MOST_PETITIONS or len(text) > MOST_JSON:
        raise NotRecognised("large")
    return text


def from_json(text: str) -> tuple[Arrival, ...]:
    """Return the petitions that `as_json` wrote. Raises NotRecognised for anything else."""
    try:
        if len(text) > MOST_JSON:
            raise ValueError("too long")
        return tuple(_arrival(one) for one in json.loads(text)[:MOST_PETITIONS])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise NotRecognised("stale") from None


def _arrival(values: dict[str, Any]) -> Arrival:
    if set(values) != {one.name for one in fields(Arrival)} or not isinstance(values["own"], dict):
        raise ValueError("another form")
    signatures = values["signatures"]
    if signatures is not None and (type(signatures) is not int or not 0 <= signatures <= MOST_SIGNATURES):
        raise ValueError("not a number")
    return clean(
        Arrival(
            **{**values, "recipients": tuple(values["recipients"]), "rest": tuple(map(tuple, values["rest"]))}
            | {"materials": tuple(Found(**one) for one in values["materials"])}
        )
    )


def clean(arrival: Arrival) -> Arrival:
    """Return the petition with texts that can be shown and stored. Nothing that can be seen is lost."""
    return replace(
        arrival,
        source=line(arrival.source)[:60],
        title=line(arrival.title),
        summary=text(arrival.summary),
        body=text(arrival.body),
        recipients=tuple(filter(None, map(line, arrival.recipients)))[:100],
        link=web_address(arrival.link),
        counted_on=day(arrival.counted_on),
        materials=tuple(
            one for one in map(_material, arrival.materials[:MOST_MATERIALS]) if one.title or one.text
        ),
        rest=tuple((line(name)[:80], line(value)[:300]) for name, value in arrival.rest[:200]),
    )


def _material(found: Found) -> Found:
    if found.kind not in MATERIALS:
        raise ValueError("another kind")
    return Found(found.kind, line(found.title), text(found.text), day(found.day), web_address(found.link))


def line(value: object) -> str:
    """Return a text of one line; "" for anything that is no text."""
    if not isinstance(value, str) or not value:
        return ""
    # Its punctuation stays: full-width signs are right in Chinese.
    return " ".join(_showable(typed.paragraphs(value[:MOST_TEXT])).split())[:MOST_LINE]


def text(value: object) -> str:
    """Return a text of several lines; "" for anything that is no text. Raises NotRecognised if it is too long."""
    if not isinstance(value, str) or not value:
        return ""
    if len(value) > MOST_TEXT:
        raise NotRecognised("long")
    return _showable(typed.paragraphs(value)).strip()


def day(value: object) -> str:
    """Return the day at the beginning of a date or time (ISO 8601) as such; "" if there is none."""
    try:
        return date.fromisoformat(str(value)[:10]).isoformat() if isinstance(value, str) else ""
    except ValueError:
        return ""


def web_address(value: object) -> str:
    """Return an address of the web; "" for anything else, such as `javascript:`."""
    if not isinstance(value, str) or len(value) > 500 or not typed.is_showable_line(value):
        return ""
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return ""
    fine = parts.scheme in ("http", "https") and parts.hostname and not parts.username
    return value.strip() if fine and not set(value) & set(' "<>\\^`{|}') else ""


def number(value: object) -> int | None:
    """Return a number of signatures, also one that is written as "1,659,543"; None for anything else."""
    if isinstance(value, str):
        digits = value.strip().replace(",", "").replace("\u00a0", "").replace(" ", "")
        value = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 10 else None
    return value if type(value) is int and 0 <= value <= MOST_SIGNATURES else None


def _showable(value: str) -> str:
    if typed.is_showable(value):
        return value
    kept = "".join(one for one in value if one in "\n\t" or typed.is_showable(one))
    return (
        kept
        if typed.is_showable(kept)
        else "".join(one for one in kept if one.isprintable() or one in "\n\t")
    )

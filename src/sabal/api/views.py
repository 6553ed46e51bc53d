"""Machine views: a petition in the JSON format of the UK Parliament's petitions site, its count, history and manifest.

Tools for that site can read ours: the attributes have its names, and those that only a parliament has are empty. This
site adds: confirmed, withdrawn, invalidated, counted, gathering, log, picture, updates, the two numbers of
`_not_by_country`, the counts of other places, and the whole text in each language.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime

from sabal import settings
from sabal.api import feeds, record
from sabal.http import PUBLIC, Refused, Response, file, for_any_site
from sabal.ledger.logged import logged
from sabal.petitions.countries import country_name
from sabal.petitions.definition import Demand, Text
from sabal.petitions.snapshot import PetitionSnapshot

_MILESTONES = (  # of the UK Parliament; always null here
    "rejected_at",
    "moderation_threshold_reached_at",
    "response_threshold_reached_at",
    "debate_threshold_reached_at",
    "debate_scheduled_on",
    "debate_outcome_at",
)


def petition(snapshot: PetitionSnapshot) -> Response:
    """Return the petition as JSON: text in the authoritative language, recipients, numbers."""
    attributes = {**_as_uk_parliament(snapshot), **_of_ours(snapshot)}
    link = f"{settings.BASE_URL}/{snapshot.definition.slug}.json"
    return _json(
        {"links": {"self": link}, "data": {"type": "petition", "id": snapshot.id, "attributes": attributes}}
    )


def _as_uk_parliament(snapshot: PetitionSnapshot) -> dict[str, object]:
    """Return what the JSON of the UK Parliament's petitions site has, with its names."""
    definition = snapshot.definition
    text = definition.texts[definition.authoritative]
    return {
        "action": text.title,
        "background": text.summary,
        "additional_details": _as_text(text),
        "committee_note": None,
        "state": _state(snapshot),
        **_numbers(snapshot),
        "closing_date": definition.last_day.isoformat() if _ended_on(snapshot) is None else None,
        **_times(snapshot),
        "scheduled_debate_date": None,
        "creator_name": definition.organiser[definition.authoritative],
        "rejection": None,
        "government_response": record.government_response(snapshot),
        "debate": None,
        "departments": [
            {"acronym": None, "name": recipient.name[definition.authoritative], "url": None}
            for recipient in definition.recipients
        ],
        "topics": [],
        "signatures_by_country": _countries(snapshot),
        **_not_by_country(snapshot),
        "signatures_on_paper_and_elsewhere": _other_counts(snapshot),
        "signatures_by_constituency": [],
        "signatures_by_region": [],
        "other_parliamentary_business": record.other_business(snapshot),
    }


def _of_ours(snapshot: PetitionSnapshot) -> dict[str, object]:
    """Return what that format has no place for."""
    definition = snapshot.definition
    return {
        **record.record(snapshot),
        "languages": {
            language: f"{settings.BASE_URL}/{language}/{definition.slug}" for language in definition.languages
        },
        "updates": feeds.updates(snapshot),
        "picture": _picture(snapshot),
        "texts": {language: _whole(one) for language, one in definition.texts.items()},
        "recipients": [
            {"key": one.key, "name": dict(one.name), "language": one.language, "group": one.group}
            for one in definition.recipients
        ],
        "manifest_sha256": snapshot.manifest_hash.hex(),
        "log": _log(snapshot),
    }


def count(snapshot: PetitionSnapshot) -> Response:
    """Return the numbers and the times of opening and closing, in the flat JSON format of that site."""
    return _json({**_numbers(snapshot), **_times(snapshot), "debated": False, "log": _log(snapshot)})


def growth(snapshot: PetitionSnapshot) -> Response:
    """Return the totals at the end of each day on which they were published. Raises Refused (404) without a history."""
    history = snapshot.grown(datetime.now(UTC).date())
    if not history:
        raise Refused(404, "not-found")
    rows = [
        {
            "day": totals.day.isoformat(),
            "confirmed": totals.confirmed,
            "withdrawn": totals.withdrawn,
            "invalidated": totals.invalidated,
            "counted": totals.counted,
        }
        for totals in history
    ]
    return _json({"days": rows})


def manifest(snapshot: PetitionSnapshot) -> Response:
    """Return the manifest: exactly the bytes that every signature commits to."""
    return _json(snapshot.manifest)


def _picture(snapshot: PetitionSnapshot) -> dict[str, object] | None:
    """Return address, size in pixels and descriptions by language; None if there is no picture."""
    definition = snapshot.definition
    if definition.picture is None:
        return None
    return {
        "url": f"{settings.BASE_URL}/{definition.authoritative}/{definition.slug}/picture.webp",
        "width": definition.picture.width,
        "height": definition.picture.height,
        "descriptions": {
            language: definition.texts[language].picture_description for language in definition.languages
        },
    }


def _numbers(snapshot: PetitionSnapshot) -> dict[str, object]:
    counts, known = snapshot.counts, not snapshot.gathering
    return {
        "signature_count": counts.counted if known else None,
        "gathering": not known,
        "confirmed": counts.confirmed if known else None,
        "withdrawn": counts.withdrawn if known else None,
        "invalidated": counts.invalidated if known else None,
        "counted": counts.counted if known else None,
    }


def _log(snapshot: PetitionSnapshot) -> dict[str, object] | None:
    """Return the log that proves the numbers, with `root` in hex; None until its first checkpoint is published."""
    log = logged(snapshot)
    if log is None:
        return None
    return {
        "origin": log.origin,
        "size": log.size,
        "root": log.root.hex() if log.root else None,
        "checkpoint": log.checkpoint,
        "witnessed": log.witnessed,
    }


def _state(snapshot: PetitionSnapshot) -> str:
    # That format has no pause. Our pause is temporary: signatures can still be confirmed, and counting continues.
    return "open" if _ended_on(snapshot) is None else "closed"


def _ended_on(snapshot: PetitionSnapshot) -> date | None:
    return snapshot.ended_on(datetime.now(UTC).date())


def _times(snapshot: PetitionSnapshot) -> dict[str, object]:
    """Return the times of that format, as days. No time of a batch is shown: it would date the first signatures."""
    opened, closed = _time(snapshot.opened_on), _time(_ended_on(snapshot))
    return {
        "created_at": opened,
        "updated_at": closed or opened,
        "opened_at": opened,
        "closed_at": closed,
        **dict.fromkeys(_MILESTONES),
        "government_response_at": record.responded_at(snapshot),
    }


def _countries(snapshot: PetitionSnapshot) -> list[dict[str, object]]:
    if snapshot.gathering:
        return []
    return [
        {"name": country_name(code, "en"), "code": code, "signature_count": n}
        for code, n in snapshot.counts.countries
    ]


def _not_by_country(snapshot: PetitionSnapshot) -> dict[str, object]:
    """Return what makes the numbers by country sum up: counted = all countries + elsewhere - no longer known."""
    counts, known = snapshot.counts, not snapshot.gathering
    return {
        "signatures_elsewhere": counts.elsewhere if known else None,
        "signatures_no_longer_known": counts.no_longer_known if known else None,
    }


def _other_counts(snapshot: PetitionSnapshot) -> dict[str, object]:
    """Return the counts of other places, apart from all other numbers. `total` is the sum of those that are `valid`.

    The others were corrected: `corrects` is the id of the count that a count replaced.
    """
    counts = snapshot.progress.other_counts
    valid = {one.id for one in counts.valid}
    rows = [
        {
            "id": one.id,
            "kind": one.kind,
            "place": one.place,
            "counted_on": one.day.isoformat(),
            "signatures": one.signatures,
            "evidence": one.link or None,
            "corrects": one.corrects,
            "valid": one.id in valid,
        }
        for one in counts.all
    ]
    return {"total": counts.total, "counts": rows}


def _whole(text: Text) -> dict[str, object]:
    """Return the text of one language with its parts. Bodies and demands are Markdown (docs/petition-folder.md)."""
    return {
        "title": text.title,
        "summary": text.summary,
        "subject": text.subject,
        "sections": [{"heading": one.heading, "body": one.body} for one in text.sections],
        "demands_heading": text.demands_heading,
        "demands": [_demand(one) for one in text.demands],
        "closing": [{"heading": one.heading, "body": one.body} for one in text.closing],
        "notice": text.notice,
    }


def _demand(demand: Demand) -> dict[str, object]:
    return {"anchor": demand.anchor, "text": demand.text, "parts": [_demand(one) for one in demand.parts]}


def _as_text(text: Text) -> str:
    before, after = (
        [f"{section.heading}\n\n{section.body}".strip() for section in sections]
        for sections in (text.sections, text.closing)
    )
    return "\n\n".join([*before, text.demands_heading, *_lines(text.demands, ""), *after])


def _lines(demands: tuple[Demand, ...], number: str) -> list[str]:
    lines: list[str] = []
    for n, demand in enumerate(demands, start=1):
        lines += [f"{number}{n}. {demand.text}", *_lines(demand.parts, f"{number}{n}.")]
    return lines


def _time(day: date | None) -> str | None:
    return f"{day.isoformat()}T00:00:00.000Z" if day else None  # the server stores only days


def _json(document: Mapping[str, object] | bytes) -> Response:
    body = document if isinstance(document, bytes) else json.dumps(document, ensure_ascii=False).encode()
    return for_any_site(file(body, "application/json; charset=utf-8", PUBLIC))

"""Decide which fields others may see, by the promise in the manifest that each signer signed under.

The sentences are those of `petitions/consent.py`. Under "the number of signatures, no names" a bundle shows no record.
Under "a sample of them" and "the names and countries" it shows name and country. An auditor "may be shown my record":
all fields, with the email address, because the auditor writes to it; but only of signers who were drawn by lot.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sabal.records.record import RECORD_FIELDS
from sabal.refusal import Refusal

SAMPLE, NAMES = "sample", "names"
RECIPIENTS = ("name", "place")
AUDITOR = ("name", "email", "place", "day")

_PROMISES = {
    "count": "the number of signatures, no names",
    SAMPLE: "the number of signatures and a sample of them drawn by lot",
    NAMES: "the names and countries of those who signed",
}


def allowed_fields(terms: Mapping[str, Any], show: str) -> tuple[str, ...]:
    """Return the fields that may be open with this `show`. Raise `Refusal` if no record may be shown."""
    gets = terms.get("recipients_get")
    if show == SAMPLE and terms.get("sample_audit") is True:
        return RECORD_FIELDS
    if gets == NAMES or (gets == SAMPLE and show == SAMPLE):
        return RECIPIENTS
    promise = _PROMISES.get(gets) if isinstance(gets, str) else None
    if promise is None:
        raise Refusal("The signers were not told that others would see their records. Use --show none.")
    raise Refusal(
        f"The signers were promised that the recipients are given {promise}. A bundle with --show {show} would"
        " break that promise."
    )


def open_fields(terms: Mapping[str, Any], show: str, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the fields to open: the requested ones or the usual ones. Raise `Refusal` if they exceed the promise."""
    allowed = allowed_fields(terms, show)
    usual = AUDITOR if set(AUDITOR) <= set(allowed) else RECIPIENTS
    wanted = usual if asked is None else asked
    over = [name for name in wanted if name not in allowed]
    if over:
        raise Refusal(
            f"The signers were promised that others see at most {_joined(allowed)} of them, so {_joined(over)} must"
            " stay closed. Leave it out of --fields."
        )
    return tuple(name for name in RECORD_FIELDS if name in wanted)


def refuse_late(terms: Mapping[str, Any], today: date) -> None:
    """Raise `Refusal` after the retention day that was promised to the signers, or if the terms name none."""
    try:
        until = date.fromisoformat(terms["retention"])
    except (KeyError, TypeError, ValueError):
        raise Refusal(
            "The text that was signed does not say until when records are kept. Use --show none."
        ) from None
    if today > until:
        raise Refusal(
            f"The signers were promised that their records are kept until {until.isoformat()}, and that day has"
            " passed. Use --show none, and delete the records and their exports."
        )


def _joined(names: list[str] | tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last

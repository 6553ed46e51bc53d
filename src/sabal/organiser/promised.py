"""What signers were promised that others may see of them: it stands in the manifest that they signed under.

The sentences are those of `petitions/consent.py`. "The number of signatures, no names" is kept by a bundle that shows
nothing. A sample of signatures, and the names and countries, are name and country. An auditor "may be shown my
record": all of it, the mailbox too, for the auditor writes there; but only of those who were drawn by lot.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sabal.records.record import RECORD_FIELDS
from sabal.refusal import Refusal

SAMPLE, NAMES = "sample", "names"
RECIPIENTS = ("name", "place")
AUDITOR = ("name", "email", "place", "day")

_SAID = {
    "count": "the number of signatures, no names",
    SAMPLE: "the number of signatures and a sample of them drawn by lot",
    NAMES: "the names and countries of those who signed",
}


def allowed(terms: Mapping[str, Any], show: str) -> tuple[str, ...]:
    """The fields that may be open in a sample, or among names. Raises Refusal where no record may be shown so."""
    gets = terms.get("recipients_get")
    if show == SAMPLE and terms.get("sample_audit") is True:
        return RECORD_FIELDS
    if gets == NAMES or (gets == SAMPLE and show == SAMPLE):
        return RECIPIENTS
    said = _SAID.get(gets) if isinstance(gets, str) else None
    if said is None:
        raise Refusal("The signers were not told that others would see their records. Use --show none.")
    raise Refusal(
        f"The signers were promised that the recipients are given {said}. A bundle with --show {show} would"
        " break that promise."
    )


def chosen(terms: Mapping[str, Any], show: str, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The fields to open: those asked for, or what is usual. Raises Refusal where it is more than was promised."""
    may = allowed(terms, show)
    usual = AUDITOR if set(AUDITOR) <= set(may) else RECIPIENTS
    wanted = usual if asked is None else asked
    over = [name for name in wanted if name not in may]
    if over:
        raise Refusal(
            f"The signers were promised that others see at most {_listed(may)} of them, so {_listed(over)} must"
            " stay closed. Leave it out of --fields."
        )
    return tuple(name for name in RECORD_FIELDS if name in wanted)


def refuse_late(terms: Mapping[str, Any], today: date) -> None:
    """Refuse once the day has passed until which the signers were promised that their records are kept."""
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


def _listed(names: list[str] | tuple[str, ...]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last

"""Amendments: what they are, and the terms that they must keep, because people signed relying on them.

Everything else may change. Each signature belongs to the version that was signed, and that version's manifest stays
public.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sabal.petitions.definition import Definition, Demand
from sabal.refusal import Refusal


class AmendmentKind(StrEnum):
    """What an amendment is, as its organiser says in public."""

    CORRECTION = "correction"  # a slip of the pen, or a translation: what is asked, and of whom, stays
    MEANING = "meaning"  # what is asked, or of whom, or on which terms
    KEYS = "keys"  # only the keys that signatures are locked to


@dataclass(frozen=True)
class Amendment:
    """Why a published text was changed: one sentence in every language of the petition."""

    kind: AmendmentKind
    why: Mapping[str, str]


def kinds(published: Definition, new: Definition, *, same_texts: bool) -> tuple[AmendmentKind, ...]:
    """Return the kinds that an amendment can be; none if it changes a key and something else at once.

    `same_texts`: the files of the texts do not differ. A change that shows in the shape of the petition, such as one
    demand or one recipient more, is no correction.
    """
    if new.organiser_keys != published.organiser_keys:
        return (AmendmentKind.KEYS,) if same_texts and _outline(new) == _outline(published) else ()
    if _outline(new) != _outline(published):
        return (AmendmentKind.MEANING,)
    return (AmendmentKind.CORRECTION, AmendmentKind.MEANING)


def _outline(definition: Definition) -> tuple[object, ...]:
    """Return what a correction keeps: how many are asked for what, who gets what, for how long."""
    return (
        definition.authoritative,
        _numbers(definition.texts[definition.authoritative].demands),
        [recipient.key for recipient in definition.recipients],
        definition.recipients_get,
        definition.sample_audit,
        definition.retention,
        definition.warn_residents,
        definition.fields,
        definition.controller.key,
    )


def _numbers(demands: Sequence[Demand]) -> list[object]:
    return [(demand.anchor, _numbers(demand.parts)) for demand in demands]


def breaches(published: Definition, new: Definition) -> Iterator[Refusal]:
    """Yield a reason for each promise of the published version that the new one would break."""
    if new.profile != published.profile:
        yield Refusal(
            "Its profile cannot change, because signers were told by it what is shown and what emails say."
        )
    if new.dedupe != published.dedupe:
        yield Refusal(
            "How it finds duplicates cannot change (`dedupe`), because email addresses that have signed could not be"
            " recognised otherwise."
        )
    if new.retention > published.retention:
        yield Refusal(
            "Signers were promised that their data are deleted by %(day)s. Only an earlier day is possible"
            " (`retention`).",
            day=published.retention,
        )
    for language in published.languages:
        if language not in new.languages:
            yield Refusal(
                "It keeps the language %(language)s, because emails that were sent lead to its pages.",
                language=language,
            )

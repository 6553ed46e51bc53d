"""What was delivered and answered, and where each demand is, as JSON: for `/{slug}.json` and for the petition's folder.

`government_response` and `other_parliamentary_business` have the shape of the UK Parliament's petitions site, for tools
that know only that.
"""

from collections.abc import Mapping
from datetime import date

from sabal import settings
from sabal.pages.standings import of_snapshot
from sabal.petitions.deliveries import Chain, PublicProof, PublicStatement, PublicStep, StepKind, chains
from sabal.petitions.snapshot import PetitionSnapshot

SUMMARY = 200  # characters


def government_response(snapshot: PetitionSnapshot) -> dict[str, object] | None:
    """Return the first answer; None without one."""
    answers = _answers(snapshot)
    if not answers:
        return None
    text = _text(answers[0], snapshot)
    first = text.partition("\n\n")[0]
    return {
        "responded_on": answers[0].on.isoformat(),
        "summary": first if len(first) <= SUMMARY else f"{first[: SUMMARY - 1]}…",
        "details": text,
        "created_at": _time(answers[0].made_on),
        "updated_at": _time(answers[0].made_on),
    }


def responded_at(snapshot: PetitionSnapshot) -> str | None:
    """Return the time of the first answer, of which only the day is known."""
    answers = _answers(snapshot)
    return _time(answers[0].on) if answers else None


def other_business(snapshot: PetitionSnapshot) -> list[dict[str, object]]:
    """Return the answers after the first one."""
    names = _names(snapshot)
    return [
        {
            "subject": names.get(step.recipient, step.recipient),
            "body": _text(step, snapshot),
            "occurred_on": step.on.isoformat(),
            "created_at": _time(step.made_on),
            "updated_at": _time(step.made_on),
        }
        for step in _answers(snapshot)[1:]
    ]


def record(snapshot: PetitionSnapshot) -> dict[str, object]:
    """Return every row: what was delivered, what was answered, and where each demand is, with all corrections."""
    names = _names(snapshot)
    steps = chains(snapshot.progress.deliveries.steps)
    by_kind: dict[bool, list[dict[str, object]]] = {True: [], False: []}
    for chain in sorted(steps, key=lambda chain: (chain.shown.on, chain.row.id)):
        by_kind[chain.shown.kind is StepKind.ANSWERED].append(_steps(chain, snapshot, names))
    return {"deliveries": by_kind[False], "responses": by_kind[True], **_demands(snapshot, names)}


def _demands(snapshot: PetitionSnapshot, names: Mapping[str, str]) -> dict[str, object]:
    found = of_snapshot(snapshot)
    states = [
        {
            "demand": cell.anchor,
            "recipient": cell.recipient,
            "state": cell.standing.value,
            "since": cell.since.isoformat() if cell.since else None,
            "statements": [_said(chain) for chain in cell.history],
        }
        for cell in found.cells.values()
    ]
    earlier = [
        {
            "version": one.version,
            "demand": one.anchor,
            "recipient": one.recipient,
            "recipient_name": names.get(one.recipient, one.recipient),
            "statements": [_said(chain) for chain in one.history],
        }
        for one in found.earlier
    ]
    totals = {standing.value: number for standing, number in found.totals().items()}
    return {"demand_states": states, "demand_states_total": totals, "demand_states_of_earlier_texts": earlier}


def _steps(
    chain: Chain[PublicStep], snapshot: PetitionSnapshot, names: Mapping[str, str]
) -> dict[str, object]:
    return {
        **_step(chain.row, snapshot),
        "recipient": chain.row.recipient,
        "recipient_name": names.get(chain.row.recipient, chain.row.recipient),
        "corrects": [_step(row, snapshot) for row in chain.before],
    }


def _step(step: PublicStep, snapshot: PetitionSnapshot) -> dict[str, object]:
    return {
        "id": step.id,
        "kind": step.kind.value,
        "on": step.on.isoformat(),
        "recorded_on": step.made_on.isoformat(),
        "member": step.member or None,
        "way": step.way or None,
        "by": step.by or None,
        "reference": step.reference or None,
        "answer_asked_by": step.due.isoformat() if step.due else None,
        "link": step.link or None,
        "language": step.language or None,
        "text": dict(step.words),
        "proofs": [_proof(proof, snapshot.slug) for proof in step.proofs],
    }


def _proof(proof: PublicProof, slug: str) -> dict[str, object]:
    return {
        "url": f"{settings.BASE_URL}/{slug}/proofs/{proof.name}",
        "sha256": proof.digest,
        "size": proof.size,
        "caption": dict(proof.caption),
    }


def _said(chain: Chain[PublicStatement]) -> dict[str, object]:
    return {**_statement(chain.row), "corrects": [_statement(row) for row in chain.before]}


def _statement(row: PublicStatement) -> dict[str, object]:
    return {
        "id": row.id,
        "state": row.state.value,
        "on": row.on.isoformat(),
        "recorded_on": row.made_on.isoformat(),
        "version": row.version,
        "demand": row.anchor,
        "link": row.link or None,
        "source": row.step,
        "note": dict(row.notes),
    }


def _answers(snapshot: PetitionSnapshot) -> list[PublicStep]:
    found = [chain.row for chain in chains(snapshot.progress.deliveries.steps) if chain.counts]
    answers = [step for step in found if step.kind is StepKind.ANSWERED]
    return sorted(answers, key=lambda step: (step.on, step.id))


def _text(step: PublicStep, snapshot: PetitionSnapshot) -> str:
    """Return the answer in the language that decides, or as it was given."""
    words = step.words
    return words.get(snapshot.definition.authoritative) or words.get(step.language) or step.link


def _names(snapshot: PetitionSnapshot) -> dict[str, str]:
    return {
        recipient.key: recipient.name[definition.authoritative]
        for definition in (*(one.definition for one in snapshot.versions), snapshot.definition)
        for recipient in definition.recipients
    }


def _time(day: date) -> str:
    return f"{day.isoformat()}T00:00:00.000Z"

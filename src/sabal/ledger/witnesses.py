"""The witnesses of a petition's log: whom the organiser chose, and what they say to a new checkpoint."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sabal import settings
from sabal.database import Database
from sabal.ledger import tables
from sabal.ledger.policy import NO_WITNESS, policy_text
from sabal.ledger.publication import Publication, WouldFork
from sabal.ledger.tables import Log
from sabal.refusal import Refusal
from sabal.witness.ask import Ahead, Answer, Cosigned, Failed, Question, ask_all
from sabal.witness.network import Network, Unreachable, check_url
from tlog import HashReader, Policy, TlogError, Verifier, checkpoint, consistency_proof, note
from tlog.policy import NONE

log_ = logging.getLogger(__name__)
OTHER_TREE = 422  # c2sp.org/tlog-witness: what is asked does not go on from what was cosigned
_ANY = "https://log.example/"  # where a log is says nothing of whom it asks


@dataclass(frozen=True)
class Witnesses:
    """Asks the witnesses of each log; `network` says which addresses they may have."""

    network: Network = field(default_factory=Network)

    def ask(self, log: Log, files: Publication) -> bytes:
        """The newest checkpoint with the lines of those who answer within ten seconds; its tiles must be there.

        Lines that it has already stay. Raises WouldFork where a witness knows a larger log than this database, or
        another one: its word is not signed, but what is signed against it would be a fork.
        """
        shown = log.published if log.published_size == log.signed_size else log.signed
        asked = [one for one in _questions(log, files) if not _has(shown, one.witness)]
        if not asked:
            return shown

        def consistency(old: int) -> Sequence[bytes]:
            return consistency_proof(old, log.signed_size, HashReader(log.signed_size, files.fetch))

        answers = ask_all(asked, log.signed, consistency, network=self.network)
        signed = note.append(shown, [a.signature for a in answers if isinstance(a, Cosigned)])
        for question, answer in zip(asked, answers, strict=True):
            trouble = _trouble(question, answer, log)
            # One that cries wolf stops nothing that enough others have vouched for.
            if trouble and not _is_quorum(signed, log, files):
                raise trouble
            if trouble:
                log_.critical("%s", trouble)
            elif isinstance(answer, Failed):
                log_.warning("the witness %s did not cosign: %s", question.witness.name, answer.sentence)
        return signed


def _trouble(question: Question, answer: Answer, log: Log) -> WouldFork | None:
    """What a witness says that would make a fork of what is signed next; None where it says nothing of the kind."""
    if isinstance(answer, Ahead):
        seen = f"has seen {answer.size} entries, and the database has {log.size}"
    elif isinstance(answer, Failed) and answer.status == OTHER_TREE:
        seen = "has seen another log than the database holds"
    else:
        return None
    return WouldFork(
        f"The witness {question.witness.name} {seen}: the database was restored from an older backup, or changed.",
        "sabal restore --adopt, with a newer copy of the log. Only if you are sure that the witness is wrong,"
        " leave it out: sabal witnesses",
    )


def _is_quorum(signed: bytes, log: Log, files: Publication) -> bool:
    policy = Policy.parse(policy_text(files.key, _ANY, log.witnesses))
    opened = checkpoint.open(signed, policy.logs, policy.witnesses.values())
    return policy.quorum != NONE and policy.satisfied_by(opened.note.verified)


def has_all(log: Log, files: Publication) -> bool:
    """Whether the checkpoint that is shown has all the witnesses that are asked."""
    return all(_has(log.published, one.witness) for one in _questions(log, files))


def choose(database: Database, petition_id: int, lines: str, files: Publication) -> None:
    """Ask these witnesses from now on: lines of a policy without its log; empty: nobody. Raises Refusal."""
    if lines and not lines.endswith("\n"):
        lines += "\n"
    try:
        # The log's own line comes last, so that a complaint names the line that it stands in.
        policy = Policy.parse(f"{lines or NO_WITNESS}log {files.key}\n".encode())
    except TlogError as error:
        raise Refusal(f"These witnesses cannot be used. {error}") from None
    if len(policy.logs) > 1:
        raise Refusal("The lines must not name a log. Its key is added by the server.")
    if lines and not policy.witnesses:
        raise Refusal("There is no line `witness NAME VKEY URL`. To ask no witness any more: --none")
    for name, key in policy.witnesses.items():
        if str(key) not in policy.urls:
            raise Refusal(f"The witness {name} has no address. Write: witness {name} {key} https://…")
        try:
            check_url(policy.urls[str(key)], allow_private=settings.WITNESS_PRIVATE)
        except Unreachable as error:
            raise Refusal(f"The witness {name} cannot be asked. {error}") from None
    tables.set_witnesses(database, petition_id, lines)


def _questions(log: Log, files: Publication) -> list[Question]:
    policy = Policy.parse(policy_text(files.key, _ANY, log.witnesses))
    return [
        Question(
            policy.urls[str(key)],
            key,
            log.published_size if _has(log.published, key) else 0,
        )
        for key in policy.witnesses.values()
        if str(key) in policy.urls
    ]


def _has(shown: bytes, witness: Verifier) -> bool:
    """Whether the witness's line stands beneath this checkpoint, and holds."""
    if not shown:
        return False
    text, signatures = note.split(shown)
    return any(
        (one.name, one.key_id) == (witness.name, witness.key_id) and witness.verifies(text, one.value)
        for one in signatures
    )

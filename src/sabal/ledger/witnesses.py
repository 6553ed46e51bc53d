"""The witnesses of a petition's log: choose them, and ask them to cosign a new checkpoint."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from sabal import settings
from sabal.counted import some_entries
from sabal.database import Database
from sabal.ledger import tables
from sabal.ledger.log import Log
from sabal.ledger.policy import NO_WITNESS, policy_text
from sabal.ledger.publication import Publication, WouldFork
from sabal.refusal import Refusal
from sabal.witness.ask import Ahead, Cosigned, NoCosignature, Question, WitnessAnswer, ask_all
from sabal.witness.network import NetworkSettings, Unreachable, check_url
from tlog import HashReader, Policy, TlogError, Verifier, checkpoint, consistency_proof, note
from tlog.policy import NONE

logger = logging.getLogger(__name__)
OTHER_TREE = 422  # c2sp.org/tlog-witness: the checkpoint does not continue the one that was cosigned
_ANY_URL = "https://log.example/"  # a policy needs the log's URL, but its witnesses do not depend on it


@dataclass(frozen=True)
class Witnesses:
    """The client that asks the witnesses of a log. `network` decides which addresses they may have."""

    network: NetworkSettings = field(default_factory=NetworkSettings)

    def ask(self, log: Log, files: Publication) -> bytes:
        """Return the newest checkpoint with the lines of the witnesses that answer within ten seconds.

        Its tiles must be there. It keeps the lines that it already has. Raises WouldFork if a witness has seen a larger
        log than the database's, or another one. The witness's answer is not signed, but if it is true, the next
        checkpoint would be a fork.
        """
        published = log.published if log.published_size == log.signed_size else log.signed
        asked = [one for one in _questions(log, files) if not _has(published, one.witness)]
        if not asked:
            return published

        def consistency(old: int) -> Sequence[bytes]:
            return consistency_proof(old, log.signed_size, HashReader(log.signed_size, files.fetch))

        answers = ask_all(asked, log.signed, consistency, network=self.network)
        signed = note.append(published, [a.signature for a in answers if isinstance(a, Cosigned)])
        for question, answer in zip(asked, answers, strict=True):
            fork = _fork(question, answer, log)
            # A false alarm from one witness does not block a checkpoint that has its quorum.
            if fork and not _is_quorum(signed, log, files):
                raise fork
            if fork:
                logger.critical("%s", fork)
            elif isinstance(answer, NoCosignature):
                logger.warning("the witness %s did not cosign: %s", question.witness.name, answer.sentence)
        return signed


def _fork(question: Question, answer: WitnessAnswer, log: Log) -> WouldFork | None:
    """Return WouldFork if the witness has seen more entries than the database, or other ones; else None."""
    if isinstance(answer, Ahead):
        seen = f"has seen {some_entries(answer.size)}, and the database has {log.size:,}"
    elif isinstance(answer, NoCosignature) and answer.status == OTHER_TREE:
        seen = "has seen another log than the database holds"
    else:
        return None
    return WouldFork(
        f"The witness {question.witness.name} {seen}: the database was restored from an older backup, or changed.",
        "sabal restore --adopt, with a newer copy of the log. Only if you are sure that the witness is wrong,"
        " leave it out: sabal witnesses",
    )


def _is_quorum(signed: bytes, log: Log, files: Publication) -> bool:
    policy = Policy.parse(policy_text(files.key, _ANY_URL, log.witnesses))
    opened = checkpoint.open(signed, policy.logs, policy.witnesses.values())
    return policy.quorum != NONE and policy.satisfied_by(opened.note.verified)


def has_all(log: Log, files: Publication) -> bool:
    """Return whether the published checkpoint has the lines of all witnesses that are asked."""
    return all(_has(log.published, one.witness) for one in _questions(log, files))


def choose(database: Database, petition_id: int, lines: str, files: Publication) -> None:
    """Ask these witnesses from now on: policy lines without the log's; if empty, ask none. Raises Refusal."""
    if lines and not lines.endswith("\n"):
        lines += "\n"
    try:
        # The log's own line is last, so that an error names the right line number.
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
    policy = Policy.parse(policy_text(files.key, _ANY_URL, log.witnesses))
    return [
        Question(
            policy.urls[str(key)],
            key,
            log.published_size if _has(log.published, key) else 0,
        )
        for key in policy.witnesses.values()
        if str(key) in policy.urls
    ]


def _has(signed: bytes, witness: Verifier) -> bool:
    """Return whether the checkpoint has a valid line of the witness."""
    if not signed:
        return False
    text, signatures = note.split(signed)
    return any(
        (one.name, one.key_id) == (witness.name, witness.key_id) and witness.verifies(text, one.value)
        for one in signatures
    )

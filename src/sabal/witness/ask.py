"""Ask witnesses for cosignatures, and verify their answers. This is the log's side of c2sp.org/tlog-witness.

A witness does not sign a conflict, so its claim to know a larger tree is not proven. The log stops signing all the
same: if the claim is true, the log's own database was set back, and the next checkpoint would be a fork.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sabal.witness.call import Caller, HttpAnswer
from sabal.witness.network import Deadline, NetworkSettings, Unreachable, find_endpoint
from tlog import (
    AddCheckpoint,
    Signature,
    TlogError,
    Verifier,
    cosigned_at,
    note,
    parse_answer,
    parse_conflict,
)
from tlog.checkpoint import peek
from tlog.keys import Kind

TIMEOUT = 10.0
MAX_CLOCK_DIFFERENCE = 24 * 60 * 60  # seconds, between a witness's clock and ours

Consistency = Callable[[int], Sequence[bytes]]

_REASONS = {
    400: "It could not read the request.",
    403: "It has another key for this log.",
    404: "It does not know this log. Its operator has to add the log's key first.",
    413: "It found the request too large.",
    422: "It saw another tree before: this checkpoint does not continue from the one that it cosigned.",
    429: "It was asked too often.",
}


@dataclass(frozen=True)
class Cosigned:
    """The witness's verified signature line, and its time: Unix time (seconds)."""

    signature: Signature
    time: int


@dataclass(frozen=True)
class Ahead:
    """The witness knows a larger tree than ours, so a newer tree was published than ours. Stop signing."""

    size: int


@dataclass(frozen=True)
class NoCosignature:
    """There is no cosignature. The sentence contains no text from the witness."""

    sentence: str
    status: int | None = None
    """The HTTP status, if there is one. 422: the witness refuses the proof or knows another tree of this size."""


WitnessAnswer = Cosigned | Ahead | NoCosignature


class Question(NamedTuple):
    """A witness's submission prefix and key, and the size of this log that we expect it to know."""

    url: str
    witness: Verifier
    known: int = 0


def ask(
    url: str,
    witness: Verifier,
    checkpoint_note: bytes,
    consistency: Consistency,
    known: int,
    *,
    network: NetworkSettings | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], float] = time.time,
) -> WitnessAnswer:
    """Ask one witness to cosign a signed checkpoint. Return within `timeout` seconds. c2sp.org/tlog-witness.

    `consistency` returns the proof that the checkpoint continues the tree of a size. It is called with `known`, and
    once more if the witness knows another size. Its exceptions are passed on. Raises TlogError if the checkpoint or the
    key is not valid.
    """
    question = Question(url, witness, known)
    return _ask(
        question, checkpoint_note, consistency, network or NetworkSettings(), Deadline(timeout), clock
    )


def ask_all(
    questions: Sequence[Question],
    checkpoint_note: bytes,
    consistency: Consistency,
    *,
    network: NetworkSettings | None = None,
    timeout: float = TIMEOUT,
    clock: Callable[[], float] = time.time,
) -> list[WitnessAnswer]:
    """Ask several witnesses at once, within `timeout` seconds. Return the answers in the order of the questions.

    `consistency` is called from one thread for each witness. c2sp.org/tlog-witness.
    """
    network, deadline = network or NetworkSettings(), Deadline(timeout)
    answers: list[WitnessAnswer] = [NoCosignature("The witness did not answer in time.") for _ in questions]

    def run(index: int) -> None:
        try:
            answers[index] = _ask(questions[index], checkpoint_note, consistency, network, deadline, clock)
        except Exception as error:  # an error with one witness must not lose the answers of the others
            answers[index] = NoCosignature(f"The log could not ask this witness ({type(error).__name__}).")

    threads = [
        threading.Thread(target=run, args=(index,), name=f"witness-{index}", daemon=True)
        for index in range(len(questions))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        try:
            thread.join(deadline.left())
        except TimeoutError:
            break
    return list(answers)  # a copy, so that a late thread changes nothing


def _ask(
    question: Question,
    checkpoint_note: bytes,
    consistency: Consistency,
    network: NetworkSettings,
    deadline: Deadline,
    clock: Callable[[], float],
) -> WitnessAnswer:
    if question.witness.kind != Kind.COSIGNATURE:
        raise TlogError(f"The key of {question.witness.name} does not cosign.")
    size, old = peek(checkpoint_note).size, question.known
    if old > size:
        return Ahead(old)
    try:
        endpoint = find_endpoint(question.url, network, deadline)
        with contextlib.closing(Caller(endpoint, network)) as caller:
            for _ in range(2):  # the second time with the size that the witness reports
                request = AddCheckpoint(old, tuple(consistency(old)), checkpoint_note)
                answered = caller.post("/add-checkpoint", request.encode(), deadline)
                if answered.status != 409:
                    return _verified(answered, question.witness, checkpoint_note, clock())
                reported = _reported_size(answered)
                if reported > size:
                    return Ahead(reported)
                if reported == old:
                    return NoCosignature(
                        "The witness says that it knows another size, and names the same one.", 409
                    )
                old = reported
    except TimeoutError:
        return NoCosignature("The witness did not answer in time.")
    except Unreachable as error:
        return NoCosignature(str(error))
    return NoCosignature("The witness said twice that it knows another size, each time a different one.", 409)


def _reported_size(answered: HttpAnswer) -> int:
    """Return the size that a witness knows. Raises Unreachable. c2sp.org/tlog-witness "add-checkpoint"."""
    if answered.kind != "text/x.tlog.size":  # a 409 from a proxy, which must not stop the log
        raise Unreachable("The answer reports a conflict, but is not what a witness sends.")
    try:
        return parse_conflict(answered.body)
    except TlogError:
        raise Unreachable("The witness knows another size, but did not say which.") from None


def _verified(answered: HttpAnswer, witness: Verifier, checkpoint_note: bytes, now: float) -> WitnessAnswer:
    """Return this witness's newest line if all its lines verify. c2sp.org/tlog-witness, c2sp.org/tlog-cosignature."""
    if answered.status != 200:
        if 300 <= answered.status < 400:
            return NoCosignature(
                "The witness redirects to another address, which is not followed.", answered.status
            )
        reason = _REASONS.get(answered.status, "It gave no cosignature.")
        return NoCosignature(f"The witness answered with status {answered.status}. {reason}", answered.status)
    try:
        lines = parse_answer(answered.body)
    except TlogError:
        return NoCosignature("The witness's answer is not a signature line.", 200)
    own = [line for line in lines if (line.name, line.key_id) == (witness.name, witness.key_id)]
    if not own:
        return NoCosignature("The witness answered without a line of the key that it is known by.", 200)
    text = note.split(checkpoint_note)[0]
    if not all(witness.verifies(text, line.value) for line in own):
        return NoCosignature("The witness's line is of another key, or of another checkpoint.", 200)
    newest = max(own, key=lambda line: cosigned_at(line.value))
    at = cosigned_at(newest.value)
    if abs(at - now) > MAX_CLOCK_DIFFERENCE:
        return NoCosignature(
            "The witness's line has a time more than a day away. One of the two clocks is wrong.", 200
        )
    return Cosigned(newest, at)

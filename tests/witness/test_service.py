"""The checkpoints that a witness cosigns or refuses. c2sp.org/tlog-witness "add-checkpoint"."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
import tlog
from sabal.refusal import Refusal
from sabal.witness.service import PLAIN, SIZE, Reply, WitnessService
from sabal.witness.store import Store
from tlog import note
from witnesses import NOW, WANDA, checkpoint, fork, request

CLEO = tlog.Signer("other.example/c/aaaaaaaa/log", b"c" * 32)


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


class WitnessOfTests:
    """A witness that knows Carol's log, with a list of its complaints."""

    def __init__(self, folder: Path, *logs_: tlog.Verifier) -> None:
        self.complaints: list[str] = []
        self.clock = Clock()
        self.folder = folder
        self.store = Store.create(folder / "store", folder / "key", WANDA.verifier.name)
        self._logs = logs_ or (logs.CAROL.verifier,)
        self._start()

    def _start(self) -> None:
        self.service = WitnessService(
            self.store, self._logs, clock=self.clock, complain=self.complaints.append
        )

    def restart(self) -> None:
        self.store.close()
        self.store = Store.open(self.folder / "store", self.folder / "key")
        self._start()

    def asked(self, old: int, size: int) -> int:
        reply = self.service.add_checkpoint(request(old, size))
        if reply.status == 200:
            self.check(reply, checkpoint(size))
        return reply.status

    def check(self, reply: Reply, wanted: tlog.Checkpoint) -> int:
        (signature,) = tlog.parse_answer(reply.body)
        assert reply.kind == PLAIN and self.service.witness.verifies(wanted.text, signature.value)
        return tlog.cosigned_at(signature.value)

    def size(self) -> int:
        (state,) = self.service.log_states()
        return state.seen.checkpoint.size if state.seen else 0


@pytest.fixture
def witness(tmp_path: Path) -> WitnessOfTests:
    return WitnessOfTests(tmp_path)


def test_a_growing_log_is_cosigned(witness: WitnessOfTests) -> None:
    sizes = (0, 1, 2, 3, 255, 256, 257, 65_536, 65_537, 70_000)
    for old, size in zip((0, *sizes), sizes, strict=False):
        assert witness.asked(old, size) == 200 and witness.size() == size
        witness.restart()
        assert witness.asked(size, size) == 200, "the same tree again"


def signed(old: int, proof: list[bytes], tree: tlog.Checkpoint, by: tlog.Signer = logs.CAROL) -> bytes:
    return tlog.AddCheckpoint(old, tuple(proof), tree.sign(by)).encode()


@pytest.mark.parametrize(("old", "size"), [(1, 2), (255, 256), (256, 257), (65_536, 65_537)])
def test_a_fork_is_never_cosigned(witness: WitnessOfTests, old: int, size: int) -> None:
    assert witness.asked(0, old) == 200
    before = (witness.folder / "store").read_bytes()
    proof = logs.proof(old, size)
    for body in (
        signed(old, proof, fork(size)),
        signed(old, [], fork(size)),
        signed(old, [], checkpoint(size)),
        signed(old, [*proof, bytes(32)], checkpoint(size)),
        signed(old, proof[:-1], checkpoint(size)),
        signed(old, [bytes(32), *proof[1:]], checkpoint(size)),
        signed(old, [], fork(old)),  # the same size under another root
        signed(old, proof, fork(old)),
        signed(old, proof, checkpoint(old)),
    ):
        reply = witness.service.add_checkpoint(body)
        assert (reply.status, reply.kind) == (422, PLAIN) and reply.body.endswith(b".\n")
    assert (witness.folder / "store").read_bytes() == before
    assert witness.asked(old, size) == 200


def test_a_fork_is_reported_with_both_notes(witness: WitnessOfTests) -> None:
    assert witness.asked(0, 3) == 200
    # Eve can send this without a key.
    assert witness.service.add_checkpoint(signed(3, [], checkpoint(256))).status == 422
    for _ in range(5):
        assert witness.service.add_checkpoint(signed(3, [], fork(3))).status == 422
        assert witness.service.add_checkpoint(signed(3, [], fork(257))).status == 422
    wrong, forked = witness.complaints, witness.complaints.pop()
    assert len(wrong) == 1 and "256 entries does not hold" in wrong[0]
    sentence, _, notes = forked.partition("\n")
    assert sentence == f"FORK: the log {logs.ORIGIN} has signed two trees of 3 entries."
    text, lines, other_text, other_lines = notes.split("\n\n")
    opened = [
        tlog.checkpoint.open(one.encode(), [logs.CAROL.verifier])
        for one in (f"{text}\n\n{lines}\n", f"{other_text}\n\n{other_lines}")
    ]
    assert [one.checkpoint for one in opened] == [checkpoint(3), fork(3)]


def test_older_checkpoints_are_refused(witness: WitnessOfTests) -> None:
    assert witness.asked(0, 257) == 200
    for old, size in ((0, 2), (0, 257), (0, 65_537), (2, 256), (256, 257), (255, 255), (258, 65_536)):
        assert witness.service.add_checkpoint(request(old, size)) == (409, SIZE, b"257\n")
    for old, size in ((257, 256), (257, 0), (2, 1), (300, 257)):
        reply = witness.service.add_checkpoint(signed(old, [], checkpoint(size)))
        assert reply.status == 400, "never a smaller size"
    assert witness.size() == 257 and not witness.complaints


def test_unknown_logs_and_wrong_signatures_are_refused(witness: WitnessOfTests) -> None:
    eve = tlog.Signer(logs.ORIGIN, b"e" * 32)
    other = tlog.Checkpoint(CLEO.verifier.name, 3, logs.mth(0, 3))
    assert witness.service.add_checkpoint(signed(0, [], other, CLEO)).status == 404
    assert witness.service.add_checkpoint(signed(0, [], checkpoint(3), eve)).status == 403
    good = request(0, 3)
    wrong = good.replace(good[-12:-4], b"AAAAAAAA")
    assert witness.service.add_checkpoint(wrong).status == 403
    line = tlog.Signature.by(CLEO.verifier, CLEO.sign(checkpoint(3).text)).encode()
    assert witness.service.add_checkpoint(b"old 0\n\n" + checkpoint(3).text + b"\n" + line).status == 403
    both = b"old 0\n\n" + logs.checkpoint(3) + tlog.Signature.by(logs.CAROL.verifier, bytes(64)).encode()
    assert witness.service.add_checkpoint(both).status == 403, (
        "a wrong line of a known key makes the note invalid"
    )
    assert witness.size() == 0
    assert witness.service.add_checkpoint(good + line).status == 200, "lines of unknown keys are ignored"


def test_a_request_without_the_logs_key_learns_no_size(witness: WitnessOfTests) -> None:
    assert witness.asked(0, 257) == 200
    eve = tlog.Signer(logs.ORIGIN, b"e" * 32)
    for old, size in ((0, 2), (257, 256), (257, 257)):
        assert witness.service.add_checkpoint(signed(old, [], checkpoint(size), eve)).status == 403


def empty_tree(old: int, root: bytes, by: tlog.Signer = logs.CAROL) -> bytes:
    text = f"{by.verifier.name}\n0\n".encode() + tlog.wire.to_base64(root) + b"\n"
    return b"old %d\n\n" % old + note.sign(text, by)


def test_an_empty_tree_has_one_root(witness: WitnessOfTests) -> None:
    assert witness.service.add_checkpoint(empty_tree(0, bytes(32))).status == 422
    assert witness.service.add_checkpoint(empty_tree(1, bytes(32))).status == 400
    assert witness.service.add_checkpoint(empty_tree(0, bytes(32), CLEO)).status == 404
    eve = tlog.Signer(logs.ORIGIN, b"e" * 32)
    assert witness.service.add_checkpoint(empty_tree(0, bytes(32), eve)).status == 403
    assert witness.service.add_checkpoint(empty_tree(0, tlog.EMPTY_ROOT)).status == 200
    assert witness.asked(0, 1) == 200
    assert witness.service.add_checkpoint(empty_tree(0, bytes(32))) == (409, SIZE, b"1\n")
    assert witness.service.add_checkpoint(empty_tree(0, tlog.EMPTY_ROOT)) == (409, SIZE, b"1\n")


def test_the_first_request_must_have_no_proof(witness: WitnessOfTests) -> None:
    assert witness.service.add_checkpoint(signed(0, [bytes(32)], checkpoint(3))).status == 422
    assert witness.asked(0, 3) == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 00\n\n" + logs.checkpoint(3),
        b"old 0\n\n" + logs.checkpoint(3)[:-1],
        b"\xff" * 65_536,
        b"old 0\n" + b"A" * 43 + b"=\n" + logs.checkpoint(3),
        b"old 0\n\n" + logs.checkpoint(3).replace(b"\n3\n", b"\n03\n"),
        b"old 0\n\n" + logs.checkpoint(3).replace(b"\n\n", b"\nmore\n\n"),
    ],
    ids=lambda b: repr(b[:30]),
)
def test_invalid_requests_are_refused(witness: WitnessOfTests, body: bytes) -> None:
    reply = witness.service.add_checkpoint(body)
    assert reply.status == 400 and reply.body.decode().strip().isprintable()


@given(
    st.binary(max_size=200)
    | st.binary(max_size=90).map(lambda data: b"old 0\n\n" + logs.ORIGIN.encode() + data)
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_arbitrary_bytes_are_never_cosigned(data: bytes) -> None:
    class NoStore:
        witness = WANDA

    reply = WitnessService(NoStore(), [logs.CAROL.verifier]).add_checkpoint(data)  # type: ignore[arg-type]
    assert reply.status in (400, 403, 404)


def test_a_log_may_change_its_key(tmp_path: Path) -> None:
    newer = tlog.Signer(logs.ORIGIN, b"n" * 32)
    witness = WitnessOfTests(tmp_path, logs.CAROL.verifier, newer.verifier, CLEO.verifier)
    assert witness.asked(0, 3) == 200
    reply = witness.service.add_checkpoint(signed(3, logs.proof(3, 255), checkpoint(255), newer))
    assert reply.status == 200
    assert witness.asked(3, 256) == 409, "both keys share the state of the log"
    assert [(s.origin, bool(s.seen)) for s in witness.service.log_states()] == [
        (logs.ORIGIN, True), (CLEO.verifier.name, False)
    ]  # fmt: skip


def test_a_repeated_checkpoint_is_written_once_a_second(witness: WitnessOfTests) -> None:
    """Anyone can repeat a public checkpoint. It causes at most one flush a second."""
    assert witness.asked(0, 3) == 200
    inode = (witness.folder / "store").stat().st_ino
    for _ in range(3):
        assert witness.asked(3, 3) == 200
    assert (witness.folder / "store").stat().st_ino == inode
    witness.clock.now += 1
    assert witness.check(witness.service.add_checkpoint(request(3, 3)), checkpoint(3)) == NOW + 1


def test_cosignature_times_never_go_back(witness: WitnessOfTests) -> None:
    assert witness.asked(0, 3) == 200
    witness.clock.now -= 3600
    witness.restart()
    assert witness.check(witness.service.add_checkpoint(request(3, 255)), checkpoint(255)) == NOW


def test_one_line_of_a_hundred_is_stored(witness: WitnessOfTests) -> None:
    line = logs.checkpoint(3).splitlines(keepends=True)[-1]
    assert witness.service.add_checkpoint(request(0, 3) + line * 99).status == 200
    witness.restart()
    assert witness.size() == 3 and (witness.folder / "store").stat().st_size < 1000


def test_one_of_several_requests_at_once_passes(witness: WitnessOfTests) -> None:
    """Test the race that the standard describes. One request of those from one size passes; the others get its size."""
    assert witness.asked(0, 2) == 200
    replies: dict[int, Reply] = {}
    bodies = {size: request(2, size) for size in range(240, 256)}
    ready = threading.Barrier(len(bodies))

    def run(size: int) -> None:
        ready.wait(10)
        replies[size] = witness.service.add_checkpoint(bodies[size])

    threads = [threading.Thread(target=run, args=(size,)) for size in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    (won,) = [size for size, reply in replies.items() if reply.status == 200]
    assert all(reply == (409, SIZE, b"%d\n" % won) for size, reply in replies.items() if size != won)
    witness.restart()
    assert witness.size() == won


def test_nothing_is_cosigned_if_it_cannot_be_stored(
    witness: WitnessOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an error the disk may have the old or the new checkpoint. Another tree of the new size is refused."""
    assert witness.asked(0, 3) == 200
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        reply = witness.service.add_checkpoint(request(3, 256))
        assert reply.status == 500 and b"\xe2\x80\x94" not in reply.body
        assert witness.asked(256, 256) == 500, "also if it is asked again"
    assert ["No space" in complaint for complaint in witness.complaints] == [True], (
        "one complaint for all requests"
    )
    assert witness.service.add_checkpoint(signed(3, logs.proof(3, 256), fork(256))).status == 409
    assert witness.service.add_checkpoint(signed(256, [], fork(256))).status == 422
    assert witness.asked(256, 256) == 200
    witness.restart()
    assert witness.size() == 256


def test_a_witness_key_is_refused_as_a_log_key(witness: WitnessOfTests) -> None:
    with pytest.raises(Refusal, match="witness's"):
        WitnessService(witness.store, [WANDA.verifier])

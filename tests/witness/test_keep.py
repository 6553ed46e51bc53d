"""What a witness cosigns and what it refuses, one request at a time. c2sp.org/tlog-witness "add-checkpoint"."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
import tlog
from sabal.refusal import Refusal
from sabal.witness.keep import PLAIN, SIZE, Keep, Reply
from sabal.witness.store import Store
from tlog import note
from witnesses import NOW, WANDA, checkpoint, fork, request

CLEO = tlog.Signer("other.example/c/aaaaaaaa/log", b"c" * 32)


class Clock:
    now = float(NOW)

    def __call__(self) -> float:
        return self.now


class Kept:
    """A witness that knows Carol's log, and what it complained of."""

    def __init__(self, folder: Path, *logs_: tlog.Verifier) -> None:
        self.complaints: list[str] = []
        self.clock = Clock()
        self.folder = folder
        self.store = Store.create(folder / "store", folder / "key", WANDA.verifier.name)
        self._logs = logs_ or (logs.CAROL.verifier,)
        self._start()

    def _start(self) -> None:
        self.keep = Keep(self.store, self._logs, clock=self.clock, complain=self.complaints.append)

    def again(self) -> None:
        """As after a restart."""
        self.store.close()
        self.store = Store.open(self.folder / "store", self.folder / "key")
        self._start()

    def asked(self, old: int, size: int) -> int:
        reply = self.keep.add_checkpoint(request(old, size))
        if reply.status == 200:
            self.check(reply, checkpoint(size))
        return reply.status

    def check(self, reply: Reply, wanted: tlog.Checkpoint) -> int:
        (signature,) = tlog.parse_answer(reply.body)
        assert reply.kind == PLAIN and self.keep.witness.verifies(wanted.text, signature.value)
        return tlog.cosigned_at(signature.value)

    def size(self) -> int:
        (standing,) = self.keep.standing()
        return standing.seen.checkpoint.size if standing.seen else 0


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_a_log_that_grows(kept: Kept) -> None:
    sizes = (0, 1, 2, 3, 255, 256, 257, 65_536, 65_537, 70_000)
    for old, size in zip((0, *sizes), sizes, strict=False):
        assert kept.asked(old, size) == 200 and kept.size() == size
        kept.again()
        assert kept.asked(size, size) == 200, "the same tree once more"


def signed(old: int, proof: list[bytes], tree: tlog.Checkpoint, by: tlog.Signer = logs.CAROL) -> bytes:
    return tlog.AddCheckpoint(old, tuple(proof), tree.sign(by)).encode()


@pytest.mark.parametrize(("old", "size"), [(1, 2), (255, 256), (256, 257), (65_536, 65_537)])
def test_a_fork_is_never_cosigned(kept: Kept, old: int, size: int) -> None:
    assert kept.asked(0, old) == 200
    before = (kept.folder / "store").read_bytes()
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
        reply = kept.keep.add_checkpoint(body)
        assert (reply.status, reply.kind) == (422, PLAIN) and reply.body.endswith(b".\n")
    assert (kept.folder / "store").read_bytes() == before
    assert kept.asked(old, size) == 200


def test_a_fork_is_complained_of_with_both_notes(kept: Kept) -> None:
    assert kept.asked(0, 3) == 200
    assert (
        kept.keep.add_checkpoint(signed(3, [], checkpoint(256))).status == 422
    )  # by Eve, who needs no key for it
    for _ in range(5):
        assert kept.keep.add_checkpoint(signed(3, [], fork(3))).status == 422
        assert kept.keep.add_checkpoint(signed(3, [], fork(257))).status == 422
    wrong, forked = kept.complaints, kept.complaints.pop()
    assert len(wrong) == 1 and "256 entries does not hold" in wrong[0]
    sentence, _, notes = forked.partition("\n")
    assert sentence == f"FORK: the log {logs.ORIGIN} has signed two trees of 3 entries."
    text, lines, other_text, other_lines = notes.split("\n\n")
    opened = [
        tlog.checkpoint.open(one.encode(), [logs.CAROL.verifier])
        for one in (f"{text}\n\n{lines}\n", f"{other_text}\n\n{other_lines}")
    ]
    assert [one.checkpoint for one in opened] == [checkpoint(3), fork(3)]


def test_older_checkpoints_again(kept: Kept) -> None:
    assert kept.asked(0, 257) == 200
    for old, size in ((0, 2), (0, 257), (0, 65_537), (2, 256), (256, 257), (255, 255), (258, 65_536)):
        assert kept.keep.add_checkpoint(request(old, size)) == (409, SIZE, b"257\n")
    for old, size in ((257, 256), (257, 0), (2, 1), (300, 257)):
        reply = kept.keep.add_checkpoint(signed(old, [], checkpoint(size)))
        assert reply.status == 400, "never a smaller size, whatever else"
    assert kept.size() == 257 and not kept.complaints


def test_a_log_that_is_not_known_or_not_itself(kept: Kept) -> None:
    eve = tlog.Signer(logs.ORIGIN, b"e" * 32)
    other = tlog.Checkpoint(CLEO.verifier.name, 3, logs.mth(0, 3))
    assert kept.keep.add_checkpoint(signed(0, [], other, CLEO)).status == 404
    assert kept.keep.add_checkpoint(signed(0, [], checkpoint(3), eve)).status == 403
    good = request(0, 3)
    wrong = good.replace(good[-12:-4], b"AAAAAAAA")
    assert kept.keep.add_checkpoint(wrong).status == 403
    line = tlog.Signature.by(CLEO.verifier, CLEO.sign(checkpoint(3).text)).encode()
    assert kept.keep.add_checkpoint(b"old 0\n\n" + checkpoint(3).text + b"\n" + line).status == 403
    both = b"old 0\n\n" + logs.checkpoint(3) + tlog.Signature.by(logs.CAROL.verifier, bytes(64)).encode()
    assert kept.keep.add_checkpoint(both).status == 403, "one bad line of a known key spoils the note"
    assert kept.size() == 0
    assert kept.keep.add_checkpoint(good + line).status == 200, "lines of others mean nothing"


def test_who_has_no_key_learns_no_size(kept: Kept) -> None:
    assert kept.asked(0, 257) == 200
    eve = tlog.Signer(logs.ORIGIN, b"e" * 32)
    for old, size in ((0, 2), (257, 256), (257, 257)):
        assert kept.keep.add_checkpoint(signed(old, [], checkpoint(size), eve)).status == 403


def of_nothing(old: int, root: bytes, by: tlog.Signer = logs.CAROL) -> bytes:
    text = f"{by.verifier.name}\n0\n".encode() + tlog.wire.to_base64(root) + b"\n"
    return b"old %d\n\n" % old + note.sign(text, by)


def test_a_tree_of_nothing_has_one_root(kept: Kept) -> None:
    assert kept.keep.add_checkpoint(of_nothing(0, bytes(32))).status == 422
    assert kept.keep.add_checkpoint(of_nothing(1, bytes(32))).status == 400
    assert kept.keep.add_checkpoint(of_nothing(0, bytes(32), CLEO)).status == 404
    eve = tlog.Signer(logs.ORIGIN, b"e" * 32)
    assert kept.keep.add_checkpoint(of_nothing(0, bytes(32), eve)).status == 403
    assert kept.keep.add_checkpoint(of_nothing(0, tlog.EMPTY_ROOT)).status == 200
    assert kept.asked(0, 1) == 200
    assert kept.keep.add_checkpoint(of_nothing(0, bytes(32))) == (409, SIZE, b"1\n")
    assert kept.keep.add_checkpoint(of_nothing(0, tlog.EMPTY_ROOT)) == (409, SIZE, b"1\n")


def test_from_nothing_no_proof_is_needed_nor_taken(kept: Kept) -> None:
    assert kept.keep.add_checkpoint(signed(0, [bytes(32)], checkpoint(3))).status == 422
    assert kept.asked(0, 3) == 200


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
def test_what_is_no_request(kept: Kept, body: bytes) -> None:
    reply = kept.keep.add_checkpoint(body)
    assert reply.status == 400 and reply.body.decode().strip().isprintable()


@given(
    st.binary(max_size=200)
    | st.binary(max_size=90).map(lambda data: b"old 0\n\n" + logs.ORIGIN.encode() + data)
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_arbitrary_bytes_are_never_cosigned(data: bytes) -> None:
    class NoStore:
        witness = WANDA

    reply = Keep(NoStore(), [logs.CAROL.verifier]).add_checkpoint(data)  # type: ignore[arg-type]
    assert reply.status in (400, 403, 404)


def test_a_log_that_changes_its_key(tmp_path: Path) -> None:
    newer = tlog.Signer(logs.ORIGIN, b"n" * 32)
    kept = Kept(tmp_path, logs.CAROL.verifier, newer.verifier, CLEO.verifier)
    assert kept.asked(0, 3) == 200
    reply = kept.keep.add_checkpoint(signed(3, logs.proof(3, 255), checkpoint(255), newer))
    assert reply.status == 200
    assert kept.asked(3, 256) == 409, "one memory for both keys"
    assert [(s.origin, bool(s.seen)) for s in kept.keep.standing()] == [
        (logs.ORIGIN, True), (CLEO.verifier.name, False)
    ]  # fmt: skip


def test_the_same_is_not_written_twice_a_second(kept: Kept) -> None:
    """Anybody may repeat a public checkpoint; it costs a flush a second and no more."""
    assert kept.asked(0, 3) == 200
    inode = (kept.folder / "store").stat().st_ino
    for _ in range(3):
        assert kept.asked(3, 3) == 200
    assert (kept.folder / "store").stat().st_ino == inode
    kept.clock.now += 1
    assert kept.check(kept.keep.add_checkpoint(request(3, 3)), checkpoint(3)) == NOW + 1


def test_a_clock_set_back_contradicts_nothing(kept: Kept) -> None:
    assert kept.asked(0, 3) == 200
    kept.clock.now -= 3600
    kept.again()
    assert kept.check(kept.keep.add_checkpoint(request(3, 255)), checkpoint(255)) == NOW


def test_a_note_of_a_hundred_lines_is_kept_as_one(kept: Kept) -> None:
    line = logs.checkpoint(3).splitlines(keepends=True)[-1]
    assert kept.keep.add_checkpoint(request(0, 3) + line * 99).status == 200
    kept.again()
    assert kept.size() == 3 and (kept.folder / "store").stat().st_size < 1000


def test_two_at_once(kept: Kept) -> None:
    """The race that the standard tells of: of all that go on from one size, one passes; the others learn its size."""
    assert kept.asked(0, 2) == 200
    replies: dict[int, Reply] = {}
    bodies = {size: request(2, size) for size in range(240, 256)}
    ready = threading.Barrier(len(bodies))

    def run(size: int) -> None:
        ready.wait(10)
        replies[size] = kept.keep.add_checkpoint(bodies[size])

    threads = [threading.Thread(target=run, args=(size,)) for size in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    (won,) = [size for size, reply in replies.items() if reply.status == 200]
    assert all(reply == (409, SIZE, b"%d\n" % won) for size, reply in replies.items() if size != won)
    kept.again()
    assert kept.size() == won


def test_what_cannot_be_stored_is_not_cosigned(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk may hold either after an error; neither way does another tree of that size pass."""
    assert kept.asked(0, 3) == 200
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        reply = kept.keep.add_checkpoint(request(3, 256))
        assert reply.status == 500 and b"\xe2\x80\x94" not in reply.body
        assert kept.asked(256, 256) == 500, "nor from memory, when it is asked again"
    assert ["No space" in complaint for complaint in kept.complaints] == [True], (
        "once, however often it is asked"
    )
    assert kept.keep.add_checkpoint(signed(3, logs.proof(3, 256), fork(256))).status == 409
    assert kept.keep.add_checkpoint(signed(256, [], fork(256))).status == 422
    assert kept.asked(256, 256) == 200
    kept.again()
    assert kept.size() == 256


def test_keys_that_are_no_log_s(kept: Kept) -> None:
    with pytest.raises(Refusal, match="witness's"):
        Keep(kept.store, [WANDA.verifier])

"""The server asks its witnesses: real ones over HTTP on this machine, missing ones and broken ones."""

import functools
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import tlog
from sabal import settings
from sabal.ledger import tables, witnesses
from sabal.ledger.log import Log
from sabal.ledger.policy import policy_of, witnessed
from sabal.ledger.publication import WouldFork, publication
from sabal.ledger.sequencer import ASK_AGAIN, Sequencer
from sabal.ledger.witnesses import Witnesses
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal
from sabal.witness.ask import ask_all
from sabal.witness.serve import WitnessServer
from sabal.witness.service import Reply, WitnessService
from sabal.witness.store import Store
from signing.steps import confirmed
from sites import NOW, SiteOfTests
from witnesses import HERE, WANDA, BadServer, says

WEEK = 604_800
VKEY = WANDA.verifier


class Recording(WitnessService):
    """A witness that records the old sizes that it was asked with."""

    asked: list[int]

    def add_checkpoint(self, body: bytes) -> Reply:
        self.asked.append(tlog.AddCheckpoint.parse(body).old)
        return super().add_checkpoint(body)


@contextmanager
def partner(
    folder: Path, name: str, petition: PetitionSnapshot, port: int = 0
) -> Iterator[tuple[Recording, str]]:
    """Run a partner's witness, and yield it with its policy line. It reuses a store in that folder."""
    store, key = folder / f"{name}.store", folder / f"{name}.key"
    state = Store.open(store, key) if store.exists() else Store.create(store, key, f"{name}.example/w")
    keep = Recording(state, [publication(petition).key])
    keep.asked = []
    server = WitnessServer(keep, "127.0.0.1", port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield keep, f"witness {name} {keep.witness} http://127.0.0.1:{server.server_address[1]}/\n"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        state.close()


@pytest.fixture(autouse=True)
def _on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WITNESS_PRIVATE", True)


def test_a_witness_without_tls_is_refused(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WITNESS_PRIVATE", False)
    with pytest.raises(Refusal, match="over https only"):
        choose(site, petition, f"witness w {VKEY} http://127.0.0.1:1/\nquorum w\n")


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    return site.publish()


@pytest.fixture
def sequencer(site: SiteOfTests) -> Sequencer:
    return Sequencer(site.keystore, Witnesses(HERE))


def choose(site: SiteOfTests, petition: PetitionSnapshot, lines: str) -> None:
    witnesses.choose(site.database, petition.id, lines, publication(petition))


def batch(site: SiteOfTests, sequencer: Sequencer, who: str, week: int) -> PetitionSnapshot:
    """Confirm one signature, and publish the next batch."""
    confirmed(site, site.petition(), f"{who}@example.org")
    assert sequencer.sequence(site.database, site.petition(), NOW + week * WEEK) == 1
    return site.petition()


def names(petition: PetitionSnapshot) -> list[str]:
    """Return the witnesses of the published checkpoint, after checking it with the policy if the quorum is met."""
    found = witnessed(petition)
    if found.enough:
        tlog.Policy.parse(policy_of(petition)).open(petition.counts.checkpoint)
    return [name for name, _ in found.by]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("garbage", "cannot be used"),
        (f"witness w {VKEY} https://w.example/\n", "cannot be used"),  # no quorum
        (f"witness w {VKEY}x https://w.example/\nquorum w\n", "cannot be used"),
        (f"witness w {VKEY} https://w.example/\nquorum v\n", "cannot be used"),
        (f"witness w {VKEY} https://w.example/\n" * 2 + "quorum w\n", "cannot be used"),
        (f"witness w {VKEY} https://w.example/\ngroup g 2 w\nquorum g\n", "cannot be used"),
        (f"witness w {VKEY}\nquorum w\n", r"has no address\. Write: witness w "),
        ("quorum none\n", "no line `witness NAME VKEY URL`"),
        (
            f"log {tlog.Signer('o.example/log', bytes(32)).verifier}\nwitness w {VKEY} https://w/\nquorum w\n",
            "must not name a log",
        ),
    ],
)
def test_witnesses_that_cannot_be_asked_are_refused(
    site: SiteOfTests, petition: PetitionSnapshot, lines: str, said: str
) -> None:
    with pytest.raises(Refusal, match=said) as refusal:
        choose(site, petition, lines)
    assert str(refusal.value)[0].isupper()
    log = tables.find(site.database, petition.id)
    assert log is not None and log.witnesses == ""


def test_a_witness_is_asked_with_the_size_that_it_cosigned(
    site: SiteOfTests, petition: PetitionSnapshot, sequencer: Sequencer, tmp_path: Path
) -> None:
    assert names(batch(site, sequencer, "suzie", 1)) == []
    with partner(tmp_path, "wanda", petition) as (keep, line):
        choose(site, petition, f"{line}quorum wanda\n")
        snapshot = batch(site, sequencer, "max", 2)
        assert names(snapshot) == ["wanda"] and witnessed(snapshot).enough is True
        assert (publication(petition).folder / "checkpoint").read_bytes() == snapshot.counts.checkpoint
        batch(site, sequencer, "kim", 3)
        assert keep.asked == [0, 3]
        port = int(line.rpartition(":")[2].strip("/\n"))
    snapshot = batch(site, sequencer, "ana", 4)  # no server listens on that port
    assert names(snapshot) == [] and witnessed(snapshot).enough is False
    with partner(tmp_path, "wanda", petition, port) as (keep, again):
        assert again == line
        assert names(batch(site, sequencer, "bo", 5)) == ["wanda"]
        assert keep.asked == [0, 4]  # the witness itself answers with its size
        choose(site, petition, "")
        assert witnessed(batch(site, sequencer, "li", 6)).enough is None
        assert keep.asked == [0, 4]


@pytest.mark.slow
def test_a_witness_that_does_not_answer_delays_nothing_and_is_asked_again(
    site: SiteOfTests, petition: PetitionSnapshot, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witnesses, "ask_all", functools.partial(ask_all, timeout=0.5))
    with BadServer(lambda connection: time.sleep(3)) as slow:
        choose(site, petition, f"witness slow {VKEY} {slow.url}\nquorum slow\n")
        begun = time.monotonic()
        snapshot = batch(site, sequencer, "suzie", 1)
        assert time.monotonic() - begun < 2.5
        assert snapshot.counts.counted == 1 and witnessed(snapshot).enough is False
        now = NOW + WEEK
        for later, times in (
            (1, 1),
            (ASK_AGAIN - 1, 1),
            (ASK_AGAIN, 2),
            (ASK_AGAIN + 1, 2),
            (2 * ASK_AGAIN, 3),
        ):
            assert sequencer.sequence(site.database, snapshot, now + later) == 0
            assert slow.connections == times, later


def test_a_later_line_is_added_to_the_published_checkpoint(
    site: SiteOfTests, petition: PetitionSnapshot, sequencer: Sequencer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        (_, first), (_, second) = (
            stack.enter_context(partner(tmp_path, name, petition)) for name in ("wanda", "walt")
        )
        choose(site, petition, f"{first}{second}group either any wanda walt\nquorum either\n")
        assert names(batch(site, sequencer, "suzie", 1)) == ["wanda", "walt"]
    port = int(second.rpartition(":")[2].strip("/\n"))
    with partner(tmp_path, "wanda", petition, int(first.rpartition(":")[2].strip("/\n"))) as (keep, _):
        snapshot = batch(site, sequencer, "max", 2)
        assert names(snapshot) == ["wanda"] and witnessed(snapshot).enough is True  # one of two is enough
        with partner(tmp_path, "walt", petition, port):
            sequencer.sequence(site.database, snapshot, NOW + 2 * WEEK + ASK_AGAIN)
        assert names(site.petition()) == ["wanda", "walt"]
        assert len(keep.asked) == 1  # a witness that has cosigned is not asked again
        note = (publication(petition).folder / "checkpoint").read_bytes()
        assert note == site.petition().counts.checkpoint and note.startswith(snapshot.counts.checkpoint)
        sequencer.sequence(site.database, site.petition(), NOW + 2 * WEEK + 3 * ASK_AGAIN)
        assert len(keep.asked) == 1


def set_back(site: SiteOfTests, old: Log, files: Path) -> None:
    """Set the log's row and its public files back, as by copying an old state of the whole machine."""
    site.database.execute(
        "UPDATE ledger_log SET size = ?, compact_range = ?, signed = ?, signed_size = ?, published = ?,"
        " published_size = ?, batch = ?",
        (
            old.size,
            b"".join(old.compact_range),
            old.signed,
            old.signed_size,
            old.published,
            old.published_size,
            old.batch,
        ),
    )
    site.database.execute("DELETE FROM ledger_batch WHERE size > ?", (old.size,))
    site.database.execute("DELETE FROM signing_counted WHERE first >= ?", (old.size,))
    shutil.rmtree(site.data / "public")
    shutil.copytree(files, site.data / "public")


@pytest.mark.parametrize(("lost", "said"), [(2, "has seen 4 entries"), (1, "has seen another log")])
def test_a_witness_that_has_seen_more_or_other_entries_stops_the_log(
    site: SiteOfTests,
    petition: PetitionSnapshot,
    sequencer: Sequencer,
    tmp_path: Path,
    lost: int,
    said: str,
) -> None:
    """The log lost two entries and has one new entry, or it lost one entry and has a new one at the same index."""
    with partner(tmp_path, "wanda", petition) as (_, line):
        choose(site, petition, f"{line}quorum wanda\n")
        for week, who in enumerate(["suzie", "max", "kim"][: lost + 1], start=1):
            if week == 2:
                old = tables.find(site.database, petition.id)
                shutil.copytree(site.data / "public", tmp_path / "old")
            before = batch(site, sequencer, who, week).counts
        assert old is not None and before.log_size == old.size + lost
        set_back(site, old, tmp_path / "old")
        confirmed(site, petition, "eve@example.org")
        for _ in range(2):
            with pytest.raises(WouldFork, match=said) as stopped:
                sequencer.sequence(site.database, site.petition(), NOW + 9 * WEEK)
            assert "wanda.example/w" in str(stopped.value) and "sabal witnesses" in str(stopped.value)
        log = tables.find(site.database, petition.id)
        assert log is not None and log.published == old.published
        assert (publication(petition).folder / "checkpoint").read_bytes() == bytes(old.published)
        choose(site, petition, "")  # the organiser's decision, if the witness was wrong
        sequencer.sequence(site.database, site.petition(), NOW + 9 * WEEK)
        assert (publication(petition).folder / "checkpoint").read_bytes() != bytes(old.published)


def test_an_invalid_answer_does_not_count_as_a_cosignature(
    site: SiteOfTests, petition: PetitionSnapshot, sequencer: Sequencer
) -> None:
    with BadServer(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as liar:
        choose(site, petition, f"witness w {VKEY} {liar.url}\nquorum w\n")
        snapshot = batch(site, sequencer, "suzie", 1)
    assert names(snapshot) == [] and witnessed(snapshot).enough is False

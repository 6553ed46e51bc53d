"""Close, finalise, drain: the order of the steps, and what stays possible after each."""

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import tlog
from ledger.reading import read
from sabal.cli import main
from sabal.ledger.adopt import make_read_only
from sabal.ledger.finalise import finalise_due
from sabal.ledger.log import ReadOnly
from sabal.ledger.publication import publication
from sabal.ledger.sequencer import Sequencer
from sabal.operating import stores
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.signing import drain, epochs, operations, tidy
from sabal.signing.operations import Outcome
from sabal.signing.writer.find import find
from signing.steps import confirmation, confirmed, signed
from sites import NOW, TODAY, SiteOfTests

WEEK = 604_800


def finalise(site: SiteOfTests, petition: PetitionSnapshot, days: int) -> bool:
    """Do what the worker's tidying does `days` days after today."""
    return finalise_due(
        site.database,
        site.keystore,
        Sequencer(site.keystore),
        petition,
        TODAY + timedelta(days=days),
        NOW + days * 86_400,
    )


def test_a_closed_petition_is_finalised_after_its_grace_days(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie, max_ = confirmed(site, petition), confirmed(site, petition, "max@example.org", held=1)
    late = signed(site, petition, "carol@example.org")
    states.close(petition.slug, TODAY)
    closed = site.petition()
    assert site.writer.commit(site.database, [confirmation(late)]) == [Outcome.DONE]
    assert not finalise(site, closed, 14)
    assert site.petition().state == "closed"
    assert finalise(site, closed, 15)
    done = site.petition()
    assert done.state == "finalised" and done.pepper is None and done.counts.counted == 3
    assert site.database.query("SELECT DISTINCT dedupe_tag, w FROM signing_signature") == [(None, b"")]
    found = read(publication(done).folder, publication(done).key)
    assert found.tally.closed and found.entries[-1] == tlog.entry.Close().encode()
    assert not finalise(site, done, 16)
    # People can still withdraw; nothing else may follow.
    assert site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.DONE]
    site.sequence(done, NOW + 30 * 86_400)
    found = read(publication(done).folder, publication(done).key)
    assert found.tally.counted == 2 and site.petition().counts.counted == 2
    assert find(site.database, [max_.digest])[0] is not None


def test_a_petition_past_its_last_day_is_finalised_after_its_last_links_expired(site: SiteOfTests) -> None:
    petition = site.publish(closes="2026-12-24")
    confirmed(site, petition)
    last = petition.definition.last_day
    assert tidy.close_due(site.database, petition, last + timedelta(days=1))
    closed, days = site.petition(), (last - TODAY).days
    # A confirmation at midnight of the last day may be committed on the next day.
    assert not finalise(site, closed, days + 8)
    assert finalise(site, closed, days + 9)


def test_the_dedupe_key_is_destroyed_also_if_the_log_is_read_only(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    states.close(petition.slug, TODAY)
    closed = site.petition()
    make_read_only(site.database, petition.id)
    with pytest.raises(ReadOnly):
        finalise(site, closed, 15)
    assert site.database.query("SELECT DISTINCT dedupe_tag, w FROM signing_signature") == [(None, b"")]
    assert not site.database.query("SELECT name FROM keys_key WHERE name LIKE ?", ("pepper/%",))
    assert site.petition().state == "closed" and site.rows("signing_waiting") == 1


def test_the_doctor_reports_signatures_that_cannot_enter_a_closed_log(site: SiteOfTests) -> None:
    """They were confirmed while a restored log was read-only, and the published log was closed already."""
    petition = site.publish()
    confirmed(site, petition)
    site.close(petition, NOW + 1)
    assert not [one for one in stores.database_and_keys() if one.id == "D210"]
    confirmed(site, petition, "max@example.org")
    (finding,) = [one for one in stores.database_and_keys() if one.id == "D210"]
    assert finding.level == "wrong" and finding.sentence.startswith("1 signature of")


def test_the_next_run_completes_a_finalisation_that_crashed(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    confirmed(site, petition)
    states.close(petition.slug, TODAY)
    closed = site.petition()

    def crash(*_: object) -> None:
        raise RuntimeError

    for module, step in ((epochs, "forget_epoch"), (tidy, "forget_w")):
        with monkeypatch.context() as broken:
            broken.setattr(module, step, crash)
            with pytest.raises(RuntimeError):
                finalise(site, closed, 15)
        assert site.petition().state == "closed"
    assert finalise(site, closed, 16)
    found = read(publication(closed).folder, publication(closed).key)
    assert [e[1] for e in found.entries].count(tlog.entry.Type.CLOSE) == 1


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments), catch_exceptions=False)
    return result.exit_code, result.output


def test_after_draining_carol_learns_of_withdrawals_from_the_next_export(
    site: SiteOfTests, tmp_path: Path
) -> None:
    petition = site.publish()
    signers = [confirmed(site, petition, f"suzie{n}@example.org") for n in range(5)]
    site.sequence(petition, NOW + WEEK)
    later = confirmed(site, petition, "max@example.org")
    key, first, second = tmp_path / "key.txt", tmp_path / "first.jsonl", tmp_path / "second.jsonl"
    key.write_text(f"{site.identity}\n")
    assert run("sealed", petition.slug, "--out", str(first))[0] == 0
    assert run("drain", petition.slug, "--proof", "0" * 64)[0] == 2
    assert drain.due(site.database, petition.id) is None
    code, proof = run("open", str(first), "--identity", str(key), "--prove")
    assert code == 0
    assert run("drain", petition.slug, "--proof", proof.strip())[0] == 0
    due = drain.due(site.database, petition.id)
    assert due is not None
    assert drain.drain(site.database, petition.id, due) == 0
    assert run("drain", petition.slug, "--undo") == (0, "The records are kept.\n")
    assert drain.drain(site.database, petition.id, due + timedelta(days=9)) == 0
    assert run("sealed", petition.slug, "--out", str(first))[0] == 2  # it is there
    assert run("sealed", petition.slug, "--out", str(first), "--force")[0] == 0
    proof = run("open", str(first), "--identity", str(key), "--prove")[1]
    run("drain", petition.slug, "--proof", proof.strip())
    due = drain.due(site.database, petition.id)
    assert due is not None
    assert drain.drain(site.database, petition.id, due + timedelta(days=1)) == 5
    # A record confirmed after the batch stays, because its withdrawal could not be told from draining.
    assert site.rows("signing_sealed") == 1 and later.operation.sealed_id
    assert (
        site.writer.commit(site.database, [operations.Withdraw(one.t, one.digest) for one in signers[:2]])
        == [Outcome.DONE] * 2
    )
    site.sequence(petition, NOW + 2 * WEEK)
    assert run("sealed", petition.slug, "--out", str(second))[0] == 0
    code, text = run("open", str(first), str(second), "--identity", str(key))
    assert code == 0
    names = [line.split(",")[1] for line in text.splitlines() if "@example.org" in line]
    assert sorted(names) == [
        "max@example.org", "suzie2@example.org", "suzie3@example.org", "suzie4@example.org",
    ]  # fmt: skip


def test_the_revocation_file_of_an_audit_is_applied(site: SiteOfTests, tmp_path: Path) -> None:
    petition = site.publish()
    for n in range(4):
        confirmed(site, petition, f"suzie{n}@example.org")
    site.sequence(petition, NOW + WEEK)
    file = tmp_path / "revocations.jsonl"
    head = f'{{"format": "sabal revocations, version 1", "origin": "{petition.origin}", "size": 5}}\n'
    file.write_text(head + '{"index": 2, "reason": "duplicate", "why": "one mailbox"}\n')
    code, said = run("revoke", petition.slug, str(file), "--yes")
    assert code == 0 and said.startswith("1 signature ")
    assert site.rows("signing_signature") == site.rows("signing_sealed") == 3
    again = run("revoke", petition.slug, str(file), "--yes")  # as after a crash
    assert again[0] == 0 and again[1].startswith("Nothing is left to do: all 1")
    site.sequence(petition, NOW + 2 * WEEK)
    found = read(publication(petition).folder, publication(petition).key)
    assert found.entries[-1] == tlog.entry.Revoke(2, tlog.entry.Reason.DUPLICATE).encode()
    counts = site.petition().counts
    assert (counts.invalidated, counts.counted) == (1, 3)
    file.write_text(head.replace(petition.origin, "other.example/abcdefgh/log"))
    assert run("revoke", petition.slug, str(file), "--yes")[0] == 2

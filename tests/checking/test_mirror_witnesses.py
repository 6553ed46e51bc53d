"""If a log's witnesses change or do not cosign, a mirror continues and reports it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tlog
from checking import made
from checking.test_mirror import NOW, files, publish
from checking.web import Web, web
from sabal.checking import commands
from sabal.checking.copy import CannotCheck
from sabal.checking.mirror import Mirrored, WrongLog, mirror

EVES = tlog.Cosigner(made.FIRST.verifier.name, b"F" * 32)  # another key under the witness's name
SWAPPED = made.ONE_WITNESS.replace(str(made.FIRST.verifier).encode(), str(EVES.verifier).encode())


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as served:
        publish(served, made.log(30))
        yield served


def run(site: Web, folder: Path, later: timedelta = timedelta()) -> Mirrored:
    return mirror(f"{site.url}/en/trees", folder, NOW + later)


def serve(site: Web, size: int, policy: bytes, *witnesses: tlog.Cosigner) -> None:
    log = made.log(size)
    checkpoint = tlog.Checkpoint(made.ORIGIN, size, log.root)
    publish(site, replace(log, policy=policy), checkpoint=made.signed(checkpoint, *witnesses))


def test_exchanged_witnesses_are_named_once_and_the_old_policy_is_stored(site: Web, tmp_path: Path) -> None:
    assert not run(site, tmp_path).witnesses.changed
    serve(site, 60, SWAPPED, EVES)
    done = run(site, tmp_path)
    assert done.new == 30 and done.witnesses.changed.startswith(
        "THE WITNESSES CHANGED. Before: witness first "
    )
    assert str(made.FIRST.verifier) in done.witnesses.changed and str(EVES.verifier) in done.witnesses.changed
    assert "\n" not in done.witnesses.changed and "quorum" not in done.witnesses.changed
    log_folder = tmp_path / "trees" / "log"
    assert (log_folder / "policy-20261124T120000Z.txt").read_bytes() == made.ONE_WITNESS
    assert (log_folder / "policy").read_bytes() == SWAPPED and not run(site, tmp_path).witnesses.changed
    serve(site, 70, made.NO_WITNESS)
    done = run(site, tmp_path, timedelta(hours=1))
    assert (
        "Before: quorum first" in done.witnesses.changed or "Before: witness first" in done.witnesses.changed
    )
    assert done.witnesses.changed.count("quorum") == 2 and "Now: quorum none" in done.witnesses.changed
    assert (log_folder / "policy-20261124T130000Z.txt").read_bytes() == SWAPPED
    assert not run(site, tmp_path).witnesses.changed and len(list(log_folder.glob("policy-*"))) == 2


def test_addresses_of_witnesses_and_comments_are_not_a_change(site: Web, tmp_path: Path) -> None:
    run(site, tmp_path)
    line = f"witness first {made.FIRST.verifier}"
    other = made.ONE_WITNESS.replace(line.encode(), f"# moved\n{line} https://new.example".encode())
    serve(site, 30, other, made.FIRST)
    assert not run(site, tmp_path).witnesses.changed and (tmp_path / "trees/log/policy").read_bytes() == other


def test_a_change_is_reported_in_each_run_until_the_pages_can_be_copied(site: Web, tmp_path: Path) -> None:
    run(site, tmp_path)
    serve(site, 60, SWAPPED, EVES)
    pages = site.files.pop("/trees.json")
    for _ in range(2):
        with pytest.raises(
            WrongLog, match=r"THE WITNESSES CHANGED.* The log was copied, but its page was not"
        ):
            run(site, tmp_path)
    site.files["/trees.json"] = pages
    assert run(site, tmp_path).witnesses.changed and not run(site, tmp_path).witnesses.changed
    assert len(list((tmp_path / "trees/log").glob("policy-*"))) == 1


def test_for_a_copy_without_stored_witnesses_the_old_policy_is_compared(site: Web, tmp_path: Path) -> None:
    run(site, tmp_path)
    state_file = tmp_path / "trees" / "mirror.json"
    state = json.loads(state_file.read_bytes())
    del state["witnesses"]
    state_file.write_text(json.dumps(state))
    serve(site, 60, made.NO_WITNESS)
    assert "Now: quorum none" in run(site, tmp_path).witnesses.changed
    state_file.write_text(json.dumps(state | {"witnesses": 3}))
    with pytest.raises(CannotCheck, match=r"mirror\.json is damaged"):
        run(site, tmp_path)


def test_a_missing_witness_is_reported_without_a_failure(site: Web, tmp_path: Path) -> None:
    serve(site, 30, made.ONE_WITNESS)
    done = run(site, tmp_path)
    assert "too few of the policy's witnesses" in str(done) and not done.witnesses.lasting
    assert not run(site, tmp_path, timedelta(hours=23)).witnesses.lasting
    done = run(site, tmp_path, timedelta(hours=25))
    assert done.witnesses.lasting and "2026-11-24 12:00 UTC" in str(done)
    serve(site, 40, made.ONE_WITNESS, made.FIRST)
    assert "witnesses" not in str(run(site, tmp_path, timedelta(hours=26)))
    serve(site, 50, made.ONE_WITNESS, EVES)
    done = run(site, tmp_path, timedelta(hours=27))
    assert "too few" in str(done) and not done.witnesses.lasting


def test_the_exit_code_is_1_for_the_run_that_finds_a_change(site: Web, tmp_path: Path) -> None:
    def command() -> Result:
        return CliRunner().invoke(commands.mirror, [f"{site.url}/en/trees", str(tmp_path)])

    assert command().exit_code == 0
    serve(site, 60, SWAPPED)
    done = command()
    assert done.exit_code == 1 and done.stderr.startswith("THE WITNESSES CHANGED.")
    assert done.stderr.count("\n") == 1 and "30 new entries" in done.stdout and "too few" in done.stdout
    done = command()
    assert done.exit_code == 0 and not done.stderr
    state_file = tmp_path / "trees" / "mirror.json"
    state_file.write_text(
        json.dumps(json.loads(state_file.read_bytes()) | {"unwitnessed_since": "2020-01-01T00:00:00+00:00"})
    )
    done = command()
    assert done.exit_code == 0 and not done.stdout and "since 2020-01-01" in done.stderr
    assert "trees/log/policy" in files(tmp_path)

"""A bundle shows only what signers were promised and only records of the log, and it passes the recipient's check."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import agefile
from checking import made as made_log
from checking.made import bundle as zipped
from organiser import made
from organiser.made import Petition, person
from sabal.checking.bundle import read_bundle
from sabal.checking.check import check
from sabal.checking.copy import LogCopy
from sabal.cli import main
from tlog.entry import Reason

SEED = "Lotto 6aus49, 28.11.2026: 3 17 22 31 40 48"
PEOPLE = [person(name) for name in ("Suzie", "Max", "Kim", "Ana", "Eve", "Bo", "Li", "Jo")]


class Machine:
    """The organiser's computer: a folder with a key, an export and a copy of the log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder / "key"
        self.key.write_text(f"{made.CAROL}\n")

    def bundle(self, petition: Petition, *words: str, out: str = "out.zip", opening: bool = True) -> Result:
        log = self.folder / "log.zip"
        log.write_bytes(zipped(petition.copy(), {}))
        sealed = self.folder / "export"
        if not sealed.exists():
            petition.write(sealed)
        more = ("--sealed", str(sealed), "--identity", str(self.key)) if opening else ()
        command = ["bundle", str(log), "--out", str(self.folder / out), *more, *words]
        return CliRunner().invoke(main, command, catch_exceptions=False)

    def made(self, name: str = "out.zip") -> LogCopy:
        with (self.folder / name).open("rb") as file:
            return read_bundle(file)

    def shown(self) -> dict[int, dict[str, Any]]:
        records = map(json.loads, (self.made().records or b"").splitlines())
        return {record["index"]: record["fields"] for record in records}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_bundle_of_the_count_is_the_log_without_records(machine: Machine) -> None:
    petition = made.petition(PEOPLE)
    petition.revoke(2)
    done = machine.bundle(petition, "--show", "none", opening=False)
    assert done.exit_code == 0, done.stderr
    assert ": 7 signatures count (8 confirmed, 1 withdrawn); the text is manifest " in done.stdout
    assert len(done.stdout.splitlines()) == 1
    copy = machine.made()
    assert (copy.records, copy.sample, copy.checkpoint) == (None, None, petition.checkpoint())
    assert (machine.folder / "out.zip").stat().st_mode & 0o777 == 0o600


def test_a_slug_names_a_petition_on_this_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_log.log(20).write_tiles(tmp_path / "data" / "public" / "trees" / "log")
    monkeypatch.chdir(tmp_path)

    def run(log: str, out: str) -> Result:
        return CliRunner().invoke(
            main, ["bundle", log, "--show", "none", "--out", out], catch_exceptions=False
        )

    monkeypatch.delenv("SABAL_DATA", raising=False)
    refused = run("trees", "one.zip")
    assert refused.exit_code == 2 and "no petition's log at var/public/trees/log" in refused.stderr
    assert "SABAL_DATA" in refused.stderr and not (tmp_path / "one.zip").exists()
    monkeypatch.setenv("SABAL_DATA", "data")
    assert f": {len(made_log.log(20).signers)} signatures count" in run("trees", "one.zip").stdout
    for other in ("bees", "Trees", "../trees", "trees.zip"):
        assert run(other, "two.zip").exit_code == 2
    # The folder that `sabal export` wrote has the same name, and no log.
    (tmp_path / "trees").mkdir()
    (tmp_path / "trees" / "petition.toml").touch()
    assert f": {len(made_log.log(20).signers)} signatures count" in run("trees", "exported.zip").stdout
    unknown = run("./trees", "two.zip")
    assert unknown.exit_code == 2 and "is a petition folder, which holds no log" in unknown.stderr
    # A log of that name here is preferred.
    made_log.log(9).write_tiles(tmp_path / "trees")
    assert f": {len(made_log.log(9).signers)} signatures count" in run("trees", "two.zip").stdout
    (tmp_path / "data").rename(tmp_path / "var")
    (tmp_path / "trees").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("SABAL_DATA", "")
    assert run("trees", "three.zip").exit_code == 0


def test_a_bundle_of_names_shows_name_and_country_of_all_that_count(machine: Machine) -> None:
    petition = made.petition(PEOPLE, recipients_get="names")
    petition.revoke(2)
    done = machine.bundle(petition, "--show", "names")
    assert done.exit_code == 0 and "7 shown and matched" in done.stdout, done.stderr
    shown = machine.shown()
    assert list(shown) == petition.counted
    for index, fields in shown.items():
        opened = {name: one["value"] for name, one in fields.items() if "value" in one}
        assert opened == {"name": petition.people[index].fields["name"], "place": "KR"}
    report = check(machine.made(), now=made.NOW)
    assert report.ok and (report.shown, report.matched) == (7, 7)


def test_fewer_fields_can_be_requested(machine: Machine) -> None:
    done = machine.bundle(
        made.petition(PEOPLE, recipients_get="names"), "--show", "names", "--fields", "place"
    )
    assert done.exit_code == 0
    assert all(
        [name for name in one if "value" in one[name]] == ["place"] for one in machine.shown().values()
    )


def test_a_sample_for_an_auditor_shows_the_email_address(machine: Machine) -> None:
    petition = made.petition(PEOPLE, sample_audit=True)
    done = machine.bundle(petition, "--show", "sample", "--seed", SEED, "--number", "3")
    assert done.exit_code == 0 and "3 shown and matched" in done.stdout, done.stderr
    assert f"“{SEED}” chose 3 of 8" in done.stderr and "from outside" in done.stderr
    shown = machine.shown()
    for index, fields in shown.items():
        opened = {name: one["value"] for name, one in fields.items() if "value" in one}
        of = petition.people[index].fields
        assert opened == {name: of[name] for name in ("name", "email", "place", "day")}
    sample = json.loads(machine.made().sample or b"")
    assert sample["indexes"] == list(shown) and (sample["wanted"], sample["of"], sample["size"]) == (3, 8, 9)
    assert "unopened" not in sample


def test_a_sample_for_recipients_shows_name_and_country(machine: Machine) -> None:
    petition = made.petition(PEOPLE, recipients_get="sample")
    assert machine.bundle(petition, "--show", "sample", "--seed", SEED).exit_code == 0
    assert {name for one in machine.shown().values() for name in one if "value" in one[name]} == {
        "name",
        "place",
    }


@pytest.mark.parametrize(
    ("terms", "words", "why"),
    [
        ({}, ["--show", "names"], "the number of signatures, no names"),
        ({}, ["--show", "sample", "--seed", SEED], "the number of signatures, no names"),
        ({"sample_audit": True}, ["--show", "names"], "the number of signatures, no names"),
        ({"recipients_get": "sample", "sample_audit": True}, ["--show", "names"], "a sample of them drawn by lot"),
        ({"recipients_get": "names"}, ["--show", "names", "--fields", "name,email"], "email must stay closed"),
        ({"recipients_get": "names"}, ["--show", "names", "--fields", "name,day"], "day must stay closed"),
        ({"recipients_get": "sample"}, ["--show", "sample", "--seed", SEED, "--fields", "email"], "email must stay"),
        ({"recipients_get": "everything"}, ["--show", "names"], "show none"),
        ({"recipients_get": ["names"]}, ["--show", "names"], "show none"),
        ({"recipients_get": "names", "sample_audit": "yes"}, ["--show", "sample", "--seed", SEED, "--fields", "email"],
         "email must stay"),
        ({"recipients_get": "names", "retention": "2020-01-01"}, ["--show", "names"], "that day has passed"),
        ({"recipients_get": "names", "retention": None}, ["--show", "names"], "until when"),
        ({"sample_audit": True, "retention": "2020-01-01"}, ["--show", "sample", "--seed", SEED], "has passed"),
        ({"sample_audit": True}, ["--show", "sample", "--seed", "12345"], "at least 6 characters"),
        ({"sample_audit": True}, ["--show", "sample", "--seed", "7" * 1_001], "at most 1,000 characters"),
        ({"sample_audit": True}, ["--show", "sample", "--seed", "1234567\n"], "one line"),
        ({"sample_audit": True}, ["--show", "sample", "--seed", " 1234567"], "one line"),
        ({"sample_audit": True}, ["--show", "sample"], "comes from outside"),
        ({"recipients_get": "names"}, ["--show", "names", "--seed", SEED], "Only a sample"),
        ({"recipients_get": "names"}, ["--show", "names", "--fields", "phone"], "takes one or more of"),
        ({"recipients_get": "names"}, ["--show", "none"], "no record is opened"),
    ],
)  # fmt: skip
def test_more_than_was_promised_is_refused(
    terms: dict[str, Any], words: list[str], why: str, machine: Machine
) -> None:
    done = machine.bundle(made.petition(PEOPLE, **terms), *words)
    assert done.exit_code == 2 and why in done.stderr and done.stdout == ""
    assert not (machine.folder / "out.zip").exists()


def test_records_of_an_earlier_stricter_promise_stay_closed(machine: Machine) -> None:
    petition = made.petition(PEOPLE[:3])
    petition.amend(made.manifest(recipients_get="names"))
    later = petition.sign(PEOPLE[4])
    done = machine.bundle(petition, "--show", "names")
    assert done.exit_code == 0 and list(machine.shown()) == [later]
    assert "not shown: 3" in done.stderr and "no names" in done.stderr


def test_a_sample_is_drawn_only_if_every_text_allows_it(machine: Machine) -> None:
    petition = made.petition(PEOPLE[:3])
    petition.amend(made.manifest(sample_audit=True))
    petition.sign(PEOPLE[4])
    assert "no names" in machine.bundle(petition, "--show", "sample", "--seed", SEED).stderr


def test_an_invalid_log_is_not_bundled(machine: Machine) -> None:
    petition = made.petition(PEOPLE)
    checkpoint = petition.checkpoint()
    petition.entries[3] = petition.entries[3][:-1] + b"\0"
    petition.checkpoint = lambda: checkpoint  # type: ignore[method-assign]
    done = machine.bundle(petition, "--show", "none", opening=False)
    assert (
        done.exit_code == 2
        and "does not pass the check" in done.stderr
        and not (machine.folder / "out.zip").exists()
    )


def test_the_copy_must_agree_with_the_checkpoint_in_an_export(machine: Machine) -> None:
    """Eve's server shows the organiser another history than the public."""
    petition, other = (
        made.petition(PEOPLE, recipients_get="names"),
        made.petition(PEOPLE[::-1], recipients_get="names"),
    )
    other.write(machine.folder / "export")
    done = machine.bundle(petition, "--show", "names")
    assert done.exit_code == 2 and "does not pass the check" in done.stderr


def test_records_of_another_petition_are_refused(machine: Machine) -> None:
    made.petition(PEOPLE, origin="other.example/aaaaaaaa/log").write(machine.folder / "export")
    done = machine.bundle(made.petition(PEOPLE, recipients_get="names"), "--show", "names")
    assert done.exit_code == 2 and "another petition" in done.stderr


def test_records_that_cannot_be_shown_are_left_out_and_reported(machine: Machine) -> None:
    petition = made.petition(PEOPLE, recipients_get="names")
    strange = made.petition([person("Nobody"), person("No One")])
    others = agefile.generate(post_quantum=False).recipient
    written = made.lines(
        petition.header(),
        petition.line(1),
        petition.line(2, [others]),
        petition.line(3) | {"record": petition.line(4)["record"]},
        petition.line(4) | {"index": 5},
        petition.line(6) | {"index": None},
        strange.line(1) | {"index": 7},
        strange.line(2) | {"index": None},
        petition.line(7),
        petition.line(8),
    )
    petition.write(machine.folder / "export", written)
    petition.revoke(8, Reason.FAKE)
    done = machine.bundle(petition, "--show", "names")
    assert done.exit_code == 0 and list(machine.shown()) == [1, 6, 7]
    for said in (
        "could not be opened: 1", "are not the ones that were signed: 1", "where their export says: 2",
        "not in this copy of the log yet: 1", "withdrawn or invalidated since: 1", "which are not shown: 4",
    ):  # fmt: skip
        assert said in done.stderr, done.stderr


def test_missing_chosen_records_are_counted_by_the_check(machine: Machine) -> None:
    petition = made.petition(PEOPLE, sample_audit=True)
    petition.write(machine.folder / "export", petition.export([1, 2, 3, 4]))
    done = machine.bundle(petition, "--show", "sample", "--seed", SEED)
    assert done.exit_code == 0
    assert json.loads(machine.made().sample or b"")["unopened"] == [5, 6, 7, 8]
    report = check(machine.made(), now=made.NOW)
    assert report.ok and report.sample and (report.sample.chosen, report.sample.unopened) == (8, 4)


def test_a_newer_export_can_be_used_with_the_agreed_copy(machine: Machine) -> None:
    petition = made.petition(PEOPLE, sample_audit=True)
    agreed = petition.copy()
    petition.sign(person("Late"))
    petition.revoke(3)
    petition.write(machine.folder / "export")
    petition.copy = lambda: agreed  # type: ignore[method-assign]
    assert machine.bundle(petition, "--show", "sample", "--seed", SEED).exit_code == 0
    assert json.loads(machine.made().sample or b"")["unopened"] == [
        3
    ]  # withdrawn since, so no record is shown


def withdrawn_since(folder: Path) -> Petition:
    """Write two exports and a log between them, in which the third signature counts. Since then it was withdrawn."""
    petition = made.petition(PEOPLE[:2], recipients_get="names")
    before = petition.header()
    petition.sign(PEOPLE[2])
    waiting = petition.line(3) | {"index": None}  # it was not in the log yet
    petition.write(folder / "old.jsonl", made.lines(before, petition.line(1), petition.line(2), waiting))
    (folder / "log.zip").write_bytes(zipped(petition.copy(), {}))
    petition.revoke(3)
    petition.write(folder / "new.jsonl")
    return petition


def test_what_only_a_newer_export_lists_as_withdrawn_is_not_shown(machine: Machine) -> None:
    withdrawn_since(machine.folder)
    files = [str(machine.folder / name) for name in ("old.jsonl", "new.jsonl", "log.zip", "out.zip")]
    words = ["--sealed", files[0], "--sealed", files[1], "--identity", str(machine.key), "--out", files[3]]
    done = CliRunner().invoke(main, ["bundle", files[2], "--show", "names", *words], catch_exceptions=False)
    assert done.exit_code == 0 and list(machine.shown()) == [1, 2]
    assert "withdrawn or invalidated since: 1" in done.stderr


def test_a_bundle_is_encrypted_to_its_recipients(machine: Machine) -> None:
    petition = made.petition(PEOPLE, recipients_get="names")
    desk, press = (agefile.generate(post_quantum=False) for _ in range(2))
    to = ("--to", str(desk.recipient), "--to", str(press.recipient))
    assert machine.bundle(petition, "--show", "names", *to, out="trees.zip.age").exit_code == 0
    sealed = (machine.folder / "trees.zip.age").read_bytes()
    assert b"Suzie" not in sealed
    for one in (desk, press):
        copy = read_bundle(io.BytesIO(agefile.decrypt(sealed, [one])))
        assert check(copy, now=made.NOW).matched == 8
    assert machine.bundle(petition, "--show", "names", *to).exit_code == 2
    assert machine.bundle(petition, "--show", "names", out="trees.zip.age").exit_code == 2


def test_a_bundle_made_from_a_bundle_shows_no_earlier_records(machine: Machine) -> None:
    petition = made.petition(PEOPLE, recipients_get="names")
    assert machine.bundle(petition, "--show", "names").exit_code == 0
    first = str(machine.folder / "out.zip")
    again = machine.folder / "again.zip"
    done = CliRunner().invoke(main, ["bundle", first, "--show", "none", "--out", str(again)])
    assert done.exit_code == 0 and machine.made("again.zip").records is None
    assert hashlib.sha256(again.read_bytes()).digest() != hashlib.sha256(Path(first).read_bytes()).digest()


def test_later_changes_are_found(machine: Machine) -> None:
    petition = made.petition(PEOPLE, sample_audit=True)
    machine.bundle(petition, "--show", "sample", "--seed", SEED, "--number", "3")
    copy = machine.made()
    sample = json.loads(copy.sample or b"")
    others = sorted({*range(1, 9)} - {*sample["indexes"]})[:3]
    for change in (
        {"seed": SEED + "!"}, {"indexes": others}, {"wanted": 2}, {"of": 7},
        {"unopened": sample["indexes"][:1]}, {"indexes": sample["indexes"][:2]},
    ):  # fmt: skip
        changed = LogCopy(
            copy.checkpoint, copy.policy, copy.entries, copy.manifests, copy.records,
            json.dumps(sample | change).encode(),
        )  # fmt: skip
        assert not check(changed, now=made.NOW).ok, change

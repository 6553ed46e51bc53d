"""The audit of opened records: which patterns are found, and which revocations are proposed."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from checking.made import bundle as zipped
from organiser import made
from organiser.made import Person, Petition, person
from sabal.cli import main
from sabal.organiser import patterns
from sabal.organiser.audit import propose
from sabal.organiser.patterns import PatternGroup, Traits, find
from sabal.records import revocations
from tlog.entry import Reason

ACCUSING_WORDS = ("fake", "fraud", "bot ", "cheat", "attack")


def traits(people: Sequence[Person]) -> list[Traits]:
    opened = [
        patterns.Opened(one.fields, "en", checked=True, index=index, risk=one.risk)
        for index, one in enumerate(people, start=1)
    ]
    return [patterns.traits(one.index or 0, one) for one in opened]


def groups(people: Sequence[Person]) -> list[PatternGroup]:
    return find(traits(people))


def found(people: Sequence[Person]) -> dict[str, tuple[int, ...]]:
    return {group.pattern.key: group.indexes for group in groups(people)}


def crowd(number: int, days: int = 20) -> list[Person]:
    """Return people who have nothing in common but large email providers."""
    words = "ash birch cedar dune elm fern grove heath iris juniper kelp larch moss nettle oak pine".split()
    return [
        person(
            f"{words[n % 16]} {words[n // 16 % 16]} {words[n // 256 % 16]}",
            f"{words[n % 16]}.{words[n // 16 % 16]}.{words[n // 256 % 16]}@"
            + ("gmail.com", "naver.com", "gmx.net")[n % 3],
            day=f"2026-11-{n % days + 1:02}",
        )
        for n in range(number)
    ]


def test_a_normal_crowd_has_no_patterns() -> None:
    assert groups(crowd(1_000)) == [] and groups([]) == []


def test_the_first_signature_of_a_mailbox_stays() -> None:
    people = [
        person("Kim", "k.im+a@gmail.com"), person("Max", "max@example.org"), person("K. Im", "KIM@googlemail.com"),
        person("Max", "max+1@example.org"), person("Max", "MAX@Example.org"),
    ]  # fmt: skip
    assert [(group.pattern.key, group.indexes) for group in groups(people)] == [
        ("mailbox", (1, 3)),
        ("mailbox", (2, 5)),
    ]
    assert [(one.index, one.reason) for one in propose(groups(people))] == [
        (3, Reason.DUPLICATE),
        (5, Reason.DUPLICATE),
    ]


def test_consecutive_numbers_in_addresses_and_names_are_found() -> None:
    mailboxes = [person(f"Name {'ABCDEFG'[n]}", f"kim{n + 7:03}@gmail.com") for n in range(5)]
    names = [person(f"Test {n}", f"{'abcdefg'[n]}@naver.com") for n in (3, 1, 2, 5, 4)]
    rows = [group.indexes for group in groups([*mailboxes, *crowd(30), *names])]
    assert sorted(rows) == [(1, 2, 3, 4, 5), (36, 37, 38, 39, 40)]
    assert groups([mailboxes[0], *mailboxes[2:], *names[1:]]) == []
    assert propose(groups(mailboxes)) == ()  # one sign alone


def test_one_name_many_times_on_one_day_is_found() -> None:
    many = [person("Kim Min-su", f"{'abcdefgh'[n]}@naver.com") for n in range(5)]
    assert found(many) == {"name": (1, 2, 3, 4, 5)}
    assert groups([*many[:4], person("Kim Min-su", "h@naver.com", day="2026-11-22")]) == []
    assert groups([*many[:4], person("Kim Min-su", "h@naver.com", country="JP")]) == []
    assert "name" not in found([*many, *crowd(600, days=1), *[
        person(f"{one.fields['name']} x", f"x.{one.fields['email']}", day="2026-11-23") for one in crowd(600)
    ]])  # fmt: skip


def test_many_addresses_of_one_small_domain_are_found() -> None:
    school = [person(f"Pupil {chr(97 + n)}", f"{chr(97 + n)}.p@school.example") for n in range(20)]
    assert found(school) == {"domain": tuple(range(1, 21))}
    assert groups(school[:19]) == [] and propose(groups(school)) == ()


def test_a_burst_of_one_domain_is_found_but_not_a_day_on_which_all_sign() -> None:
    burst = [
        person(f"Burst {chr(97 + n)}", f"{chr(97 + n)}.b@yandex.ru", day="2026-11-09") for n in range(20)
    ]
    assert found([*crowd(400), *burst]) == {"day": tuple(range(401, 421))}
    rush = [
        person(one.fields["name"] + " x", "x." + one.fields["email"], day="2026-11-09") for one in crowd(900)
    ]
    assert groups([*crowd(400), *rush]) == []


def test_a_school_that_signs_on_one_day_is_not_proposed() -> None:
    """The patterns of domain and day are of one kind."""
    school = [
        person(f"Pupil {chr(97 + n)}", f"{chr(97 + n)}.p@school.example", day="2026-11-09") for n in range(25)
    ]
    people = [*crowd(400), *school]
    assert set(found(people)) == {"domain", "day"} and propose(groups(people)) == ()
    asked = propose(groups(people), also=["day"])
    assert [one.index for one in asked] == list(range(401, 426)) and asked[0].reason == Reason.FAKE


def test_signatures_with_signs_of_two_kinds_are_proposed() -> None:
    flood = [person(f"Name {chr(97 + n)}", f"user{n}@flood.example", day="2026-11-09") for n in range(30)]
    robot = person("Suzie", "suzie@gmail.com", risk={"honeypot": True})  # her password manager filled it in
    worse = person("user77", "user77@naver.com", risk={"honeypot": True})
    proposed = propose(groups([*crowd(400), *flood, robot, worse]))
    assert [one.index for one in proposed] == list(range(401, 431))
    assert all(one.reason == Reason.FAKE and one.why.startswith("looks like: ") for one in proposed)


def test_no_sentence_contains_personal_data_or_accuses_anyone() -> None:
    for pattern in patterns.PATTERNS.values():
        said = f"{pattern.title} {pattern.why}".lower()
        assert not any(word in said for word in ACCUSING_WORDS)
        assert len(pattern.why) * len(patterns.PATTERNS) < revocations.MOST_WHY + 60


@pytest.fixture
def petition() -> Petition:
    flood = [person(f"Name {chr(97 + n)}", f"user{n}@flood.example", day="2026-11-09") for n in range(30)]
    twice = [person("Suzie", "suzie@example.org"), person("S. Example", "Suzie@example.org")]
    return made.petition([*crowd(60), *flood, *twice])


def audit(petition: Petition, folder: Path, *words: str) -> Result:
    (folder / "key").write_text(f"{made.CAROL}\n")
    if not (folder / "export").exists():
        petition.write(folder / "export")
    more = ["--identity", str(folder / "key"), "--out", str(folder / "out.jsonl"), *words]
    return CliRunner().invoke(main, ["audit", str(folder / "export"), *more], catch_exceptions=False)


def test_the_proposal_can_be_applied_and_the_terminal_shows_no_names(
    petition: Petition, tmp_path: Path
) -> None:
    done = audit(petition, tmp_path)
    assert done.exit_code == 0, done.stderr
    file = tmp_path / "out.jsonl"
    proposed = revocations.read_file(file)
    assert (proposed.origin, proposed.size) == (made.ORIGIN, 93)
    assert [one.index for one in proposed.items] == [*range(61, 91), 92]
    revocations.check(proposed, made.ORIGIN, 93, petition.counted)
    everything = done.output + file.read_text()
    for word in ("Suzie", "suzie", "Name a", "user1", "flood.example", *ACCUSING_WORDS):
        assert word not in everything
    assert (
        "92,"[:2] in done.output
        and "1 as duplicates" in done.output
        and "30 as looking automated" in done.output
    )
    assert file.stat().st_mode & 0o777 == 0o600


def test_details_show_names_and_addresses(petition: Petition, tmp_path: Path) -> None:
    petition.sign(person("Evil\x1b[2J", "suzie@example.org"))
    done = audit(petition, tmp_path, "--details")
    assert "user7@flood.example" in done.stdout and "suzie@example.org" in done.stdout
    assert "\x1b" not in done.stdout


def test_signatures_revoked_since_are_not_proposed_if_the_log_is_given(
    petition: Petition, tmp_path: Path
) -> None:
    petition.write(tmp_path / "export", made.lines(
        petition.header(), *[petition.line(index) | {"index": None} for index in petition.counted]
    ))  # fmt: skip
    assert "were not checked: 92" in audit(petition, tmp_path).stderr
    petition.revoke(91)
    log = tmp_path / "log.zip"
    log.write_bytes(zipped(petition.copy(), {}))
    done = audit(petition, tmp_path, "--copy", str(log), "--force")
    assert "withdrawn or invalidated since, and were not checked: 1" in done.stderr
    proposed = revocations.read_file(tmp_path / "out.jsonl")
    assert proposed.size == 94 and [one.index for one in proposed.items] == list(range(61, 91))


def test_nothing_can_be_proposed_without_indexes(petition: Petition, tmp_path: Path) -> None:
    old = made.lines({"format": "sabal sealed records, version 1", "petition": "trees"}, petition.line(1))
    petition.write(tmp_path / "export", old)
    done = audit(petition, tmp_path)
    assert done.exit_code == 2 and "--copy" in done.stderr and not (tmp_path / "out.jsonl").exists()


def test_an_empty_proposal_is_reported_and_written(tmp_path: Path) -> None:
    done = audit(made.petition(crowd(20)), tmp_path)
    assert done.exit_code == 0 and "Nothing looks unusual. The proposal is empty." in done.stdout
    assert revocations.read_file(tmp_path / "out.jsonl").items == ()
    assert json.loads((tmp_path / "out.jsonl").read_text())["format"] == revocations.FORMAT

"""Import a list of addresses: broken rows, duplicates, people who left or complained, a crash, a million rows."""

import csv
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter

from sabal.desk import listfile
from sabal.desk.workbook import NotATable
from sabal.mail.address import EmailAddress
from sabal.newsletter import importing, leaving, suppression
from sabal.newsletter import subscription as rows
from sabal.newsletter.importrows import Columns, Defaults, Line, columns_of
from sabal.newsletter.lists import MailingList
from sabal.newsletter.suppression import Why
from sites import DAY_NUMBER, SiteOfTests

OURS = MailingList("ours")
SENTENCE = "I want the newsletter of Ours."
DEFAULTS = Defaults(("en", "ko", "zh-hans"), "en", DAY_NUMBER - 100, DAY_NUMBER)


class Import:
    """An import into the newsletter of an organisation, as the worker does it."""

    def __init__(self, site: SiteOfTests, folder: Path) -> None:
        site.refresh()
        assert site.keyring.subscribers
        self.site, self.database, self.key = site, site.database, site.keyring.subscribers
        self.folder, self.scratch, self.broken = folder, folder / "good", folder / "broken.csv"

    def write(self, text: str | bytes) -> Path:
        path = self.folder / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def check(self, path: Path, stop_after: int = 10**9) -> Counter[str]:
        columns, lines = listfile.read(path, self.folder)
        self.found = importing.check(
            self.database, self.key, "ours", lines, columns, DEFAULTS, self.scratch, self.broken,
            lambda line, _numbers: line < stop_after,
        )  # fmt: skip
        return self.found

    def load(self, origin: int = 7, stop_after: int = 10**9) -> int:
        return importing.load(
            self.database, "ours", origin, SENTENCE, self.scratch, self.found,
            lambda done, _added: done < stop_after,
        )  # fmt: skip

    def reasons(self) -> dict[int, str]:
        with self.broken.open(encoding="utf-8-sig", newline="") as file:
            return {int(row["line"]): row["reason"] for row in csv.DictReader(file)}

    def subscribe(self, name: str) -> rows.Subscription:
        row = rows.subscription(
            self.key, OURS, EmailAddress.parse(f"{name}@example.org"), "ko", "Another sentence."
        )
        with self.database.transaction():
            rows.confirm_with_signature(self.database, [row])
        return row


@pytest.fixture
def an_import(site: SiteOfTests, tmp_path: Path) -> Import:
    return Import(site, tmp_path)


def test_every_row_is_imported_or_named_with_its_reason(an_import: Import) -> None:
    found = an_import.check(
        an_import.write(
            "Name,E-Mail,Language,Consent date\n"
            "Suzie,suzie@example.org,ko,2024-05-01\n"
            'Max,"max@example.org",KO_kr,\n'
            "\n"
            "Nobody,,en,\n"
            "Typo,max.example.org,en,\n"
            "Twice,SUZIE@example.org,en,\n"
            "Date,a@example.org,en,yesterday\n"
            "Later,b@example.org,en,2031-01-01\n"
            f"Long,{'a' * 300}@example.org,en,\n"
            "Short\n"
            "Semi;colon,c@example.org,xx,30.11.2024\n"
            "Excel,d@example.org,,45000\n"
        )
    )
    assert found == {
        "good": 4, "no-address": 2, "bad-address": 1, "twice": 1, "bad-date": 1, "future": 1, "long-address": 1,
    }  # fmt: skip
    assert an_import.reasons() == {
        5: "no-address", 6: "bad-address", 7: "twice", 8: "bad-date", 9: "future", 10: "long-address", 11: "no-address",
    }  # fmt: skip
    assert an_import.load() == 4
    stored = an_import.database.query(
        "SELECT language, state, since, origin, confirm_hash, expires FROM newsletter_subscription ORDER BY since"
    )
    assert [row[0] for row in stored] == ["en", "ko", "en", "ko"]
    assert {row[1:2] + row[3:] for row in stored} == {(2, 7, None, None)}
    assert DEFAULTS.day in [row[2] for row in stored]
    assert an_import.database.query("SELECT sentence FROM newsletter_consent") == [(SENTENCE,)]


def test_who_left_refused_bounced_or_complained_is_not_imported(an_import: Import) -> None:
    database, there = an_import.database, an_import.subscribe("there")
    left, bounced, complained = (an_import.subscribe(name) for name in ("left", "bounced", "complained"))
    refuser = rows.subscription(an_import.key, OURS, EmailAddress.parse("no@example.org"), "en", "x")
    with database.transaction():
        leaving.unsubscribe(database, left.id)
        suppression.suppress(database, bounced.address_hash, Why.BOUNCED, DAY_NUMBER)
        suppression.suppress(database, complained.address_hash, Why.COMPLAINED, DAY_NUMBER)
        rows.ask(database, refuser, b"h" * 32, DAY_NUMBER + 7)
        leaving.unsubscribe(database, refuser.id)
    names = ("there", "left", "bounced", "complained", "no", "new")
    found = an_import.check(an_import.write("email\n" + "".join(f"{name}@example.org\n" for name in names)))
    assert found == {"there": 1, "left": 1, "bounced": 1, "complained": 1, "refused": 1, "good": 1}
    assert an_import.load() == 1
    assert database.query(
        "SELECT language, origin FROM newsletter_subscription WHERE id = ?", (there.id,)
    ) == [("ko", 0)]


def test_who_complains_between_check_and_import_is_left_out(an_import: Import) -> None:
    an_import.check(an_import.write("email\nsuzie@example.org\nmax@example.org\n"))
    suzie = an_import.subscribe("suzie")
    with an_import.database.transaction():
        suppression.suppress(an_import.database, suzie.address_hash, Why.COMPLAINED, DAY_NUMBER)
    assert an_import.load() == 1 and an_import.site.rows("newsletter_subscription") == 1


def test_an_import_after_a_crash_adds_nobody_twice(
    an_import: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 10)
    an_import.check(an_import.write("email\n" + "".join(f"p{n}@example.org\n" for n in range(95))))
    assert an_import.load(stop_after=30) == 30
    assert an_import.load() == 65 and an_import.load() == 0
    assert an_import.site.rows("newsletter_subscription") == 95
    assert importing.imported(an_import.database, 7) == 95


def test_a_stopped_check_can_begin_again(an_import: Import) -> None:
    path = an_import.write("email\n" + "".join(f"p{n}@example.org\n" for n in range(2_000)))
    assert an_import.check(path, stop_after=600)["good"] < 2_000
    assert an_import.check(path) == {"good": 2_000}


def test_a_broken_quote_damages_its_own_row_alone(an_import: Import) -> None:
    text = 'email,name\na@example.org,"Ann\nb@example.org,Ben\nc@example.org,"Two\nlines"\nd@example.org,Di\n'
    found = an_import.check(an_import.write(text))
    assert found["good"] >= 2 and sum(found.values()) >= 3
    many = 'email,name\na@example.org,"Ann\n' + "".join(f"p{n}@example.org,x\n" for n in range(100))
    assert an_import.check(an_import.write(many)) == {"good": 100, "damaged": 1}
    assert an_import.reasons() == {2: "damaged"}


@pytest.mark.parametrize(
    "content",
    [
        "이메일;언어\nsuzie@example.org;ko\n".encode(),
        "邮箱\t语言\nsuzie@example.org\tko\n".encode("utf-16"),
        b"\xef\xbb\xbfEmail,Lang\r\nsuzie@example.org,ko\r\n",
        b"suzie@example.org,ko\n",
        b"Our readers\nsuzie@example.org\n",
    ],
)
def test_files_of_many_programs(an_import: Import, content: bytes) -> None:
    assert an_import.check(an_import.write(content)) == {"good": 1}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"name\nSuzie\n", "columns"),
        (b"\xd0\xcf\x11\xe0x", "old"),
        (b"PK\x03\x04broken", "broken"),
    ],
)
def test_what_is_no_list(an_import: Import, content: bytes, code: str) -> None:
    with pytest.raises(NotATable) as refused:
        an_import.check(an_import.write(content))
    assert refused.value.code == code


def test_bytes_that_are_no_text_are_rows_that_are_broken(an_import: Import) -> None:
    found = an_import.check(
        an_import.write(
            b"email,name\na@example.org,\xff\xfe\nb@example.org,x\n" + b"y" * 90_000 + b"\nc@example.org,z\n"
        )
    )
    assert found == {"good": 2, "damaged": 2}


def test_formulas_in_a_report_are_harmless(an_import: Import) -> None:
    an_import.check(an_import.write("email\n=HYPERLINK(1)\n"))
    assert "2,bad-address,'=HYPERLINK(1)" in an_import.broken.read_text("utf-8")
    assert an_import.broken.stat().st_mode & 0o777 == 0o600 == an_import.scratch.stat().st_mode & 0o777


def workbook(path: Path, table: list[list[object]]) -> Path:
    with xlsxwriter.Workbook(path, {"constant_memory": False}) as book:
        page = book.add_worksheet()
        for number, row in enumerate(table):
            page.write_row(number, 0, row)
    return path


def test_a_workbook(an_import: Import, tmp_path: Path) -> None:
    table: list[list[object]] = [
        ["Name", "Email", "Date"],
        ["Suzie", "suzie@example.org", 45_000],
        [],
        ["Max", "max", ""],
    ]
    assert an_import.check(workbook(tmp_path / "list.xlsx", table)) == {"good": 1, "bad-address": 1}
    assert an_import.reasons() == {4: "bad-address"}


def test_a_column_is_found_by_its_name_or_by_an_at_sign() -> None:
    assert columns_of(["Vorname", "E-Mail"], []) == (Columns(1), True)
    assert columns_of(["a", "b"], ["x", "y@z.example"]) == (Columns(1), True)
    assert columns_of(["a"], ["b"]) is None and columns_of([], []) is None


def a_long_list(most: int) -> Iterator[Line]:
    for n in range(most):
        text = f"person{n}@example.org" if n % 10 else f"broken {n}"
        yield Line(n + 2, [text, "en"], text)


def test_a_long_list_needs_no_memory(an_import: Import) -> None:
    """A tenth of the rows is broken. Memory is measured as a difference between a short and a long list."""
    peaks = []
    for most in (4_000, 40_000):
        tracemalloc.start()
        found = importing.check(
            an_import.database, an_import.key, "ours", a_long_list(most), Columns(0, 1), DEFAULTS,
            an_import.scratch, an_import.broken, lambda _line, _numbers: True,
        )  # fmt: skip
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert found == {"good": most * 9 // 10, "bad-address": most // 10}
        assert len(an_import.reasons()) == most // 10
    assert peaks[1] < peaks[0] * 1.5 + 1_000_000

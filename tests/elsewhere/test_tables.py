"""Tables of other platforms: any separator and encoding, hostile cells, and rows that are broken."""

import csv
import io
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sabal.elsewhere import people, recognise, tables
from sabal.elsewhere.found import NotRecognised
from sabal.elsewhere.people import BAD_ADDRESS, BROKEN, SAID_NO, TWICE, UNCONFIRMED, Numbers

HEADER = "first_name,last_name,email,zip"


def counted(content: bytes, size: int = 1 << 16) -> tuple[list[str], Numbers]:
    numbers = Numbers()
    pieces = [content[at : at + size] for at in range(0, len(content), size)] or [b""]
    found = [one.address.typed for one in people.invitees(recognise.people_of(pieces), numbers)]
    assert numbers.rows == numbers.addresses + sum(numbers.faults.values()) or not numbers.has_addresses
    return found, numbers


CELLS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=30
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le"]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 70),
)
def test_what_a_spreadsheet_writes_is_read_again(
    rows: list[tuple[str, str, str]], separator: str, encoding: str, end: str, size: int
) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerow(("first_name_and_more", "comment_and_more", "email"))
    for first, comment, _ in rows:
        writer.writerow((first, comment, "suzie@example.org"))
    data = out.getvalue().encode(encoding)
    table = tables.read(data[at : at + size] for at in range(0, len(data), size))
    assert table.header == ("first_name_and_more", "comment_and_more", "email")
    found = list(table.rows)
    short = [row for row in rows if row[1].count("\n") + row[0].count("\n") < tables.MOST_LINES - 1]
    if len(short) == len(rows):
        assert len(found) == len(rows) and not any(row.broken for row in found)
        assert {row.cells[2] for row in found} == {"suzie@example.org"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2_000), st.integers(1, 400))
def test_any_bytes_are_a_table_or_refused(data: bytes, size: int) -> None:
    try:
        _, numbers = counted(data, size)
    except NotRecognised:
        return
    assert numbers.rows >= numbers.signatures >= 0


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_any_file_is_recognised_or_refused(data: bytes) -> None:
    try:
        recognise.recognise(data)
    except NotRecognised as error:
        assert error.code


HOSTILE = st.sampled_from(
    ['"', '""', ",", ";", "\n", "\r\n", "a@example.org", "x", "=1+1", "\ufeff", "\0", " "]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(HOSTILE, max_size=200).map("".join))
def test_rows_after_a_hostile_one_are_found(mess: str) -> None:
    good = "".join(f"S,{n},suzie{n}@example.org,12\n" for n in range(40))
    found, numbers = counted(f"{HEADER}\nA,B,{mess}\n{good}".encode())
    # At most the lines that one open quotation mark can reach are in doubt; none is, because each is tried by itself.
    assert {f"suzie{n}@example.org" for n in range(40)} <= set(found)
    assert numbers.rows >= 40


def test_a_hand_joined_table_loses_only_its_broken_rows() -> None:
    """One platform quotes a comma, and neither a quotation mark nor the end of a line."""
    lines = [
        HEADER,
        'Suzie,"Smith, Jr",suzie@example.org,1',
        'Max,He said "hi,max@example.org,2',
        "Carol,two",
        "lines,carol@example.org,3",
        'Eve,5" tall,eve@example.org,4',
        "Ed,Plain,ed@example.org,5",
    ]
    found, numbers = counted("\n".join(lines).encode())
    assert "suzie@example.org" in found and "ed@example.org" in found
    assert numbers.faults[BROKEN] == 4 and [line for line, why in numbers.shown if why == BROKEN] == [
        3,
        4,
        5,
        6,
    ]


def test_formulas_are_no_addresses() -> None:
    cells = [
        '=HYPERLINK("https://evil.example")',
        "+1",
        "-2@example.org",
        "@SUM(A1)",
        '"=""suzie@example.org"""',
        "'=1",
    ]
    found, numbers = counted("\n".join(["name;email", *(f"x;{cell}" for cell in cells)]).encode())
    assert found == ["suzie@example.org"] and numbers.faults == {BAD_ADDRESS: 5}


@pytest.mark.parametrize(
    ("header", "row", "platform"),
    [
        ("first_name,last_name,phone,email,subscribed_to_mailinglist,confirmed",
         "S,S,,s@example.org,True,True", "Pytition"),
        ("email,first_name,can2_subscription_status,can2_user_tags", "s@example.org,S,subscribed,x", "Action Network"),
        ("actionId,createdAt,actionType,contactRef,email", "1,2,petition,x,s@example.org", "Proca"),
        ("first_name,last_name,email,area,campaign_name,target_name,msg_subject,msg_body,created_at",
         "S,S,s@example.org,DE,c,t,s,b,2020", "Proca"),
        ("Name,City,State,Postal Code,Country,Signed On", "S,Ulm,,1,DE,2020-01-01", "Change.org"),
        ("Vorname,Email", "S,s@example.org", ""),
    ],
)  # fmt: skip
def test_platforms_are_known_by_their_columns(header: str, row: str, platform: str) -> None:
    recognised = recognise.recognise(f"{header}\n{row}\n".encode()).people
    assert recognised is not None and (recognised.platform, recognised.signatures) == (platform, 1)


def test_who_said_no_there_or_never_confirmed_is_not_invited() -> None:
    header = "first_name,last_name,phone,email,subscribed_to_mailinglist,confirmed"
    rows = ["a,a,,a@example.org,True,True", "b,b,,b@example.org,False,True", "c,c,,c@example.org,True,False"]
    found, numbers = counted("\n".join([header, *rows, rows[0].upper()]).encode())
    assert found == ["a@example.org"]
    assert numbers.faults == {SAID_NO: 1, UNCONFIRMED: 1, TWICE: 1} and numbers.signatures == 2


@pytest.mark.parametrize(
    ("column", "no"),
    [
        ("Opt in", "false"),
        ("Email Opt-In?", "No"),
        ("opted_in", ""),
        ("Consent", "0"),
        ("이메일 수신 동의", "아니오"),
    ],
)
def test_a_table_of_any_origin_can_say_who_wants_no_emails(column: str, no: str) -> None:
    rows = f"Name,Email,{column}\nSuzie,s@example.org,yes\nMax,m@example.org,{no}\n"
    found, numbers = counted(rows.encode())
    assert found == ["s@example.org"] and numbers.faults == {SAID_NO: 1} and numbers.signatures == 2
    assert numbers.columns == {"email": ["Email"], "language": [], "said": [column]}


def test_people_of_osdi() -> None:
    text = """{"_embedded": {"osdi:signatures": [
      {"person": {"email_addresses": [{"address": "x@example.org"}, {"address": "s@example.org", "primary": true,
        "status": "subscribed"}], "preferred_language": "ko"}},
      {"person": {"email_addresses": [{"address": "m@example.org", "status": "unsubscribed"}]}},
      {"person": {"email_addresses": null}}, {"person": null}, 5]}}"""
    found, numbers = counted(text.encode())
    assert found == ["s@example.org"] and numbers.faults[SAID_NO] == 1


def test_a_million_rows_of_which_a_tenth_is_broken_take_bounded_memory() -> None:
    """A hundredth of them here: the memory must not grow with the rows, but for 8 bytes of hash each."""
    rows = 10_000

    def pieces(n: int) -> Iterator[bytes]:
        yield f"{HEADER}\n".encode()
        for i in range(n):
            yield (f'S,"{i}\n' if i % 10 == 0 else f'S,"a ""b"", c",suzie{i}@example.org,1\n').encode()

    def peak(n: int) -> int:
        numbers = Numbers()
        tracemalloc.start()
        found = sum(1 for _ in people.invitees(recognise.people_of(pieces(n)), numbers))
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert found == n * 9 // 10 and numbers.faults == {BROKEN: n // 10}
        return used

    peak(100)
    assert peak(rows) < 250 * rows + 3_000_000


def test_a_line_without_an_end_is_no_memory() -> None:
    found, numbers = counted(b"a,email\n" + b"x" * 3_000_000 + b"\ny,s@example.org\n")
    assert found == ["s@example.org"] and numbers.faults[BROKEN] >= 1

"""One language as a table: it comes back as it went, bad rows are named, and no file harms the server."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.desk import tables, translating
from sabal.desk.languages import named
from sabal.desk.translating import Sheet
from sabal.desk.workbook import MOST_ROWS, NotATable, rows_of
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.petitions.pieces import pieces_of
from sabal.publishing import drafts
from sites import EXAMPLE, SiteOfTests

DEFINITION = folder.parse(folder.read(EXAMPLE))
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1"'
    ' Target="worksheets/sheet1.xml"/></Relationships>'
)
BOOK = (
    f'<workbook {NAMESPACE} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>'
    '<sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def sheet_of(language: str = "ko") -> Sheet:
    return translating._sheet(DEFINITION, language, None)


def workbook(cells: str, strings: str = "", **more: bytes) -> bytes:
    """Return an .xlsx with these cells, as another program may write it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr(
            "xl/worksheets/sheet1.xml", f"<worksheet {NAMESPACE}><sheetData>{cells}</sheetData></worksheet>"
        )
        if strings:
            archive.writestr("xl/sharedStrings.xml", f"<sst {NAMESPACE}>{strings}</sst>")
        for name, content in more.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize("make", [tables.as_xlsx, tables.as_csv])
def test_a_table_comes_back_as_it_went(make: object) -> None:
    sheet = sheet_of()
    table = tables.read(make(sheet, named("en"), named("ko")), sheet)  # type: ignore[operator]
    assert {row.key: row.text for row in table.rows} == {one.key: one.text for one in sheet.pieces}
    assert [row.source for row in table.rows] == [one.source for one in sheet.pieces]
    assert not table.bad and not table.empty


def test_no_cell_of_a_table_is_a_formula() -> None:
    sheet = Sheet("ko", "en", False, (translating.Piece("title", "=1+1", "@SUM(A1)", "done"),))
    text = tables.as_csv(sheet, named("en"), named("ko")).decode("utf-8-sig")
    assert "'=1+1" in text and "'@SUM" in text
    with zipfile.ZipFile(io.BytesIO(tables.as_xlsx(sheet, named("en"), named("ko")))) as archive:
        page = archive.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in page and b"rightToLeft" not in page
        assert not [
            name for name in archive.namelist() if "vba" in name.lower() or "external" in name.lower()
        ]
    row = tables.read(text.encode(), sheet).rows[0]
    assert (row.source, row.text) == ("=1+1", "@SUM(A1)")


def test_shared_and_rich_texts_and_numbers_are_read() -> None:
    strings = "<si><t>key</t></si><si><r><t>trans</t></r><r><t>lation</t></r><rPh><t>aside</t></rPh></si>"
    cells = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c></row>'
        '<row r="4"><c r="A4" t="inlineStr"><is><t>title</t></is></c>'
        '<c r="C4" t="str"><f>1</f><v>a_x000D_b</v></c></row>'
        '<row><c t="str"><v>summary</v></c><c/><c><v>5</v></c></row>'
    )
    assert rows_of(workbook(cells, strings)) == [
        [],
        ["key", "", "translation"],
        [],
        ["title", "", "a\rb"],
        ["summary", "", "5"],
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_csv_of_any_program_is_read(delimiter: str, encoding: str) -> None:
    lines = [["Translation: Korean", "Key", "more"], ['"새 ""제목""\n둘"', "title", ""], ["", "summary", ""]]
    content = "\r\n".join(delimiter.join(line) for line in lines).encode(encoding)
    table = tables.read(content, sheet_of())
    assert [(row.key, row.text) for row in table.rows] == [("title", '새 "제목"\n둘')] and table.empty == 1


def test_bad_rows_are_named() -> None:
    content = "key,translation\ntitle,하나\ntitel,둘\n\ntitle,셋\n,넷\n../../x,<script>\n".encode()
    table = tables.read(content, sheet_of())
    assert [row.text for row in table.rows] == ["하나"]
    assert [(number, code) for number, code, _ in table.bad] == [
        (3, "unknown"), (5, "twice"), (6, "unknown"), (7, "unknown")
    ]  # fmt: skip


ENTITIES = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)


def with_part(name: str, content: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", BOOK)
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr(name, content)
    return out.getvalue()


def lying(content: bytes) -> bytes:
    """Return an archive that says that its sheet has ten bytes."""
    at = content.rindex(b"PK\x01\x02")
    return content[: at + 24] + (10).to_bytes(4, "little") + content[at + 28 :]


ROW = '<row r="1"><c r="A1" t="str"><v>key</v></c></row>'
HOSTILE = {
    "bomb": (with_part("xl/worksheets/sheet1.xml", "<worksheet>" + " " * 60_000_000), "large"),
    "a bomb of strings": (workbook(ROW, "<si/>" * 6_000_000), "large"),
    "one text in many cells": (
        workbook(
            ROW + "".join(f'<row r="{n}"><c t="s"><v>0</v></c></row>' for n in range(2, 300)),
            f"<si><t>{'x ' * 4_000_000}</t></si>",
        ),
        "large",
    ),
    "a lying bomb": (
        lying(with_part("xl/worksheets/sheet1.xml", "<worksheet>" + " " * 60_000_000)),
        "broken",
    ),
    "entities": (with_part("xl/worksheets/sheet1.xml", ENTITIES + "]><worksheet>&j;</worksheet>"), "broken"),
    "a file of the server": (
        with_part(
            "xl/worksheets/sheet1.xml", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
        ),
        "broken",
    ),
    "a far row": (workbook('<row><c r="A1048576" t="str"><v>x</v></c></row>'), "large"),
    "a far column": (workbook('<row><c r="XFD1" t="str"><v>x</v></c></row>'), "empty"),
    "no such string": (workbook('<row><c r="A1" t="s"><v>7</v></c></row>'), "broken"),
    "a wrong number": (workbook(f'<row r="{"9" * 5000}"><c t="str"><v>x</v></c></row>'), "broken"),
    "a wrong place": (workbook('<row><c r="1A" t="str"><v>x</v></c></row>'), "broken"),
    "macros": (workbook(ROW, **{"xl/vbaProject.bin": b"x"}), "macros"),
    "old macros": (workbook(ROW, **{"xl/macrosheets/sheet1.xml": b"x"}), "macros"),
    "no workbook": (with_part("a", "b")[:50] + b"x" * 100, "broken"),
    "no sheet": (with_part("a", "b"), "broken"),
    "an old Excel": (b"\xd0\xcf\x11\xe0" + b"x" * 600, "old"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\xff" * 60, "encoding"),
    "not UTF-8": ("key,translation\ntitle,한국어".encode("euc-kr"), "encoding"),
    "empty": (b"", "columns"),
    "another table": (b"name,email\na,b\n", "columns"),
    "too many rows": (b"key,translation\n" + b"title,a\n" * (MOST_ROWS + 1), "large"),
    "too large": (b"key,translation\n" + b"x" * 5_000_001, "large"),
    "a web page": (b"<!doctype html><script>alert(1)</script>", "encoding"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_is_no_table_is_refused_with_a_reason(name: str) -> None:
    content, code = HOSTILE[name]
    with pytest.raises(NotATable) as refused:
        tables.read(content, sheet_of())
    assert refused.value.code == code


@settings(max_examples=60, deadline=None)
@given(some.binary(max_size=300), some.integers(0, 400))
def test_no_damaged_file_is_a_fault_of_the_server(noise: bytes, at: int) -> None:
    good = workbook(ROW, "<si><t>key</t></si>")
    for content in (noise, good[:at] + noise + good[at + len(noise) :], b"PK\x03\x04" + noise):
        try:
            tables.read(content, sheet_of())
        except NotATable:
            continue


# On the desk


@pytest.fixture
def carol(site: SiteOfTests) -> Person:
    """Return the editor of an organisation."""
    ours = Organisation.objects.create(key="ours", name="Ours")
    return person("carol@example.org", TeamRole.EDITOR, organisation=ours)


@pytest.fixture
def petition(carol: Person) -> Petition:
    """Return a draft in three languages."""
    petition = drafts.import_files(folder.read(EXAMPLE))
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get())
    return petition


def upload(browser: object, petition: Petition, content: bytes, name: str = "ko.csv") -> object:
    file = io.BytesIO(content)
    file.name = name
    return browser.post(f"/petitions/{petition.slug}/languages/ko/table", {"file": file})  # type: ignore[attr-defined]


def hidden(page: str) -> dict[str, str]:
    """Return the fields that the page of the changes sends."""
    from html.parser import HTMLParser

    fields: dict[str, str] = {}

    class Inputs(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            one = dict(attrs)
            if tag == "input" and (one.get("name") or "").startswith(("text:", "seen:")):
                fields[one["name"] or ""] = one.get("value") or ""

    Inputs().feed(page)
    return fields


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_table_is_sent_filled_looked_at_and_saved(carol: Person, petition: Petition, kind: str) -> None:
    path = f"/petitions/{petition.slug}/languages/ko"
    got = carol.browser.get(f"{path}/table.{kind}")
    assert got.headers["Content-Disposition"] == f'attachment; filename="{petition.slug}-ko.{kind}"'
    before = drafts.export_files(petition.slug)
    title = pieces_of(folder.parse(before), "ko")["title"]
    if kind == "csv":
        filled = got.content.decode("utf-8-sig").replace(title, "새 <b>제목</b>").encode()
    else:
        lines = (("key", "translation"), ("title", "새 &lt;b&gt;제목&lt;/b&gt;"), ("summary", ""))
        cells = [[f"<c t='str'><v>{cell}</v></c>" for cell in line] for line in lines]
        filled = workbook("".join(f"<row>{''.join(line)}</row>" for line in cells))
    page = upload(carol.browser, petition, filled, f"<script>.{kind}").content.decode()  # type: ignore[attr-defined]
    assert "1 piece changes." in page and "새 &lt;b&gt;제목" in page and "<script>." not in page
    assert drafts.export_files(petition.slug) == before, "saved before anybody looked"

    assert carol.browser.post(path, hidden(page)).status_code == 302
    after = folder.parse(drafts.export_files(petition.slug))
    assert after.texts["ko"].title == "새 <b>제목</b>"
    assert pieces_of(after, "ko") == {**pieces_of(folder.parse(before), "ko"), "title": "새 <b>제목</b>"}


def test_what_changed_since_the_table_was_made_is_not_overwritten(carol: Person, petition: Petition) -> None:
    path = f"/petitions/{petition.slug}/languages/ko"
    page = upload(carol.browser, petition, "key,translation\ntitle,표의 제목\n".encode()).content.decode()  # type: ignore[attr-defined]
    files = drafts.export_files(petition.slug)
    title = folder.parse(files).texts["ko"].title
    drafts.import_files({**files, "ko.md": files["ko.md"].replace(title, "그사이의 제목")})
    answer = carol.browser.post(path, hidden(page))
    assert answer.status_code == 422 and "그사이의 제목" in answer.content.decode()
    assert drafts.definition(petition.slug).texts["ko"].title == "그사이의 제목"


def test_a_translation_of_an_older_source_is_marked(carol: Person, petition: Petition) -> None:
    path = f"/petitions/{petition.slug}/languages/ko"
    table = "key,source,translation\ntitle,An older title,옛 제목\n".encode()
    page = upload(carol.browser, petition, table).content.decode()  # type: ignore[attr-defined]
    assert "The original has changed since this table was made" in page
    assert carol.browser.post(path, hidden(page)).status_code == 302
    sheet = translating.sheet(petition, "ko")
    assert sheet is not None and sheet.outdated == 1


def test_a_refused_file_changes_nothing_and_says_why(carol: Person, petition: Petition) -> None:
    before = drafts.export_files(petition.slug)
    for content, said in ((HOSTILE["macros"][0], "contains macros"), (HOSTILE["bomb"][0], "too large")):
        answer = upload(carol.browser, petition, content, "ko.xlsx")
        assert answer.status_code == 422 and said in answer.content.decode()  # type: ignore[attr-defined]
    answer = carol.browser.post(f"/petitions/{petition.slug}/languages/ko/table", {})
    assert answer.status_code == 422 and "Choose the file" in answer.content.decode()
    assert upload(carol.browser, petition, b"x" * 13_000_000).status_code == 422  # type: ignore[attr-defined]
    assert drafts.export_files(petition.slug) == before
    assert carol.browser.get(f"/petitions/{petition.slug}/languages/ko/table.exe").status_code == 404


def test_nothing_of_a_table_is_written_to_the_disk(
    site: SiteOfTests, carol: Person, petition: Petition
) -> None:
    upload(carol.browser, petition, "key,translation\ntitle,비밀스러운제목\n".encode())
    for file in Path(site.data).rglob("*"):
        assert not file.is_file() or "비밀스러운제목".encode() not in file.read_bytes(), file

"""organiser.html does what the commands do, with the same results, from `file://` and without a network."""

import base64
import hashlib
import io
import re
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import segno
from click.testing import CliRunner

import agefile
from checking.made import bundle as zipped
from organiser import made, pages
from organiser.made import Petition, person
from organiser.pages import PASSPHRASE, Opened, key_file
from organiser.test_audit import crowd
from organiser.test_bundle import withdrawn_since
from sabal import keyfile
from sabal.checking.bundle import read_bundle
from sabal.checking.check import check
from sabal.cli import main
from sabal.organiser.page import FILE
from served import CHROMIUM
from tlog.entry import Reason

SCRIPT = Path(__file__).parents[2] / "script/organiser-page"
SEED = "Lotto 6aus49, 28.11.2026: 3 17 22 31 40 48"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: organiser.html was not opened in a browser"),
    pytest.mark.skipif(
        not FILE.is_file(), reason="organiser.html was not built: script/organiser-page says why"
    ),
]


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Opened]:
    with pages.opened(browser, tmp_path) as one:
        yield one


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return key_file(tmp_path, made.CAROL)


def run(*words: object) -> str:
    done = CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)
    assert done.exit_code in (0, 1), done.output
    return done.output


def crowded() -> Petition:
    """Return a petition with every pattern, names in many scripts, formulas, and signatures that were withdrawn."""
    strange = [
        person("=HYPERLINK(1)", "eve@example.org", comment="line one\nline “two”, and =3"),
        person("Straße Ünal", "s.unal@bücher.example", country="DE"),
        person("김 수지", "suzie@naver.com", comment="다리를 지켜 주세요; +1"),
        person("ΣΊΣΥΦΟΣ", "Kim@GMAIL.com", country="GR"),
        person("K. Im", "k.i.m+x@googlemail.com", country=""),
        person("Zoë <b>", "zoe@example.org", risk={"trap": True}),
        person("ﬁ Ligature", "fi@example.org", risk={"trap": [], "hours": 0}),
    ]
    rows = [
        person(f"Test {n}", f"test{n}@village.example", country="FR", risk={"trap": 1}) for n in range(25)
    ]
    same = [
        person("STRASSE Straße" if n % 2 else "strasse strasse", f"x{'abcdefg'[n]}@gmx.net", country="AT")
        for n in range(6)
    ]
    petition = made.petition([*strange, *rows, *same, *crowd(300)])
    petition.revoke(3)
    petition.revoke(40, Reason.FAKE)
    return petition


def written(petition: Petition, path: Path, lines: list[str] | None = None) -> Path:
    return Path(petition.write(path, lines))


def sealed_code(code: bytes = b"0123456789abcdef") -> str:
    return base64.b64encode(agefile.encrypt(code, [made.CAROL.recipient])).decode()


def test_it_can_ask_no_network_and_runs_only_its_own_script() -> None:
    text = FILE.read_text(encoding="utf-8")
    head, script = text.split("<script>", 1)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', head)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == "'none'"
    for inside, rule in (
        (head.split("<style>")[1].split("</style>")[0], "style-src"),
        (script.rsplit("</script>", 1)[0], "script-src"),
    ):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert "unsafe" not in policy and " src=" not in head and "</script" not in inside


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    """And the page that is here was made from the sources that are here."""
    again = tmp_path / "organiser.html"
    subprocess.run([SCRIPT, "--into", again], check=True, capture_output=True, timeout=120)
    assert again.read_bytes() == FILE.read_bytes()


def test_the_tests_of_its_own_language_pass() -> None:
    done = subprocess.run([SCRIPT, "--test"], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert int(re.findall(r"^# pass (\d+)", done.stdout, re.MULTILINE)[0]) >= 19


def test_a_table_of_the_signers_is_that_of_the_command(page: Opened, key: Path, tmp_path: Path) -> None:
    petition = crowded()
    lines = petition.export()
    other = agefile.generate(post_quantum=False)
    lines[5] = made.lines(petition.line(6, [other.recipient]))[0]  # locked for another key
    lines[6] = lines[6].replace('"commitment": "', '"commitment": "00')[:-1] + "\n"  # damaged
    forged = petition.line(8) | {"commitment": petition.commitment(9).hex()}
    lines[7:8] = made.lines(forged, petition.line(8))
    file = written(petition, tmp_path / "export.jsonl", lines)
    page.open_names([file], key)
    run("open", file, "--identity", key, "--out", tmp_path / "command.csv", "--bom")
    assert page.saved("Save as CSV").read_bytes() == (tmp_path / "command.csv").read_bytes()
    assert "Could not be opened: 2 (line 6, 7)" in page.tab.inner_text("main")
    assert "Not what was signed: 1." in page.tab.inner_text("main")


def test_a_spreadsheet_has_text_in_every_cell(page: Opened, key: Path, tmp_path: Path) -> None:
    page.open_names([written(crowded(), tmp_path / "export.jsonl")], key)
    with zipfile.ZipFile(page.saved("Save for Excel")) as book:
        (sheet,) = [book.read(name).decode() for name in book.namelist() if name.endswith("sheet1.xml")]
        strings = (
            book.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in book.namelist() else sheet
        )
    assert "<f" not in re.sub("<fonts?", "", sheet) and set(re.findall(r'<c [^>]*t="(\w+)"', sheet)) <= {
        "s",
        "inlineStr",
    }
    assert "=HYPERLINK(1)" in strings and "ΣΊΣΥΦΟΣ" in strings and "Zoë &lt;b&gt;" in strings


def test_several_keys_have_passphrases_of_their_own(page: Opened, tmp_path: Path) -> None:
    keys = [agefile.generate(post_quantum=False) for _ in range(3)]
    petition = made.petition([person("Suzie"), person("Max"), person("Kim")])
    lines = petition.export([])
    lines += made.lines(*(petition.line(n, [key.recipient]) for n, key in enumerate(keys, start=1)))
    export, paths = written(petition, tmp_path / "export.jsonl", lines), []
    for n, key in enumerate(keys):
        paths.append(tmp_path / f"{n}.key")
        secret = PASSPHRASE if n else "another passphrase"
        locked = agefile.encrypt_passphrase(f"{key}\n".encode(), secret, work_factor=4)
        paths[-1].write_bytes(agefile.armor(locked).replace(b"\n", b"\r\n"))
    page.go("names")
    page.choose("The export", export)
    page.choose("Your key file", *paths)
    page.tab.get_by_label("Passphrase of the key").fill(PASSPHRASE)
    page.press("Open")
    assert page.refusal() == "This is not the passphrase of the key in 0.key."
    page.tab.get_by_label("Passphrase of 0.key, if it is another one").fill("another passphrase")
    page.press("Open")
    page.tab.get_by_role("heading", name="The signatures", exact=True).wait_for()
    assert (
        page.tab.locator(".count").inner_text()
        == "3 signatures opened, each with the content that was signed"
    )


def test_older_exports_and_withdrawn_records_are_joined_as_the_command_does(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    petition = made.petition([person("Suzie"), person("Max"), person("Kim")])
    old = written(petition, tmp_path / "old.jsonl")
    petition.revoke(2)
    petition.sign(person("Ana"))
    new = written(petition, tmp_path / "new.jsonl")
    page.open_names([old, new], key)
    run("open", old, new, "--identity", key, "--out", tmp_path / "command.csv", "--bom")
    assert page.saved("Save as CSV").read_bytes() == (tmp_path / "command.csv").read_bytes()


@pytest.mark.parametrize("also", [(), ("row", "domain"), ("name", "day", "robot")])
def test_a_proposal_is_that_of_the_command(
    page: Opened, key: Path, tmp_path: Path, also: tuple[str, ...]
) -> None:
    file = written(crowded(), tmp_path / "export.jsonl")
    page.open_names([file], key)
    page.tab_of("Patterns")
    page.press("Look for patterns")
    page.tab.get_by_role("heading", name="What was found").wait_for()
    titles = {
        "row": "Names or addresses that are numbered",
        "domain": "Many addresses of one",
        "name": "One name and country",
        "day": "Many of one domain",
        "robot": "A field that people",
    }
    for pattern in also:
        section = page.tab.locator("section").filter(
            has=page.tab.get_by_role("heading", name=titles[pattern])
        )
        section.get_by_label(re.compile("Propose all")).check()
    out = tmp_path / "command.jsonl"
    run("audit", file, "--identity", key, "--out", out, *(word for one in also for word in ("--also", one)))
    saved = page.saved("Save the proposal").read_bytes()
    assert saved == out.read_bytes() and saved.count(b"\n") > 20


def test_a_copy_of_the_log_leaves_out_what_was_withdrawn_since(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    petition = crowded()
    file = written(petition, tmp_path / "export.jsonl")
    petition.revoke(20)
    log = tmp_path / "log.zip"
    log.write_bytes(zipped(petition.copy(), {}))
    page.open_names([file], key)
    page.tab_of("Patterns")
    page.choose("The public log of the petition (optional)", log)
    page.press("Look for patterns")
    page.tab.get_by_text("withdrawn or invalidated since: 1").wait_for()
    run("audit", file, "--identity", key, "--copy", log, "--out", tmp_path / "command.jsonl")
    assert page.saved("Save the proposal").read_bytes() == (tmp_path / "command.jsonl").read_bytes()


def test_a_signature_can_be_taken_out_of_the_proposal(page: Opened, key: Path, tmp_path: Path) -> None:
    petition = made.petition([person("Max", "max@example.org"), person("Maks", "max@example.org")])
    page.open_names([written(petition, tmp_path / "export.jsonl")], key)
    page.tab_of("Patterns")
    page.press("Look for patterns")
    page.tab.get_by_text("Proposed: 1, of which 1 as duplicates").wait_for()
    save = page.tab.get_by_role("button", name="Save the proposal")
    assert save.is_visible()
    page.tab.get_by_text("Show the signatures").click()
    page.tab.get_by_role("checkbox", name="Maks").check()
    page.tab.get_by_text("Nothing is proposed.").wait_for()
    assert save.count() == 0


def command_of(folder: Path, key: Path) -> tuple[object, ...]:
    return "bundle", folder / "log.zip", "--sealed", folder / "export.jsonl", "--identity", key


def bundle_page(page: Opened, petition: Petition, key: Path, folder: Path) -> None:
    log = folder / "log.zip"
    log.write_bytes(zipped(petition.copy(), {}))
    page.open_names([written(petition, folder / "export.jsonl")], key)
    page.tab_of("For a recipient")
    page.choose("The public log of the petition", log)
    page.press("Check the log")


def test_a_bundle_of_names_passes_the_check_and_is_that_of_the_command(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    petition = made.petition([person(name) for name in ("Suzie", "Max", "김 수지")], recipients_get="names")
    petition.revoke(2)
    bundle_page(page, petition, key, tmp_path)
    page.tab.get_by_label("all records, with the fields that were promised").check()
    page.press("Make the bundle")
    page.tab.get_by_text("Shown: 2 of 2.").wait_for()
    copy = read_bundle(io.BytesIO(page.saved("Save").read_bytes()))
    out = tmp_path / "command.zip"
    run(*command_of(tmp_path, key), "--show", "names", "--out", out)
    with out.open("rb") as file:
        theirs = read_bundle(file)
    assert copy == theirs and check(copy, now=made.NOW).ok and copy.records


def test_a_sample_is_that_of_the_command_and_can_be_locked_for_its_reader(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    petition = made.petition(crowd(40), sample_audit=True)
    reader = agefile.generate()
    bundle_page(page, petition, key, tmp_path)
    page.tab.get_by_label("a sample that is drawn by lot").check()
    page.tab.get_by_label("Seed of the draw").fill(SEED)
    page.tab.get_by_label("How many to draw").fill("7")
    page.tab.get_by_label("Public key of the recipient").fill(str(reader.recipient))
    page.press("Make the bundle")
    page.tab.get_by_text("Shown: 7 of 7.").wait_for()
    saved = page.saved("Save")
    assert saved.suffixes == [".zip", ".age"]
    copy = read_bundle(io.BytesIO(agefile.decrypt(saved.read_bytes(), [reader])))
    out = tmp_path / "command.zip"
    run(*command_of(tmp_path, key), "--show", "sample", "--seed", SEED, "--number", 7, "--out", out)
    with out.open("rb") as file:
        assert copy == read_bundle(file)


def test_a_bundle_shows_no_more_than_was_promised(page: Opened, key: Path, tmp_path: Path) -> None:
    bundle_page(page, made.petition([person("Suzie")], recipients_get="count"), key, tmp_path)
    page.tab.get_by_text("The signers were promised that their records are not shown to others.").wait_for()
    assert page.tab.get_by_role("radio").count() == 1
    page.press("Make the bundle")
    assert read_bundle(io.BytesIO(page.saved("Save").read_bytes())).records is None


def test_what_only_a_newer_export_lists_as_withdrawn_is_not_shown(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    withdrawn_since(tmp_path)
    page.open_names([tmp_path / "old.jsonl", tmp_path / "new.jsonl"], key)
    page.tab_of("For a recipient")
    page.choose("The public log of the petition", tmp_path / "log.zip")
    page.press("Check the log")
    page.tab.get_by_label("all records, with the fields that were promised").check()
    page.press("Make the bundle")
    page.tab.get_by_text("Shown: 2 of 3.").wait_for()
    page.tab.get_by_text("withdrawn or invalidated since: 1").wait_for()
    assert "Kim" not in page.saved("Save").read_bytes().decode("utf-8", "replace")


def test_records_of_an_amended_petition_are_shown_as_the_command_does(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    petition = made.petition([person("Suzie")], recipients_get="names")
    petition.amend(made.manifest())
    petition.sign(person("Max"))
    bundle_page(page, petition, key, tmp_path)
    page.tab.get_by_label("all records, with the fields that were promised").check()
    page.press("Make the bundle")
    page.tab.get_by_text("Signed under a text that did not promise this, and not shown: 1.").wait_for()
    out = tmp_path / "command.zip"
    run(*command_of(tmp_path, key), "--show", "names", "--out", out)
    with out.open("rb") as file:
        assert read_bundle(io.BytesIO(page.saved("Save").read_bytes())) == read_bundle(file)


def test_a_bundle_cannot_be_saved_after_something_else_was_chosen(
    page: Opened, key: Path, tmp_path: Path
) -> None:
    """Else one that is not locked could be saved after the recipient's key was entered."""
    reader, other = agefile.generate(post_quantum=False), agefile.generate(post_quantum=False)
    bundle_page(page, made.petition([person("Suzie")], recipients_get="names"), key, tmp_path)
    page.tab.get_by_label("all records, with the fields that were promised").check()
    page.press("Make the bundle")
    page.tab.get_by_text("This bundle has names that are not locked.").wait_for()
    page.tab.get_by_label("Public key of the recipient").fill(f"{reader.recipient}\n{other.recipient}")
    assert page.tab.get_by_role("button", name="Save", exact=True).count() == 0
    page.press("Make the bundle")
    page.tab.get_by_text("It is locked for 2 public keys.").wait_for()
    assert page.tab.get_by_text("names that are not locked").count() == 0


@pytest.mark.parametrize("short", ["", "  ab  "])
def test_a_seed_that_could_be_chosen_is_refused(page: Opened, key: Path, tmp_path: Path, short: str) -> None:
    bundle_page(page, made.petition([person("Suzie")], sample_audit=True), key, tmp_path)
    page.tab.get_by_label("a sample that is drawn by lot").check()
    page.tab.get_by_label("Seed of the draw").fill(short)
    page.press("Make the bundle")
    assert "seed" in page.refusal()


def test_a_log_that_was_changed_is_refused(page: Opened, key: Path, tmp_path: Path) -> None:
    petition = made.petition([person("Suzie"), person("Max")])
    file = written(petition, tmp_path / "export.jsonl")
    forged = made.petition([person("Suzie"), person("Eve")])
    (tmp_path / "log.zip").write_bytes(zipped(forged.copy(), {}))
    page.open_names([file], key)
    page.tab_of("For a recipient")
    page.choose("The public log of the petition", tmp_path / "log.zip")
    page.press("Check the log")
    assert "does not pass the check" in page.refusal()


def test_the_proof_for_deleting_is_that_of_the_command(page: Opened, key: Path, tmp_path: Path) -> None:
    petition = made.petition([person("Suzie"), person("Max"), person("Kim")])
    petition.revoke(2)
    file = written(petition, tmp_path / "export.jsonl", petition.export(code=sealed_code()))
    page.open_names([file], key)
    page.tab_of("Delete from the server")
    assert (
        page.tab.locator(".code:visible").inner_text()
        == run("open", file, "--identity", key, "--prove").strip()
    )


def test_nothing_is_deleted_if_a_record_does_not_open(page: Opened, key: Path, tmp_path: Path) -> None:
    petition = made.petition([person("Suzie"), person("Max")])
    lines = petition.export([1], code=sealed_code())
    lines += made.lines(petition.line(2, [agefile.generate(post_quantum=False).recipient]))
    page.open_names([written(petition, tmp_path / "export.jsonl", lines)], key)
    page.tab_of("Delete from the server")
    page.tab.get_by_text("So the server must keep them all.").wait_for()
    assert page.tab.locator(".code:visible").count() == 0


def test_a_key_is_made_saved_checked_and_used(browser: Any, tmp_path: Path) -> None:
    """The key sheet is read back from its picture, as from a photo."""
    init = "window.print = () => document.documentElement.append(document.querySelector('.paper').cloneNode(true))"
    with pages.opened(browser, tmp_path, init=init) as page:
        page.go("new-key")
        page.tab.get_by_label("Passphrase", exact=True).fill("short")
        page.press("Make the key")
        assert "too short" in page.refusal()
        page.tab.get_by_label("Passphrase", exact=True).fill(PASSPHRASE)
        page.tab.get_by_label("The passphrase again").fill("another one of these")
        page.press("Make the key")
        assert "differ" in page.refusal()
        page.tab.get_by_label("The passphrase again").fill(PASSPHRASE)
        page.press("Make the key")
        page.tab.get_by_role("heading", name="Save the key file").wait_for(timeout=60_000)
        key = page.saved("Save organiser.key")
        public = page.saved("Save as a file").read_text().strip()
        (identity,) = keyfile.read_identities(key, lambda: PASSPHRASE)
        assert str(identity.recipient) == public and public.startswith("age1pq1")

        page.press("Print the sheet")
        picture = tmp_path / "sheet.png"
        segno.make(key.read_text(), error="l", micro=False).save(str(picture), scale=4, border=4)
        page.tab.get_by_text("I have only the key sheet", exact=True).click()
        page.choose("A photo or a scan of the sheet", picture)
        page.tab.get_by_label("Passphrase of the key").fill("not the passphrase")
        page.press("Check it")
        assert "not the passphrase" in page.refusal()
        page.tab.get_by_label("Passphrase of the key").fill(f" {PASSPHRASE} ")
        page.press("Check it")
        page.tab.get_by_text("It opens, and it is the key that you made.").wait_for(timeout=60_000)


def test_the_code_of_a_check_file_is_shown(page: Opened, tmp_path: Path) -> None:
    identity = agefile.generate()
    locked = tmp_path / "organiser.key"
    locked.write_bytes(agefile.armor(agefile.encrypt_passphrase(f"{identity}\n".encode(), PASSPHRASE)))
    (tmp_path / "check.age").write_bytes(agefile.encrypt(b"mfrggzdfmztwq2lk\n", [identity.recipient]))
    page.go("file")
    page.choose("The locked file", tmp_path / "check.age")
    page.choose("Your key file", locked)
    page.press("Open")
    assert "Enter its passphrase" in page.refusal()
    page.tab.get_by_label("Passphrase of the key").fill(PASSPHRASE)
    page.press("Open")
    page.tab.get_by_text("mfrggzdfmztwq2lk").wait_for(timeout=60_000)
    assert page.tab.get_by_label("Passphrase of the key").input_value() == ""


def test_an_address_that_names_no_screen_leads_to_the_first(page: Opened) -> None:
    for name in ("toString", "__proto__", "constructor", "elsewhere"):
        page.go(name)
        page.tab.get_by_role("heading", name="What do you want to do?").wait_for()


def test_many_different_days_do_not_stop_the_page(page: Opened, key: Path, tmp_path: Path) -> None:
    people = [person("Suzie", f"s{n}@example.org", country=f"{n}", day=f"{n:05}") for n in range(1_500)]
    page.open_names([written(made.petition(people), tmp_path / "export.jsonl")], key)
    assert page.tab.locator("select").nth(1).locator("option").count() == 1_001


def test_another_locked_file_is_saved_byte_for_byte(page: Opened, key: Path, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    (tmp_path / "bundle.zip.age").write_bytes(agefile.encrypt(content, [made.CAROL.recipient]))
    page.go("file")
    page.choose("The locked file", tmp_path / "bundle.zip.age")
    page.choose("Your key file", key)
    page.press("Open")
    page.tab.get_by_text("The file was opened.").wait_for()
    saved = page.saved("Save")
    assert saved.name == "bundle.zip" and saved.read_bytes() == content


def test_what_is_no_key_and_no_export_is_told(page: Opened, key: Path, tmp_path: Path) -> None:
    petition = made.petition([person("Suzie")])
    file = written(petition, tmp_path / "export.jsonl")
    (tmp_path / "elsewhere").mkdir()
    other = key_file(tmp_path / "elsewhere", agefile.generate(post_quantum=False))
    (tmp_path / "public.key").write_text(f"{made.CAROL.recipient}\n")
    page.go("names")
    page.press("Open")
    assert "Choose the export" in page.refusal()
    for exported, with_key, said in (
        (key, key, "is not an export"),
        (file, tmp_path / "public.key", "public half"),
        (file, file, "an export of signatures"),
    ):
        page.choose("The export", exported)
        page.choose("Your key file", with_key)
        page.press("Open")
        assert said in page.refusal()
    page.choose("The export", file)
    page.choose("Your key file", other)
    page.press("Open")
    page.tab.get_by_text("Could not be opened: 1 (line 2).").wait_for()


def test_names_are_text_and_never_markup(page: Opened, key: Path, tmp_path: Path) -> None:
    attack = "<img src=x onerror=document.title='eve'>"
    petition = made.petition([person(attack, "eve@example.org", comment=attack), person("Suzie")])
    page.open_names([written(petition, tmp_path / "export.jsonl")], key)
    assert (
        page.tab.locator("td", has_text="onerror").count() == 2 and page.tab.locator("main img").count() == 0
    )
    page.tab.get_by_label("Search").fill("suz")
    page.tab.get_by_text("1 to 1 of 1").wait_for()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("width", "scheme"), [(1366, "light"), (360, "dark"), (320, "light")])
def test_every_screen_is_accessible_and_fits(
    browser: Any, tmp_path: Path, language: str, width: int, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with pages.opened(browser, tmp_path, language, width=width, scheme=scheme) as page:
        for screen in ("", "new-key", "file", "names"):
            page.go(screen)
            page.tab.wait_for_timeout(50)
            assert page.tab.evaluate("document.documentElement.scrollWidth") <= width
            assert page.tab.evaluate("document.documentElement.lang") == language
            found = Axe().run(page.tab, options={"resultTypes": ["violations"]})
            assert found.violations_count == 0, found.generate_report()


@pytest.mark.timing
def test_ten_thousand_records_are_opened_in_less_than_a_minute(page: Opened, tmp_path: Path) -> None:
    """With a post-quantum key, which is the default."""
    identity, petition = agefile.generate(), made.petition()
    for n in range(10_000):
        petition.sign(person(f"Signer {n}", f"signer.{n}@example.org"))
    lines = petition.export([])
    lines += made.lines(*(petition.line(index, [identity.recipient]) for index in petition.counted))
    file, key = written(petition, tmp_path / "export.jsonl", lines), key_file(tmp_path, identity)
    begun = time.monotonic()
    page.open_names([file], key)
    assert "10,000" in page.tab.locator(".count").inner_text()
    assert time.monotonic() - begun < 60

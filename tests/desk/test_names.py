"""Names leave the server on the desk: downloaded, opened with the key elsewhere, and deleted when that was proved."""

import io
import re
import tracemalloc
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.test import Client

from desk_clients import Person, person
from sabal.accounts.acts import Act, TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.cli import main
from sabal.desk import downloads
from sabal.ledger import exports
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records import export
from sabal.records.export import Commitments
from sabal.signing import drain, sealed
from served import SLUG
from signing.steps import confirmed
from sites import NOW, SiteOfTests

HOUR = 3_600
PAGE = f"/petitions/{SLUG}/names"


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    """Return a petition that two people signed, in the public log."""
    petition = site.publish()
    for email in ("suzie@example.org", "max@example.org"):
        confirmed(site, petition, email)
    assert site.sequence(petition, NOW + 400 * HOUR) == 2
    organisation = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=petition.id, organisation=organisation)
    return petition


@pytest.fixture
def carol(petition: PetitionSnapshot) -> Person:
    """Return Carol, an editor who may also export."""
    organisation = Organisation.objects.get(key="ours")
    return person("carol@example.org", TeamRole.EDITOR, organisation=organisation, rights=(Act.EXPORT,))


def fetched(browser: Client) -> bytes:
    answer = browser.post(f"{PAGE}/file")
    assert answer.status_code == 200
    content = b"".join(answer)  # type: ignore[arg-type]
    answer.close()
    assert int(answer["Content-Length"]) == len(content)
    return content


def code_of(content: bytes, site: SiteOfTests, folder: Path) -> str:
    """Return the code that `sabal open --prove` prints on Carol's computer."""
    file, key = folder / "names.jsonl", folder / "organiser.key"
    file.write_bytes(content)
    key.write_text(f"{site.identity}\n")
    done = CliRunner().invoke(
        main, ["open", str(file), "--identity", str(key), "--prove"], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def test_from_the_download_to_the_deletion(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person, tmp_path: Path
) -> None:
    browser = carol.browser
    assert b"Download" in browser.get(PAGE).content
    content = fetched(browser)
    opened = export.open_sealed([export.read(io.StringIO(content.decode()))], [site.identity])
    assert sorted(one.fields["email"] for one in opened) == ["max@example.org", "suzie@example.org"]

    code = code_of(content, site, tmp_path)
    answer = browser.post(f"{PAGE}/delete", {"code": f"  {code.upper()}\n"})
    assert answer.status_code == 302
    due = drain.due(site.database, petition.id)
    assert due is not None and b"will be deleted from the server after" in browser.get(PAGE).content
    assert drain.drain(site.database, petition.id, due) == 0
    assert drain.drain(site.database, petition.id, due + timedelta(days=1)) == 2
    assert site.rows("signing_sealed") == 0
    whats = AuditEntry.objects.order_by("pk").values_list("what", flat=True)
    assert list(whats) == ["names-fetched", "drain-planned"]


def test_a_deletion_is_undone_once(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person, tmp_path: Path
) -> None:
    code = code_of(fetched(carol.browser), site, tmp_path)
    carol.browser.post(f"{PAGE}/delete", {"code": code})
    for _ in range(2):
        assert carol.browser.post(f"{PAGE}/keep").status_code == 302
    assert drain.due(site.database, petition.id) is None
    assert AuditEntry.objects.filter(what="drain-undone").count() == 1
    assert carol.browser.post(f"{PAGE}/delete", {"code": code}).status_code == 422


def test_keeping_does_not_forget_the_code_that_is_awaited(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person, tmp_path: Path
) -> None:
    """A form of an old page, sent again, takes nothing from the file that somebody is opening."""
    code = code_of(fetched(carol.browser), site, tmp_path)
    carol.browser.post(f"{PAGE}/keep")
    assert carol.browser.post(f"{PAGE}/delete", {"code": code}).status_code == 302


def test_a_wrong_code_deletes_nothing_and_stays_in_the_field(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person, tmp_path: Path
) -> None:
    assert b"No file is waiting" in carol.browser.post(f"{PAGE}/delete", {"code": "ab"}).content
    old = code_of(fetched(carol.browser), site, tmp_path)
    fetched(carol.browser)
    for code in (old, "0" * 64, "<script>alert(1)</script>", "é"):
        answer = carol.browser.post(f"{PAGE}/delete", {"code": code})
        assert answer.status_code == 422 and b"This code does not fit." in answer.content
        assert b"<script>alert" not in answer.content
    assert drain.due(site.database, petition.id) is None
    assert carol.browser.post(f"{PAGE}/delete", {"code": "a" * 201}).status_code == 422


def test_the_file_is_that_of_the_command(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person, tmp_path: Path
) -> None:
    """All lines are the same, but for the code in the first, which is new each time."""
    out = tmp_path / "command.jsonl"
    done = CliRunner().invoke(main, ["sealed", SLUG, "--out", str(out)], catch_exceptions=False)
    assert done.exit_code == 0
    by_command, by_desk = out.read_bytes(), fetched(carol.browser)
    code = re.compile(rb'"code": "[^"]+"')
    assert code.sub(b"", by_command) == code.sub(b"", by_desk) and by_command != by_desk


def test_a_link_downloads_nothing(site: SiteOfTests, petition: PetitionSnapshot, carol: Person) -> None:
    answer = carol.browser.get(f"{PAGE}/file")
    assert answer.status_code == 302 and answer["Location"] == PAGE
    assert not AuditEntry.objects.exists() and site.rows("signing_drain") == 0


def test_after_a_quarter_of_an_hour_the_factor_is_asked_again(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person
) -> None:
    session = carol.browser.session
    session["account_authentication_methods"] = [
        {**record, "at": record["at"] - 16 * 60} for record in session["account_authentication_methods"]
    ]
    session.save()
    for answer in (carol.browser.get(PAGE), carol.browser.post(f"{PAGE}/file")):
        assert answer.status_code == 302 and "reauthenticate" in answer["Location"]
    assert site.rows("signing_drain") == 0


@pytest.mark.parametrize("role", [TeamRole.EDITOR, TeamRole.VIEWER, TeamRole.MODERATOR, TeamRole.TRANSLATOR])
def test_a_role_without_the_right_gets_no_file(
    site: SiteOfTests, petition: PetitionSnapshot, role: TeamRole
) -> None:
    organisation = Organisation.objects.get(key="ours")
    eve = person("eve@example.org", role, organisation=organisation, rights=(Act.PUBLISH, Act.SEND))
    for path in (PAGE, f"{PAGE}/file", f"{PAGE}/delete", f"{PAGE}/keep"):
        assert eve.browser.post(path).status_code in (403, 405)
        assert eve.browser.get(path).status_code in (403, 405)


def test_another_website_downloads_nothing(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person
) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = carol.browser.cookies
    assert browser.post(f"{PAGE}/file").status_code == 403
    assert site.rows("signing_drain") == 0


def test_a_draft_has_no_names(site: SiteOfTests, petition: PetitionSnapshot, carol: Person) -> None:
    draft = Petition.objects.get(pk=petition.id)
    draft.state = Petition.State.DRAFT
    draft.save()
    assert b"Nobody has signed yet" in carol.browser.get(PAGE).content
    assert carol.browser.post(f"{PAGE}/file").status_code == 302
    assert carol.browser.get(f"/petitions/{SLUG}/log.zip").status_code == 409


def test_a_download_that_breaks_leaves_the_planned_deletion(
    site: SiteOfTests,
    petition: PetitionSnapshot,
    carol: Person,
    tmp_path: Path,
) -> None:
    """And the place of the download is free again."""
    carol.browser.post(f"{PAGE}/delete", {"code": code_of(fetched(carol.browser), site, tmp_path)})
    due = drain.due(site.database, petition.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(downloads, "disk_has_room", lambda folder: False)
        for _ in range(3):
            answer = carol.browser.post(f"{PAGE}/file")
            assert answer.status_code == 409 and b"nearly full" in answer.content
    assert due is not None and drain.due(site.database, petition.id) == due
    fetched(carol.browser)
    assert drain.due(site.database, petition.id) is None


def test_few_downloads_at_once(site: SiteOfTests, petition: PetitionSnapshot, carol: Person) -> None:
    """Downloads that are never read must not take all threads of the desk."""
    stalled = [carol.browser.post(f"{PAGE}/file") for _ in range(2)]
    answer = carol.browser.post(f"{PAGE}/file")
    assert answer.status_code == 409 and b"Two downloads are in progress" in answer.content
    for one in stalled:
        one.close()
    fetched(carol.browser)


def test_the_bundle_of_the_log_is_checked_by_anyone(
    site: SiteOfTests, petition: PetitionSnapshot, carol: Person, tmp_path: Path
) -> None:
    answer = carol.browser.get(f"/petitions/{SLUG}/log.zip")
    assert answer.status_code == 200, answer.content
    file = tmp_path / "log.zip"
    file.write_bytes(b"".join(answer))  # type: ignore[arg-type]
    answer.close()
    assert {"README.txt", "verify.py", "check.html", "entries"} <= set(zipfile.ZipFile(file).namelist())
    done = CliRunner().invoke(main, ["verify", str(file)], catch_exceptions=False)
    assert done.exit_code == 0 and "2 signatures" in done.output, done.output


def test_commitments_come_in_order() -> None:
    commitments, some = Commitments(), [bytes([n * 37 % 256, n % 7]) + bytes(30) for n in range(2_000)]
    for one in some:
        commitments.add(one)
    assert list(commitments) == sorted(some) and len(commitments) == 2_000
    assert export.drain_proof(b"ab", commitments) == export.drain_proof(b"ab", some)


def test_memory_does_not_grow_with_the_signatures(
    site: SiteOfTests, petition: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 40,000 records only their commitments stay in memory."""
    body = b"x" * 2_000

    def many(*args: Any) -> Any:
        for n in range(40_000):
            args[3].add(n.to_bytes(32, "little"))
            yield "x" * len(body)

    monkeypatch.setattr(sealed, "_records", many)
    export_ = exports.SealedExport(site.database, SLUG)
    tracemalloc.start()
    written = sum(1 for _ in export_.pieces())
    export_.expect_code()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert written == 40_001 and export_.records == 40_000
    assert most < 40_000 * 32 * 3, f"{most:,} bytes"

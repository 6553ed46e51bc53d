"""Commands about subscribers: count them, and export their addresses."""

import csv
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sabal import settings, token
from sabal.cli import main
from sabal.mail.address import EmailAddress
from sabal.newsletter import leaving
from sabal.newsletter import subscription as rows
from signing.steps import confirmed
from sites import SiteOfTests

SLUG = "stop-forced-repatriation"


@pytest.fixture
def listed(site: SiteOfTests) -> SiteOfTests:
    """Suzie is in both lists. Someone with an odd address is in the newsletter. Eve has not confirmed."""
    petition = site.publish()
    confirmed(site, petition, subscribe=("updates", "newsletter"))
    confirmed(site, petition, "=2+5@example.org", subscribe=("newsletter",))
    assert site.keyring.subscribers
    address = EmailAddress.parse("eve@example.org")
    eve = rows.subscription(
        site.keyring.subscribers,
        rows.MailingList(SLUG),
        address,
        "en",
        "Newsletter of Carol's people?",
    )
    with site.database.transaction():
        rows.ask(site.database, eve, b"h" * 32, 99_999)
    return site


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["newsletter", *arguments], catch_exceptions=False)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: (row["list"], row["address"]))


def test_list_counts_by_list_language_and_state(listed: SiteOfTests) -> None:
    lines = [" ".join(line.split()) for line in run("list").output.splitlines()]
    assert lines == [
        f"1 newsletter of {SLUG} en not confirmed yet",
        f"2 newsletter of {SLUG} ko confirmed",
        f"1 updates about {SLUG} ko confirmed",
    ]
    assert "example.org" not in run("list").output
    assert len(run("list", SLUG).output.splitlines()) == 1


def test_export_writes_confirmed_subscribers_to_a_file_only_its_owner_can_read(
    listed: SiteOfTests, tmp_path: Path
) -> None:
    out = tmp_path / "list.csv"
    out.write_text("an older one")
    out.chmod(0o644)
    assert run("export", "--out", str(out)).exit_code == 2 and out.read_text() == "an older one"
    assert run("export", "--out", str(out), "--force").exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    found = table(out)
    assert list(found[0]) == ["address", "language", "consent", "list", "unsubscribe"]
    assert [(row["address"], row["list"]) for row in found] == [
        ("'=2+5@example.org", f"newsletter of {SLUG}"),
        ("suzie@example.org", f"newsletter of {SLUG}"),
        ("suzie@example.org", f"updates about {SLUG}"),
    ]
    assert all("링크" in row["consent"] for row in found)


def test_a_byte_order_mark_is_written_on_request(listed: SiteOfTests, tmp_path: Path) -> None:
    out, marked = tmp_path / "list.csv", tmp_path / "marked.csv"
    run("export", "--out", str(out))
    run("export", "--out", str(marked), "--bom")
    assert marked.read_bytes() == b"\xef\xbb\xbf" + out.read_bytes()


def test_each_exported_row_has_a_working_unsubscribe_link(listed: SiteOfTests, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    run("export", "--out", str(out))
    key = listed.keyring.subscribers
    assert key
    for row in table(out):
        start, text = row["unsubscribe"].rsplit("/", 1)
        assert start == f"{settings.BASE_URL}/ko/newsletter/unsubscribe"
        t = token.decode(text)
        row_id = t and rows.row_of(key, t)
        assert row_id is not None and rows.is_row(listed.database, row_id)
        leaving.unsubscribe(listed.database, row_id)
    run("export", "--out", str(out), "--force")
    assert table(out) == []


def test_export_of_one_petitions_updates(listed: SiteOfTests, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    done = run("export", SLUG, "--out", str(out))
    assert done.exit_code == 0
    assert [row["list"] for row in table(out)] == [f"updates about {SLUG}"]
    # The list of the newsletter often has the petition's slug as its key: Carol may have meant that one.
    assert f"sabal newsletter export --organisation {SLUG} --out FILE" in done.stdout
    assert "--organisation" not in run("export", "--out", str(out), "--force").stdout


def test_an_unknown_petition_is_an_error_and_no_file_is_written(listed: SiteOfTests, tmp_path: Path) -> None:
    for arguments in (("list", "nowhere"), ("export", "nowhere", "--out", str(tmp_path / "list.csv"))):
        result = run(*arguments)
        assert result.exit_code == 2 and "nowhere" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "list.csv").exists()


def test_a_failed_export_leaves_no_file(listed: SiteOfTests, tmp_path: Path) -> None:
    listed.database.execute("UPDATE newsletter_subscription SET sealed_address = ?", (b"damaged" * 9,))
    out = tmp_path / "list.csv"
    assert run("export", "--out", str(out)).exit_code == 2
    assert not out.exists() and not list(tmp_path.glob(".list.csv*"))


def test_no_subscribers_yet(site: SiteOfTests) -> None:
    assert run("list").output == "No subscribers yet.\n"

"""Pages with the emails of a development server. A public server has no such pages."""

import re
from pathlib import Path

import pytest

from front_end import open_client
from newsletter.asking import PAGE, ask
from newsletter.test_over_http import sent_emails
from sabal.http import Refused
from sabal.pages import dev
from sites import SiteOfTests


def test_emails_can_be_read_and_their_links_followed(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    with open_client(site, monkeypatch, dev=True) as client:
        assert b"No email yet" in client.get("/dev/mail/").body
        for address in ("suzie@example.org", "carol@example.org"):
            ask(client, address)
            sent_emails(site)
        assert b'href="/dev/mail/"' in client.get(f"{PAGE}/asked").body
        answer = client.get("/dev/mail/")
        listed = answer.body.decode()
        assert answer["cache-control"] == "no-store"
        assert listed.index("carol@example.org") < listed.index("suzie@example.org")  # newest first
        newest = re.findall(r'href="(/dev/mail/[^"]+\.eml)"', listed)[0]
        page = client.get(newest).body.decode()
        links = re.findall(r'<a href="http://127\.0\.0\.1:8000(/en/newsletter/confirm/\w{26})">', page)
        assert len(links) == 1 and client.get(links[0]).status == 200
        assert f'<iframe src="{newest}/html"' in page
        shown = client.get(f"{newest}/html")
        assert b"Open the page</a>" in shown.body and links[0].encode() in shown.body
        policy = shown["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy and "sandbox" in policy


def test_only_emails_are_shown(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.data / "mail").mkdir()
    (site.data / "mail" / "notes.txt").write_text("not an email")
    with open_client(site, monkeypatch, dev=True) as client:
        for name in ("notes.txt", "..", "server.key", "nothing.eml"):
            assert client.get(f"/dev/mail/{name}").status in (400, 404)
            assert client.get(f"/dev/mail/{name}/html").status in (400, 404)


def test_the_text_of_an_email_is_escaped(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    folder: Path = site.data / "mail"
    folder.mkdir()
    name = "20261124T120000.000000Z-00000000.eml"
    content = (
        b'To: eve@example.org\r\nSubject: <b>x\r\n\r\n<script>1</script> http://127.0.0.1:8000/en?a="><i>\r\n'
    )
    (folder / name).write_bytes(content)
    with open_client(site, monkeypatch, dev=True) as client:
        for path in ("/dev/mail/", f"/dev/mail/{name}"):
            page = client.get(path).body.decode()
            assert "<script>1" not in page and "<b>x" not in page and "<i>" not in page


def test_a_public_server_shows_no_emails(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    with open_client(site, monkeypatch) as client:
        ask(client, "suzie@example.org")
        sent_emails(site)
        (file,) = (site.data / "mail").glob("[0-9]*.eml")
        assert client.get("/dev/mail/").status in (400, 404)
        assert client.get(f"/dev/mail/{file.name}").status == 404
        assert client.get(f"/dev/mail/{file.name}/html").status == 404
        assert b"/dev/mail/" not in client.get(f"{PAGE}/asked").body
    # There is no such route, and the pages refuse by themselves.
    for page, names in ((dev.emails, ()), (dev.email, (file.name,)), (dev.email_html, (file.name,))):
        with pytest.raises(Refused):
            page(*names)  # type: ignore[operator]

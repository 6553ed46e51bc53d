"""A draft is shown as the public will see it, on this computer only, and cannot be mistaken for the published page."""

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from urllib.parse import urlencode

import pytest
from click.testing import CliRunner

from sabal.cli import main
from sabal.petitions import folder
from sabal.publishing import drafts
from sabal.publishing.preview import PreviewServer
from sites import SiteOfTests

EXAMPLE = Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation"
SLUG = "stop-forced-repatriation"
PREVIEW = "This is the newest text."


@pytest.fixture
def petition(tmp_path: Path) -> Path:
    """Return a petition folder that a test may edit."""
    return copytree(EXAMPLE, tmp_path / SLUG)


@pytest.fixture
def base(petition: Path) -> Iterator[str]:
    """Serve a preview of the folder, and return its address."""
    with PreviewServer(lambda: folder.read(petition), 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join(5)


def get(url: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    """Return status and text of an answer, after redirects."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans", "ja"])
def test_each_language_has_its_page_with_the_form(base: str, language: str) -> None:
    status, page = get(f"{base}/{language}/{SLUG}")
    definition = folder.parse(folder.read(EXAMPLE))
    assert status == 200 and definition.texts[language].title in page
    assert f'action="/{language}/{SLUG}/sign"' in page and 'name="email"' in page
    assert 'class="draft"' in page and 'content="noindex"' in page


def test_every_page_says_that_it_is_a_preview(base: str) -> None:
    for path in ("/", f"/en/{SLUG}", f"/en/{SLUG}/sent"):
        status, page = get(base + path)
        assert status == 200 and PREVIEW in page and "<title>Preview: " in page


def test_the_form_is_checked_and_stores_nothing(base: str, petition: Path) -> None:
    before = folder.read(petition)
    status, page = get(f"{base}/en/{SLUG}/sign", urlencode({"name": "Suzie", "email": "suzie"}).encode())
    assert status == 422 and 'value="Suzie"' in page and "Tick the box to agree" in page and PREVIEW in page
    typed = {"name": "Suzie", "email": "suzie@example.org", "consent": "1"}
    version = page.split('name="version" value="')[1][:16]
    status, page = get(f"{base}/en/{SLUG}/sign", urlencode({**typed, "version": version}).encode())
    assert status == 200 and "Now check your email" in page and PREVIEW in page
    assert folder.read(petition) == before


def test_an_edit_is_seen_when_the_page_is_loaded_again(base: str, petition: Path) -> None:
    text = (petition / "en.md").read_text(encoding="utf-8")
    title = folder.parse(folder.read(petition)).texts["en"].title
    (petition / "en.md").write_text(text.replace(title, "Keep the night bus"), encoding="utf-8")
    assert "Keep the night bus" in get(f"{base}/en/{SLUG}")[1]
    (petition / "petition.toml").write_text("slug = 1", encoding="utf-8")
    status, page = get(f"{base}/en/{SLUG}")
    assert status == 200 and "cannot be shown yet" in page and "petition.toml, line 1" in page


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"]
)
def test_another_website_cannot_read_the_draft(base: str, host: str) -> None:
    port = base.rpartition(":")[2]
    status, page = get(f"{base}/en/{SLUG}", Host=host.format(port=port))
    assert status == 403 and "repatriation" not in page


def test_only_the_loopback_interface_listens(petition: Path) -> None:
    with PreviewServer(lambda: folder.read(petition), 0) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    "path", ["/en/other", "/fr/" + SLUG, "/en", f"/en/{SLUG}/admin", "/../etc/passwd", "/%00"]
)
def test_other_pages_are_not_found(base: str, path: str) -> None:
    assert get(base + path)[0] == 404


def test_a_form_that_is_too_large_is_refused(base: str) -> None:
    assert get(f"{base}/en/{SLUG}/sign", b"x" * 100_000)[0] == 413


def test_a_length_of_many_digits_is_refused(base: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(
            urllib.request.Request(f"{base}/en/{SLUG}/sign", b"x", {"Content-Length": "9" * 5_000}),
            timeout=10,
        )


def test_the_preview_of_a_published_petition_shows_its_next_version(site: SiteOfTests) -> None:
    site.publish()
    files = drafts.export_files(SLUG)
    with PreviewServer(lambda: files, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        assert PREVIEW in get(f"{server.address}/en/{SLUG}")[1]
        server.shutdown()
        thread.join(5)


def test_a_port_in_use_is_one_sentence(petition: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = CliRunner().invoke(main, ["preview", str(petition), "--port", str(taken.getsockname()[1])])
    assert result.exit_code == 2 and "is in use" in result.output and "--port 0" in result.output


def test_an_unknown_petition_is_one_sentence(site: SiteOfTests) -> None:
    result = CliRunner().invoke(main, ["preview", "no-such"])
    assert result.exit_code == 2 and "no-such" in result.output

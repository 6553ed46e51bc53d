"""The pages of the site itself, and its translations."""

import subprocess
import sys
from pathlib import Path

import pytest

from sabal import settings
from sabal.http import PUBLIC
from sabal.pages import html
from sabal.petitions.countries import countries
from sabal.petitions.snapshot import PetitionSnapshot

from .conftest import GUARDED, Reader

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "ko", "zh-hans")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["", "/imprint", "/privacy", "/verify"])
def test_pages_of_the_site_are_cacheable(reader: Reader, language: str, path: str) -> None:
    answer = reader.get(f"/{language}{path}")
    assert answer.status == 200 and answer.header(b"cache-control") == PUBLIC.encode()
    assert f'<html lang="{language}"' in answer.body.decode()


def test_a_site_without_petitions_says_so(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    petitions.clear()
    assert "There is no petition here yet." in reader.get("/en").body.decode()


def test_the_privacy_page_names_the_providers_in_the_settings(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reader.get("/en/privacy").body.decode().count("The operator has not yet said who this is.") == 3
    for name in ("MAIL_RELAY", "HOSTING", "TLS_END"):
        monkeypatch.setattr(settings, name, f"{name} of <Carol>")
    page = reader.get("/en/privacy").body.decode()
    assert "not yet said" not in page
    for name in ("MAIL_RELAY", "HOSTING", "TLS_END"):
        assert f"{name} of &lt;Carol&gt;" in page


CLAIM = (
    "Signatures are locked when they arrive; the key is not on the server. "
    "Whoever controlled the server could read what is typed from then on and, until the petition is finalised, "
    "test whether an address they already know is among the signers."
)


def test_claims_have_the_exact_words(reader: Reader) -> None:
    for path in ("/en/privacy", "/en/stop-forced-repatriation"):
        page = reader.get(path).body.decode()
        assert CLAIM in page
        for never in ("anonymous", "cannot be faked", "hack-proof", "zero-knowledge", "verified signatures"):
            assert never not in page.lower()


def test_the_imprint_names_the_controller(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    controller = petitions[GUARDED].definition.controller
    page = reader.get("/en/imprint").body.decode()
    assert controller.name in page and f"mailto:{controller.privacy_contact}" in page


def test_robots_security_and_favicon(reader: Reader) -> None:
    assert "Disallow: /*/confirm/" in reader.get("/robots.txt").body.decode()
    security = reader.get("/.well-known/security.txt").body.decode()
    assert security.startswith("Contact: mailto:") and "\nExpires: 2" in security
    assert reader.get("/favicon.svg").header(b"content-type") == b"image/svg+xml"
    assert len(html.MARK.encode()) < 400


def test_contested_countries_have_their_plain_names() -> None:
    assert {dict(countries(language))["TW"] for language in LANGUAGES} == {"Taiwan", "대만", "台湾"}
    assert dict(countries("zh-hans"))["HK"] == "香港"


def test_countries_are_sorted_by_the_readers_language() -> None:
    english = [name for _, name in countries("en")]
    assert english.index("Åland Islands") < english.index("Albania") < english.index("Zimbabwe")
    chinese = [name for _, name in countries("zh-hans")]  # by pinyin: a … z
    assert chinese.index("阿尔巴尼亚") < chinese.index("韩国") < chinese.index("美国") < chinese.index("中国")


def test_the_translations_are_complete() -> None:
    command = [sys.executable, ROOT / "script" / "messages"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

"""The pages of the site itself, and its translations."""

import re
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from sabal import settings
from sabal.http import PUBLIC
from sabal.pages import html
from sabal.pages.prepared import OF_A_REFUSAL, prepared_page
from sabal.petitions.countries import countries
from sabal.petitions.definition import Controller
from sabal.petitions.snapshot import PetitionSnapshot

from .conftest import GUARDED, OPEN, Reader

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "ko", "zh-hans", "ja")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["", "/imprint", "/privacy", "/verify"])
def test_pages_of_the_site_are_cacheable(reader: Reader, language: str, path: str) -> None:
    answer = reader.get(f"/{language}{path}")
    assert answer.status == 200 and answer.header(b"cache-control") == PUBLIC.encode()
    assert f'<html lang="{language}"' in answer.body.decode()


@pytest.mark.parametrize("path", ["", "/imprint", "/privacy", "/verify", "/newsletter"])
def test_the_head_of_a_page_of_the_site_has_its_name(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def head(language: str) -> str:
        page = reader.get(f"/{language}{path}").body.decode()
        return page.partition('<header class="top">')[2].partition("</header>")[0]

    monkeypatch.setattr(settings, "BASE_URL", "https://petition.example:8443")
    assert "<p>petition.example</p>" in head("en")
    for address in (
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
        "http://localhost:8000",
        "http://192.0.2.7",
    ):
        monkeypatch.setattr(settings, "BASE_URL", address)
        words = [head(language) for language in LANGUAGES]
        assert all(
            name in word
            for name, word in zip(
                ("Petition site", "청원 사이트", "请愿网站", "請願サイト"), words, strict=True
            )
        )
        assert not any("127" in word or "localhost" in word or "::1" in word for word in words)
    monkeypatch.setattr(settings, "SITE_NAME", "Rivers & <Buses>")
    assert "<p>Rivers &amp; &lt;Buses&gt;</p>" in head("ko")


@pytest.mark.parametrize("name", OF_A_REFUSAL)
def test_refusals_have_the_name_of_the_site(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(settings, "SITE_NAME", "Rivers and Buses")
    assert "<p>Rivers and Buses</p>" in prepared_page(name, "ko").body.decode()


def test_indexed_pages_of_the_site_describe_themselves(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SITE_NAME", 'Rivers "and" Buses')
    seen = set()
    for language, path in product(LANGUAGES, ("", "/privacy", "/verify")):
        page = reader.get(f"/{language}{path}").body.decode()
        (description,) = re.findall(r'<meta name="description" content="([^"]*)">', page)
        assert "Rivers &quot;and&quot; Buses" in description and len(description) < 200
        assert f'<link rel="canonical" href="{settings.BASE_URL}/{language}{path}">' in page
        assert 'content="noindex"' not in page
        seen.add(description)
    assert len(seen) == 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_link_to_the_source(reader: Reader, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    address = "/source.tar.gz"
    assert reader.get(f"/{language}").body.decode().count(f'<a href="{address}">') == 1
    monkeypatch.setattr(settings, "SOURCE_URL", "https://code.example/?a=1&b=2")
    page = reader.get(f"/{language}/verify").body.decode()
    assert page.count('<a href="https://code.example/?a=1&amp;b=2">') == 2 and address not in page


def test_pages_link_to_nothing_but_a_web_address(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SOURCE_URL", "javascript:alert(1)")
    page = reader.get("/en/verify").body.decode()
    assert "javascript" not in page and page.count('href="/source.tar.gz"') == 2


def test_one_organisation_is_named_on_the_list_and_on_the_privacy_page(reader: Reader) -> None:
    name = "Example – replace with your legal name"
    assert f"{name} is responsible." in reader.get("/en").body.decode()
    assert f'{name}, <a href="mailto:' in reader.get("/en/privacy").body.decode()
    for path in ("/en", "/en/privacy"):
        assert "several organisations" not in reader.get(path).body.decode()


def test_several_organisations_are_told_apart(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    definition = petitions[OPEN].definition
    petitions[OPEN] = replace(
        petitions[OPEN],
        organisation="orchard",
        definition=replace(
            definition,
            organiser=dict.fromkeys(definition.languages, "Orchard Friends"),
            controller=Controller(
                dict.fromkeys(definition.languages, "Orchard Friends Ltd"),
                dict.fromkeys(definition.languages, "1 Lane"),
                "orchard@example.org",
            ),
        ),
    )
    for path in ("/en", "/en/privacy"):
        assert "The petitions here are from several organisations." in reader.get(path).body.decode()
    page = reader.get("/en/privacy").body.decode()
    (theirs,) = re.findall(r"<h3>Orchard Friends</h3>(.*?)(?=<h3>|</div>)", page, re.S)
    assert 'Orchard Friends Ltd, <a href="mailto:orchard@example.org">' in theirs
    assert 'href="/en/newsletter/orchard"' in theirs and "keep-the-orchard" in theirs
    assert "privacy@example.org" not in theirs and "stop-forced-repatriation" not in theirs


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
    assert controller.name["en"] in page and f"mailto:{controller.privacy_contact}" in page


def test_robots_security_and_favicon(reader: Reader) -> None:
    assert "Disallow: /*/confirm/" in reader.get("/robots.txt").body.decode()
    security = reader.get("/.well-known/security.txt").body.decode()
    assert security.startswith("Contact: mailto:") and "\nExpires: 2" in security
    assert reader.get("/favicon.svg").header(b"content-type") == b"image/svg+xml"
    assert len(html.MARK.encode()) < 400


def test_contested_countries_have_their_plain_names() -> None:
    assert {dict(countries(language))["TW"] for language in LANGUAGES} == {"Taiwan", "대만", "台湾"}
    assert dict(countries("zh-hans"))["HK"] == dict(countries("ja"))["HK"] == "香港"


def test_countries_are_sorted_by_the_readers_language() -> None:
    english = [name for _, name in countries("en")]
    assert english.index("Åland Islands") < english.index("Albania") < english.index("Zimbabwe")
    chinese = [name for _, name in countries("zh-hans")]  # by pinyin: a … z
    japanese = [name for _, name in countries("ja")]  # by sound: a, i, u … wa
    assert japanese[0] == "アイスランド" and japanese[-1] == "ロシア"
    names = "オーストリア オマーン ガーナ ガイアナ 韓国 北朝鮮 中国 チリ 日本 南アフリカ".split()
    assert [name for name in japanese if name in names] == names
    assert chinese.index("阿尔巴尼亚") < chinese.index("韩国") < chinese.index("美国") < chinese.index("中国")


def test_the_translations_are_complete() -> None:
    command = [sys.executable, ROOT / "script" / "messages"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

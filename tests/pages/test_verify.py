"""The page on how to check the log, and the lines about the log on a petition's page."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from sabal.petitions.snapshot import PetitionSnapshot

from .conftest import CAROL, COSIGNED_AT, GUARDED, OPEN, ORIGIN, WITNESS_POLICY, Reader, in_log

LANGUAGES = ("en", "ko", "zh-hans", "ja")
CLAIMS = (
    "Every confirmed signature enters a public log by the date on its receipt. If that log is ever shortened or"
    " rewritten, anyone who kept an older copy can prove it.",
    "You can check that yours is in it. Anyone can check the count offline, by published standards, also with"
    " other people's tools.",
    "The log shows that nothing was taken out or changed. That signers are people rests on confirmed email addresses"
    " and, where done, on an outsider's random sample.",
)
NEVER = (
    *(
        "anonymous",
        "cannot be faked",
        "hack-proof",
        "zero-knowledge",
        "verified signatures",
        "deleted everywhere",
    ),
    *("익명", "위조할 수 없", "해킹", "영지식", "匿名", "无法伪造", "零知识", "彻底删除"),
)


def read(reader: Reader, path: str) -> str:
    answer = reader.get(path)
    assert answer.status == 200
    return unescape(answer.body.decode())


def section(page: str, slug: str) -> str:
    """Return the section about one petition."""
    found = re.search(rf'<section id="{slug}">.*?</section>', page, re.DOTALL)
    assert found
    return found[0]


def test_claims_have_the_exact_words(reader: Reader) -> None:
    page = read(reader, "/en/verify")
    assert all(claim in page for claim in CLAIMS)
    assert CLAIMS[2] in read(reader, "/en/keep-the-orchard")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/verify", "/keep-the-orchard", "/privacy"])
def test_pages_contain_no_forbidden_claim(reader: Reader, language: str, path: str) -> None:
    page = read(reader, f"/{language}{path}").lower()
    assert [word for word in NEVER if word in page] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_all_that_a_check_needs(reader: Reader, language: str) -> None:
    shown = section(read(reader, f"/{language}/verify"), "keep-the-orchard")
    numbers = re.findall(r"<dd>(?:− )?([\d,]+)</dd>", shown)
    assert numbers == ["1,290", "50", "6", "1,234", "1,347"]
    assert f">{CAROL.verifier}<" in shown and f">{ORIGIN}<" in shown
    assert f"sabal verify http://127.0.0.1:8000/{language}/keep-the-orchard" in shown
    for file in ("manifest.json", "log/checkpoint", "log/policy"):
        assert f'href="/keep-the-orchard/{file}"' in shown


def test_pages_show_the_hash_of_the_current_manifest(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    assert f">{CAROL.verifier}</code>" in read(reader, "/en/keep-the-orchard")
    own = f">{petitions[OPEN].manifest_hash.hex()}</code>"
    assert own in section(read(reader, "/en/verify"), "keep-the-orchard")
    assert own in read(reader, "/en/keep-the-orchard")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_the_site_and_every_count_link_to_this_page(reader: Reader, language: str) -> None:
    for path in ("", "/privacy", "/imprint"):
        assert f'<a href="/{language}/verify">' in read(reader, f"/{language}{path}")
    assert f'<a href="/{language}/verify#keep-the-orchard">' in read(reader, f"/{language}/keep-the-orchard")


def test_a_petition_in_a_language_that_the_site_lacks_links_to_the_english_page(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    orchard = petitions[OPEN]
    texts = {**orchard.definition.texts, "fr": orchard.definition.texts["en"]}
    french = replace(
        orchard.definition,
        languages=(*orchard.definition.languages, "fr"),
        texts=texts,
        organiser={**orchard.definition.organiser, "fr": "Carol"},
        controller=replace(orchard.definition.controller, name={"fr": "Carol"}),
        purpose={"fr": "Pour le verger"},
        recipients=(),
    )
    petitions[OPEN] = replace(orchard, definition=french, consent={**orchard.consent, "fr": "Oui."})
    assert '<a href="/en/verify#keep-the-orchard">' in read(reader, "/fr/keep-the-orchard")


def test_the_petitions_page_shows_the_number_of_entries(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    assert "Counted in a public log of 1,347 entries: how to check" in read(reader, "/en/keep-the-orchard")
    assert "1,347개 항목의 공개 장부로 집계" in read(reader, "/ko/keep-the-orchard")
    assert "共1,347条" in read(reader, "/zh-hans/keep-the-orchard")
    petitions[OPEN] = replace(petitions[OPEN], counts=in_log(1))
    assert "Counted in a public log: how to check" in read(reader, "/en/keep-the-orchard")


WITNESSES = {
    "no witness": ("", None, ("", "No outside witness is required.")),
    "not cosigned": (WITNESS_POLICY, None, ("Not witnessed yet.",) * 2),
    "malformed policy": ("witness first\n", None, ("Not witnessed yet.",) * 2),
    "cosigned": (WITNESS_POLICY, COSIGNED_AT, ("Witnessed by first on 24 November 2026.",) * 2),
}


@pytest.mark.parametrize("case", WITNESSES)
def test_pages_name_the_witnesses(reader: Reader, petitions: dict[int, PetitionSnapshot], case: str) -> None:
    witnesses, cosigned_at, words = WITNESSES[case]
    counts = in_log(12, witnesses=witnesses, cosigned_at=cosigned_at, confirmed=11)
    petitions[OPEN] = replace(petitions[OPEN], counts=counts)
    own, shown = read(reader, "/en/keep-the-orchard"), section(read(reader, "/en/verify"), "keep-the-orchard")
    for page, expected in zip((own, shown), words, strict=True):
        assert expected in page
        assert ("itnessed" in page) == ("itnessed" in expected)
    log = json.loads(reader.get("/keep-the-orchard/count.json").body)["log"]
    assert log["witnessed"] is (None if not witnesses else cosigned_at is not None)


PUBLIC = (
    *(
        f"/{language}{path}"
        for language in LANGUAGES
        for path in ("", "/verify", "/stop-forced-repatriation")
    ),
    "/stop-forced-repatriation.json",
    "/stop-forced-repatriation/count.json",
)


def test_while_first_signatures_are_gathered_no_page_reveals_number_or_time(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    def all_pages(size: int, cosigned_at: int) -> list[bytes]:
        counts = in_log(
            size, witnesses=WITNESS_POLICY, cosigned_at=cosigned_at, confirmed=size - 1, withdrawn=size % 7
        )
        petitions[GUARDED] = replace(petitions[GUARDED], counts=counts)
        return [reader.get(path).body for path in PUBLIC]

    assert all_pages(12, COSIGNED_AT) == all_pages(83, COSIGNED_AT + 9 * 86_400)
    assert "Witnessed by first." in read(reader, "/en/verify")
    assert all_pages(12, COSIGNED_AT) != all_pages(120, COSIGNED_AT)


def test_a_log_without_a_checkpoint_is_shown_as_being_opened(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions[OPEN] = replace(petitions[OPEN], counts=replace(in_log(1), checkpoint=b"", log_size=0))
    assert "The log is being opened." in section(read(reader, "/en/verify"), "keep-the-orchard")
    assert "public log" not in read(reader, "/en/keep-the-orchard")
    assert json.loads(reader.get("/keep-the-orchard/count.json").body)["log"] is None


def test_a_site_without_petitions_says_so(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    petitions.clear()
    assert "its log will be listed here" in read(reader, "/en/verify")

"""The page on how to check the house, and what a petition's page says of its log."""

import json
import re
from dataclasses import replace
from html import unescape

import pytest

from sabal.petitions.snapshot import PetitionSnapshot

from .conftest import ASKED, CAROL, GUARDED, OPEN, ORIGIN, SEEN, Reader, in_log

LANGUAGES = ("en", "ko", "zh-hans")
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
    """What the page says of one petition."""
    found = re.search(rf'<section id="{slug}">.*?</section>', page, re.DOTALL)
    assert found
    return found[0]


def test_claims_are_word_for_word(reader: Reader) -> None:
    page = read(reader, "/en/verify")
    assert all(claim in page for claim in CLAIMS)
    assert CLAIMS[2] in read(reader, "/en/keep-the-orchard")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", ["/verify", "/keep-the-orchard", "/privacy"])
def test_nothing_is_promised_that_cannot_be_kept(reader: Reader, language: str, path: str) -> None:
    page = read(reader, f"/{language}{path}").lower()
    assert [word for word in NEVER if word in page] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_a_check_needs_is_there(reader: Reader, language: str) -> None:
    shown = section(read(reader, f"/{language}/verify"), "keep-the-orchard")
    numbers = re.findall(r"<dd>(?:− )?([\d,]+)</dd>", shown)
    assert numbers == ["1,290", "50", "6", "1,234", "1,347"]
    assert f">{CAROL.verifier}<" in shown and f">{ORIGIN}<" in shown
    assert f"sabal verify http://127.0.0.1:8000/{language}/keep-the-orchard" in shown
    for file in ("manifest.json", "log/checkpoint", "log/policy"):
        assert f'href="/keep-the-orchard/{file}"' in shown


def test_the_text_in_force_is_named_by_its_hash(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    assert f">{CAROL.verifier}</code>" in read(reader, "/en/keep-the-orchard")
    own = f">{petitions[OPEN].manifest_hash.hex()}</code>"
    assert own in section(read(reader, "/en/verify"), "keep-the-orchard")
    assert own in read(reader, "/en/keep-the-orchard")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_house_page_leads_here_and_the_count_to_its_petition(reader: Reader, language: str) -> None:
    for path in ("", "/privacy", "/imprint"):
        assert f'<a href="/{language}/verify">' in read(reader, f"/{language}{path}")
    assert f'<a href="/{language}/verify#keep-the-orchard">' in read(reader, f"/{language}/keep-the-orchard")


def test_a_petition_in_a_language_of_its_own_leads_to_the_english_page(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    known = petitions[OPEN]
    texts = {**known.definition.texts, "fr": known.definition.texts["en"]}
    french = replace(
        known.definition,
        languages=(*known.definition.languages, "fr"),
        texts=texts,
        organiser={**known.definition.organiser, "fr": "Carol"},
        recipients=(),
    )
    petitions[OPEN] = replace(known, definition=french, consent={**known.consent, "fr": "Oui."})
    assert '<a href="/en/verify#keep-the-orchard">' in read(reader, "/fr/keep-the-orchard")


def test_the_petitions_page_says_how_many_entries(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    assert "Counted in a public log of 1,347 entries: how to check" in read(reader, "/en/keep-the-orchard")
    assert "1,347개 항목의 공개 장부로 집계" in read(reader, "/ko/keep-the-orchard")
    assert "共1,347条" in read(reader, "/zh-hans/keep-the-orchard")
    petitions[OPEN] = replace(petitions[OPEN], counts=in_log(1))
    assert "Counted in a public log: how to check" in read(reader, "/en/keep-the-orchard")


WITNESSES = {
    "nobody is asked": ("", None, ("", "No outside witness is required.")),
    "asked and not there": (ASKED, None, ("Not witnessed yet.",) * 2),
    "asked in words that nobody can read": ("witness first\n", None, ("Not witnessed yet.",) * 2),
    "there": (ASKED, SEEN, ("Witnessed by first on November 24, 2026.",) * 2),
}


@pytest.mark.parametrize("case", WITNESSES)
def test_who_has_witnessed_it(reader: Reader, petitions: dict[int, PetitionSnapshot], case: str) -> None:
    witnesses, seen, words = WITNESSES[case]
    counts = in_log(12, witnesses=witnesses, seen=seen, confirmed=11)
    petitions[OPEN] = replace(petitions[OPEN], counts=counts)
    own, shown = read(reader, "/en/keep-the-orchard"), section(read(reader, "/en/verify"), "keep-the-orchard")
    for page, expected in zip((own, shown), words, strict=True):
        assert expected in page
        assert ("itnessed" in page) == ("itnessed" in expected)
    log = json.loads(reader.get("/keep-the-orchard/count.json").body)["log"]
    assert log["witnessed"] is (None if not witnesses else seen is not None)


PUBLIC = (
    *(
        f"/{language}{path}"
        for language in LANGUAGES
        for path in ("", "/verify", "/stop-forced-repatriation")
    ),
    "/stop-forced-repatriation.json",
    "/stop-forced-repatriation/count.json",
)


def test_while_the_first_are_gathered_nothing_tells_how_many_or_when(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    def all_pages(size: int, seen: int) -> list[bytes]:
        counts = in_log(size, witnesses=ASKED, seen=seen, confirmed=size - 1, withdrawn=size % 7)
        petitions[GUARDED] = replace(petitions[GUARDED], counts=counts)
        return [reader.get(path).body for path in PUBLIC]

    assert all_pages(12, SEEN) == all_pages(83, SEEN + 9 * 86_400)
    assert "Witnessed by first." in read(reader, "/en/verify")
    assert all_pages(12, SEEN) != all_pages(120, SEEN)


def test_a_log_without_a_checkpoint_is_still_being_opened(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions[OPEN] = replace(petitions[OPEN], counts=replace(in_log(1), checkpoint=b"", log_size=0))
    assert "The log is being opened." in section(read(reader, "/en/verify"), "keep-the-orchard")
    assert "public log" not in read(reader, "/en/keep-the-orchard")
    assert json.loads(reader.get("/keep-the-orchard/count.json").body)["log"] is None


def test_an_empty_house_says_what_will_be_here(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions.clear()
    assert "its log will be listed here" in read(reader, "/en/verify")

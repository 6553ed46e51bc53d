"""The letter to a recipient: what it says, in which language, and that any program can read it."""

import hashlib
import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from dossier.reading import claims, faults, links, text_of, without_spaces
from sabal import settings
from sabal.checking.bundle import write_bundle
from sabal.checking.check import check
from sabal.checking.reading import read
from sabal.cli import main
from sabal.dossier.bundle import bundle_of, write
from sabal.dossier.files import letter_file
from sabal.dossier.languages import LANGUAGES, words_in
from sabal.dossier.letter import Handover, recipient_of
from sabal.dossier.verdict import SPOKEN, _sentences, verdict
from sabal.organiser.bundle import carried
from sabal.petitions.counts import Counts
from sabal.petitions.definition import Definition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import published
from sabal.refusal import Refusal
from served import SLUG
from signing.steps import confirmed
from sites import NOW, TODAY, SiteOfTests

HANDOVER = Handover(day=TODAY)
HOUR = 3_600


@pytest.fixture
def signed(site: SiteOfTests) -> PetitionSnapshot:
    """Return an open petition that three people signed, as the desk reads it."""
    petition = site.publish(profile='"open"')
    for email in ("suzie@example.org", "max@example.org", "carol@example.org"):
        confirmed(site, petition, email)
    assert site.sequence(petition, NOW + 400 * HOUR) == 3
    return seen(site)


def seen(site: SiteOfTests) -> PetitionSnapshot:
    found = published(site.database, SLUG)
    assert found is not None
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_can_be_read_in_each_language(
    site: SiteOfTests, signed: PetitionSnapshot, tmp_path: Path, language: str
) -> None:
    made = letter_file(site.database, signed, "unhcr", HANDOVER, language)
    words, text = words_in(language), text_of(made.data)
    assert made.name == f"{SLUG}-unhcr-letter-{language}-2026-11-24.pdf"
    spoken = language if language in signed.definition.languages else "en"
    for expected in (
        words.day(TODAY),
        words["annex_text"],
        words["annex_check"],
        words.count("submit_count", 3, date=words.day(TODAY)),
        words["limits"],
        signed.definition.texts[spoken].title,
        signed.manifest_hash.hex(),
        f"{SLUG} / unhcr / 20261124",
    ):
        assert without_spaces(expected) in text, expected
    assert faults(made.data, tmp_path) == []
    said = claims(made.data)
    assert (said["ua"], said["a"], said["tagged"]) == ("1", "2A", True)
    assert said["language"].split("-")[0] == language.split("-")[0]
    assert said["title"] == signed.definition.texts[spoken].title
    assert len(made.data) < 2_000_000


def test_the_same_input_gives_the_same_bytes(site: SiteOfTests, signed: PetitionSnapshot) -> None:
    first, again = (letter_file(site.database, signed, "china", HANDOVER).sha256 for _ in range(2))
    assert first == again
    assert (
        first != letter_file(site.database, signed, "china", replace(HANDOVER, day=date(2026, 11, 25))).sha256
    )


def test_a_letter_is_in_the_language_of_its_recipient(site: SiteOfTests, signed: PetitionSnapshot) -> None:
    assert (
        letter_file(site.database, signed, "china", HANDOVER).name
        == f"{SLUG}-china-letter-zh-hans-2026-11-24.pdf"
    )
    with pytest.raises(Refusal, match="Papers are printed in en, fr, ja, ko, zh-hans"):
        letter_file(site.database, signed, "china", HANDOVER, "de")
    with pytest.raises(Refusal, match="The recipients are: china, unhcr"):
        recipient_of(signed, "nobody")


def test_a_text_that_the_petition_lacks_is_given_in_the_authoritative_language(
    site: SiteOfTests, signed: PetitionSnapshot
) -> None:
    text = text_of(letter_file(site.database, signed, "unhcr", HANDOVER, "fr").data)
    assert (
        without_spaces(
            "La pétition n’existe pas en français. Nous reproduisons ici le texte en anglais, qui fait foi."
        )
        in text
    )
    assert without_spaces(signed.definition.texts["en"].demands_heading) in text
    korean = text_of(letter_file(site.database, signed, "unhcr", HANDOVER, "ko").data)
    assert without_spaces("이 문안은 번역문이며, 영어 문안이 기준입니다.") in korean
    japanese = text_of(letter_file(site.database, signed, "unhcr", HANDOVER, "ja").data)
    assert without_spaces("本文は翻訳であり、英語版が正文です。") in japanese


def test_chosen_demands_come_first_and_no_demand_is_missing(
    site: SiteOfTests, signed: PetitionSnapshot
) -> None:
    demands = signed.definition.texts["en"].demands
    chosen = letter_file(site.database, signed, "unhcr", replace(HANDOVER, first=("demand-3",)), "en")
    letter = text_of(chosen.data).split(without_spaces("Annex 1: The text that was signed"))[0]
    order = [letter.index(without_spaces(one.text)) for one in demands]
    assert order[2] < order[0] < order[1] < order[3]
    assert letter.index("Weaskyouinparticular") < order[2] < letter.index("Thepetitionalsoasks") < order[0]


def test_a_guarded_petition_says_no_more_than_its_page(site: SiteOfTests) -> None:
    petition = site.publish()
    for email in ("suzie@example.org", "max@example.org"):
        confirmed(site, petition, email)
    assert site.sequence(petition, NOW + 400 * HOUR) == 2
    text = text_of(letter_file(site.database, seen(site), "unhcr", HANDOVER, "en").data)
    assert "Thenumberispublishedfrom100signatureson" in text
    for hidden in ("Confirmedbyemail", "Thelog has", "signaturescount", "Howthenumbergrew", "SouthKorea3"):
        assert without_spaces(hidden) not in text
    # With many, the number is shown, and countries by the rule of the page. How it grew stays hidden.
    many = Counts(confirmed=12_400, withdrawn=55, countries=(("KR", 9_990), ("FR", 10)), log_size=12_456)
    shown = text_of(
        letter_file(site.database, replace(seen(site), counts=many), "unhcr", HANDOVER, "en").data
    )
    assert "12,345signatureshadbeenconfirmed" in shown and "SouthKorea9,990" in shown
    assert "Countriesfromwhichfewerthan10peoplesignedarenotlisted" in shown
    assert "doesnotpublishhowthenumbergrew" in shown


def test_the_letter_quotes_what_a_check_of_its_bundle_says(
    site: SiteOfTests, signed: PetitionSnapshot, tmp_path: Path
) -> None:
    bundle = bundle_of(site.database, signed)
    assert bundle is not None
    path = tmp_path / bundle.name
    with path.open("w+b") as file:
        write(site.database, signed, file)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == bundle.sha256
    report = check(read(str(path)), now=NOW)
    quoted = verdict(signed, words_in("en"))
    assert isinstance(quoted, dict) and quoted["c"] == [report.sentence.replace("24 November 2026", "…", 1)]
    text = text_of(letter_file(site.database, signed, "unhcr", HANDOVER, "en").data)
    assert without_spaces("3 signatures count (3 confirmed)") in text and bundle.sha256 in text
    assert without_spaces("until 24 November 2027") in text and f"/{SLUG}/bundles/{bundle.sha256}.zip" in text
    # The public files of this machine give the same bytes.
    folder = settings.DATA / "public" / SLUG / "log"
    with io.BytesIO() as served:
        write_bundle(served, read(str(folder)), carried())
        assert served.getvalue() == path.read_bytes()
    site.database.execute("DELETE FROM ledger_bundle")
    later = replace(signed, counts=replace(signed.counts, witnesses="quorum none\n\n"))
    assert bundle_of(site.database, later) is None  # entries are missing: no bundle is promised


def test_the_words_of_the_check_are_those_of_the_page() -> None:
    page = Path(str(settings.__file__)).parent / "checking" / "carried" / "check.html"
    words = re.search(r"const WORDS = \{(.*?)\n\};", page.read_text(encoding="utf-8"), re.DOTALL)
    assert words
    for ours, theirs in SPOKEN.items():
        block = re.search(rf'^"?{theirs}"?: \{{(.*?)^\}},', words[1], re.DOTALL | re.MULTILINE)
        assert block
        for key, value in _sentences(ours).items():
            said = re.search(rf'\b{key}: "((?:[^"\\]|\\.)*)"', block[1])
            if key == "count_one":
                continue
            assert said, key
            plain = said[1].replace(
                "{counted|signature counts|signatures count}", "{counted} signatures count"
            )
            assert plain == value, key


def test_every_language_has_the_same_words_with_the_same_values() -> None:
    def shape(language: str) -> dict[str, set[str]]:
        texts = words_in(language).texts
        plurals = ("_one", "_many")
        return {
            key: set(re.findall(r"\{\w+\}", text)) for key, text in texts.items() if not key.endswith(plurals)
        }

    for language in LANGUAGES:
        assert shape(language) == shape("en"), language
    assert words_in("fr").day(date(2026, 12, 1)) == "1er décembre 2026"
    assert words_in("fr").count("submit_count", 1, date="x").startswith("Au x, 1 signature avait")
    assert words_in("en").count("submit_count", 1, date="x").startswith("By x, 1 signature had")


HOSTILE = (
    '#eval("x")',
    "محمد بن سلمان",
    "גולדה",
    "*a* _b_ $x$ @ref <tag> \\u{41}",
    "이" * 200,
    "x" * 200,
    "😀 বাংলা \uff00",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_people_wrote_is_printed_as_text(
    site: SiteOfTests, signed: PetitionSnapshot, tmp_path: Path, name: str
) -> None:
    made = letter_file(
        site.database, named(signed, name), "unhcr", replace(HANDOVER, address=(name,), signers=(name,)), "en"
    )
    assert faults(made.data, tmp_path) == []
    if not re.search(r"[\u0590-\u06ff😀]", name):  # other programs give these in the order of the page
        assert text_of(made.data).count(without_spaces(name)) >= 3


def named(petition: PetitionSnapshot, name: str) -> PetitionSnapshot:
    """Return the petition with this text in each place that a person fills."""
    definition: Definition = petition.definition
    texts = {
        language: replace(text, title=name, subject=name, sections=text.sections)
        for language, text in definition.texts.items()
    }
    recipients = tuple(replace(one, name=dict.fromkeys(one.name, name)) for one in definition.recipients)
    organiser = dict.fromkeys(definition.organiser, name)
    changed = replace(
        definition, texts=texts, recipients=recipients, organiser=organiser, endorsers=(name, name)
    )
    return replace(petition, definition=changed)


def test_the_command_writes_the_letter(site: SiteOfTests, signed: PetitionSnapshot, tmp_path: Path) -> None:
    out = tmp_path / "letter.pdf"
    arguments = ["dossier", SLUG, "--recipient", "china", "--date", "2026-11-24", "--out", str(out)]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert out.read_bytes() == letter_file(site.database, signed, "china", HANDOVER).data
    assert "SHA-256" in done.output
    assert CliRunner().invoke(main, arguments).exit_code == 2  # it is not overwritten
    unknown = CliRunner().invoke(main, ["dossier", "nothing", *arguments[2:-1], str(tmp_path / "x.pdf")])
    assert unknown.exit_code == 2 and "No published petition has the slug nothing" in unknown.output


def test_links_lead_to_the_site_alone(site: SiteOfTests, signed: PetitionSnapshot) -> None:
    found = links(letter_file(site.database, signed, "unhcr", HANDOVER, "en").data)
    assert found and all(one.startswith(settings.BASE_URL) for one in found)

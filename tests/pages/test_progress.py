"""The page of a petition's progress, its short forms beside the demands, and the proofs."""

import gzip
import html
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from delivery.files import pdf, photo
from front_end import open_client
from pages.conftest import snapshot
from petitions.test_standing import DAY, petition, said, step
from sabal import settings
from sabal.accounts.models import User
from sabal.api import feeds, views
from sabal.api.syndication import ATOM as ATOM_NAMESPACE
from sabal.delivery import record
from sabal.delivery.proofs import distilled
from sabal.delivery.record import Happening, Said
from sabal.http import Refused
from sabal.pages import progress as pages
from sabal.pages.petition import petition as petition_page
from sabal.petitions.definition import Recipient
from sabal.petitions.deliveries import Deliveries, DemandState, StepKind, Way
from sabal.petitions.history import PublishedVersion
from sabal.petitions.models import Petition
from sabal.petitions.progress import Progress
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.standing import SignedVersion, progressed
from served import SLUG
from sites import SiteOfTests

LANGUAGES = ("en", "ko", "zh-hans", "ja")
OUTLINE = (("Keep it", ()), ("Every hour", ()))
ATOM = f"{{{ATOM_NAMESPACE}}}"
ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "{{ settings.SECRET_KEY }}",
    "⟦token⟧",
    "</textarea><svg/onload=alert(1)>",
)


def with_deliveries(*versions: SignedVersion, deliveries: Deliveries) -> PetitionSnapshot:
    """Return the snapshot of an open petition with these versions and rows."""
    published = tuple(
        PublishedVersion(number, DAY, "0" * 64, definition, {"en": ""}, ()) for number, definition in versions
    )
    made = snapshot(2, versions[-1].definition)
    return replace(made, versions=published, progress=Progress(1, deliveries))


def page_of(shown: PetitionSnapshot, language: str = "en") -> str:
    return pages.progress(shown, language).body.decode()


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]


def of_step(number: int, words: str) -> object:
    """Return an answer and a delivery that say these words wherever somebody can type."""
    return step(
        number,
        StepKind.ANSWERED,
        member=words,
        by=words,
        reference=words,
        language="fr",
        words={"en": words, "fr": words + " fr"},
        link="https://un.example/" + re.sub(r"\W", "", words),
    )


@pytest.mark.parametrize("words", ATTACKS)
def test_what_people_wrote_is_text(words: str) -> None:
    notes = {"en": words}
    rows = Deliveries(
        (of_step(1, words), step(2, StepKind.MISTAKE, corrects=1), of_step(3, words)),  # type: ignore[arg-type]
        (said(1, DemandState.MET, notes=notes), said(2, DemandState.PARTLY, notes=notes, corrects=1)),
    )
    shown = with_deliveries(SignedVersion(1, petition([("Keep", ())])), deliveries=rows)
    good = ("#", "/", "https://", "mailto:", f"{settings.BASE_URL}/")
    items = json.loads(feeds.progress_json(shown, "en").body)["items"]
    mains = [main_of(page_of(shown)), main_of(petition_page(shown, "en").body.decode())]
    for part in (*mains, *(one["content_html"] for one in items)):
        elements = elements_of(part)
        assert not {"script", "svg", "iframe", "object"} & {tag for tag, _ in elements}
        for tag, attributes in elements:
            assert not [name for name in attributes if name.startswith("on")], tag
            for name in ("href", "src"):
                assert (attributes.get(name) or "#").startswith(good), attributes
    assert html.escape(words) in page_of(shown)


def elements_of(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return every element with its attributes, as a browser reads them."""
    found: list[tuple[str, dict[str, str | None]]] = []

    class Reading(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.append((tag, dict(attributes)))

    Reading().feed(page)
    return found


def test_a_petition_without_a_delivery_says_what_will_be_here() -> None:
    shown = with_deliveries(SignedVersion(1, petition([("Keep", ())])), deliveries=Deliveries())
    assert "Nothing was delivered yet" in page_of(shown)
    page = petition_page(shown, "en").body.decode()
    assert "/progress" not in page and 'class="where' not in page


def test_a_correction_and_a_mistake_are_shown_with_what_they_correct() -> None:
    rows = Deliveries(
        (
            step(1, StepKind.DELIVERED, reference="RR 788"),
            step(2, StepKind.DELIVERED, 3, reference="RR 789", corrects=1),
            step(3, StepKind.DELIVERED, way="email", recipient="state"),
            step(4, StepKind.MISTAKE, 1, recipient="state", corrects=3),
        ),
        (said(1, DemandState.PROMISED, 5), said(2, DemandState.REFUSED, 5, corrects=1)),
    )
    shown = with_deliveries(SignedVersion(1, petition([("Keep", ())], ("council", "state"))), deliveries=rows)
    page = page_of(shown)
    for words in ("RR 788", "RR 789", "Corrected on", "Recorded by mistake", "<del>Sent by email</del>"):
        assert words in page, words
    cell = page.partition('id="demand-1-council"')[2].partition("</td>")[0]
    assert "Refused, 19 March 2026" in cell and "Before, it said:" in cell and "Promised, 19 March" in cell
    assert "Not delivered yet" in page.partition('id="demand-1-state"')[2].partition("</td>")[0]


def test_a_demand_that_was_removed_keeps_what_was_said_of_it() -> None:
    """The demand that has its number now has none of it, on no page and in no number."""
    versions = (
        SignedVersion(1, petition([("Keep the bus", ()), ("Publish it", ())])),
        SignedVersion(2, petition([("Publish it", ())])),
    )
    rows = Deliveries((step(1, StepKind.DELIVERED),), (said(1, DemandState.MET, notes={"en": "It stays"}),))
    shown = with_deliveries(*versions, deliveries=rows)
    page = page_of(shown)
    table = page.partition('<table class="grid')[2].partition("</table>")[0]
    assert "It stays" not in table and "No answer since 14 March 2026" in table and "✓" not in table
    earlier = page.partition("Said about an earlier text")[2].partition("</section>")[0]
    assert "It stays" in earlier and "Keep the bus" in earlier and "Version 1" in earlier
    assert "This was achieved" not in page
    short = petition_page(shown, "en").body.decode().partition('id="demand-1"')[2].partition("</ol>")[0]
    assert "No answer since 14 March 2026" in short and "Met" not in short


def test_numbers_on_pages_and_in_json_agree() -> None:
    rows = Deliveries(
        (step(1, StepKind.DELIVERED), step(2, StepKind.ANSWERED, 1, recipient="court")),
        (
            said(1, DemandState.MET),
            said(2, DemandState.REFUSED, anchor="demand-2-1"),
            said(3, DemandState.NOT_ASKED, anchor="demand-2-1", recipient="state"),
            said(4, DemandState.PROMISED, anchor="demand-2-2", recipient="court"),
        ),
    )
    text = petition([("Keep", ()), ("Now", ("a", "b"))], ("council", "state", "court"))
    shown = with_deliveries(SignedVersion(1, text), deliveries=rows)
    attributes = json.loads(views.petition(shown).body)["data"]["attributes"]
    expected = {
        one.value: number for one, number in progressed(rows, [SignedVersion(1, text)]).totals().items()
    }
    assert attributes["demand_states_total"] == expected and sum(expected.values()) == 9
    assert len(attributes["demand_states"]) == 9
    page = page_of(shown)
    assert "for each recipient: 9 in all" in page

    def totals(part: str) -> dict[str, int]:
        found = re.findall(r'<li class="where ([\w-]+)">.*?<b>(\d+)</b>', part)
        return {standing: int(number) for standing, number in found}

    head, _, rest = page.partition('class="cards recipients"')
    assert totals(head) == expected
    summed: dict[str, int] = {}
    for card in rest.partition("</ol>")[0].split("<li id=")[1:]:
        for standing, number in totals(card).items():
            summed[standing] = summed.get(standing, 0) + number
    assert summed == expected
    table = page.partition('<table class="grid')[2].partition("</table>")[0]
    cells = re.findall(r'<(?:span|summary) class="where ([\w-]+)"', table)
    assert {one: cells.count(one) for one in cells} == expected


def test_with_many_recipients_only_what_was_said_is_shown_and_the_rest_is_counted() -> None:
    keys = [f"r{n}" for n in range(12)]
    text = petition([(f"Demand {n}", ()) for n in range(5)], keys)
    rows = Deliveries(
        tuple(step(n + 1, StepKind.DELIVERED, recipient=key) for n, key in enumerate(keys[:7])),
        (
            said(1, DemandState.MET, recipient="r3"),
            said(2, DemandState.REFUSED, recipient="r8", anchor="demand-2"),
        ),
    )
    shown = with_deliveries(SignedVersion(1, text), deliveries=rows)
    page = page_of(shown)
    table = page.partition('<table class="grid many')[2].partition("</table>")[0]
    counted: dict[str, int] = {}
    for standing, number in re.findall(r'<li class="where ([\w-]+)">.*?<b>(\d+)</b>', table):
        counted[standing] = counted.get(standing, 0) + int(number)
    for standing in re.findall(r'<(?:span|summary) class="where ([\w-]+)"', table):
        counted[standing] = counted.get(standing, 0) + 1
    expected = progressed(rows, [SignedVersion(1, text)]).totals()
    assert counted == {one.value: number for one, number in expected.items()} and sum(counted.values()) == 60
    assert 'id="demand-1-r3"' in table and 'id="demand-1-r4"' not in table


def test_words_are_in_the_readers_language_or_marked(site: SiteOfTests) -> None:
    site.publish()
    there = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    words = {"fr": "Nous lisons.", "ko": "읽고 있습니다."}
    record.add(there, "unhcr", Happening(StepKind.ANSWERED, DAY, language="fr", words=words), user=carol)
    korean, english = (page_of(site.petition(), language) for language in ("ko", "en"))
    assert (
        "읽고 있습니다." in korean and '<div lang="fr"><p>Nous lisons.' in korean
    )  # with the original beneath
    assert '<div lang="fr"><p>Nous lisons.' in english or '<div lang="ko"><p>읽고' in english
    assert "답변 원문" in korean and "Translated by us" not in english


def test_a_translation_in_another_language_is_not_shown_as_the_answer_itself(site: SiteOfTests) -> None:
    site.publish()
    there = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    words = {"fr": "Nous lisons.", "en": "We read it."}
    record.add(there, "unhcr", Happening(StepKind.ANSWERED, DAY, language="fr", words=words), user=carol)
    korean = page_of(site.petition(), "ko")
    assert '<div lang="en"><p>We read it.' in korean
    assert "답변 원문" in korean and '<div lang="fr"><p>Nous lisons.' in korean


def test_a_note_of_ours_is_not_called_an_answer(site: SiteOfTests) -> None:
    site.publish()
    there = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    words = {"en": "By registered post.", "ko": "등기 우편으로 보냈습니다."}
    record.add(there, "unhcr", Happening(StepKind.DELIVERED, DAY, language="en", words=words), user=carol)
    korean = page_of(site.petition(), "ko")
    assert "등기 우편으로" in korean and "답변 원문" not in korean


def test_recipients_to_whom_nothing_was_delivered_are_named_with_marks_between_them_alone(
    site: SiteOfTests,
) -> None:
    site.publish()
    there = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    last = site.petition().definition.recipients[-1].key
    record.add(there, last, Happening(StepKind.DELIVERED, DAY), user=carol)
    named = page_of(site.petition()).partition("Not delivered yet to:")[2].partition("</p>")[0]
    assert named.count("<a ") == named.count(" · ") + 1 and f'#to-{last}"' not in named


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_petition_page_stays_small_with_a_full_record(site: SiteOfTests, language: str) -> None:
    site.publish()
    there = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    for recipient in ("china", "unhcr", "security-council", "governments"):
        record.add(there, recipient, Happening(StepKind.DELIVERED, DAY, way=Way.HAND), user=carol)
    leaves = [f"demand-{n}-{m}" for n, parts in enumerate((2, 2, 2, 3), 1) for m in range(1, parts + 1)]
    for state in (DemandState.PROMISED, DemandState.REFUSED, DemandState.MET):
        record.state(there, "unhcr", leaves[:3], Said(state, DAY), user=carol)
    shown = site.petition()
    assert len(gzip.compress(petition_page(shown, language).body, 9)) <= 14_000
    assert len(gzip.compress(pages.progress(shown, language).body, 9)) <= 14_000
    page = petition_page(shown, language).body.decode()
    assert f'href="/{language}/{SLUG}/progress#demand-1-1"' in page and f"{SLUG}/progress#to-unhcr" in page
    progress = page_of(shown, language)
    for anchor in (*leaves, "to-unhcr", "demand-1-1-unhcr"):
        assert progress.count(f'id="{anchor}"') == 1, anchor


def test_a_proof_is_served_so_that_nothing_in_it_runs(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    there = Petition.objects.get(slug=SLUG)
    carol = User.objects.create(email="carol@example.org")
    row = record.add(there, "unhcr", Happening(StepKind.DELIVERED, date(2026, 3, 14)), user=carol)
    paper, picture, hidden = (distilled(one) for one in (pdf(), photo(), photo(size=(40, 30))))
    for one in (paper, picture):
        record.attach(row, one, public=True, caption={"en": 'The "stamp"'}, user=carol)
    kept = record.attach(row, hidden, public=False, caption={}, user=carol)
    with open_client(site, monkeypatch) as visitor:
        for one, kind, how in ((paper, "application/pdf", "attachment"), (picture, "image/webp", "inline")):
            answer = visitor.get(f"/{SLUG}/proofs/{one.digest}.{one.media}")
            assert answer.status == 200 and answer.body == one.data
            headers = dict(answer.headers)
            assert (
                headers[b"content-type"] == kind.encode() and headers[b"x-content-type-options"] == b"nosniff"
            )
            assert headers[b"content-security-policy"] == b"default-src 'none'; sandbox"
            assert headers[b"content-disposition"].startswith(how.encode())
            assert b"immutable" in headers[b"cache-control"]
        page = visitor.get(f"/en/{SLUG}/progress").body.decode()
        assert f'src="/{SLUG}/proofs/{picture.digest}.webp"' in page and "The &quot;stamp&quot;" in page
        for wrong in (
            f"/{SLUG}/proofs/{hidden.digest}.webp",
            f"/{SLUG}/proofs/{paper.digest}.webp",
            f"/{SLUG}/proofs/{'0' * 64}.pdf",
            f"/{SLUG}/proofs/../{paper.digest}.pdf",
            f"/other/proofs/{paper.digest}.pdf",
        ):
            assert visitor.get(wrong).status in (400, 404), wrong
        record.show_proof(kept, True, user=carol)
        visitor.refresh()
        assert visitor.get(f"/{SLUG}/proofs/{hidden.digest}.webp").status == 200


def test_the_feeds_have_each_line_of_the_timeline_once_with_ids_that_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A correction changes the entry, not its id; what was said of two demands at once is one entry."""
    first = step(1, StepKind.DELIVERED, way="hand")
    answer = step(2, StepKind.ANSWERED, 1, words={"en": "We have <b>noted</b> it."})
    statements = tuple(said(n, DemandState.PROMISED, 2, anchor=f"demand-{n}") for n in (1, 2))
    definition = petition(OUTLINE)
    before = with_deliveries(SignedVersion(1, definition), deliveries=Deliveries((first, answer), statements))
    entries = atom_entries(before)
    assert len(entries) == 3 and len(set(ids_of(entries))) == 3
    assert any(title.startswith("Promised (1, 2) – ") for title in titles_of(entries))
    assert any("&lt;b&gt;noted&lt;/b&gt;" in str(one.findtext(f"{ATOM}content")) for one in entries)

    later = replace(answer, id=3, corrects=2, made_on=DAY + timedelta(days=3), words={"en": "No."})
    after = with_deliveries(
        SignedVersion(1, definition), deliveries=Deliveries((first, answer, later), statements)
    )
    monkeypatch.setattr(settings, "BASE_URL", "https://moved.example")
    corrected = atom_entries(after)
    assert sorted(ids_of(corrected)) == sorted(ids_of(entries))
    changed = next(one for one in corrected if "Corrected on" in str(one.findtext(f"{ATOM}content")))
    assert "No." in str(changed.findtext(f"{ATOM}content"))
    assert str(changed.findtext(f"{ATOM}updated")) > str(changed.findtext(f"{ATOM}published"))
    document = json.loads(feeds.progress_json(after, "en").body)
    assert [one["id"] for one in document["items"]] == ids_of(corrected)
    assert all(one["url"].startswith("https://moved.example/en/") for one in document["items"])
    for fragment in (one["url"].partition("#")[2] for one in document["items"]):
        assert f'id="{fragment}"' in page_of(after)


def test_the_page_leads_to_its_feeds() -> None:
    shown = with_deliveries(
        SignedVersion(1, petition(OUTLINE)), deliveries=Deliveries((step(1, StepKind.DELIVERED),))
    )
    page = page_of(shown)
    for kind in ("atom", "json"):
        assert page.count(f'/en/{shown.slug}/progress.{kind}"') == 2  # for programs, and for people
    assert 'name="robots"' not in page
    with pytest.raises(Refused):
        feeds.progress_atom(shown, "fr")


def test_a_name_with_a_full_stop_leaves_no_mark_in_a_feed() -> None:
    """The pages mark such a name, so that a sentence ends once."""
    definition = petition(OUTLINE)
    named = replace(definition, recipients=(Recipient("council", {"en": "Council e.V."}),))
    shown = with_deliveries(SignedVersion(1, named), deliveries=Deliveries((step(1, StepKind.DELIVERED),)))
    for body in (feeds.progress_atom(shown, "en").body, feeds.progress_json(shown, "en").body):
        assert "Council e.V." in body.decode() and pages.html.NAME_STOPS not in body.decode()


def test_a_feed_of_nothing_is_a_feed() -> None:
    assert atom_entries(with_deliveries(SignedVersion(1, petition(OUTLINE)), deliveries=Deliveries())) == []


def atom_entries(shown: PetitionSnapshot) -> list[ElementTree.Element]:
    return ElementTree.fromstring(feeds.progress_atom(shown, "en").body).findall(f"{ATOM}entry")


def ids_of(entries: list[ElementTree.Element]) -> list[str]:
    return [str(one.findtext(f"{ATOM}id")) for one in entries]


def titles_of(entries: list[ElementTree.Element]) -> list[str]:
    return [str(one.findtext(f"{ATOM}title")) for one in entries]

"""Links with a word on the desk: made, copied, ended and counted again, with numbers that sum up to all forms."""

import csv
import io

import pytest
from django.test import Client

from desk_clients import person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import sources
from sabal.signing.asked import Asked
from sabal.signing.sources import FormSource
from served import SLUG
from sites import SiteOfTests

NUMBERS = f"/petitions/{SLUG}/numbers"
PAGE = f"{NUMBERS}/links"


def browser(role: TeamRole = TeamRole.EDITOR) -> Client:
    return person(f"{role}@example.org", role, petition=Petition.objects.get(slug=SLUG)).browser


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    return site.publish(profile='"open"')


def send(site: SiteOfTests, petition: PetitionSnapshot, *words: str) -> None:
    process = Asked()
    for word in words:
        process.add(petition.id, word)
    process.store(site.database)


def test_a_link_is_made_counted_ended_and_counted_again(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    editor = browser()
    assert "Make a link" in editor.get(NUMBERS).content.decode()
    send(site, petition, "flyer", "")
    assert editor.post(f"{PAGE}/start", {"word": " Spring  Meeting "}).status_code == 302
    assert editor.post(f"{PAGE}/start", {"word": "flyer"}).status_code == 302
    send(site, petition, "flyer", "flyer", "spring-meeting", "")
    page = editor.get(PAGE).content.decode()
    assert (
        f"/{SLUG}?from=spring-meeting</code>" in page and "2 forms sent." in page and "1 form sent." in page
    )
    assert editor.post(f"{PAGE}/stop", {"word": "flyer"}).status_code == 302
    send(site, petition, "flyer")
    page = editor.get(PAGE).content.decode()
    assert "?from=flyer<" not in page and "This link is no longer counted." in page
    assert editor.post(f"{PAGE}/start", {"word": "flyer"}).status_code == 302
    send(site, petition, "flyer")
    assert sources.of_petition(site.database, petition.id) == [
        FormSource("flyer", 3, True),
        FormSource("spring-meeting", 1, True),
    ]
    for _ in range(2):  # one that is counted is not deleted
        assert editor.post(f"{PAGE}/delete", {"word": "spring-meeting"}).status_code == 302
        assert len(sources.of_petition(site.database, petition.id)) == 2
    said = AuditEntry.objects.order_by("pk").values_list("what", "details")
    assert [one for one in said if one[0].startswith("source-")] == [
        ("source-started", "spring-meeting"),
        ("source-started", "flyer"),
        ("source-stopped", "flyer"),
        ("source-started", "flyer"),
    ]


def test_a_deleted_link_leaves_its_forms_among_the_others(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    editor = browser()
    for word in ("flyer", "mistyped"):
        sources.start_counting(site.database, petition.id, word)
    send(site, petition, "flyer", "mistyped", "mistyped", "")
    assert editor.post(f"{PAGE}/stop", {"word": "mistyped"}).status_code == 302
    assert "/links/delete" in editor.get(PAGE).content.decode()
    assert editor.post(f"{PAGE}/delete", {"word": "mistyped"}).status_code == 302
    rows = list(csv.reader(io.StringIO(editor.get(f"{NUMBERS}/sources.csv").content.decode("utf-8-sig"))))
    assert rows[1:] == [["flyer", "1"], ["other ways", "3"]]


def test_the_table_sums_up_to_all_forms(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    sources.start_counting(site.database, petition.id, "flyer")
    sources.start_counting(site.database, petition.id, "radio")
    send(site, petition, *["flyer"] * 3, *["radio"] * 5, *["no-such"] * 2, "")
    sources.stop_counting(site.database, petition.id, "radio")
    viewer = browser(TeamRole.VIEWER)
    rows = list(csv.reader(io.StringIO(viewer.get(f"{NUMBERS}/sources.csv").content.decode("utf-8-sig"))))
    assert rows[1:] == [["flyer", "3"], ["radio", "5"], ["other ways", "3"]]
    page = viewer.get(NUMBERS).content.decode()
    assert 'class="number">11</td></tr></tbody>' in page.partition('id="sources"')[2]


@pytest.mark.parametrize("word", ["", "-", "flyer!", "a_b", "전단", "a" * 31, "<script>", "x" * 100_000])
def test_a_word_that_cannot_be_one_is_refused_with_a_reason(
    site: SiteOfTests, petition: PetitionSnapshot, word: str
) -> None:
    answer = browser().post(f"{PAGE}/start", {"word": word})
    page = answer.content.decode()
    assert (
        answer.status_code == 422 and 'role="alert"' in page and "<script>" not in page.partition("<main")[2]
    )
    assert site.rows("signing_source") == 0


def test_the_most_words_are_kept(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    for number in range(sources.MOST):
        sources.start_counting(site.database, petition.id, f"w{number}")
    editor = browser()
    answer = editor.post(f"{PAGE}/start", {"word": "one-more"})
    assert answer.status_code == 422 and f"at most {sources.MOST} links" in answer.content.decode()
    assert site.rows("signing_source") == sources.MOST
    assert editor.post(f"{PAGE}/start", {"word": "w7"}).status_code == 302


def test_a_viewer_sees_and_changes_nothing(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    sources.start_counting(site.database, petition.id, "flyer")
    viewer = browser(TeamRole.VIEWER)
    page = viewer.get(PAGE).content.decode()
    assert "?from=flyer" in page and "/links/start" not in page and "/links/stop" not in page
    for step in ("start", "stop"):
        assert viewer.post(f"{PAGE}/{step}", {"word": "flyer"}).status_code == 403


def test_the_code_is_a_picture_of_a_chosen_link(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    sources.start_counting(site.database, petition.id, "flyer")
    editor = browser()
    answer = editor.get(f"{PAGE}/flyer.svg")
    assert answer["Content-Type"] == "image/svg+xml" and "attachment" in answer["Content-Disposition"]
    assert answer.content.startswith(b"<svg")
    assert editor.get(f"{PAGE}/never-chosen.svg").status_code == 404


def test_a_guarded_petition_has_no_links(site: SiteOfTests) -> None:
    petition = site.publish()
    editor = browser()
    page = editor.get(PAGE).content.decode()
    assert (
        "This petition is guarded" in page
        and "<form method" not in page.partition("<h1>")[2].partition("</main>")[0]
    )
    assert "numbers/links" not in editor.get(NUMBERS).content.decode()
    assert editor.post(f"{PAGE}/start", {"word": "flyer"}).status_code == 404
    assert sources.of_petition(site.database, petition.id) == []
    text = editor.get(f"{NUMBERS}/sources.csv").content.decode("utf-8-sig")
    assert len(text.splitlines()) == 1

"""Counts from paper and other platforms: two people, shown apart, corrected by rows, never added to the log's count."""

import json
import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.api import views as api
from sabal.elsewhere.models import OtherCount
from sabal.http import Refused
from sabal.pages import elsewhere as page
from sabal.pages import petition as petition_page
from sabal.petitions.models import Petition
from sabal.petitions.othercounts import OtherCounts, PublicOtherCount
from sabal.petitions.progress import Progress
from served import SLUG
from sites import SiteOfTests

URL = f"/petitions/{SLUG}/elsewhere"
MARKET = {
    "kind": "paper",
    "place": "Market square",
    "signatures": "1204",
    "day": "2026-11-20",
    "link": "",
    "note": "Sheets 1 to 61, in the office.",
}


@pytest.fixture
def team(site: SiteOfTests) -> tuple[Person, Person]:
    """Return two people who may publish the petition."""
    site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(), organisation=ours)
    olga = person("olga@example.org", TeamRole.OWNER, organisation=ours)
    return olga, person("ed@example.org", TeamRole.EDITOR, organisation=ours, rights=("publish",))


def enter(who: Person, **changes: str) -> OtherCount:
    assert who.browser.post(f"{URL}/enter", MARKET | changes).status_code == 302
    return OtherCount.objects.latest("pk")


def agree(who: Person, count: OtherCount, agreed: str = "yes") -> int:
    return who.browser.post(f"{URL}/{count.pk}/decide", {"agreed": agreed}).status_code


def public_total(site: SiteOfTests) -> int:
    return int(attributes(site)["signatures_on_paper_and_elsewhere"]["total"])


def attributes(site: SiteOfTests) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(api.petition(site.petition()).body)["data"]["attributes"]
    return found


def test_the_public_sees_a_count_when_two_people_agree(
    site: SiteOfTests, team: tuple[Person, Person]
) -> None:
    olga, ed = team
    count = enter(olga)
    assert public_total(site) == 0 and b"/elsewhere" not in petition_page.petition(site.petition(), "en").body
    assert b"Sheets 1 to 61" in ed.browser.get(URL).content
    assert agree(ed, count) == 302
    assert public_total(site) == 1204 and attributes(site)["signature_count"] is None, "it is gathering"
    text = petition_page.petition(site.petition(), "en").body.decode()
    assert "1,204 people have signed on paper and elsewhere, which cannot be checked in the log" in text
    shown = page.elsewhere(site.petition(), "en").body.decode()
    assert "Market square" in shown and "1,204" in shown and "Sheets" not in shown
    assert [one.what for one in AuditEntry.objects.order_by("pk")][-2:] == [
        "count-entered",
        "count-confirmed",
    ]


def test_nobody_confirms_their_own_count(site: SiteOfTests, team: tuple[Person, Person]) -> None:
    olga, ed = team
    count = enter(olga)
    assert agree(olga, count) == 409 and public_total(site) == 0
    assert agree(ed, count) == 302
    assert agree(ed, count, "no") == 409, "it was decided"
    assert public_total(site) == 1204
    count.refresh_from_db()
    with pytest.raises(IntegrityError), transaction.atomic():
        OtherCount.objects.filter(pk=count.pk).update(decided_by=count.entered_by)
    with pytest.raises(IntegrityError), transaction.atomic():
        OtherCount.objects.filter(pk=enter(olga).pk).update(confirmed=True)


def test_a_count_that_is_not_right_stays_unseen(site: SiteOfTests, team: tuple[Person, Person]) -> None:
    olga, ed = team
    assert agree(ed, enter(olga), "no") == 302
    assert agree(ed, enter(olga), "") == 302, "a form without its button agrees to nothing"
    assert public_total(site) == 0
    assert b"did not agree" in olga.browser.get(URL).content


def test_a_correction_names_what_it_corrects(site: SiteOfTests, team: tuple[Person, Person]) -> None:
    olga, ed = team
    first = enter(olga)
    assert ed.browser.post(f"{URL}/{first.pk}/correct", MARKET).status_code == 404, "not agreed to yet"
    agree(ed, first)
    wrong = MARKET | {"signatures": "1104"}
    assert ed.browser.post(f"{URL}/{first.pk}/correct", wrong).status_code == 302
    second = OtherCount.objects.latest("pk")
    assert public_total(site) == 1204, "it waits"
    assert olga.browser.post(f"{URL}/{first.pk}/correct", wrong).status_code == 409, "one at a time"
    assert agree(ed, second) == 409 and agree(olga, second) == 302
    assert public_total(site) == 1104
    assert ed.browser.post(f"{URL}/{first.pk}/correct", wrong).status_code == 409, "it is corrected already"
    counts = attributes(site)["signatures_on_paper_and_elsewhere"]["counts"]
    assert [(one["id"], one["corrects"], one["valid"]) for one in counts] == [  # type: ignore[attr-defined]
        (first.pk, None, False),
        (second.pk, first.pk, True),
    ]
    assert "before a correction: 1,204" in page.elsewhere(site.petition(), "en").body.decode()
    # To nothing: the line is gone, and the page too.
    assert olga.browser.post(f"{URL}/{second.pk}/correct", MARKET | {"signatures": "0"}).status_code == 302
    agree(ed, OtherCount.objects.latest("pk"))
    assert public_total(site) == 0
    with pytest.raises(Refused):
        page.elsewhere(site.petition(), "en")


def test_one_takes_back_ones_own_count_until_it_is_decided(
    site: SiteOfTests, team: tuple[Person, Person]
) -> None:
    olga, ed = team
    count = enter(olga)
    assert ed.browser.post(f"{URL}/{count.pk}/take-back").status_code == 409
    assert olga.browser.post(f"{URL}/{count.pk}/take-back").status_code == 302
    kept = enter(olga)
    agree(ed, kept)
    assert olga.browser.post(f"{URL}/{kept.pk}/take-back").status_code == 409
    assert list(OtherCount.objects.values_list("pk", flat=True)) == [kept.pk]


@pytest.mark.parametrize(
    "wrong",
    [
        {"signatures": "0"},
        {"signatures": "-5"},
        {"signatures": "1000000001"},
        {"signatures": "1.5"},
        {"signatures": "many"},
        {"kind": "other"},
        {"place": ""},
        {"place": "x" * 201},
        {"place": "suzie@example.org"},
        {"place": "a\u202eb"},
        {"day": "2999-01-01"},
        {"day": "0202-01-01"},
        {"day": "yesterday"},
        {"link": "javascript:alert(1)"},
        {"link": "ftp://example.org/list"},
        {"note": ""},
        {"note": "x" * 2001},
    ],
)
def test_a_mistake_loses_nothing(team: tuple[Person, Person], wrong: dict[str, str]) -> None:
    answer = team[0].browser.post(f"{URL}/enter", MARKET | wrong)
    assert answer.status_code == 422 and b'role="alert"' in answer.content
    assert b"Market square" in answer.content or "place" in wrong
    assert not OtherCount.objects.exists()


def test_script_in_a_place_is_text_everywhere(site: SiteOfTests, team: tuple[Person, Person]) -> None:
    olga, ed = team
    evil = "<script>alert(1)</script>"
    link = 'https://example.org/"><script>alert(1)</script>'
    count = enter(
        olga, place=evil, note=evil, link=link.replace("<", "%3C").replace(">", "%3E").replace('"', "%22")
    )
    for answer in (olga.browser.get(URL), ed.browser.get(URL)):
        assert evil.encode() not in answer.content and b"&lt;script&gt;" in answer.content
    agree(ed, count)
    shown = page.elsewhere(site.petition(), "en").body.decode()
    assert (
        "<script>alert" not in shown
        and "&lt;script&gt;" in shown
        and 'rel="nofollow noopener external"' in shown
    )
    olga.browser.post(f"{URL}/{count.pk}/correct", MARKET | {"place": evil})
    assert evil.encode() not in olga.browser.get(URL).content


def test_a_count_of_another_petition_does_not_exist(site: SiteOfTests, team: tuple[Person, Person]) -> None:
    olga, ed = team
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    foreign = Petition.objects.create(slug="second")
    Ownership.objects.create(petition=foreign, organisation=theirs)
    eve = person("eve@example.org", TeamRole.OWNER, organisation=theirs)
    count = enter(olga)
    for path in ("decide", "take-back", "correct"):
        assert (
            eve.browser.post(f"/petitions/second/elsewhere/{count.pk}/{path}", {"agreed": "yes"}).status_code
            == 404
        )
    assert agree(ed, count) == 302
    assert eve.browser.post(f"/petitions/second/elsewhere/{count.pk}/correct", MARKET).status_code == 404


def test_one_person_alone_is_told_to_find_a_second(team: tuple[Person, Person]) -> None:
    olga, ed = team
    enter(olga)
    assert b"Nobody else of your team" not in olga.browser.get(URL).content
    ed.user.is_active = False
    ed.user.save()
    assert b"Nobody else of your team" in olga.browser.get(URL).content


def test_a_draft_with_counts_can_be_discarded(site: SiteOfTests, ed: Person) -> None:
    petition = Petition.objects.create(slug="bus")
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get(key="ours"))
    first = OtherCount.objects.create(
        petition=petition, kind="paper", place="Hall", signatures=3, day=date(2026, 1, 1), entered_by=ed.user
    )
    OtherCount.objects.create(
        petition=petition,
        kind="paper",
        place="Hall",
        signatures=2,
        day=date(2026, 1, 1),
        entered_by=ed.user,
        corrects=first,
    )
    petition.delete()
    assert not OtherCount.objects.exists()


@st.composite
def histories(draw: st.DrawFn) -> OtherCounts:
    """Draw counts of which each corrects at most one earlier one that nothing else corrects."""
    rows: list[PublicOtherCount] = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        free = [one.id for one in rows if one.id not in {other.corrects for other in rows}]
        corrects = draw(st.sampled_from([None, *free]))
        signatures = draw(st.integers(0 if corrects else 1, 10**9))
        day = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 300)))
        rows.append(
            PublicOtherCount(
                number,
                draw(st.sampled_from(["paper", "platform"])),
                f"Place {number}",
                signatures,
                day,
                "",
                corrects,
            )
        )
    return OtherCounts(tuple(rows))


def test_all_numbers_that_are_shown_sum_up(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(histories())
    def check(counts: OtherCounts) -> None:
        snapshot = replace(petition, progress=Progress(1, other_counts=counts))
        found = json.loads(api.petition(snapshot).body)["data"]["attributes"]
        shown = found["signatures_on_paper_and_elsewhere"]
        assert shown["total"] == sum(one["signatures"] for one in shown["counts"] if one["valid"])
        replaced = {one["corrects"] for one in shown["counts"]}
        assert all(
            one["valid"] == (one["id"] not in replaced and one["signatures"] > 0) for one in shown["counts"]
        )
        assert found["signature_count"] == found["counted"] == snapshot.counts.counted == 0
        body = petition_page.petition(snapshot, "en").body.decode()
        line = re.search(r'/elsewhere">([\d,]+) (?:people have|person has) signed', body)
        assert (int(line[1].replace(",", "")) if line else 0) == shown["total"]
        if not shown["total"]:
            return
        table = page.elsewhere(snapshot, "en").body.decode()
        rows = [int(n.replace(",", "")) for n in re.findall(r'data-head="Signatures">([\d,]+)', table)]
        total = re.search(r'data-head="Signatures"><strong>([\d,]+)', table)
        assert total and sum(rows) == int(total[1].replace(",", "")) == shown["total"]

    check()

"""The numbers on the desk: they sum up, every table is a file too, and none tells whether an address has signed."""

import csv
import io
import re
from collections import Counter
from datetime import UTC, date, datetime
from time import time

import pytest
from django.test import Client

from desk_clients import person
from sabal import settings
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.desk.numbers import RATE_FROM, batches_of, numbers_of
from sabal.desk.titles import definition_of
from sabal.mail import traffic
from sabal.mail.traffic import End
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import held
from sabal.signing.asked import Asked
from sabal.signing.operations import Withdraw
from served import SLUG
from signing.steps import Signed, ask, confirmation, confirmed, signed
from sites import NOW, SiteOfTests

DAY, WEEK = 86_400, 604_800
PATH = f"/petitions/{SLUG}/numbers"


def viewer(slug: str = SLUG) -> Client:
    """Return the browser of somebody who may see this petition alone."""
    return person("max@example.org", TeamRole.VIEWER, petition=Petition.objects.get(slug=slug)).browser


def facts(page: str) -> dict[str, int]:
    """Return the list from forms to the count."""
    found = re.search(r'<dl class="facts sum">(.*?)</dl>', page, re.DOTALL)
    assert found
    pairs = re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*>(.*?)</dd>", found[1])
    return {name: int(n.replace("−", "-").replace(",", "")) for name, n in pairs}


def table(browser: Client, kind: str) -> list[list[str]]:
    answer = browser.get(f"{PATH}/{kind}.csv")
    assert answer.status_code == 200 and answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


def filled(site: SiteOfTests) -> PetitionSnapshot:
    """Publish an open petition with signatures in every state."""
    petition = site.publish(profile='"open"')
    asked = Asked()
    signers = [
        confirmed(site, petition, f"s{n}@example.org", country="US" if n % 3 else "KR") for n in range(9)
    ]
    site.sequence(petition, NOW + 60)
    for one in signers[:2]:
        site.writer.commit(site.database, [withdrawal(one)])
    confirmed(site, petition, "late@example.org", language="en")
    site.sequence(petition, NOW + DAY)
    confirmed(site, petition, "waiting@example.org")
    for n in range(3):
        confirmed(site, petition, f"eve{n}@example.org", held=held.ROBOT)
    signed(site, petition, "pending@example.org")
    for _ in range(20):
        asked.add(petition.id)
    asked.store(site.database)
    return petition


def withdrawal(one: Signed) -> Withdraw:
    return Withdraw(one.t, one.digest)


def test_from_the_form_to_the_count_every_line_follows_from_those_above(site: SiteOfTests) -> None:
    filled(site)
    shown = facts(viewer().get(PATH).content.decode())
    assert shown == {
        "Forms sent": 20,
        "Not confirmed, or sent twice by one person": -6,
        "Confirmed by email": 14,
        "Waiting for the next batch": -1,
        "Held for review: a field was filled in that people do not see": -3,
        "Confirmed, and in the public log": 10,
        "Withdrawn by the signer": -2,
        "Invalidated": 0,
        "Counted": 8,
    }


def test_each_table_sums_up_and_is_a_file(site: SiteOfTests) -> None:
    filled(site)
    browser = viewer()
    growth = table(browser, "growth")
    assert growth[0] == [
        "first day",
        "last day",
        "confirmed",
        "withdrawn",
        "invalidated",
        "counted at the end",
    ]
    assert [sum(int(row[at]) for row in growth[1:]) for at in (2, 3, 4)] == [10, 2, 0]
    assert growth[-1][-1] == "8"
    assert [row[2:] for row in growth[1:3]] == [["9", "0", "0", "9"], ["1", "2", "0", "8"]]
    batches = table(browser, "batches")
    assert [row[2:5] for row in batches[1:]] == [["1", "2", "0"], ["9", "0", "0"], ["0", "0", "0"]]
    for kind in ("countries", "languages"):
        assert sum(int(row[1]) for row in table(browser, kind)[1:]) == 8, kind
    assert dict(map(tuple, table(browser, "languages")[1:]))["English"] == "1"
    page = browser.get(PATH).content.decode()
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg"') == 4
    assert "United States" in page and "style=" not in page and "<style" not in page


@pytest.mark.parametrize("kind", ["nothing", "growth.csv", "..", "email"])
def test_other_tables_do_not_exist(site: SiteOfTests, kind: str) -> None:
    site.publish()
    assert viewer().get(f"{PATH}/{kind}.csv").status_code == 404


def test_batches_are_paged_and_a_strange_page_is_the_first(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    for n in range(5):
        confirmed(site, petition, f"s{n}@example.org")
        site.sequence(petition, NOW + 60 * (n + 1))
    found = batches_of(site.database, petition.id, limit=2)
    assert [(one.number, one.confirmed) for one in found] == [(5, 1), (4, 1)]
    found += batches_of(site.database, petition.id, before=4, limit=2)
    found += batches_of(site.database, petition.id, before=2, limit=2)
    assert [one.number for one in found] == [5, 4, 3, 2, 1, 0]
    assert sum(one.confirmed or 0 for one in found) == 5
    browser = viewer()
    for odd in ("-1", "x", "9" * 40, "²", "<script>"):
        page = browser.get(PATH, {"before": odd}).content.decode()
        assert "<script>" not in page and '"Batch">5</td>' in page, odd
    older = browser.get(PATH, {"before": "3"}).content.decode()
    assert '"Batch">5</td>' not in older and '"Batch">2</td>' in older


def test_a_draft_has_no_numbers_and_says_when(site: SiteOfTests) -> None:
    site.publish()
    Petition.objects.update(state="draft")
    browser = viewer()
    assert "The numbers begin when the petition is published" in browser.get(PATH).content.decode()
    assert browser.get(f"{PATH}/growth.csv").status_code == 404


def test_a_translator_and_a_stranger_see_no_numbers(site: SiteOfTests) -> None:
    site.publish()
    theirs = Organisation.objects.create(key="theirs", name="theirs")
    Ownership.objects.create(
        petition=Petition.objects.get(), organisation=Organisation.objects.create(key="ours", name="ours")
    )
    tara = person("tara@example.org", TeamRole.TRANSLATOR, petition=Petition.objects.get()).browser
    eve = person("eve@example.org", TeamRole.OWNER, organisation=theirs).browser
    for path in (PATH, f"{PATH}/growth.csv"):
        assert tara.get(path).status_code == 403
        assert eve.get(path).status_code == 404
    assert eve.get("/email").status_code == eve.get("/email.csv").status_code == 404


@pytest.mark.parametrize(
    ("profile", "opens_mailbox"), [("open", False), ("guarded", False), ("guarded", True)]
)
def test_signing_with_an_address_does_not_show_whether_it_signed_before(
    site: SiteOfTests, profile: str, opens_mailbox: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eve sees the numbers. Who controls a mailbox learns it from the public count of an open petition at once."""
    monkeypatch.setattr(settings, "BATCH_EVERY", None)
    petition = site.publish(profile=f'"{profile}"')
    for n in range(120):
        confirmed(site, petition, f"s{n}@example.org")
    site.sequence(petition, NOW + WEEK)
    browser = viewer()
    before = main(browser)
    for address in ("s7@example.org", "nobody@example.org"):
        one = ask(site, petition, address)
        site.writer.commit(site.database, [one.operation])
        if opens_mailbox:
            site.writer.commit(site.database, [confirmation(one)])
        assert main(browser) == before, address


def main(browser: Client) -> str:
    page = browser.get(PATH).content.decode()
    return page.partition("<main")[2].partition("</main>")[0]


def test_a_guarded_petition_shows_neither_days_nor_small_numbers(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "BATCH_EVERY", None)
    petition = site.publish()
    for n in range(12):
        confirmed(site, petition, f"early{n}@example.org", country="JP")
    site.sequence(petition, NOW + WEEK)
    browser = viewer()
    assert "Japan" not in browser.get(PATH).content.decode()
    assert len(table(browser, "countries")) == 3
    early = table(browser, "growth")[1:]
    assert sum(int(row[2]) for row in early[:-1]) == 0, "the days of the first signatures"
    for n in range(100):
        confirmed(site, petition, f"s{n}@example.org", country="KR" if n else "FJ")
    site.sequence(petition, NOW + 2 * WEEK)
    confirmed(site, petition, "waiting@example.org", held=held.RATE)
    page = browser.get(PATH).content.decode()
    assert "Fiji" not in page and "Waiting" not in page and "Batches" not in page and "Held" not in page
    rows = dict(map(tuple, table(browser, "countries")[1:]))
    assert rows["Japan"] == "10" and rows["South Korea"] == "90" and rows["not listed or not known"] == "12"
    assert len(table(browser, "batches")) == 1
    for row in table(browser, "growth")[1:]:
        assert (date.fromisoformat(row[1]) - date.fromisoformat(row[0])).days == 6
    assert sum(int(row[2]) for row in table(browser, "growth")[1:]) == 112


def test_the_rate_is_shown_from_a_hundred_forms_on(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    for n in range(3):
        confirmed(site, petition, f"s{n}@example.org")
    row = Petition.objects.select_related("version").get()
    definition = definition_of(row)
    assert definition
    asked = Asked(shard=3)
    for _ in range(RATE_FROM - 1):
        asked.add(petition.id)
    asked.store(site.database)
    assert numbers_of(site.database, row, definition).rate is None
    again = Asked(shard=4)
    again.add(petition.id)
    again.store(site.database)
    found = numbers_of(site.database, row, definition)
    assert (found.asked, found.rate, found.not_confirmed) == (100, 3, 97)


class PowerFailure(Exception):
    """The database does not answer."""


class Failing:
    """A database that refuses every transaction."""

    def transaction(self) -> None:
        raise PowerFailure


def test_forms_that_could_not_be_stored_are_kept(site: SiteOfTests) -> None:
    petition, asked = site.publish(), Asked()
    asked.add(petition.id)
    with pytest.raises(PowerFailure):
        asked.store(Failing())  # type: ignore[arg-type]
    asked.store(site.database)
    asked.store(site.database)  # nothing is new
    assert site.database.query("SELECT SUM(n) FROM signing_asked") == [(1,)]


def test_the_email_page_shows_each_provider(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish(profile='"open"')
    ends = Counter({("gmail", End.ACCEPTED): 57, ("gmail", End.LATER): 3, ("other", End.NEVER): 4})
    with site.database.transaction():
        traffic.add(site.database, int(time()) // 3_600 - 2, ends)
    olga = person("olga@example.org", TeamRole.OWNER).browser
    page = olga.get("/email").content.decode()
    assert ">57</td>" in page and ">4</td>" in page
    lines = list(csv.reader(io.StringIO(olga.get("/email.csv?days=1").content.decode("utf-8-sig"))))
    assert lines[1:] == [["gmail", "57", "3", "0", "0"], ["other", "0", "0", "4", "0"]]
    assert "Last 7 days" in page and "<b>gmail</b>" in olga.get("/email?days=<script>").content.decode()


def test_a_guarded_petition_on_the_site_rounds_the_emails(site: SiteOfTests) -> None:
    site.publish()
    ends = Counter({("gmail", End.ACCEPTED): 57, ("gmail", End.LATER): 3, ("small", End.ACCEPTED): 1})
    with site.database.transaction():
        traffic.add(site.database, int(time()) // 3_600 - 2, ends)
    olga = person("olga@example.org", TeamRole.OWNER).browser
    lines = list(csv.reader(io.StringIO(olga.get("/email.csv").content.decode("utf-8-sig"))))
    assert lines[1:] == [["gmail", "50", "0", "0", "0"]]
    page = olga.get("/email").content.decode()
    assert "<b>small<" not in page and ">57<" not in page and ">50<" in page


def test_on_the_first_day_no_line_is_drawn_and_the_marks_are_whole_people(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    confirmed(site, petition, "suzie@example.org", country="")
    Petition.objects.update(opened_on=datetime.now(UTC).date())
    site.sequence(petition, int(time()))
    page = viewer().get(PATH).content.decode()
    assert "It begins tomorrow." in page and "None of those who are counted has named one." in page
    axis = [text for text in re.findall(r"<text[^>]*>([^<]*)</text>", page) if "." in text]
    assert axis == []

"""Sending on the desk: Olga chooses recipients, sees exactly what goes, sends it once, and reads what became of it."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from desk_clients import Person, person
from sabal import settings
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.configuration.sender import Sender
from sabal.delivery import asking
from sabal.delivery.contact import Contact
from sabal.delivery.rows import Step
from sabal.delivery.sendings import Dispatch, Occasion, SendingRules
from sabal.desk.delivering import Dispatching
from sabal.petitions.deliveries import deliveries_of
from sabal.petitions.models import Petition
from sabal.petitions.standing import contacts_of
from served import SLUG
from sites import SiteOfTests

PAGE = f"/petitions/{SLUG}/delivery"
NOW = {"when": "now", "reply_to": "carol@ours.example", "to": ["unhcr"], "form": "0123456789abcdef"}


@pytest.fixture
def olga(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setattr(settings, "MAIL_FROM", Sender("Petitions", "petition@site.example"))
    petition = site.publish()
    organisation = Organisation.objects.create(key="ours", name="Ours", contact="office@ours.example")
    Ownership.objects.create(petition_id=petition.id, organisation=organisation)
    for key, language in (("unhcr", "en"), ("china", "zh-hans")):
        Contact.objects.create(
            petition_id=petition.id,
            key=key,
            names={"en": key.upper()},
            email=f"{key}@office.example",
            language=language,
            days="mon tue wed thu fri sat sun",
            opens="00:00",
            closes="23:59",
        )
    return person("olga@example.org", TeamRole.OWNER, organisation=organisation)


def text(page: bytes) -> str:
    """Return what a page says."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page.decode()).split()))


def work(site: SiteOfTests) -> None:
    """Do one round of the worker."""
    site.refresh()
    Dispatching(site.keystore).round(site.database, site.snapshots, int(datetime.now(UTC).timestamp()))


def test_nothing_is_sent_before_she_has_seen_it(site: SiteOfTests, olga: Person) -> None:
    form = text(olga.browser.get(f"{PAGE}/send").content)
    assert "office@ours.example" in olga.browser.get(f"{PAGE}/send").content.decode()
    assert "Not by email" in form and "monitor human rights" in form
    form_with_words = NOW | {
        "to": ["unhcr", "china"],
        "words:en": "A few <b>own</b> words.",
        "words:zh-hans": "您好。",
    }
    answer = olga.browser.post(f"{PAGE}/send", form_with_words | {"step": "preview"})
    page = text(answer.content)
    assert answer.status_code == 200 and "2 emails, one after the other" in page
    for shown in (
        "petition@site.example",
        "unhcr@office.example",
        "carol@ours.example",
        "A few <b>own</b> words.",
        "您好。",
        "请愿书：",
        f"{SLUG}-unhcr-letter-en-",
    ):
        assert shown in page, shown
    assert b"<b>own</b>" not in answer.content
    assert Occasion.objects.count() == 0
    letter = olga.browser.get(f"{PAGE}/letters/unhcr.pdf")
    assert letter.content.startswith(b"%PDF-") and "attachment" in letter["Content-Disposition"]


def test_what_goes_is_what_she_saw_and_the_button_counts_once(site: SiteOfTests, olga: Person) -> None:
    preview = text(olga.browser.post(f"{PAGE}/send", NOW | {"step": "preview"}).content)
    for _ in range(2):
        assert olga.browser.post(f"{PAGE}/send", NOW | {"step": "send"}).status_code == 302
    assert "The emails are queued." in text(olga.browser.get(f"{PAGE}/sent").content)
    assert Occasion.objects.count() == 1
    assert AuditEntry.objects.get(what="delivery-asked").details == "unhcr"
    work(site)
    dispatch = Dispatch.objects.get()
    assert dispatch.state == "queued"
    for paragraph in dispatch.text.split("\n\n"):
        assert " ".join(paragraph.split()) in preview
    assert (
        dispatch.subject in preview and dispatch.enclosure is not None and dispatch.enclosure.name in preview
    )
    page = text(olga.browser.get(f"{PAGE}/sent").content)
    assert "Is being sent" in page and "Olga asked for it" in page
    one = text(olga.browser.get(f"{PAGE}/sent/{dispatch.pk}").content)
    assert dispatch.subject in one and dispatch.enclosure.digest in one
    file = olga.browser.get(f"{PAGE}/sent/{dispatch.pk}/letter.pdf")
    assert file.content == bytes(dispatch.enclosure.data)


def test_a_plan_is_shown_on_the_clocks_she_meant_and_can_be_cancelled(
    site: SiteOfTests, olga: Person
) -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    later = NOW | {"when": "later", "day": str(day), "time": "10:00", "zone": "Asia/Seoul"}
    assert "Plan it" in text(olga.browser.post(f"{PAGE}/send", later | {"step": "preview"}).content)
    olga.browser.post(f"{PAGE}/send", later | {"step": "send"})
    occasion = Occasion.objects.get()
    assert datetime.fromtimestamp(occasion.due, UTC).hour == 1
    page = text(olga.browser.get(f"{PAGE}/sent").content)
    assert "10:00 (Asia/Seoul)" in page and "Cancel the plan" in page and "That is" in page
    assert "The Office of the United Nations High Commissioner for Refugees" in page
    work(site)
    assert Dispatch.objects.count() == 0
    assert olga.browser.post(f"{PAGE}/cancel/{occasion.pk}").status_code == 302
    occasion.refresh_from_db()
    assert occasion.cancelled and AuditEntry.objects.filter(what="delivery-cancelled").count() == 1
    assert "Cancel the plan" not in text(olga.browser.get(f"{PAGE}/sent").content)


def test_a_test_goes_to_her_alone_and_not_too_often(site: SiteOfTests, olga: Person) -> None:
    for _ in range(5):
        answer = olga.browser.post(f"{PAGE}/send", NOW | {"step": "test", "words:en": "Our own words."})
        page = text(answer.content)
        assert answer.status_code == 200 and "on its way to olga@example.org" in page
        assert "Our own words." in page and "Send it" in page  # nothing of what was typed is lost
    assert olga.browser.post(f"{PAGE}/send", NOW | {"step": "test"}).status_code == 409
    work(site)
    assert set(Dispatch.objects.values_list("email", flat=True)) == {"olga@example.org"}
    assert "A test to yourself" in text(olga.browser.get(f"{PAGE}/sent").content)


def test_a_group_says_how_many_of_its_members_get_no_email(site: SiteOfTests, olga: Person) -> None:
    row = {"petition_id": site.petition().id, "group": "governments"}
    Contact.objects.create(key="japan", names={"en": "Japan"}, email="jp@office.example", **row)
    Contact.objects.create(key="korea", names={"en": "Korea"}, **row)
    assert "(1 of 2, the others get no email)" in text(olga.browser.get(f"{PAGE}/send").content)
    Contact.objects.filter(key="korea").update(email="kr@office.example")
    assert "European Union (2)" in text(olga.browser.get(f"{PAGE}/send").content)
    Contact.objects.create(
        key="peru", names={"en": "Peru"}, email="pe@office.example", way=Contact.Way.FORM, **row
    )
    assert "(2 of 3, the others get no email)" in text(olga.browser.get(f"{PAGE}/send").content)


def test_a_test_does_not_wait_for_office_hours_on_the_page(site: SiteOfTests, olga: Person) -> None:
    Contact.objects.update(opens="00:00", closes="00:01", days="mon")
    for step, waits in (("test", 0), ("send", 1)):
        olga.browser.post(f"{PAGE}/send", NOW | {"step": step})
        asking.open_occasion(Occasion.objects.latest("pk"), site.petition(), 5)
        page = text(olga.browser.get(f"{PAGE}/sent").content)
        assert page.count("Not before") == waits
        assert page.count("Waits for its turn") == 1 and page.count("Waits for office hours") == waits


def test_an_email_is_shown_in_the_words_of_the_language(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{PAGE}/send", NOW | {"step": "send"})
    work(site)
    Dispatch.objects.update(state="accepted", ended=1_790_000_000, recorded=True)
    olga.browser.post("/language", {"language": "ko", "next": "/"})
    pages = [
        text(olga.browser.get(f"{PAGE}/sent").content),
        text(olga.browser.get(f"{PAGE}/sent/{Dispatch.objects.get().pk}").content),
    ]
    for page in pages:
        assert "2026년 9월 21일 " in page and "건을 메일 서버가" not in page
    assert (
        all(label in pages[1] for label in ("보낸 사람", "받는 사람", "제목")) and "Reply-To" not in pages[1]
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"to": []}, "Choose at least one recipient"),
        ({"to": ["governments"]}, "Select a valid choice"),  # it has no address
        ({"to": ["<script>"]}, "Select a valid choice"),
        ({"reply_to": "a@x.example, b@x.example"}, "Enter one address only"),
        ({"reply_to": "a@x.example\r\nBcc: eve@example.org"}, "Enter one address only"),
        (
            {"reply_to": "petition@site.example"},
            "this site sends from",
        ),  # answers would come back to the server
        ({"reply_to": ""}, "This field is required"),
        ({"words:en": "x" * 2_001}, "at most 2000"),
        ({"when": "later", "day": "2020-01-01", "time": "10:00"}, "has passed"),
        ({"form": "../../x"}, "Enter a valid value"),
    ],
)
def test_bad_input_sends_nothing_and_keeps_the_rest(
    site: SiteOfTests, olga: Person, wrong: dict[str, object], said: str
) -> None:
    given = NOW | {"words:en": "Keep me."} | wrong
    answer = olga.browser.post(f"{PAGE}/send", given | {"step": "send"})
    assert answer.status_code == 422 and said in text(answer.content)
    assert Occasion.objects.count() == 0
    if "words:en" not in wrong:
        assert b"Keep me." in answer.content


def test_the_numbers_are_chosen_and_past_ones_send_nothing(site: SiteOfTests, olga: Person) -> None:
    rules = {
        "first": "100",
        "every": "1000",
        "final": "on",
        "days_between": "7",
        "reply_to": "c@ours.example",
    }
    assert olga.browser.post(f"{PAGE}/numbers", rules).status_code == 302
    page = text(olga.browser.get(f"{PAGE}/sent").content)
    assert "at 100 signatures" in page and "at each further 1,000" in page and "finalised" in page
    assert AuditEntry.objects.get(what="sending-rules").details == "100 / 1000 / final"
    SendingRules.objects.update(held=True, reached=500)
    assert "restored from a backup" in text(olga.browser.get(f"{PAGE}/sent").content)
    olga.browser.post(f"{PAGE}/numbers", rules)
    saved = SendingRules.objects.get()
    assert not saved.held and saved.reached == 500
    without = olga.browser.post(f"{PAGE}/numbers", rules | {"reply_to": ""})
    assert without.status_code == 422 and "Say where answers go" in text(without.content)
    assert olga.browser.post(f"{PAGE}/numbers", rules | {"every": "1"}).status_code == 422


@pytest.mark.parametrize("state", ["refused", "unclear", "failed", "given-up"])
def test_what_went_wrong_is_said_and_sent_again_only_when_asked(
    site: SiteOfTests, olga: Person, state: str
) -> None:
    olga.browser.post(f"{PAGE}/send", NOW | {"step": "send"})
    work(site)
    Dispatch.objects.update(state=state, reason="there is no such mailbox", ended=5)
    site.database.execute("DELETE FROM mail_email")
    work(site)
    dispatch = Dispatch.objects.get()
    assert dispatch.state == state
    assert "There is no such mailbox" in text(olga.browser.get(f"{PAGE}/sent").content)
    before = dispatch.token
    for _ in range(2):
        assert olga.browser.post(f"{PAGE}/sent/{dispatch.pk}", {"step": "again"}).status_code == 302
    dispatch.refresh_from_db()
    assert dispatch.state == "waiting" and dispatch.token != before
    assert AuditEntry.objects.filter(what="delivery-again").count() == 1


def test_what_came_back_is_recorded_once(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{PAGE}/send", NOW | {"step": "send"})
    work(site)
    Dispatch.objects.update(state="accepted", ended=int(datetime.now(UTC).timestamp()))
    work(site)
    pk = Dispatch.objects.get().pk
    for _ in range(2):
        olga.browser.post(f"{PAGE}/sent/{pk}", {"step": "returned"})
    assert Dispatch.objects.get().state == "returned"
    assert list(Step.objects.order_by("pk").values_list("kind", flat=True)) == ["delivered", "returned"]


def test_what_is_sent_again_is_recorded_again(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{PAGE}/send", NOW | {"step": "send"})
    kinds: list[str] = []
    for _ in range(2):
        work(site)
        pk = Dispatch.objects.get().pk
        Dispatch.objects.update(state="accepted", ended=int(datetime.now(UTC).timestamp()))
        work(site)
        work(site)
        kinds.append("delivered")
        assert list(Step.objects.order_by("pk").values_list("kind", flat=True)) == kinds
        petition = Petition.objects.get()
        assert contacts_of(deliveries_of(site.database, petition.pk))["unhcr"].delivered
        olga.browser.post(f"{PAGE}/sent/{pk}", {"step": "returned"})
        kinds.append("returned")
        assert list(Step.objects.order_by("pk").values_list("kind", flat=True)) == kinds
        Dispatch.objects.update(queued=5)  # long ago
        olga.browser.post(f"{PAGE}/sent/{pk}", {"step": "again"})


def test_foreign_ids_and_drafts(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{PAGE}/send", NOW | {"step": "send"})
    work(site)
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    other = Petition.objects.create(slug="second")
    Ownership.objects.create(petition=other, organisation=theirs)
    eve = person("eve@example.org", TeamRole.OWNER, organisation=theirs)
    pk, occasion = Dispatch.objects.get().pk, Occasion.objects.get().pk
    for path in (f"sent/{pk}", f"sent/{pk}/letter.pdf"):
        assert eve.browser.get(f"/petitions/second/delivery/{path}").status_code == 404
        assert eve.browser.get(f"{PAGE}/{path}").status_code == 404
    assert eve.browser.post(f"/petitions/second/delivery/cancel/{occasion}").status_code == 404
    assert Occasion.objects.get().cancelled == 0
    Petition.objects.filter(slug=SLUG).update(state="draft")
    assert olga.browser.get(f"{PAGE}/send").status_code == 409
    assert "Once the petition is published" in text(olga.browser.get(f"{PAGE}/sent").content)

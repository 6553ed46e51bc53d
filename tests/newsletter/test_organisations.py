"""Two organisations on one site: Carol's River Friends and Max's Night Bus League. Neither gets the other's people."""

import csv
import re
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from front_end import Client, open_client
from newsletter.asking import NEWSLETTER, ask, filled
from newsletter.test_over_http import EVE, ONE_CLICK, SUZIE, sent_emails
from sabal import erasure_journal, token
from sabal.cli import main
from sabal.mail.ids import CONFIRM_NEWSLETTER
from sabal.newsletter import subscription as rows
from sabal.petitions import folder
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import drafts, states, versions
from sabal.refusal import Refusal
from sabal.signing.operations import Withdraw
from signing.steps import confirmation, confirmed, signed
from sites import EXAMPLE, NOW, TODAY, SiteOfTests, replace_key

pytestmark = pytest.mark.slow  # many petitions, requests or events in each test

RIVERS, BUSES = "River Friends", "Night Bus League"
FORM_OF = {RIVERS: f"{NEWSLETTER}/clean-river", BUSES: f"{NEWSLETTER}/night-bus"}


def files_of(
    slug: str, organiser: str, *, contact: str = "", controller: str = "", key: str = "", **changes: str
) -> dict[str, str]:
    """Return the example's folder as that organisation's petition."""
    files = folder.read(EXAMPLE)
    toml = re.sub(r"^name\.(?:ko|zh-hans|ja) .*\n", "", files["petition.toml"], flags=re.M)
    toml = re.sub(r"^name\.en = .*$", f'name = "{controller or organiser}"', toml, flags=re.M)
    toml = toml.replace("privacy@example.org", contact or f"{organiser.split()[0].lower()}@example.org")
    toml = re.sub(r"^organiser\..*\n", "", toml, flags=re.M)
    if key:
        toml = toml.replace("[controller]", f'[controller]\nkey = "{key}"')
    for name, value in {"slug": f'"{slug}"', "organiser": f'"{organiser}"', **changes}.items():
        toml = replace_key(toml, name, value)
    return files | {"petition.toml": toml}


def publish(site: SiteOfTests, slug: str, organiser: str, **changes: str) -> PetitionSnapshot:
    drafts.import_files(files_of(slug, organiser, **changes))
    return publish_newest(site, slug)


def publish_newest(site: SiteOfTests, slug: str) -> PetitionSnapshot:
    """Publish the newest version of that petition to the site's identity."""
    import agefile

    drafts.use_keys(slug, (str(site.identity.recipient),))
    drafts.answer_key_check(slug, agefile.decrypt(drafts.key_check(slug), [site.identity]).decode())
    versions.publish(slug, site.keystore, TODAY, NOW)
    return site.petition(slug)


def amend(site: SiteOfTests, slug: str, organiser: str, **changes: str) -> PetitionSnapshot:
    states.pause(slug)
    drafts.import_files(files_of(slug, organiser, **changes))
    return publish_newest(site, slug)


@pytest.fixture
def two(site: SiteOfTests) -> SiteOfTests:
    publish(site, "clean-river", RIVERS)
    publish(site, "night-bus", BUSES)
    return site


@pytest.fixture
def client(two: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    with open_client(two, monkeypatch) as opened:
        yield opened


def lists(site: SiteOfTests) -> list[tuple[str, str, int]]:
    """Return organisation, sentence and state of every subscription to a newsletter."""
    found = site.database.query(
        "SELECT s.organisation, c.sentence, s.state FROM newsletter_subscription s"
        " JOIN newsletter_consent c ON c.version = s.consent WHERE s.petition_id = 0 ORDER BY 1, 2"
    )
    return [(row[0], row[1], row[2]) for row in found]


# ---- consent ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slug", "own", "other"), [("clean-river", RIVERS, BUSES), ("night-bus", BUSES, RIVERS)]
)
def test_the_box_of_a_petition_names_its_own_organisation(
    client: Client, slug: str, own: str, other: str
) -> None:
    for language in ("en", "ko", "zh-hans", "ja"):
        page = client.get(f"/{language}/{slug}").body.decode()
        assert re.search(rf'<label for="newsletter">[^<]*{own}', page) and other not in page
        assert f'href="/{language}/newsletter/{slug}"' in page


@pytest.mark.parametrize(
    ("slug", "own", "other"), [("clean-river", RIVERS, BUSES), ("night-bus", BUSES, RIVERS)]
)
def test_signing_with_the_box_ticked_subscribes_to_one_organisation(
    two: SiteOfTests, slug: str, own: str, other: str
) -> None:
    confirmed(two, two.petition(slug), subscribe=("newsletter",))
    ((key, sentence, state),) = lists(two)
    assert (key, state) == (slug, rows.CONFIRMED) and own in sentence and other not in sentence


def test_asking_names_the_organisation_at_every_step(two: SiteOfTests, client: Client) -> None:
    for own, other, path in ((RIVERS, BUSES, FORM_OF[RIVERS]), (BUSES, RIVERS, FORM_OF[BUSES])):
        page = client.get(path).body.decode()
        assert f"<h1>Newsletter of {own}</h1>" in page and f"{own} is responsible for this list." in page
        answer = ask(client, SUZIE, path)
        asked = client.get(answer["location"] or "").body.decode()
        assert answer["location"] == f"{path}/asked" and f"the newsletter of {own}" in asked
        assert other not in page and other not in asked
    assert [(key, state) for key, _, state in lists(two)] == [
        ("clean-river", rows.ASKED),
        ("night-bus", rows.ASKED),
    ]
    sent = sent_emails(two)
    texts = [path.read_text() for path in sorted((two.data / "mail").glob("[0-9]*.eml"))]
    assert (
        len(sent) == 2 and sum(RIVERS in text for text in texts) == sum(BUSES in text for text in texts) == 1
    )
    for (_, links), text in zip(sent, texts, strict=True):
        own, other = (RIVERS, BUSES) if RIVERS in text else (BUSES, RIVERS)
        assert other not in text
        page = client.post(links["confirm"]).body.decode()
        assert f"This is the newsletter of {own}." in page and other not in page


def test_the_responsible_is_named_where_the_organiser_has_another_name(site: SiteOfTests) -> None:
    petition = publish(site, "clean-river", RIVERS, controller="Carol Example Ltd")
    confirmed(site, petition, subscribe=("updates", "newsletter"))
    sentences = [row[0] for row in site.database.query("SELECT sentence FROM newsletter_consent")]
    assert len(sentences) == 2
    assert all(RIVERS in one and "책임자는 Carol Example Ltd입니다." in one for one in sentences)


@pytest.mark.parametrize(("language", "at"), [("en", 0), ("ko", 1), ("zh-hans", 2), ("ja", 3)])
def test_the_name_is_that_in_the_readers_language(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, language: str, at: int
) -> None:
    """In both boxes and in the email, which names the organiser and not the controller."""
    petition = site.publish()
    names = [petition.definition.organiser[one] for one in ("en", "ko", "zh-hans", "ja")]
    with open_client(site, monkeypatch) as client:
        path = f"/{language}/newsletter/{petition.organisation}"
        ask(client, SUZIE, path)
        page, form = (client.get(one).body.decode() for one in (f"/{language}/{petition.slug}", path))
    sent_emails(site)
    (email,) = (message_from_bytes(one.read_bytes()) for one in (site.data / "mail").glob("[0-9]*.eml"))
    text = next(part for part in email.walk() if part.get_content_type() == "text/plain").get_payload(
        decode=True
    )
    label = re.search(r'<label for="newsletter">(.*?)</label>', page)
    assert label
    for words in (label[1], form, text.decode()):  # type: ignore[union-attr]
        assert [name in words for name in names] == [one == at for one in range(4)]
    assert petition.definition.controller.name[language] not in text.decode()  # type: ignore[union-attr]


def test_an_organisation_is_called_as_in_its_petition_that_offers_the_newsletter(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its newest petition has another name, and no box: nobody ticked anything for that name."""
    same = {"contact": "rivers@example.org", "key": "rivers"}
    publish(site, "clean-river", RIVERS, **same)
    publish(site, "old-mill", "Mill Committee", newsletter="false", **same)
    with open_client(site, monkeypatch) as client:
        page = client.get(NEWSLETTER).body.decode()
    assert f"<h1>Newsletter of {RIVERS}</h1>" in page and "Mill Committee" not in page


def test_a_form_of_one_organisation_is_no_consent_to_another(two: SiteOfTests, client: Client) -> None:
    fields = filled(client.get(FORM_OF[RIVERS]).body.decode(), SUZIE)
    answer = client.post(FORM_OF[BUSES], fields)
    assert answer.status == 422 and b"Tick the box to agree" in answer.body
    assert lists(two) == [] and two.rows("mail_email") == 0


def test_no_page_offers_two_newsletters_with_one_tick(client: Client) -> None:
    page = client.get(NEWSLETTER).body.decode()
    assert "<form" not in page
    assert re.findall(r'<h2><a href="([^"]+)">([^<]+)</a>', page) == [
        (FORM_OF[BUSES], BUSES),
        (FORM_OF[RIVERS], RIVERS),
    ]
    assert client.post(NEWSLETTER, {"email": SUZIE, "consent": "1"}).status == 405
    for path in FORM_OF.values():
        assert client.get(path).body.decode().count('type="checkbox"') == 1


def test_an_organisation_that_offers_none_has_no_form(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(site, "clean-river", RIVERS)
    publish(site, "night-bus", BUSES, newsletter="false")
    with open_client(site, monkeypatch) as client:
        assert b"newsletter" not in client.get("/en/night-bus").body
        assert (
            client.get(FORM_OF[BUSES]).status == client.post(FORM_OF[BUSES], {"email": SUZIE}).status == 404
        )
        page = client.get(NEWSLETTER).body.decode()
        assert f"<h1>Newsletter of {RIVERS}</h1>" in page and f'action="{FORM_OF[RIVERS]}"' in page


def test_an_organisation_that_changed_between_ticking_and_confirming_gets_nobody(site: SiteOfTests) -> None:
    """The petition was handed over meanwhile. Suzie ticked the newsletter of the River Friends, not of the new ones."""
    petition = publish(site, "clean-river", RIVERS)
    suzie = signed(site, petition, subscribe=("newsletter",))
    amend(site, "clean-river", BUSES)
    site.writer.commit(site.database, [confirmation(suzie)])
    assert site.rows("signing_signature") == 1 and lists(site) == []


# ---- unsubscribing ---------------------------------------------------------------------------------------------


@pytest.fixture
def subscribed(two: SiteOfTests) -> SiteOfTests:
    """Suzie gets both newsletters, and the updates about both petitions."""
    for slug in ("clean-river", "night-bus"):
        confirmed(two, two.petition(slug), subscribe=("updates", "newsletter"))
    return two


def way_out(site: SiteOfTests, organisation: str) -> str:
    found = site.database.query(
        "SELECT id FROM newsletter_subscription WHERE petition_id = 0 AND organisation = ?", (organisation,)
    )
    link = token.encode(rows.unsubscribe_token(site.keyring.need_subscribers(), found[0][0]))
    return f"{NEWSLETTER}/unsubscribe/{link}"


def test_unsubscribing_from_one_ends_one(subscribed: SiteOfTests, client: Client) -> None:
    answer = client.post_raw(way_out(subscribed, "night-bus"), ONE_CLICK)
    assert answer.status == 200 and BUSES.encode() not in answer.body and RIVERS.encode() not in answer.body
    assert [key for key, _, _ in lists(subscribed)] == ["clean-river"]
    assert subscribed.rows("newsletter_subscription") == 3
    (line,) = erasure_journal.read()
    assert (line.petition_id, line.organisation) == (0, "night-bus")


def test_the_answer_is_the_same_with_and_without_another_list(
    subscribed: SiteOfTests, client: Client
) -> None:
    one = client.post_raw(way_out(subscribed, "night-bus"), ONE_CLICK)  # she is in the other list still
    last = client.post_raw(way_out(subscribed, "clean-river"), ONE_CLICK)  # and now in none
    assert (one.status, one.headers, one.body) == (last.status, last.headers, last.body)


def test_never_again_is_said_to_one_organisation(two: SiteOfTests, client: Client) -> None:
    """Eve asked both for Suzie. Suzie refuses one. It never asks her again; the other still may."""
    ask(client, SUZIE, FORM_OF[RIVERS])
    ask(client, SUZIE, FORM_OF[BUSES])
    client.post_raw(way_out(two, "night-bus"), ONE_CLICK)
    two.database.execute("DELETE FROM mail_email")
    again = [ask(client, SUZIE, FORM_OF[name]).status for name in (BUSES, RIVERS)]
    assert again == [303, 303] and two.rows("mail_email") == 1
    assert [key for key, _, _ in lists(two)] == ["clean-river"]


def test_a_restore_removes_her_from_the_list_that_she_left(subscribed: SiteOfTests, client: Client) -> None:
    from sabal.operating.erasures import apply_journal

    kept = subscribed.database.query(
        "SELECT id, petition_id, organisation, address_hash, sealed_address, language,"
        " state, consent FROM newsletter_subscription WHERE petition_id = 0 AND organisation = 'night-bus'"
    )
    client.post_raw(way_out(subscribed, "night-bus"), ONE_CLICK)
    columns = (
        "id",
        "petition_id",
        "organisation",
        "address_hash",
        "sealed_address",
        "language",
        "state",
        "consent",
    )
    subscribed.database.insert("newsletter_subscription", columns, kept)  # as an older backup has it
    apply_journal(subscribed.database)
    assert [key for key, _, _ in lists(subscribed)] == ["clean-river"]


def test_the_limits_of_one_list_do_not_show_in_another(two: SiteOfTests, client: Client) -> None:
    for _ in range(5):
        ask(client, SUZIE, FORM_OF[RIVERS])
    assert two.rows("mail_email") == 3
    ask(client, SUZIE, FORM_OF[BUSES])
    assert two.rows("mail_email") == 4


def test_the_answers_of_a_list_are_the_same_for_subscribers_of_another(
    two: SiteOfTests, client: Client
) -> None:
    confirmed(two, two.petition("clean-river"), subscribe=("newsletter",))
    known, unknown = ask(client, SUZIE, FORM_OF[BUSES]), ask(client, EVE, FORM_OF[BUSES])
    assert (known.status, known.headers, known.body) == (unknown.status, unknown.headers, unknown.body)
    of_newsletters = "SELECT COUNT(*) FROM mail_email WHERE kind = ?"
    assert two.database.query(of_newsletters, (CONFIRM_NEWSLETTER,)) == [(2,)]


@pytest.mark.parametrize("word", ["nobody", "clean-rive", "stop-forced-repatriation"])
def test_an_invented_organisation_is_a_missing_page(client: Client, word: str) -> None:
    for path in (f"{NEWSLETTER}/{word}", f"{NEWSLETTER}/{word}/asked"):
        assert client.get(path).status == 404
    assert client.post(f"{NEWSLETTER}/{word}", {"email": SUZIE}).status == 404


# ---- which petitions are of one organisation -------------------------------------------------------------------


def test_petitions_of_one_organisation_share_a_list(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = publish(site, "clean-river", RIVERS), publish(site, "cleaner-river", RIVERS)
    assert first.organisation == second.organisation == "clean-river"
    for petition in (first, second):
        confirmed(site, petition, subscribe=("newsletter",))
    assert len(lists(site)) == 1
    with open_client(site, monkeypatch) as client:
        assert b"<form" in client.get(NEWSLETTER).body  # there is nothing to choose


@pytest.mark.parametrize(
    "other",
    [
        {"organiser": BUSES, "contact": "river@example.org", "controller": RIVERS},
        {"organiser": RIVERS, "contact": "else@example.org"},
        {"organiser": RIVERS, "controller": "Carol Example Ltd"},
    ],
    ids=["another organiser", "another contact", "another controller"],
)
def test_without_a_key_any_difference_means_two_lists(site: SiteOfTests, other: dict[str, str]) -> None:
    publish(site, "clean-river", RIVERS)
    assert publish(site, "night-bus", **other).organisation == "night-bus"


def test_a_key_joins_petitions_whose_names_are_written_differently(site: SiteOfTests) -> None:
    publish(site, "clean-river", RIVERS, key="rivers")
    joined = publish(site, "cleaner-river", "River Friends e.V.", key="rivers", contact="river@example.org")
    assert joined.organisation == "rivers"


@pytest.mark.parametrize("key", ["rivers", "clean-river"])
def test_a_key_of_another_organisation_is_refused(site: SiteOfTests, key: str) -> None:
    """Max copied the River Friends' folder and forgot the key."""
    publish(site, "clean-river", RIVERS, **({"key": key} if key == "rivers" else {}))
    with pytest.raises(Refusal, match="the key of another organisation"):
        publish(site, "night-bus", BUSES, key=key)


def test_a_new_organisation_never_gets_a_list_that_has_subscribers(site: SiteOfTests) -> None:
    publish(site, "clean-river", RIVERS, key="night-bus")
    assert publish(site, "night-bus", BUSES).organisation == "night-bus-2"


@pytest.mark.parametrize(
    "changed",
    [
        {"organiser": "River Friends e.V.", "contact": "river@example.org"},
        {"organiser": RIVERS, "contact": "new@example.org"},
    ],
    ids=["its name", "its contact"],
)
def test_an_organisation_that_corrects_its_name_or_its_contact_keeps_its_list(
    site: SiteOfTests, changed: dict[str, str]
) -> None:
    publish(site, "clean-river", RIVERS)
    assert amend(site, "clean-river", **changed).organisation == "clean-river"


def test_a_petition_that_is_handed_over_does_not_hand_over_the_subscribers(site: SiteOfTests) -> None:
    petition = publish(site, "clean-river", RIVERS)
    confirmed(site, petition, subscribe=("newsletter",))
    handed_over = amend(site, "clean-river", BUSES)
    assert handed_over.organisation == "clean-river-2"
    assert [key for key, _, _ in lists(site)] == ["clean-river"]


def test_updates_stay_with_the_sender_that_was_agreed_to(site: SiteOfTests, tmp_path: Path) -> None:
    petition = publish(site, "clean-river", RIVERS)
    confirmed(site, petition, subscribe=("updates",))
    handed_over = amend(site, "clean-river", BUSES)
    confirmed(site, handed_over, EVE, subscribe=("updates",))
    out = tmp_path / "list.csv"
    for key, sender in (("clean-river", RIVERS), ("clean-river-2", BUSES)):
        assert run("export", "--organisation", key, "--out", str(out), "--force").exit_code == 0
        ((name, sentence),) = exported(out)
        assert name == "updates about clean-river" and f"보내는 곳: {sender}." in sentence


def test_withdrawing_ends_the_updates_of_every_sender(site: SiteOfTests) -> None:
    suzie = confirmed(site, publish(site, "clean-river", RIVERS), subscribe=("updates",))
    amend(site, "clean-river", BUSES)
    site.writer.commit(site.database, [Withdraw(suzie.t, suzie.digest)])
    assert site.rows("newsletter_subscription") == 0
    ended = [line for line in erasure_journal.read() if line.kind == erasure_journal.UNSUBSCRIBED]
    assert [line.organisation for line in ended] == ["clean-river"]


def test_a_request_is_for_the_organisation_that_it_was_made_to(two: SiteOfTests, client: Client) -> None:
    """The petition changed hands before Suzie pressed the button of the email."""
    ask(client, SUZIE, FORM_OF[RIVERS])
    ((_, links),) = sent_emails(two)
    amend(two, "clean-river", "Third Party")
    page = client.post(links["confirm"]).body.decode()
    assert "You are subscribed" in page and "Third Party" not in page
    assert [(key, state) for key, _, state in lists(two)] == [("clean-river", rows.CONFIRMED)]


@pytest.mark.parametrize(
    "key", ["", "Rivers", "a b", "confirm", "unsubscribe", "../x", "é", "a--b", "x" * 61]
)
def test_a_key_that_cannot_be_in_an_address_is_a_problem(key: str) -> None:
    files = files_of("clean-river", RIVERS, key="KEY")
    files["petition.toml"] = files["petition.toml"].replace('"KEY"', f'"{key}"')
    with pytest.raises(folder.FolderError, match="key"):
        folder.parse(files)


# ---- commands --------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["newsletter", *arguments], catch_exceptions=False)


def exported(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return sorted((row["list"], row["consent"]) for row in csv.DictReader(file))


def test_the_file_of_one_organisation_has_its_own_people(subscribed: SiteOfTests, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    assert run("export", "--organisation", "night-bus", "--out", str(out)).exit_code == 0
    found = exported(out)
    assert [name for name, _ in found] == ["newsletter of night-bus", "updates about night-bus"]
    assert all(BUSES in sentence and RIVERS not in sentence for _, sentence in found)
    assert "clean-river" not in out.read_text()


def test_no_file_has_the_people_of_two_organisations(subscribed: SiteOfTests, tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    result = run("export", "--out", str(out))
    assert result.exit_code == 2 and "--organisation clean-river or night-bus" in result.stderr
    assert not out.exists()
    for arguments in (("--organisation", "nobody"), ("night-bus", "--organisation", "night-bus")):
        assert run("export", *arguments, "--out", str(out)).exit_code == 2 and not out.exists()


def test_list_names_the_organisations(subscribed: SiteOfTests) -> None:
    lines = [" ".join(line.split()) for line in run("list").output.splitlines()]
    assert (
        "1 newsletter of clean-river ko confirmed" in lines
        and "1 newsletter of night-bus ko confirmed" in lines
    )
    assert len(run("list", "--organisation", "night-bus").output.splitlines()) == 2


def test_publishing_says_which_petitions_share_the_list(site: SiteOfTests) -> None:
    from sabal.publishing.commands import _say_whose_list

    publish(site, "clean-river", RIVERS)
    publish(site, "cleaner-river", RIVERS)
    with CliRunner().isolation() as (out, _, _):
        _say_whose_list("clean-river", "cleaner-river")
        assert b"the list clean-river, which it shares with clean-river." in out.getvalue()

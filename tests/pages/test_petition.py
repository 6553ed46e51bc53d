"""The petition's page has everything that a reader needs to read and sign. It is the same for everyone."""

import gzip
import json
import re
from dataclasses import replace
from datetime import date
from html import escape

import pytest

from sabal import settings
from sabal.checking.copiedpage import CopiedPage
from sabal.configuration.sender import Sender
from sabal.http import Refused
from sabal.pages import html
from sabal.pages.petition import card, petition, sent
from sabal.petitions.consent import consent_text, shown
from sabal.petitions.countries import day_in_full
from sabal.petitions.counts import Counts
from sabal.petitions.definition import Section
from sabal.petitions.history import PublishedVersion
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.form import COUNTRIES, MESSAGES, FormError, Mistakes

from .conftest import CLOSED, GUARDED, OPEN, PAUSED, Reader

LANGUAGES = ("en", "ko", "zh-hans", "ja")
GUARDED_PAGE = "/{}/stop-forced-repatriation"
OPEN_PAGE = "/{}/keep-the-orchard"


def read(reader: Reader, path: str) -> str:
    answer = reader.get(path)
    assert answer.status == 200
    return answer.body.decode()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_has_the_whole_petition_in_order(
    reader: Reader, petitions: dict[int, PetitionSnapshot], language: str
) -> None:
    definition = petitions[GUARDED].definition
    text = definition.texts[language]
    page = read(reader, GUARDED_PAGE.format(language))
    order = [definition.organiser[language], text.title, text.summary]
    order += [recipient.name[language] for recipient in definition.recipients]
    positions = [page.index(piece, page.index("<main") if n else 0) for n, piece in enumerate(order)]
    assert positions == sorted(positions)
    for demand in text.demands:
        assert f'<li id="{demand.anchor}">' in page
        for part in demand.parts:
            assert f'<li id="{part.anchor}">' in page
    assert text.notice in page
    assert f'<html lang="{language}" dir="ltr">' in page


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", [GUARDED_PAGE, OPEN_PAGE])
def test_the_page_is_at_most_14_kb_compressed(reader: Reader, page: str, language: str) -> None:
    assert len(gzip.compress(reader.get(page.format(language)).body, 9)) <= 14_000


def test_the_page_is_cacheable_and_sets_no_cookie(reader: Reader) -> None:
    answer = reader.get(GUARDED_PAGE.format("en"))
    assert (
        answer.header(b"cache-control") == b"public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
    )
    assert answer.header(b"set-cookie") is None and answer.header(b"vary") is None
    assert b'lang="en"' in answer.body


def test_the_policy_has_the_hash_of_all_inline_code(reader: Reader) -> None:
    answer = reader.get(GUARDED_PAGE.format("en"))
    page = answer.body.decode()
    policy = (answer.header(b"content-security-policy") or b"").decode()
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        inside = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(inside) == 1 and html._hash(inside[0]) in policy
    assert not re.search(r"\sstyle=|\son[a-z]+=|<script [^>]*src|<link [^>]*stylesheet", page)
    # The page loads nothing from other sites; it only links to them.
    assert not re.search(r'(?:src|data)="https?:', page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_form_offers_exactly_the_accepted_countries(reader: Reader, language: str) -> None:
    page = read(reader, GUARDED_PAGE.format(language))
    select = page[page.index("<select") : page.index("</select>")]
    codes = re.findall(r"<option value=([A-Z]{2})", select)
    assert set(codes) == COUNTRIES and len(codes) == 250 and "XK" in codes
    assert select.index('<option value="">') < select.index(f"<option value={codes[0]}")


def test_the_form_carries_the_version_and_no_box_is_ticked(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    page = read(reader, OPEN_PAGE.format("en"))
    assert f'name="version" value="{petitions[OPEN].version}"' in page
    consent = shown(petitions[OPEN].consent["en"], petitions[OPEN].definition, "en")
    assert f"<b>{consent.sentence}</b></label>" in page
    for about, says, _ in consent.terms:
        assert f"<li><b>{escape(about)}</b>{escape(says)}" in page
    ticked = [tag for tag in re.findall(r"<input [^>]*>", page) if " checked" in tag]
    assert ticked == [tag for tag in ticked if 'value="hidden"' in tag] and len(ticked) == 1
    assert "If you tick nothing here, we cannot email you again" in page


def test_a_petition_that_reminds_promises_nothing_else(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    """What the pages say of emails is true with and without a reminder."""
    orchard = petitions[OPEN]
    pages = "/en/keep-the-orchard", "/en/keep-the-orchard/sent", "/en/privacy"
    without = " ".join(reader.get(path).body.decode() for path in pages)
    assert "remind" not in without
    terms = replace(orchard.definition, reminder=True)
    consent = {one: consent_text(terms, one) for one in terms.languages}
    petitions[OPEN] = replace(orchard, definition=terms, consent=consent)
    form, sent, privacy = (reader.get(path).body.decode() for path in pages)
    assert "and one reminder if you do not." in form and "we cannot email you once you have confirmed" in form
    assert "I get one reminder after one to three days." in form and "we remind you once" in form
    assert "we remind you once" in sent and "for one reminder" in privacy
    assert "We send one email, so that" not in form and "we cannot email you again" not in form


def test_nothing_that_a_browser_fills_in_is_folded_away(reader: Reader) -> None:
    """Chromium fills in a list of countries in a closed <details> too. Suzie would send it without having seen it."""
    page = read(reader, OPEN_PAGE.format("en"))
    form = page[page.index('<form class="panel"') : page.index("</form>")]
    (folded,) = re.findall(r"<details.*?</details>", form, re.DOTALL)
    assert set(re.findall(r' name="(\w+)"', folded)) == {"comment", "display"}
    for outside in ("name", "email", "country"):
        assert f'autocomplete="{outside}"' in form.replace(folded, "")
    assert "autocomplete" not in folded and "<select" not in folded


def test_a_guarded_petition_with_few_signatures_shows_no_number(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions[GUARDED] = replace(petitions[GUARDED], counts=Counts(confirmed=99))
    assert "The first signatures are being gathered." in read(reader, GUARDED_PAGE.format("en"))
    petitions[GUARDED] = replace(petitions[GUARDED], counts=Counts(confirmed=1234))
    assert "<b>1,234</b> people have signed" in read(reader, GUARDED_PAGE.format("en"))
    assert "<b>1,234</b>명이" in read(reader, GUARDED_PAGE.format("ko"))


def test_one_signature_is_written_in_the_singular(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions[OPEN] = replace(petitions[OPEN], counts=Counts(confirmed=1))
    assert "<b>1</b> person has signed" in read(reader, OPEN_PAGE.format("en"))


def test_a_goal_is_shown_as_text_and_as_a_bar(reader: Reader) -> None:
    page = read(reader, OPEN_PAGE.format("en"))
    assert "1,234 of 5,000" in page and '<progress max="5000" value="1234"' in page


def test_guarded_pages_warn(reader: Reader) -> None:
    for language in ("ko", "zh-hans"):
        page = read(reader, GUARDED_PAGE.format(language))
        assert page.index('id="inside"') < page.index('<form class="panel" id="sign"')
        assert '<section class="warning"' in page
    assert '<details class="warning"' in read(reader, GUARDED_PAGE.format("en"))
    assert 'class="warning"' not in read(reader, OPEN_PAGE.format("ko"))


def test_share_links_contain_the_url_of_the_petition(reader: Reader) -> None:
    page = read(reader, GUARDED_PAGE.format("ko"))
    hosts = "t.me wa.me line.me facebook.com x.com bsky.app joinmastodon.org naver.com"
    for host in hosts.split():
        link = rf'href="https://[a-z.-]*{re.escape(host)}/[^"]*%2Fko%2Fstop-forced-repatriation'
        assert re.search(link, page), host
    assert 'href="mailto:?' in page
    assert not re.search(r'href="[^"]*(?:weixin|wechat|weibo|qq\.com)', page)
    assert "위챗" in page and "위챗" not in read(reader, OPEN_PAGE.format("ko"))


def test_the_page_links_every_language_and_a_preview_picture(reader: Reader) -> None:
    page = read(reader, GUARDED_PAGE.format("zh-hans"))
    assert re.findall(r'hreflang="([^"]+)" href="http', page) == ["en", "ko", "zh-hans", "ja", "x-default"]
    assert '<meta property="og:locale" content="zh_CN">' in page
    assert "/zh-hans/stop-forced-repatriation/card.png" in page
    assert reader.get("/zh-hans/stop-forced-repatriation/card.png").body.startswith(b"\x89PNG")


def test_an_amended_petition_says_what_was_changed(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    path = f"/en/{petitions[OPEN].slug}"
    assert b"Amended on" not in reader.get(path).body
    petitions[OPEN] = amended(petitions[OPEN])
    page = read(reader, path)
    assert "Amended on 9 November 2026. Changed: the text." in page
    assert f'href="{path}/versions"' in page


def test_the_versions_show_the_difference_and_the_old_text(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions[OPEN] = amended(petitions[OPEN])
    page = read(reader, f"/en/{petitions[OPEN].slug}/versions")
    assert page.index('id="version-2"') < page.index('id="version-1"')
    assert "We ask <del>nicely.</del><ins>politely.</ins>" in page
    assert page.count("<p>We ask nicely.</p>") == page.count("<p>We ask politely.</p>") == 1
    assert page.count("<del>") == 1 and "Changed: the text." in page
    assert f"/log/manifests/{'1' * 64}.json" in page


def test_the_old_text_is_whole(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    snapshot = amended(petitions[OPEN])
    closing = (Section("Who we are", "Neighbours of the *orchard*."),)
    texts = {**snapshot.definition.texts, "en": replace(snapshot.definition.texts["en"], closing=closing)}
    first = replace(snapshot.versions[0], definition=replace(snapshot.definition, texts=texts))
    petitions[OPEN] = replace(snapshot, versions=(first, snapshot.versions[1]))
    page = read(reader, f"/en/{snapshot.slug}/versions")
    assert "<h3>Who we are</h3>\n<p>Neighbours of the <em>orchard</em>.</p>" in page


def test_a_petition_that_was_never_amended_has_one_version(reader: Reader) -> None:
    page = read(reader, "/en/keep-the-orchard/versions")
    assert "<del>" not in page and "Versions of this petition" in page


def amended(snapshot: PetitionSnapshot) -> PetitionSnapshot:
    """Return the petition after an amendment of one word of its English text."""
    definition = snapshot.definition
    versions = []
    for number, summary in ((1, "We ask nicely."), (2, "We ask politely.")):
        texts = {**definition.texts, "en": replace(definition.texts["en"], summary=summary)}
        then = replace(definition, texts=texts)
        day = date(2026, 11, 1 + 8 * (number - 1))
        versions.append(PublishedVersion(number, day, str(number) * 64, then, snapshot.consent, ()))
    return replace(
        snapshot, definition=versions[-1].definition, versions=tuple(versions), amended_on=date(2026, 11, 9)
    )


def test_an_amendment_of_nothing_that_is_signed_says_so(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petition = amended(petitions[OPEN])
    first, second = petition.versions
    same = replace(second, definition=replace(first.definition, goal=7))
    petitions[OPEN] = replace(petition, definition=same.definition, versions=(first, same))
    page = read(reader, OPEN_PAGE.format("en"))
    assert "Amended on 9 November 2026. Text, terms and key stayed as they were." in page
    assert 'href="/en/keep-the-orchard/versions"' in page
    assert "Text, terms and key stayed as they were." in read(reader, OPEN_PAGE.format("en") + "/versions")


def test_changes_are_listed_as_the_language_lists(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petition = amended(petitions[OPEN])
    first, second = petition.versions
    texts = {code: replace(text, notice="!") for code, text in second.definition.texts.items()}
    changed = replace(second, definition=replace(second.definition, texts=texts))
    petitions[OPEN] = replace(petition, versions=(first, changed))
    assert "Changed: the text and other languages (한국어, 简体中文, 日本語)." in read(
        reader, OPEN_PAGE.format("en") + "/versions"
    )
    assert "正文和其他语言" in read(reader, OPEN_PAGE.format("zh-hans") + "/versions")


def test_the_page_after_signing_names_the_sender_as_the_email_does(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_FROM", Sender("Friends & Co.", "petition@example.org"))
    page = read(reader, OPEN_PAGE.format("en") + "/sent")
    assert "<bdi>Friends &amp; Co.</bdi>" in page and "petition@<wbr>example.org" in page
    monkeypatch.setattr(settings, "MAIL_FROM", Sender())  # a preview without a server
    assert "<dt>From</dt>" not in read(reader, OPEN_PAGE.format("en") + "/sent")


def test_the_last_day_is_shown(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    petitions[OPEN] = replace(
        petitions[OPEN], definition=replace(petitions[OPEN].definition, closes=date(2027, 1, 31))
    )
    for path in (OPEN_PAGE.format("en"), "/en"):
        assert "Open for signatures until 31 January 2027" in read(reader, path)


def test_a_closed_petition_keeps_its_number_and_says_when_it_closed(reader: Reader) -> None:
    page = read(reader, "/en/closed-orchard")
    assert "<b>1,234</b> people have signed" in page
    assert page.count("This petition closed on 28 November 2026") == 2
    row = next(row for row in read(reader, "/en").split("<li>") if "closed-orchard" in row)
    assert "1,234 signatures, confirmed by email&nbsp;· Closed on 28 November 2026" in row


@pytest.mark.parametrize("petition_id", [OPEN, PAUSED])
def test_after_the_last_day_a_petition_is_closed_everywhere(
    reader: Reader, petitions: dict[int, PetitionSnapshot], petition_id: int
) -> None:
    """A worker closes it later: in the next hour, or on the next day if the server was down."""
    petition = petitions[petition_id]
    petitions[petition_id] = replace(
        petition, definition=replace(petition.definition, closes=date(2026, 11, 1))
    )
    page = read(reader, f"/en/{petition.slug}")
    assert page.count("This petition closed on 1 November 2026") == 2
    assert "Signing is paused" not in page and "Open for signatures" not in page and "<form" not in page
    row = next(row for row in read(reader, "/en").split("<li>") if f"/{petition.slug}" in row)
    assert "&nbsp;· Closed on 1 November 2026" in row
    attributes = json.loads(reader.get(f"/{petition.slug}.json").body)["data"]["attributes"]
    assert (attributes["state"], attributes["closing_date"]) == ("closed", None)
    assert attributes["closed_at"] == attributes["updated_at"] == "2026-11-01T00:00:00.000Z"


def test_json_has_the_last_day_that_the_page_shows(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petition = petitions[OPEN]
    last = petition.definition.last_day
    assert petition.definition.closes is None
    assert f"Open for signatures until {day_in_full(last, 'en')}" in read(reader, f"/en/{petition.slug}")
    attributes = json.loads(reader.get(f"/{petition.slug}.json").body)["data"]["attributes"]
    assert attributes["closing_date"] == last.isoformat()


def test_the_keyboard_comes_to_the_form_without_passing_the_demands(reader: Reader) -> None:
    page = read(reader, GUARDED_PAGE.format("en"))
    assert page.index('<a class="skip" href="#sign">') < page.index("<header")
    numbers = re.findall(r'<a href="#demand-[^>]*>', page)
    assert numbers and all('tabindex="-1"' in number for number in numbers)


def test_paused_and_closed_have_no_form(reader: Reader, petitions: dict[int, PetitionSnapshot]) -> None:
    for petition_id, words in ((PAUSED, "Signing is paused"), (CLOSED, "This petition closed on")):
        page = read(reader, f"/en/{petitions[petition_id].slug}")
        assert words in page and "<form" not in page


def test_an_unpublished_petition_or_language_is_not_found(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    petitions[OPEN] = replace(petitions[OPEN], state="draft")
    draft, unknown, other_language = OPEN_PAGE.format("en"), "/en/unknown", "/fr/stop-forced-repatriation"
    for path in (draft, f"{draft}/sent", f"{draft}/card.png", unknown, other_language, "/fr"):
        with pytest.raises(Refused) as refused:
            reader.get(path)
        assert (refused.value.status, refused.value.page) == (404, "not-found")


def test_a_page_in_a_language_that_the_petition_lacks_is_not_found(
    petitions: dict[int, PetitionSnapshot],
) -> None:
    """An amendment may remove a language while a form in it is being filled in."""
    for page in (petition, sent, card):
        with pytest.raises(Refused) as refused:
            page(petitions[OPEN], "fr")
        assert refused.value.status == 404


# ---- the refused form


def refused_page(snapshot: PetitionSnapshot, language: str, mistakes: Mistakes, status: int = 422) -> str:
    answer = petition(snapshot, language, mistakes, status)
    assert answer.status == status
    assert answer.header(b"cache-control") == b"no-store"
    return answer.body.decode()


def test_a_refused_form_keeps_the_typed_values_and_shows_the_errors(
    petitions: dict[int, PetitionSnapshot],
) -> None:
    typed = {"name": "", "email": 'suzie"><b>@', "country": "KR", "comment": "One\nTwo", "display": "full"}
    typed["updates"] = "1"
    errors = (FormError("name", MESSAGES["no name"]), FormError("email", MESSAGES["bad email"]))
    page = refused_page(petitions[OPEN], "en", Mistakes(typed, errors))
    assert "<title>Error: " in page
    assert '<a href="#name">Enter your name.</a>' in page
    assert page.count("Enter your name.") == 2  # in the summary and beside the field
    assert 'aria-invalid="true" value="suzie&quot;&gt;&lt;b&gt;@"' in page
    assert "<option value=KR selected>" in page
    assert ">One\nTwo</textarea>" in page
    assert 'value="full" checked' in page
    assert 'name="updates" value="1" aria-describedby="lists-hint" checked' in page
    assert 'name="newsletter" value="1" aria-describedby="lists-hint">' in page
    assert "og:title" not in page and 'content="noindex"' in page


def test_a_mistyped_domain_gets_a_question_once(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    refused = Mistakes({"email": "suzie@gmial.com"}, (FormError("email", MESSAGES["suggest"]),), "gmail.com")
    page = refused_page(petitions[OPEN], "en", refused)
    assert page.count("Does your address end in gmail.com?") == 2
    assert 'name="email_checked" value="1"' in page and 'value="suzie@gmial.com"' in page
    assert MESSAGES["suggest"] not in page
    assert "email_checked" not in read(reader, OPEN_PAGE.format("en"))


@pytest.mark.parametrize("language", ["ko", "zh-hans", "ja"])
def test_every_message_of_the_form_is_translated(
    petitions: dict[int, PetitionSnapshot], language: str
) -> None:
    for message in MESSAGES.values():
        page = refused_page(petitions[GUARDED], language, Mistakes({}, (FormError("form", message),)))
        assert message not in page


def test_a_closed_petition_says_why_it_refused_the_form(petitions: dict[int, PetitionSnapshot]) -> None:
    page = refused_page(petitions[CLOSED], "en", Mistakes({"name": "Suzie"}, ()), 409)
    assert 'role="alert"' in page and page.count("No new signatures are taken.") == 2


def test_after_signing_everyone_sees_the_same_page(reader: Reader) -> None:
    page = read(reader, GUARDED_PAGE.format("en") + "/sent")
    assert "Please confirm your request (lantern)" in page
    assert "Sign again" in page


def test_the_closing_text_is_shown_after_the_demands(
    reader: Reader, petitions: dict[int, PetitionSnapshot]
) -> None:
    definition = petitions[OPEN].definition
    closing = (Section("", "We count on *you*."), Section("Who we <are>", "People of the town."))
    texts = {**definition.texts, "en": replace(definition.texts["en"], closing=closing)}
    petitions[OPEN] = replace(petitions[OPEN], definition=replace(definition, texts=texts))
    page = read(reader, OPEN_PAGE.format("en"))
    order = [
        '<li id="demand-4-3">',
        "<p>We count on <em>you</em>.</p>",
        "<h2>Who we &lt;are&gt;</h2>",
        "Supported by",
    ]
    assert [page.index(piece) for piece in order] == sorted(page.index(piece) for piece in order)
    details = reader.get("/keep-the-orchard.json").body.decode()
    assert details.index("We count on *you*.") > details.index(definition.texts["en"].demands[-1].text[:20])
    assert "We count on *you*." not in read(reader, OPEN_PAGE.format("ko"))
    copy = CopiedPage("https://site.example", "en/keep-the-orchard", frozenset(), "log/", date(2026, 11, 29))
    assert "We count on <em>you</em>." in copy.of(page.encode()).decode()

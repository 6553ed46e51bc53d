"""The contents of emails, and the facts that they must not contain."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from django.test import override_settings
from django.utils.html import escape
from django.utils.translation import get_language, override, trans_real
from hypothesis import example, given, settings
from hypothesis import strategies as some

import tlog
from mail.world import CHECKPOINT, LOG, NOON, SITE, definition
from sabal import pages
from sabal import settings as site_settings
from sabal.checking.finding import checkpoints_in
from sabal.configuration.sender import Sender
from sabal.mail import confirming, content, emails, kinds, subscribing
from sabal.mail.address import EmailAddress
from sabal.mail.emails import Email
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_NEWSLETTER, CONFIRM_SIGNATURE
from sabal.mail.row import ListName
from sabal.petitions.definition import Definition

TOKEN = "aaaabbbbccccddddeeeeffffga"
LANGUAGES = ("en", "ko", "zh-hans", "ja")
KINDS = (CONFIRM_SIGNATURE, ALREADY_SIGNED, CONFIRM_NEWSLETTER)
NO_PETITION = None  # the newsletter of the site
PETITIONS = {"guarded": definition("guarded"), "open": definition("open"), "site": NO_PETITION}
ALL = [
    (kind, profile, language)
    for kind in KINDS
    for profile in PETITIONS
    for language in LANGUAGES
    if not (profile == "site" and kind != CONFIRM_NEWSLETTER)
]


def an_email(kind: int = 1, language: str = "en", to: str = "suzie@example.org") -> Email:
    return Email(4711, kind, EmailAddress.stored(to), language, TOKEN, checkpoint=CHECKPOINT.decode())


def write(
    kind: int, profile: str, language: str, to: str = "suzie@example.org"
) -> tuple[EmailMessage, bytes]:
    """Return the email as a mail program parses it, and its bytes."""
    raw = kinds.render(an_email(kind, language, to), PETITIONS[profile], SITE, NOON).content
    return message_from_bytes(raw, policy=policy.default), raw  # type: ignore[return-value]


def rendered(email: Email, petition: Definition | None, site: emails.Site = SITE) -> EmailMessage:
    """Return the email as a mail program parses it."""
    return message_from_bytes(kinds.render(email, petition, site, NOON).content, policy=policy.default)  # type: ignore[return-value]


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


@pytest.fixture
def translated(tmp_path: Path) -> Iterator[None]:
    """Translate to Korean by "K: " before the English.

    The tests are about the lookup, not about the translators' words.
    """
    catalog = Catalog(locale="ko")
    for module in (confirming, subscribing, content):
        source = Path(module.__file__).read_text(encoding="utf-8")
        for strings in re.findall(r'_\(\s*((?:"[^"]+"\s*)+)', source):
            message = "".join(re.findall(r'"([^"]+)"', strings))
            catalog.add(message, "K: " + message)
    catalog.add("Open the page", "K: Open the page")
    folder = tmp_path / "ko" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "django.mo").open("wb") as file:
        write_mo(file, catalog)
    with override_settings(LOCALE_PATHS=[str(tmp_path)]):
        trans_real._translations.clear()
        yield
    trans_real._translations.clear()


def test_suzie_is_asked_about_her_signature() -> None:
    with override_settings(LOCALE_PATHS=[]):
        message, _ = write(1, "open", "en")
    assert message["To"] == "suzie@example.org" and message["From"] == "Petitions <mail@petition.example>"
    assert message["Subject"] == "Please confirm your signature: Save the Blue River"
    assert part(message, "plain").split("\n\n") == [
        "Someone, most likely you, signed “Save the Blue River” with this address.",
        "It counts once it is confirmed. To confirm, or to tell us that it was not you, open this page:",
        f"https://petition.example/en/confirm/{TOKEN}",
        "If you ignore this email, nothing happens. What was entered is deleted after 7 days.",
        "Friends of the Blue River",
        "-- \nThe lines below are worth keeping, here or elsewhere; they name nobody. They are the state of our"
        " public log on the day of this email. If that log is ever shortened or rewritten, they prove it.",
        *CHECKPOINT.decode().split("\n\n"),
    ]


def test_a_guarded_email_has_only_the_neutral_word() -> None:
    message, _ = write(1, "guarded", "en")
    assert message["Subject"] == "Please confirm your request (lantern)"
    assert "lantern" in part(message, "plain") and "\n\npetition.example\n\n-- \n" in part(message, "plain")


@pytest.mark.parametrize(("kind", "profile", "language"), ALL)
def test_every_email_is_short_and_has_one_link(kind: int, profile: str, language: str) -> None:
    message, raw = write(kind, profile, language)
    path = "newsletter/confirm" if kind == CONFIRM_NEWSLETTER else "confirm"
    link = f"https://petition.example/{language}/{path}/{TOKEN}"
    text, html = part(message, "plain"), part(message, "html")
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    body = text.partition("\n\n-- \n")[0].rstrip("\n")
    paragraphs = body.split("\n\n")
    assert len(paragraphs) == 5 and all(len(line) < 150 and "\n" not in line for line in paragraphs)
    assert paragraphs[2] == link
    assert re.findall(r"https?://\S+", text) == [link] and link in text.splitlines()
    assert re.findall(r'(?:href|src)="([^"]*)"', html) == [link] * 2  # the button, and the address in full
    assert not re.search(r"<img|<script|<link|url\(|@import|@font-face", html)
    assert f'<html lang="{language}" dir="ltr">' in html
    assert (
        raw.isascii()
        and all(len(line) <= 998 for line in raw.split(b"\r\n"))
        and b"\n" not in raw.replace(b"\r\n", b"")
    )
    assert message["Auto-Submitted"] == "auto-generated"
    assert [p["Content-Language"] for p in message.walk()] == [language] * 3
    assert message["Date"].datetime.timestamp() == NOON
    assert re.fullmatch(r"<[0-9a-f]{32}@petition\.example>", message["Message-ID"])
    headers = (
        "auto-submitted content-language content-type date from message-id mime-version subject to".split()
    )
    headers += ["list-id"] if kind == CONFIRM_NEWSLETTER else []
    assert sorted(name.lower() for name in message.keys()) == sorted(headers)  # noqa: SIM118 - no mapping


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_guarded_email_does_not_name_the_petition(kind: int, language: str) -> None:
    petition = PETITIONS["guarded"]
    assert petition is not None
    message, raw = write(kind, "guarded", language)
    decoded = "\n".join(
        [
            raw.decode(),
            *(f"{k}: {v}" for k, v in message.items()),
            part(message, "plain"),
            part(message, "html"),
        ]
    )
    names = [petition.slug, *petition.organiser.values(), *(text.title for text in petition.texts.values())]
    words = [word for name in names for word in re.split(r"[\s-]+", name) if len(word) > 4]
    for name in [*names, *words, "already"]:
        assert name.lower() not in decoded.lower(), name
    if kind == ALREADY_SIGNED:
        same, _ = write(CONFIRM_SIGNATURE, "guarded", language)
        assert part(same, "plain") == part(message, "plain") and same["Subject"] == message["Subject"]


def test_an_open_email_names_the_petition() -> None:
    message, _ = write(1, "open", "ko")
    assert "푸른 강을 지켜 주십시오" in part(message, "plain") and "푸른 강의 벗" in part(message, "html")


def test_already_signed_is_for_open_petitions_only() -> None:
    with pytest.raises(ValueError, match="never says"):
        confirming.already_signed(an_email(2), definition("guarded"), SITE, NOON)
    assert "already signed" in str(write(2, "open", "en")[0]["Subject"])


def test_emails_are_in_the_readers_language(translated: None) -> None:
    for kind, profile, _ in ALL:
        message, _raw = write(kind, profile, "ko")
        assert message["Subject"].startswith("K: ")
        *paragraphs, _by = part(message, "plain").partition("\n\n-- \n")[0].strip().split("\n\n")
        assert all(line.startswith(("K: ", "https://")) for line in paragraphs)
        assert "\n-- \nK: The lines below" in part(message, "plain") and ">K: Open the page</a>" in part(
            message, "html"
        )
    with override("zh-hans"):
        write(1, "open", "ko")
        assert get_language() == "zh-hans", "the worker's own language is unchanged"
    assert confirming.confirm_subject(definition(), "ko") == "K: Please confirm your request (lantern)"
    assert subscribing.newsletter_subject(None, "ko") == "K: Please confirm your subscription"


def test_a_language_that_the_site_does_not_have() -> None:
    """The words are English, so English is declared; what they quote is marked with its own language."""
    petition = definition("open")
    text = replace(petition.texts["en"], language="ar", title="أنقذوا النهر الأزرق")
    organiser = {**petition.organiser, "ar": "أصدقاء النهر الأزرق"}
    petition = replace(petition, texts={**petition.texts, "ar": text}, organiser=organiser)
    message = rendered(an_email(language="ar"), petition)
    assert message["Subject"] == f"Please confirm your signature: {text.title}"
    assert [p["Content-Language"] for p in message.walk()] == ["en"] * 3
    assert f"/ar/confirm/{TOKEN}" in part(message, "plain")
    html = part(message, "html")
    assert '<html lang="en" dir="ltr">' in html
    for words in (text.title, organiser["ar"]):
        assert f'<bdi lang="ar" dir="rtl">{words}</bdi>' in html
    # In plain text, a mark at the end of the title would be on the wrong side of it.
    assert f"“\u2068{text.title}\u2069”" in part(message, "plain")
    assert "\u2068" not in str(message["Subject"])


def test_an_email_sent_again_has_the_same_message_id() -> None:
    first, again = (kinds.render(an_email(), definition(), SITE, now) for now in (NOON, NOON + 3_600))
    other = kinds.render(replace(an_email(), id=-4711), definition(), SITE, NOON)
    assert first.id == again.id != other.id
    assert "4711" not in first.id and f"Message-ID: <{first.id}>\r\n".encode() in first.content


def signature_of(message: EmailMessage) -> str:
    return part(message, "plain").partition("\n-- \n")[0].strip().splitlines()[-1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_newsletter_email_names_the_organisation_and_is_signed_by_the_site(
    monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr(site_settings, "SITE_NAME", "Rivers & Buses")
    name = 'Carol\'s 100% "River" <Friends>'
    email = replace(an_email(3, language), list=ListName("rivers", name))
    message = rendered(email, NO_PETITION)
    assert name in part(message, "plain") and escape(name) in part(message, "html")
    assert name not in str(message["Subject"]), "the organisation may have guarded petitions"
    assert signature_of(message) == "Rivers & Buses" and "Rivers &amp; Buses" in part(message, "html")


def test_the_site_signs_guarded_emails_and_the_organiser_signs_open_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    local = emails.Site("http://127.0.0.1:8000", Sender("", "mail@petition.example"))
    guarded = rendered(an_email(language="ko"), definition(), local)
    assert signature_of(guarded) == "청원 사이트"
    assert signature_of(rendered(an_email(), definition())) == "petition.example"
    monkeypatch.setattr(site_settings, "SITE_NAME", "Petitions")
    assert signature_of(rendered(an_email(), definition(), local)) == "Petitions"
    assert signature_of(rendered(an_email(), definition("open"), local)) == "Friends of the Blue River"


def test_only_newsletter_emails_have_unsubscribe_headers() -> None:
    email = replace(an_email(3), unsubscribe="z" * 26)
    message = rendered(email, NO_PETITION)
    assert message["List-Unsubscribe"] == f"<https://petition.example/en/newsletter/unsubscribe/{'z' * 26}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["List-Unsubscribe"].count("\n") == 0
    other = rendered(replace(email, kind=1), definition())
    assert other["List-Unsubscribe"] is None and other["List-Id"] is None


@pytest.mark.parametrize(
    ("petition", "list_id"),
    [
        (NO_PETITION, "<e3b0c442.newsletter.petition.example>"),
        (definition("open"), "<save-the-blue-river.updates.petition.example>"),
        (definition("guarded"), "<updates.petition.example>"),
    ],
)
def test_newsletter_emails_name_their_list(petition: Definition | None, list_id: str) -> None:
    """RFC 2919. The name of a guarded petition is in no header."""
    assert rendered(an_email(3), petition)["List-Id"] == list_id
    onion = replace(SITE, base_url="http://[2001:db8::7]:8000")
    assert rendered(an_email(3), NO_PETITION, onion)["List-Id"] == "<e3b0c442.newsletter.localhost>"


def test_the_colours_and_the_type_are_those_of_the_pages() -> None:
    css = (Path(pages.__file__).parent / "style" / "tokens.css").read_text(encoding="utf-8")
    html = part(write(1, "open", "en")[0], "html")
    for colour in re.findall(r"#[0-9a-f]{6}", html):
        assert colour in css, colour
    spaceless = re.sub(r",\s+", ",", css)
    for kind in (content.LATIN, *content.TYPEFACES.values()):
        assert {stack.replace("'", '"') in spaceless for stack in (kind.text, kind.buttons)} == {True}


def test_two_emails_of_one_petition_have_their_own_links() -> None:
    """The HTML is rendered once for many people."""
    htmls = []
    for token in ("a" * 26, "b" * 26):
        message = rendered(replace(an_email(), token=token), PETITIONS["open"])
        htmls.append(part(message, "html"))  # type: ignore[arg-type]
    assert "a" * 26 in htmls[0] and "b" * 26 in htmls[1] and "a" * 26 not in htmls[1]
    assert htmls[0].replace("a" * 26, "b" * 26) == htmls[1]


def test_a_title_is_plain_text_everywhere() -> None:
    petition = definition("open")
    title = '<b>Stop</b>\n& "go"'
    text = replace(petition.texts["en"], title=title)
    message = rendered(an_email(), replace(petition, texts={"en": text}))
    assert message["Subject"] == 'Please confirm your signature: <b>Stop</b> & "go"'
    seen: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: seen.append(tag)  # type: ignore[method-assign]
    parser.feed(part(message, "html"))
    assert "b" not in seen and "&lt;b&gt;" in part(message, "html")


@settings(deadline=None, max_examples=60)
@given(some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=200))
@example("\x00\x7f=20 \x1b")
@example("." * 1_200)
@example("“dừng việc” " * 20)
def test_any_title_arrives(title: str) -> None:
    title = " ".join(title.split()) or "x"
    petition = definition("open")
    petition = replace(petition, texts={"en": replace(petition.texts["en"], title=title)})
    raw = kinds.render(an_email(), petition, SITE, NOON).content
    lines = raw.split(b"\r\n")
    assert (
        raw.isascii() and b"\n" not in b"".join(lines) and b"\r" not in b"".join(lines) and b"\x00" not in raw
    )
    assert max(map(len, lines)) <= 998
    message: EmailMessage = message_from_bytes(raw, policy=policy.default)  # type: ignore[assignment]
    assert message["Subject"] == f"Please confirm your signature: {title}"
    assert f"“{title}”" in part(message, "plain")
    assert f'<bdi lang="en" dir="ltr">{escape(title)}</bdi>' in part(message, "html")


@pytest.mark.parametrize(
    "to", ["", "nobody", "a@", "@b", "a b@example.org", "a@example.org\r\nBcc: eve@example.org"]
)
def test_an_invalid_address_is_refused(to: str) -> None:
    with pytest.raises(ValueError, match="not an email address"):
        kinds.render(an_email(to=to), definition(), SITE, NOON)


@pytest.mark.parametrize(
    ("typed", "header"),
    [
        ("Suzie.Q+petition@Example.org", "Suzie.Q+petition@Example.org"),
        ("suzie@bücher.example", "suzie@xn--bcher-kva.example"),
        ("사발@예시.example", "사발@예시.example"),
        ("o'hara@example.org", "o'hara@example.org"),
        ("a,b@example.org", None),
        ('"very odd"@example.org', None),
    ],
)
def test_the_to_header_has_the_address_as_typed(typed: str, header: str | None) -> None:
    """Addresses that would have another meaning in a header are refused, so that no email is sent elsewhere."""
    try:
        message, _ = write(1, "guarded", "en", typed)
    except ValueError:
        assert header is None
    else:
        assert len(message["To"].addresses) == 1 and str(message["To"]) == header


@pytest.mark.parametrize("line", ["\n", "\r", "\r\n", "\u2028"])
def test_a_header_cannot_contain_another_header(line: str) -> None:
    for evil in (
        Sender(f"Petitions{line}Bcc: eve@example.org", "petition@example.org"),
        Sender("", f"petition@example.org{line}Bcc: eve@example.org"),
    ):
        with pytest.raises(ValueError, match="one line"):
            kinds.render(an_email(), definition("open"), replace(SITE, sender=evil), NOON)


def test_the_repr_of_an_email_has_no_secrets() -> None:
    assert TOKEN not in repr(an_email()) and "suzie" not in repr(an_email())


def test_unknown_kinds_and_missing_petitions_are_refused() -> None:
    for email in (an_email(99), an_email(1)):
        with pytest.raises(ValueError, match="email"):
            kinds.render(email, definition() if email.kind == 9 else None, SITE, NOON)


@pytest.mark.parametrize(("kind", "profile", "language"), ALL)
def test_every_email_ends_with_the_checkpoint(kind: int, profile: str, language: str) -> None:
    """With the email, its reader can prove later that the log was shortened or rewritten."""
    message, raw = write(kind, profile, language)
    above, _, below = part(message, "plain").partition("\n\n-- \n")
    note = below[below.index(CHECKPOINT.decode()[:20]) :].encode()
    assert tlog.checkpoint.open(note, [LOG.verifier]).checkpoint.size == 1
    assert "petition.example/abcdefgh" not in above
    assert checkpoints_in(raw) == checkpoints_in(part(message, "html").encode()) == [CHECKPOINT]
    assert max(map(len, raw.split(b"\r\n"))) <= 998  # RFC 5322 §2.1.1
    if profile == "guarded":
        petition = PETITIONS["guarded"]
        assert petition is not None
        for text in (petition.slug, *(text.title for text in petition.texts.values())):
            assert text not in part(message, "plain") and text not in part(message, "html")
            assert text.encode() not in raw and text not in str(message["Subject"])

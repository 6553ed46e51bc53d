"""The form: which values are accepted, which are refused with which message, and that hostile input never raises."""

from dataclasses import replace
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sabal.mail.address import EmailAddress
from sabal.mail.providers import COMMON, OTHER, PROVIDERS, is_large
from sabal.petitions.definition import Fields
from sabal.signing.form import MESSAGES, Mistakes, Submission, check, read, shown_name

SUZIE = EmailAddress.parse("suzie@example.org")
GOOD = {"name": "Suzie", "email": "suzie@example.org", "country": "KR", "consent": "1"}
DEFINITION = SimpleNamespace(
    fields=Fields(country=True, comment=True, display=True), updates=True, newsletter=True
)
PETITION = SimpleNamespace(definition=DEFINITION, version="0123456789abcdef")


def result(**changes: str) -> Submission | Mistakes:
    return check({**GOOD, **changes}, PETITION)  # type: ignore[arg-type]


def messages(refused: Submission | Mistakes) -> dict[str, str]:
    assert isinstance(refused, Mistakes)
    return {error.field: error.message for error in refused.errors}


def test_a_plain_form_is_accepted() -> None:
    assert result() == Submission("Suzie", SUZIE, "KR")


@pytest.mark.parametrize(
    "name",
    [
        "Suzie", "수지", "李雷", "Nguyễn Thị Minh", "محمد", "O’Neill-Smith", "Mary Jane 😀", "क्‍ष", "J. St.John", "A",
        "é" * 200, "👨‍👩‍👧 Kim", "Sigur Rós, Jr.", "=Kim", "M.Top", "A.Top", "M.Io", "Bo.Ru Zhang", "J.Com", "BO.RU",
        "and/or", "Kim 1/2", "J.R.R. Tolkien", "M.Kim/J.Lee", "M. Kim/J. Lee", "Anna/M.Top", "B.Sc./M.Sc.",
        "Kim c/o Lee", "Dr.med./Kim", "김/이", "M.Io/A.Top",
        "\U0002ebf0", "〇", "សុខ\u200bវណ្ណ", "각" * 133, "ཧྐྵྨླྺྼྻྂ",
    ],
)  # fmt: skip
def test_names_in_every_script_are_accepted(name: str) -> None:
    assert isinstance(result(name=name), Submission)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "no name"), ("  \u3000 ", "no name"), ("a" * 201, "long name"), ("각" * 140, "large name"),
        ("\u3164", "no name"), ("\u115f\u1160", "no name"), ("\u2800\u2800", "no name"), ("\u200b", "no name"),
        ("e" + "\u0301" * 20, "odd name"), ("각" * 201, "long name"), ("👨‍👩‍👧‍👦" * 30, "large name"),
        ("e" + "\u0301" * 100_000, "long name"), ("Kim\u202eeizuS", "odd name"),
        ("Kim\x00", "odd name"), ("Kim\ufdd0", "odd name"),
        ("😀😀", "odd name"), ("12345", "odd name"), ("1/2", "odd name"), ("Kim\ud800", "odd name"),
        ("Kim\ue000", "odd name"),
        ("Buy at www.example.org", "link name"), ("https://x.y", "link name"), ("cheap-pills.com", "link name"),
        ("Buy at pills.ru now", "link name"), ("t.cn/abc", "link name"), ("ｗｗｗ．ｐｉｌｌｓ．ｃｏｍ", "link name"),
        ("pills。com", "link name"), ("t.me/abc", "link name"), ("T.ME/abc", "link name"), ("bit.ly/abc", "link name"),
        ("Bit.ly/abc", "link name"), ("wa.me/123", "link name"), ("Join wa.me/123 now", "link name"),
        ("pills.shop/", "link name"), ("t.me:443/abc", "link name"), ("ｔ．ｍｅ／ａｂｃ", "link name"),
        ("пример.рф/а", "link name"), ("例え.テスト/a", "link name"), ("a.xn--p1ai/a", "link name"),
        ("xn--e1afmkfd.xn--p1ai/a", "link name"), ("my-pills.museum/x", "link name"), ("a.b.ly/x", "link name"),
    ],
)  # fmt: skip
def test_invalid_names_are_refused(name: str, why: str) -> None:
    assert messages(result(name=name)) == {"name": MESSAGES[why]}


def test_a_name_is_kept_in_nfc_and_single_spaces() -> None:
    taken = result(name="  Zoe\u0308\t Kim ")
    assert isinstance(taken, Submission) and taken.name == "Zoë Kim"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("\u2068수지\u2069", "수지"),
        ("\u200bSuzie\ufeff", "Suzie"),
        ("Ｓｕｚｉｅ　Ｋｉｍ", "Suzie Kim"),
        ("Kim\u00ad", "Kim"),
    ],
)
def test_a_name_is_kept_without_what_was_pasted_around_it(name: str, kept: str) -> None:
    taken = result(name=name)
    assert isinstance(taken, Submission) and taken.name == kept


@pytest.mark.parametrize(
    "comment",
    [
        "\U0002ebf0", "\U0001fae9 new", "a\tb", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "ᠪᠠᠢᠨ\u180eᠠ", "ភាសា\u200bខ្មែរ", "가" * 1_000, "👨‍👩‍👧‍👦" * 150, "z\u00ad\u2060z",
    ],
)  # fmt: skip
def test_comments_in_every_script_are_accepted(comment: str) -> None:
    taken = result(comment=comment)
    assert isinstance(taken, Submission) and taken.comment == comment


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("a" * 1_001, "long comment"), ("👨‍👩‍👧‍👦" * 500, "large comment"), ("e" + "\u0301" * 20, "odd comment"),
        ("a\x07", "odd comment"), ("\x1b[2J", "odd comment"), ("\ue000", "odd comment"), ("a\u202eb", "odd comment"),
    ],
)  # fmt: skip
def test_invalid_comments_are_refused(comment: str, why: str) -> None:
    assert messages(result(comment=comment)) == {"comment": MESSAGES[why]}


def test_a_comment_that_shows_nothing_is_none() -> None:
    taken = result(comment="\u3164\n\u200b")
    assert isinstance(taken, Submission) and taken.comment == ""


@pytest.mark.parametrize(
    "email",
    [
        "suzie@example.org",
        "s.u+x@sub.example.co.kr",
        "수지@예시.한국",
        "o'neill@example.org",
        "a@b.museum",
        "x=y@example.org",
    ],
)
def test_valid_addresses_are_accepted(email: str) -> None:
    assert isinstance(result(email=email), Submission)


@pytest.mark.parametrize(
    "email",
    [
        "suzie", "@example.org", "suzie@", "suzie@localhost", "a b@example.org", "suzie@example..org",
        ".suzie@example.org",
        "su..zie@example.org", "=cmd|'/C calc'!A0@example.org", "suzie@example.org\nBcc: max@example.org",
        "suzie@[127.0.0.1]",
        "=?utf-8?q?a?=@example.org",  # in a header it would be another address
        "x" * 65 + "@example.org", "suzie@example.org,max@example.org",
        "Suzie <suzie@example.org>",
        "suzie\x00@example.org", "\ud800@example.org", "suzie@exa mple.org",
    ],
)  # fmt: skip
def test_invalid_addresses_are_refused(email: str) -> None:
    assert messages(result(email=email)) == {"email": MESSAGES["bad email"]}


def test_a_domain_that_cannot_be_read_is_called_that() -> None:
    assert messages(result(email="suzie@\U00031350.org")) == {"email": MESSAGES["bad domain"]}


@pytest.mark.parametrize("email", ["a@" + "b." * 130 + "org", "수" * 85 + "@example.org", "a" * 3_000])
def test_a_long_address_is_told_so(email: str) -> None:
    assert messages(result(email=email)) == {"email": MESSAGES["long email"]}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("gmial.com", "gmail.com"), ("gmail.co", "gmail.com"), ("gmai.com", "gmail.com"), ("hotmial.com", "hotmail.com"),
     ("navr.com", "naver.com"), ("yahooo.com", "yahoo.com"), ("gnail.com", "gmail.com"), ("hanmail.ne", "hanmail.net"),
     ("outlook.dr", "outlook.de"), ("yahoo.con", "yahoo.com"), ("live.co", "live.com"),
     ("ｇｍｉａｌ．ｃｏｍ", "gmail.com"), ("gmial.con", "gmail.com"), ("my-ngo.con", "my-ngo.com"),
     ("my-ngo.ogr", "my-ngo.org"), ("mail.city.nte", "mail.city.net"), ("qq.cmo", "qq.com")],
)  # fmt: skip
def test_a_mistyped_common_domain_is_questioned_once(typed: str, meant: str) -> None:
    first = result(email=f"suzie@{typed}")
    assert (
        isinstance(first, Mistakes)
        and first.suggestion == meant
        and first.values["email"] == f"suzie@{typed}"
    )
    assert isinstance(result(email=f"suzie@{typed}", email_checked="1"), Submission)


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com", "example.org", "ymail.com", "gmx.net", "mail.com", "qq.com", "163.com", "hotmail.gr", "outlook.ie",
        "yahoo.se", "love.com", "life.com", "gmx.ee", "web.dk", "yahoo.co.ua", "line.com", "cloud.com",
    ],
)  # fmt: skip
def test_other_domains_are_not_questioned(domain: str) -> None:
    assert isinstance(result(email=f"suzie@{domain}"), Submission)


def test_domains_of_providers_are_not_questioned() -> None:
    """outlook.kr differs from outlook.fr by one letter, and has thousands of real addresses."""
    for domain in (domain for domains in PROVIDERS.values() for domain in domains):
        assert isinstance(result(email=f"suzie@{domain}"), Submission), domain


def test_suggested_domains_belong_to_providers() -> None:
    assert [domain for domain in COMMON if not is_large(domain)] == []
    assert [domain for domain in PROVIDERS[OTHER] if is_large(domain)] == []


@pytest.mark.parametrize("country", ["", "kr", "DE", "TW", "HK"])
def test_valid_countries_are_accepted(country: str) -> None:
    taken = result(country=country)
    assert isinstance(taken, Submission) and taken.country == country.upper()


@pytest.mark.parametrize("country", ["XX", "ZZ", "K", "KOR", "<b>", "0"])
def test_invalid_countries_are_refused(country: str) -> None:
    assert messages(result(country=country)) == {"country": MESSAGES["bad country"]}


def test_all_errors_are_shown_at_once_and_the_typed_values_are_kept() -> None:
    refused = result(
        name="", email="x", country="??", consent="", comment="a\x07", display="big", website="bot"
    )
    assert set(messages(refused)) == {"name", "email", "country", "consent", "comment", "display"}
    assert (
        isinstance(refused, Mistakes) and refused.values["email"] == "x" and "website" not in refused.values
    )


def test_a_form_made_for_another_text_is_shown_again() -> None:
    refused = result(version="f" * 16)
    assert isinstance(refused, Mistakes) and refused.errors[0].field == "form"
    assert isinstance(result(version=PETITION.version), Submission)


def test_boxes_count_only_if_they_are_offered() -> None:
    ticked = {"updates": "1", "newsletter": "1", "comment": "hello", "display": "full"}
    taken = result(**ticked)
    assert isinstance(taken, Submission)
    assert (taken.subscribe, taken.comment, taken.display) == (("updates", "newsletter"), "hello", "Suzie")
    bare = SimpleNamespace(
        fields=Fields(country=False, comment=False, display=False), updates=False, newsletter=False
    )
    taken = check({**GOOD, **ticked}, SimpleNamespace(definition=bare, version=PETITION.version))  # type: ignore[arg-type]
    assert taken == replace(Submission("Suzie", SUZIE), country="")


def test_a_robot_is_accepted_and_marked() -> None:
    taken = result(website="http://spam.example")
    assert isinstance(taken, Submission) and taken.risk == {"honeypot": True}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Suzie Kim", "S. K."), ("이수지", "이."), ("\u0065\u0301mile", "É."), ("გიორგი", "გ."), ("ßeth", "Ss."),
        ("ﬁona", "Fi."), ("ĳsbrand", "Ĳ."), ("IJsbrand de Vries", "IJ. D. V."), ("IJAZ Khan", "I. K."), ("և", "Եւ."),
        ("ǆamonja", "ǅ."), ("Ǆamonja", "ǅ."), ("ǳ", "ǲ."), ("\u3164 Kim 😀 (Lee)", "K. L."),
    ],
)  # fmt: skip
def test_initials_of_a_name(name: str, shown: str) -> None:
    import unicodedata

    assert shown_name(unicodedata.normalize("NFC", name), "initials") == shown


@pytest.mark.parametrize(
    "body",
    [
        b"name=%ff&email=a",
        b"name=a&name=b",
        b"\xff\xfe",
        "name=수지".encode(),
        b"&".join(b"a%d=1" % i for i in range(10_000)),
        b"name=%ed%a0%80",
    ],
)
def test_damaged_bodies_are_refused(body: bytes) -> None:
    assert read(body) is None
    assert messages(check(read(body), PETITION)) == {"form": MESSAGES["unreadable"]}  # type: ignore[arg-type]


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_reading_any_bytes_never_raises(body: bytes) -> None:
    fields = read(body)
    check(fields, PETITION)  # type: ignore[arg-type]


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from([*GOOD, "comment", "display", "website", "version"]), st.text(max_size=60)
    )
)
def test_checking_any_text_never_raises_and_accepted_forms_keep_the_rules(fields: dict[str, str]) -> None:
    outcome = check({**GOOD, **fields}, PETITION)  # type: ignore[arg-type]
    if isinstance(outcome, Submission):
        assert 1 <= len(outcome.name.encode()) <= 400 and "\x00" not in outcome.name
        assert outcome.email.typed.count("@") >= 1 and len(outcome.email.typed.encode()) <= 254


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=50))
def test_text_that_a_browser_encodes_is_read_as_typed(text: str) -> None:
    assert read(urlencode({"name": text, "email": "x"}).encode()) == {"name": text, "email": "x"}

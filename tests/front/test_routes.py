"""The table of routes, and the choice of a language at `/`."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from front.tiny_site import TOKEN, Definition, Echo, NewsletterEcho, Petition, Petitions, build
from front.visitor import Answer, visit
from sabal.front.languages import best_language
from sabal.front.paths import Routes
from sabal.front.routes import PART, table
from sabal.http import Refused
from sabal.petitions.definition import LANGUAGE


def of(*languages: str, dev: bool = False) -> Routes:
    """Return the routes of the real table, for a site in these languages."""
    echo = Echo()
    return Routes(table(echo, echo, NewsletterEcho(echo), echo), languages, dev=dev)


def routes() -> Routes:
    found = of("en", "ko", "zh-hans")
    found.update([Petition("bowl"), Petition("french", definition=Definition(("fr",)))])
    return found


@pytest.mark.parametrize(
    ("path", "row", "cached"),
    [
        ("/", "/", False),
        ("/en", "/{language}", True),
        ("/zh-hans/privacy", "/{language}/privacy", True),
        ("/ko/imprint", "/{language}/imprint", True),
        ("/ko/verify", "/{language}/verify", True),
        ("/healthz", "/healthz", False),
        ("/robots.txt", "/robots.txt", True),
        ("/favicon.svg", "/favicon.svg", True),
        ("/source.tar.gz", "/source.tar.gz", True),
        ("/.well-known/security.txt", "/.well-known/security.txt", True),
        ("/en/bowl", "/{language}/{slug}", True),
        ("/zh-hans/bowl", "/{language}/{slug}", True),
        ("/en/bowl/sent", "/{language}/{slug}/sent", True),
        ("/en/bowl/versions", "/{language}/{slug}/versions", True),
        ("/en/bowl/growth", "/{language}/{slug}/growth", True),
        ("/en/bowl/elsewhere", "/{language}/{slug}/elsewhere", True),
        ("/en/bowl/card.png", "/{language}/{slug}/card.png", True),
        ("/en/bowl/logo.webp", "/{language}/{slug}/logo.webp", True),
        ("/en/bowl/sign", "/{language}/{slug}/sign", False),
        ("/bowl.json", "/{slug}.json", True),
        ("/bowl/count.json", "/{slug}/count.json", True),
        ("/bowl/growth.json", "/{slug}/growth.json", True),
        ("/bowl/manifest.json", "/{slug}/manifest.json", True),
        ("/bowl/log/checkpoint", "/{slug}/log/checkpoint", True),
        ("/bowl/log/policy", "/{slug}/log/policy", True),
        (f"/bowl/log/manifests/{'0a' * 32}.json", "/{slug}/log/manifests/{digest}.json", True),
        ("/bowl/log/tile/entries/x001/067.p/3", "/{slug}/log/tile/{tile}", True),
        (f"/en/confirm/{TOKEN}", "/{any_language}/confirm/{token}", False),
        (f"/en/confirm/{TOKEN}/not-me", "/{any_language}/confirm/{token}/not-me", False),
        (f"/en/signature/{TOKEN}", "/{any_language}/signature/{token}", False),
        (f"/en/signature/{TOKEN}.promise", "/{any_language}/signature/{token}.promise", False),
        (f"/en/signature/{TOKEN}.tlog-proof", "/{any_language}/signature/{token}.tlog-proof", False),
        (f"/en/signature/{TOKEN}/withdraw", "/{any_language}/signature/{token}/withdraw", False),
        (f"/en/signature/{TOKEN}/newsletter", "/{any_language}/signature/{token}/newsletter", False),
        ("/en/signature/newsletter-ended", "/{any_language}/signature/newsletter-ended", False),
        ("/en/signature/withdrawn", "/{any_language}/signature/withdrawn", False),
        ("/en/confirm/not-me", "/{any_language}/confirm/not-me", False),
        ("/en/newsletter", "/{language}/newsletter", True),
        ("/en/newsletter/rivers", "/{language}/newsletter/{organisation}", True),
        ("/ko/newsletter/rivers/asked", "/{language}/newsletter/{organisation}/asked", True),
        (f"/en/newsletter/confirm/{TOKEN}", "/{any_language}/newsletter/confirm/{token}", False),
        (f"/en/newsletter/unsubscribe/{TOKEN}", "/{any_language}/newsletter/unsubscribe/{token}", False),
        (f"/fr/newsletter/news/{TOKEN}", "/{any_language}/newsletter/news/{token}", False),
        ("/fr/french", "/{language}/{slug}", True),
        (f"/fr/confirm/{TOKEN}", "/{any_language}/confirm/{token}", False),
    ],
)
def test_a_path_has_this_row(path: str, row: str, cached: bool) -> None:
    route = routes().find(path.encode())
    assert (route.row.path, route.row.cached, route.path) == (row, cached, path)


def test_every_row_has_a_page_or_a_handler() -> None:
    """Only pages are cached, and only POSTs are counted."""
    for row in routes()._rows:
        assert row.page or row.get or row.post or row.stored
        assert not row.cached or row.page
        assert (row.limit is None and not row.any_type) or row.post
        assert row.is_open == bool(
            row.has_file or row.stored or {"{token}", "{email}"} & set(row.path.replace(".", "/").split("/"))
        )


def test_a_path_names_its_parts() -> None:
    found = routes().find
    tile = found(b"/bowl/log/tile/entries/x001/067.p/3")
    assert (tile.slug, tile.file, tile.language) == ("bowl", "entries/x001/067.p/3", "")
    assert found(b"/bowl/log/manifests/" + b"0a" * 32 + b".json").file == "0a" * 32
    proof = found(f"/ko/signature/{TOKEN}.tlog-proof".encode())
    assert (proof.language, proof.token, proof.slug) == ("ko", TOKEN, "")
    update = found(b"/ko/bowl/updates/12")
    assert (update.language, update.slug, update.file) == ("ko", "bowl", "12")
    for wrong in (
        b"/ko/bowl/updates/0",
        b"/ko/bowl/updates/1x",
        b"/ko/other/updates/1",
        b"/ko/bowl/updates/1/2",
    ):
        with pytest.raises(Refused):
            found(wrong)
    sign = found(b"/zh-hans/bowl/sign")
    assert (sign.language, sign.slug, sign.row.allow) == ("zh-hans", "bowl", ("POST",))


@given(st.from_regex(LANGUAGE, fullmatch=True))
@example("es-419")
@example("de-1996")
def test_every_path_is_there_in_every_language_that_a_petition_can_have(language: str) -> None:
    """Among them the links of emails: a petition for Latin America is in es-419."""
    found = of("en", "ko", "zh-hans")
    found.update([Petition("bowl", definition=Definition((language,)))])
    for row in found._rows:
        if "{slug}" in row.path or "{any_language}" in row.path:
            parts = PART.sub(lambda part: PARTS.get(part[1], language), row.path)
            assert found.find(parts.encode()).row is row, parts


PARTS = {"slug": "bowl", "token": TOKEN, "digest": "0a" * 32, "tile": "0/000", "post": "7"}


def test_pages_of_development_exist_only_in_development() -> None:
    assert of("en", dev=True).find(b"/dev/mail/").row.path == "/dev/mail/"
    assert of("en", dev=True).find(b"/dev/mail/20261124T1.eml").file == "20261124T1.eml"
    for path in (b"/dev/mail/", b"/dev/mail/20261124T1.eml"):
        with pytest.raises(Refused):
            of("en").find(path)


@pytest.mark.parametrize(
    "path",
    [
        "/fr/bowl", "/en/french", "/fr", "/fr/privacy", "/fr/newsletter", "/en/bowl.json", "/bowl",
        "/fr/newsletter/rivers", "/en/newsletter/asked", "/en/newsletter/bowl", "/en/newsletter/rivers/bowl",
        "/en/newsletter/confirm", "/en/newsletter/unsubscribe", f"/en/newsletter/{TOKEN}", "/en/newsletter/news",
        f"/en/newsletter/other/{TOKEN}", f"/fr2/confirm/{TOKEN}", f"/en/confirm/{'a' * 65}", "/other/log/tile/0/000",
        f"/en/signature/{TOKEN}.other", "/bowl/log/tile",
        f"/bowl/log/manifests/{'0A' * 32}.json", f"/en/newsletter/confirm/{TOKEN}/not-me",
    ],
)  # fmt: skip
def test_other_paths_are_not_found(path: str) -> None:
    with pytest.raises(Refused) as refused:
        routes().find(path.encode())
    assert refused.value.status == 404


def test_no_cached_route_has_a_token() -> None:
    assert all(TOKEN not in path for path in routes().cached_paths())
    assert "/en/bowl" in routes().cached_paths() and "/en/bowl/sign" not in routes().cached_paths()


@given(st.binary(max_size=80))
def test_no_path_breaks_the_routes(path: bytes) -> None:
    try:
        assert routes().find(b"/" + path).path.encode() == b"/" + path
    except Refused as refused:
        assert refused.status in (400, 404)


def test_a_published_petition_is_found_after_the_update() -> None:
    known = of("en")
    with pytest.raises(Refused):
        known.find(b"/en/bowl")
    assert known.update([Petition("bowl")]) is True
    assert known.find(b"/en/bowl").slug == "bowl"
    assert known.update([Petition("bowl")]) is False


def test_each_organisation_that_offers_a_newsletter_has_a_form() -> None:
    known = of("en")
    quiet = Definition(newsletter=False)
    known.update(
        [
            Petition("bowl", organisation="rivers"),
            Petition("cup", organisation="night-buses", definition=quiet),
            Petition("spoon", organisation="forests"),
        ]
    )
    assert known.find(b"/en/newsletter/rivers").organisation == "rivers"
    assert known.find(b"/en/newsletter/forests/asked").organisation == "forests"
    with pytest.raises(Refused):
        known.find(b"/en/newsletter/night-buses")
    assert known.update([Petition("bowl", organisation="forests")]) is True  # it changed hands
    with pytest.raises(Refused):
        known.find(b"/en/newsletter/rivers")


def test_subscribing_needs_an_offer_and_unsubscribing_does_not() -> None:
    known = of("en")
    known.update([Petition("bowl", definition=Definition(newsletter=False))])
    with pytest.raises(Refused):
        known.find(b"/en/newsletter")
    assert known.find(f"/en/newsletter/unsubscribe/{TOKEN}".encode()).token == TOKEN
    assert known.update([Petition("bowl")]) is True
    assert known.find(b"/en/newsletter").row.path == "/{language}/newsletter"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        (b"ko", "ko"),
        (b"ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (b"en;q=0.3, ko;q=0.9", "ko"),
        (b"zh-CN,zh;q=0.9", "zh-hans"),
        (b"zh-TW", "zh-hans"),
        (b"zh-Hans-CN", "zh-hans"),
        (b"ja,en-US;q=0.9,en;q=0.8", "ja"),
        (b"ja-JP", "ja"),
        (b"fr, de;q=0.5", "en"),
        (b"fr, ko;q=0.1", "ko"),
        (b"ko;q=0, en", "en"),
        (b"*", "en"),
        (b"ko;q=x", "en"),
        (b"ko; q=0.9, en; q=0.1", "ko"),  # white space around the semicolon (RFC 9110 §12.4.2)
        (b"ko ;q=0.9,en ; q=0.1", "ko"),
        (b"en\t;\tq=0.1\t,\tko\t;\tq=0.9", "ko"),
        (b"en;Q=0.1, ko;Q=0.9", "ko"),
        (b"en; q=0.100, ko; q=1.000", "ko"),
        (b"en; q=0, ko; q=0.001", "ko"),
        (b"en;q=nan, ko;q=0.5", "ko"),
        (b"en;q=inf, ko;q=0.5", "ko"),
        (b"en;q=1.5, ko;q=0.5", "ko"),
        (b"en;q=-1, ko;q=0.5", "ko"),
        (b"ko;level=1;q=0.9, en;q=0.1", "ko"),
        (b"\xff\xfe", "en"),
    ],
)
def test_the_preferred_language_is_chosen(accept: bytes | None, language: str) -> None:
    assert best_language(accept, ("en", "ko", "zh-hans", "ja"), "en") == language


def test_traditional_script_comes_first_for_taiwan_if_it_is_offered() -> None:
    assert best_language(b"zh-TW", ("zh-hans", "zh-hant"), "zh-hans") == "zh-hant"
    assert best_language(b"zh", ("zh-hant",), "zh-hant") == "zh-hant"


def test_a_site_without_the_readers_language_uses_its_first() -> None:
    assert best_language(b"fr", ("ko",), "en") == "ko"


@given(
    st.permutations(["en", "ko", "zh-hans"]),
    st.lists(st.sampled_from(["", " ", "\t", "  "]), min_size=8, max_size=8),
)
def test_white_space_never_changes_the_choice(order: list[str], spaces: list[str]) -> None:
    a, b, c, d, e, f, g, h = spaces
    accept = f"{a}{order[0]}{b};{c}q=0.2{d},{e}{order[1]}{f};{g}q=0.8{h},{order[2]};q=0"
    assert best_language(accept.encode(), ("en", "ko", "zh-hans"), "en") == order[1]


@given(st.binary(max_size=200))
def test_no_accept_language_breaks_the_choice(accept: bytes) -> None:
    assert best_language(accept, ("en", "ko"), "en") in ("en", "ko")


def home(*slugs: str) -> Answer:
    async def run() -> Answer:
        front = build(petitions=Petitions(*(Petition(slug) for slug in slugs)))
        return await visit(front, "GET", "/", (b"accept-language", b"ko"))

    return asyncio.run(run())


def test_home_redirects_to_the_only_petition_in_the_readers_language() -> None:
    answer = home("bowl")
    assert (answer.status, answer["location"], answer["cache-control"]) == (302, "/ko/bowl", "no-store")


def test_home_redirects_to_the_list_if_there_are_several_or_none() -> None:
    assert home("bowl", "cup")["location"] == home()["location"] == "/ko"


def test_a_long_accept_language_costs_no_time() -> None:
    import time

    started = time.perf_counter()
    assert best_language(b"-".join([b"a"] * 8_000), ("en", "ko"), "en") == "en"
    assert time.perf_counter() - started < 0.05


def test_a_file_of_a_log_is_remembered_until_the_petitions_change() -> None:
    known = routes()
    path = b"/bowl/log/tile/0/000"
    first = known.find(path)
    assert known.find(path) is not first
    known.remember(first)
    assert known.find(path) is first
    known.update([])
    with pytest.raises(Refused):
        known.find(path)


def test_the_number_of_remembered_files_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sabal.front.paths.MOST_KNOWN", 1)
    known = routes()
    one, other = (known.find(b"/bowl/log/tile/0/00%d" % n) for n in range(2))
    known.remember(one)
    known.remember(other)
    assert known.find(b"/bowl/log/tile/0/000") is one and known.find(b"/bowl/log/tile/0/001") is not other

"""Links as people paste them lead to the page that was meant, and never anywhere else."""

import asyncio
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from front.test_guards import ask
from front.test_routes import routes
from front.tiny_site import TOKEN, build
from front.visitor import FORM, HOST, visit
from sabal import token
from sabal.front.links import without_pasted, without_spaces

PASTED = [
    ".", "...", ")", ").", ">", "]", "}", "/", "//", ",", ";", ":", "!", "'", '"', "*", "_", "**", "~~", "|", "`", " ",
    "\n", "\t", "\r\n", "”", "’", "»", "…", "。", "，", "）", "》", "」", "、", "！", "\u200b", "\ufeff",
    "\u3000", "에서", "를 눌러", "です",
    " and then this", ") and this", "&gt;", "<br>", "=", "%20", "😀", "/ ", "./",
]  # fmt: skip
PATHS = [
    "/en/bowl", "/ko/bowl", "/en", "/bowl.json", "/bowl/log/checkpoint", "/en/privacy", "/en/newsletter",
    f"/en/confirm/{TOKEN}", f"/ko/confirm/{TOKEN}/not-me", f"/en/signature/{TOKEN}", f"/en/signature/{TOKEN}.promise",
    f"/en/signature/{TOKEN}.tlog-proof", f"/en/newsletter/confirm/{TOKEN}", f"/en/newsletter/unsubscribe/{TOKEN}",
    f"/en/newsletter/news/{TOKEN}",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_what_is_pasted_after_a_link_is_cut(path: str) -> None:
    found = routes()
    for after in PASTED:
        for pasted in (path + quote(after, safe=""), path + quote(after, safe=".,;:!'*_~|/()<>[]{}\"`&=")):
            assert found.pasted(pasted.encode()) == path, pasted


@pytest.mark.parametrize("after", PASTED)
def test_a_reader_is_redirected(after: str) -> None:
    answer = ask("GET", "/en/bowl" + quote(after))
    assert (answer.status, answer["location"]) == (302, "/en/bowl")
    assert ask("HEAD", f"/en/confirm/{TOKEN}" + quote(after))["location"] == f"/en/confirm/{TOKEN}"


@pytest.mark.parametrize("within", ["%20", "%0A", "%0d%0a", "%E2%80%8B", "%C2%AD", "%09", "%EF%BB%BF"])
def test_a_link_that_was_broken_into_lines_is_joined(within: str) -> None:
    t = token.encode(bytes(range(16)))
    for broken in (
        f"/en/confirm/{t[:9]}{within}{t[9:]}",
        f"/en/{within}confirm/{t[:20]}{within}{t[20:]}{within}",
    ):
        assert routes().pasted(broken.encode()) == f"/en/confirm/{t}"
    assert routes().pasted(f"/en/confirm/{t}{within}and{within}more".encode()) == f"/en/confirm/{t}"
    assert routes().pasted(f"/en/bo{within}wl".encode()) == "/en/bowl"


def test_the_start_page_is_meant_too() -> None:
    assert ask("GET", "/)")["location"] == "/" and ask("GET", "/%20")["location"] == "/"


def test_only_reading_is_redirected_and_only_by_this_site() -> None:
    assert ask("POST", f"/en/confirm/{TOKEN}.", FORM).status == 404
    assert ask("GET", "/en/bowl)", host=[(b"host", b"eve.example")]).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/en/unknown.", "/en/quiet)", "/en/bowl%00", "/en/bowl%1b", "/en/bowl)%00", "/en/bowl\\", "/en/bowl;x",
        "/en/bowl/..", "/en/bowl/.", "/en/bowl/./", "//eve.example", "//eve.example)", "/\\eve.example", "/en/bowl%ff",
        "/fr/bowl.",
        "/en/bowl)" + "a" * 600, "en/bowl)", ")", "",
    ],
)  # fmt: skip
def test_other_paths_stay_refused(path: str) -> None:
    assert ask("GET", path).status in (400, 404)


@pytest.mark.parametrize(
    ("path", "accept", "language"),
    [
        ("/bowl", b"", "en"), ("/bowl", b"ko", "ko"), ("/Bowl", b"ko", "ko"), ("/bowl/", b"fr", "en"),
        ("/KO/BOWL", b"en", "ko"), ("/fr/bowl", b"ko", "ko"), ("/fr-CA/bowl", b"", "en"), ("/ko-kr/bowl", b"en", "ko"),
    ],
)  # fmt: skip
def test_a_petition_is_found_without_its_language(path: str, accept: bytes, language: str) -> None:
    """Suzie types the address from a poster."""
    assert routes().petition_meant(path.encode(), accept) == f"/{language}/bowl"
    answer = ask("GET", path, (b"accept-language", accept))
    assert (answer.status, answer["location"]) == (302, f"/{language}/bowl")
    assert ask("POST", path, FORM).status == 404


@pytest.mark.parametrize(
    "path", ["/quiet", "/en/quiet", "/unknown", "/admin/bowl", "/en/ko/bowl", "/bowl/sign", "//bowl"]
)
def test_other_words_lead_to_no_petition(path: str) -> None:
    assert routes().petition_meant(path.encode(), b"en") is None
    assert ask("GET", path).status in (400, 404)


@given(st.binary(max_size=80) | st.text(max_size=40).map(lambda text: quote(text).encode()))
def test_any_path_is_refused_or_leads_to_a_page_of_the_site(after: bytes) -> None:
    found = routes()
    for raw in (b"/en/bowl" + after, after, b"/" + after, f"/en/confirm/{TOKEN}".encode() + after):
        meant = found.pasted(raw)
        if meant is not None:
            assert found.find(meant.encode()).path == meant
            assert (without_spaces(raw) or raw).startswith(meant.encode())
            assert without_pasted(meant.encode()) is None


@given(st.binary(max_size=40).map(quote_from_bytes))
def test_no_path_is_an_error_of_the_server(after: str) -> None:
    async def status() -> int:
        return (await visit(build(), "GET", f"/en/bowl{after}", host=[HOST])).status

    assert asyncio.run(status()) in (200, 302, 400, 404)

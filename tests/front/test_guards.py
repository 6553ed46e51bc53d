"""Each guard, with the attack that it stops."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from front.tiny_site import Echo, build
from front.visitor import FORM, HOST, visit
from sabal.front import guards
from sabal.front.guards import Hosts, same_origin
from sabal.http import Refused

SIGN = "/en/bowl/sign"
OWN = (b"sec-fetch-site", b"same-origin")


def ask(
    method: str, path: str | bytes, *headers: tuple[bytes, bytes], echo: Echo | None = None, **more: Any
) -> Any:
    """Send one request to a new front end."""
    site = {k: more.pop(k) for k in ("base_url", "onion", "others", "dev", "hops", "unlimited") if k in more}

    async def run() -> Any:
        return await visit(build(echo, **site), method, path, *headers, **more)

    return asyncio.run(run())


def test_suzie_signs() -> None:
    echo = Echo()
    answer = ask("POST", SIGN, FORM, OWN, body=[b"name=Suzie"], echo=echo)
    assert answer.status == 303 and answer["location"] == "/en/bowl/sent"
    assert echo.seen[0].body == b"name=Suzie" and echo.seen[0].language == "en"


# ---- path ----


@pytest.mark.parametrize(
    "path",
    [
        "//en/bowl", "/en//bowl", "/en/../bowl", "/en/./bowl", "/en/bowl/..", "/en%2Fbowl",
        "/en/bowl%00", "/%65n/bowl", "/en/b\u00f6wl", "*", "", "en/bowl", "/en/bowl;x", "/en/bowl\\sign",
    ],
)  # fmt: skip
def test_a_path_that_is_not_canonical_is_refused(path: str) -> None:
    assert ask("GET", path).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/bowl/log/", "/en/unknown/",
        "/en/unknown", "/en/quiet", "/fr/quiet", "/quiet.json", "/fr", "/.env",
        "/_door/en/-/busy", "/dev/mail/x", "/en/confirm/" + "a" * 65, "/en/confirm/a.b",
        "/fr/confirm/abc", "/en/bowl/sign/x", "/static/x", "/admin",
    ],
)  # fmt: skip
def test_a_path_without_a_route_is_not_found(path: str) -> None:
    assert ask("GET", path).status == 404


def test_a_draft_takes_no_signatures() -> None:
    assert ask("POST", "/en/quiet/sign", FORM, OWN).status == 404


def test_development_mail_is_there_in_development_only() -> None:
    local = [(b"host", b"localhost:8000")]
    assert ask("GET", "/dev/mail/", dev=True, host=local).status == 200
    assert ask("GET", "/dev/mail/0001.eml", dev=True, host=local).status == 200
    assert ask("GET", "/dev/mail/").status == 404
    assert ask("GET", "/dev/mail/../mail", dev=True, host=local).status == 400


# ---- method ----


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/en/bowl", "GET, HEAD"),
        ("GET", SIGN, "POST"),
        ("OPTIONS", "/en/bowl", "GET, HEAD"),
        ("DELETE", "/en/signature/abc", "GET, HEAD"),
        ("PUT", "/en/confirm/abc", "GET, HEAD, POST"),
        ("TRACE", "/", "GET, HEAD"),
    ],
)
def test_a_405_names_the_allowed_methods(method: str, path: str, allow: str) -> None:
    answer = ask(method, path)
    assert answer.status == 405 and answer["allow"] == allow


def test_head_is_get_without_a_body() -> None:
    for path in ("/en/bowl", "/en/confirm/abc", "/healthz", "/nowhere"):
        get, head = ask("GET", path), ask("HEAD", path)
        assert head.status == get.status and head.body == b"" and get.body
        assert head["content-length"] == str(len(get.body))


# ---- Host ----


@pytest.mark.parametrize(
    "host",
    [
        [],
        [(b"host", b"")],
        [HOST, HOST],
        [HOST, (b"host", b"eve.example")],
        [(b"host", b"eve.example")],
        [(b"host", b"petition.example.eve.example")],
        [(b"host", b"petition.example:8080")],
        [(b"host", b"localhost")],
        [(b"host", b"petition.example..")],
        [(b"host", b".")],
        [(b"host", b"petition.example, eve.example")],
    ],
)
def test_any_other_host_is_refused(host: list[tuple[bytes, bytes]]) -> None:
    assert ask("GET", "/en/bowl", host=host).status == 400
    assert ask("POST", SIGN, FORM, OWN, host=host).status == 400


@pytest.mark.parametrize(
    "host",
    [
        b"petition.example",
        b"PETITION.example",
        b"petition.example:443",
        b"abc.onion",
        b"www.petition.example",
        b"petition.example.",
        b"Petition.Example.:443",
        b"abc.onion.",
        b"www.petition.example.",
    ],
)
def test_our_own_hosts_are_answered(host: bytes) -> None:
    site = {"onion": "http://abc.onion", "others": ("www.petition.example",)}
    assert ask("GET", "/en/bowl", host=[(b"host", host)], **site).status == 200


def test_development_answers_loopback_names_with_any_port() -> None:
    for host in (b"localhost:8123", b"127.0.0.1", b"[::1]:8000", b"[::1]", b"localhost.", b"localhost.:80"):
        assert ask("GET", "/en/bowl", host=[(b"host", host)], dev=True).status == 200
    assert ask("GET", "/en/bowl", host=[(b"host", b"localhost.eve.example:80")], dev=True).status == 400


def test_health_is_answered_for_any_host() -> None:
    assert ask("GET", "/healthz", host=[(b"host", b"10.0.0.7:8000")]).status == 200
    assert ask("GET", "/healthz", host=[HOST, HOST]).status == 400


# ---- sizes ----


def test_headers_over_16_kb_are_refused() -> None:
    for method, path in (("GET", "/"), ("POST", SIGN)):
        answers = [ask(method, path, FORM, OWN, (b"x", b"a" * size)) for size in (16_000, 16_384)]
        assert [answer.status == 431 for answer in answers] == [False, True]


def test_a_form_over_16_kb_is_refused() -> None:
    assert ask("POST", SIGN, FORM, OWN, body=[b"a" * 16_384]).status == 303
    for body in ([b"a" * 16_384, b"b"], [b"a" * 65_536], [b"a" * 16_384] * 4):
        answer = ask("POST", SIGN, FORM, OWN, body=body)
        assert answer.status == 413 and b"Your text is too long" in answer.body


def test_a_form_up_to_64_kb_is_read_to_its_end_before_it_is_refused() -> None:
    """Otherwise the sender gets an error of the connection, or a proxy shows a page of its own."""
    pieces = iter([b"a" * 1_024] * 64)
    assert ask("POST", SIGN, FORM, OWN, (b"content-length", b"65536"), body=pieces).status == 413
    assert next(pieces, None) is None


def test_ten_megabytes_are_refused_before_they_are_read() -> None:
    async def unread() -> Any:
        raise AssertionError("the body was read")

    async def run() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = [HOST, FORM, OWN, (b"content-length", b"10000000")]
        client = ("127.0.0.1", "1")
        scope = {
            "type": "http",
            "method": "POST",
            "raw_path": SIGN.encode(),
            "headers": headers,
            "client": client,
        }
        await build()(scope, unread, send)
        return sent

    start, _ = asyncio.run(run())
    assert start["status"] == 413 and (b"connection", b"close") in start["headers"]


def test_a_body_without_end_is_refused_at_the_limit() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1_000

    assert ask("POST", SIGN, FORM, OWN, (b"transfer-encoding", b"chunked"), body=endless()).status == 413
    assert taken < 70


def test_a_body_that_does_not_arrive_is_refused_after_five_seconds() -> None:
    assert guards.BODY_SECONDS == 5.0

    async def never() -> Any:
        await asyncio.sleep(60)

    async def run() -> None:
        await guards.body(never, seconds=0.05)

    with pytest.raises(Refused) as refused:
        asyncio.run(run())
    assert refused.value.status == 408


def test_a_client_that_disconnects_is_refused() -> None:
    async def gone() -> Any:
        return {"type": "http.disconnect"}

    with pytest.raises(Refused):
        asyncio.run(guards.body(gone))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"content-type", b"multipart/form-data; boundary=x")], 415),
        ([(b"content-type", b"application/json")], 415),
        ([(b"content-type", b"text/plain")], 415),
        ([], 415),
        ([FORM, (b"content-encoding", b"gzip")], 415),
        ([FORM, FORM], 400),
        ([FORM, (b"content-length", b"5"), (b"content-length", b"5")], 400),
        ([FORM, (b"content-length", b"5"), (b"transfer-encoding", b"chunked")], 400),
        ([FORM, (b"transfer-encoding", b"gzip, chunked")], 400),
        ([FORM, (b"content-length", b"-1")], 400),
        ([FORM, (b"content-length", b"+5")], 400),
        ([FORM, (b"content-length", "٥".encode())], 400),
        ([FORM, (b"content-length", b"9" * 30)], 400),
    ],
)
def test_a_body_of_another_kind_is_refused(headers: list[tuple[bytes, bytes]], status: int) -> None:
    echo = Echo()
    assert ask("POST", SIGN, OWN, *headers, echo=echo).status == status
    assert not echo.seen


def test_a_form_may_name_its_charset() -> None:
    with_charset = (b"content-type", b"Application/X-WWW-Form-Urlencoded; charset=UTF-8")
    assert ask("POST", SIGN, OWN, with_charset).status == 303


# ---- origin ----

FOREIGN = [
    [(b"sec-fetch-site", b"cross-site")],
    [(b"sec-fetch-site", b"same-site")],
    [(b"sec-fetch-site", b"none")],
    [(b"sec-fetch-site", b"")],
    [(b"sec-fetch-site", b"cross-site"), (b"origin", b"https://petition.example")],
    [(b"origin", b"null")],
    [(b"origin", b"https://eve.example")],
    [(b"origin", b"http://petition.example")],
    [(b"origin", b"https://petition.example.eve.example")],
    [(b"origin", b"https://petition.example:8443")],
    [(b"origin", b"")],
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_form_on_eves_page_does_not_sign(headers: list[tuple[bytes, bytes]]) -> None:
    answer = ask("POST", SIGN, FORM, *headers)
    assert answer.status == 403 and answer.body == b"elsewhere"


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    "path",
    ["/en/confirm/abc", "/en/confirm/abc/not-me", "/en/signature/abc/withdraw", "/en/newsletter/rivers"],
)
def test_eves_page_cannot_post_our_other_forms(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert ask("POST", path, FORM, *headers).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        [OWN],
        [OWN, (b"origin", b"null")],
        [(b"origin", b"https://petition.example")],
        [],
    ],
)
def test_posts_from_our_pages_and_from_programs_are_accepted(headers: list[tuple[bytes, bytes]]) -> None:
    assert ask("POST", SIGN, FORM, *headers).status == 303


def test_a_doubled_origin_header_is_refused() -> None:
    assert ask("POST", SIGN, FORM, OWN, OWN).status == 400


def test_the_onion_service_and_further_hosts_are_own_origins() -> None:
    hosts = Hosts("https://petition.example", "http://abc.onion", ("www.petition.example",))
    for origin in (
        b"http://abc.onion",
        b"https://www.petition.example",
        b"https://petition.example.",
        b"http://abc.onion.",
    ):
        assert same_origin({b"origin": origin}, hosts)
    assert not same_origin({b"origin": b"http://localhost:8000"}, hosts)
    assert same_origin({b"origin": b"http://localhost:8000"}, Hosts("http://127.0.0.1:8000", dev=True))


def test_email_programs_unsubscribe_without_an_origin_and_as_multipart() -> None:
    """The email provider posts in either form encoding (RFC 8058 §3.1, §5)."""
    path = "/en/newsletter/unsubscribe/abc"
    multipart = (b"content-type", b"multipart/form-data; boundary=x")
    assert ask("POST", path, multipart, (b"origin", b"https://mail.example")).status == 200
    assert ask("POST", path, FORM, (b"sec-fetch-site", b"cross-site")).status == 200
    assert ask("POST", path, FORM, (b"content-length", b"99999")).status == 413

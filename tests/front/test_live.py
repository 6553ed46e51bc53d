"""The front end behind the real server: tests that need bytes on a wire."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from front.live import FORM, HEAD, Live, everything, live, status

pytestmark = pytest.mark.slow  # each test starts a server

CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SIGN = b"POST /en/bowl/sign HTTP/1.1\r\n" + HEAD


@pytest.fixture(scope="module")
def site() -> Iterator[Live]:
    with live() as running:
        yield running


def test_suzie_reads_and_signs(site: Live) -> None:
    page = site.get(headers=b"Accept-Encoding: gzip, br\r\n")
    assert status(page) == 200 and b"content-encoding: br" in page
    answer = site.post(b"name=Suzie")
    assert status(answer) == 303 and b"location: /en/bowl/sent\r\n" in answer


def test_the_server_does_not_name_its_software(site: Live) -> None:
    for answer in (site.get(), site.get("/nowhere"), site.post(b"x")):
        assert b"granian" not in answer.lower() and b"\r\nserver: \r\n" in answer


def test_a_reader_that_has_the_page_gets_no_body(site: Live) -> None:
    etag = re.search(rb"etag: (\S+)", site.get())
    assert etag
    again = site.get(headers=b"If-None-Match: %s\r\n" % etag[1])
    assert status(again) == 304 and again.endswith(b"\r\n\r\n")


def test_head_has_the_length_and_no_body(site: Live) -> None:
    answer = site.send(b"HEAD /en/bowl HTTP/1.1\r\n" + HEAD + CLOSE + b"\r\n")
    length = re.search(rb"content-length: (\d+)", answer)
    assert status(answer) == 200 and length and int(length[1]) > 10_000 and answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /en/bowl HTTP/1.1\r\nHost: petition.example\r\nHost: petition.example\r\n",
        b"GET /en/bowl HTTP/1.1\r\nHost: petition.example\r\nHost: eve.example\r\n",
        b"GET /en/bowl HTTP/1.1\r\n",
        b"GET /en/bowl HTTP/1.0\r\n",
        b"GET /en/bowl HTTP/1.1\r\nHost: eve.example\r\n",
        b"GET //en/bowl HTTP/1.1\r\n" + HEAD,
        b"GET /en/../en/bowl HTTP/1.1\r\n" + HEAD,
        b"GET /en%2Fbowl HTTP/1.1\r\n" + HEAD,
        b"GET /en/bo\xffwl HTTP/1.1\r\n" + HEAD,
        b"OPTIONS * HTTP/1.1\r\n" + HEAD,
        b"GET /en/bowl HTTP/1.1\r\n" + HEAD + b"X: \x01\r\n",
        b"GET /en /bowl HTTP/1.1\r\n" + HEAD,
        SIGN + FORM + b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"POST /en/bowl/sign HTTP/1.0\r\n" + HEAD + FORM + CHUNKED,
    ],
)
def test_an_ambiguous_request_is_refused(site: Live, head: bytes) -> None:
    assert status(site.send(head + CLOSE + b"\r\n")) in (400, 404)


def test_a_worker_may_open_as_many_connections_as_the_machine_allows(site: Live) -> None:
    soft, hard = site.workers()[0].rlimit(psutil.RLIMIT_NOFILE)
    assert soft == min(65_536, hard)


def test_long_headers_are_refused(site: Live) -> None:
    assert status(site.get(headers=b"X: %s\r\n" % (b"a" * 12_000))) == 200
    assert status(site.post(b"a" * 16_384, headers=b"X: %s\r\n" % (b"a" * 12_000))) == 303
    assert status(site.get(headers=b"X: %s\r\n" % (b"a" * 17_000))) == 431
    assert status(site.get(headers=b"X: 1\r\n" * 200)) == 431
    assert status(site.get(headers=b"X: %s\r\n" % (b"a" * 500_000))) in (0, 400, 431)


def test_a_body_in_chunks_is_read(site: Live) -> None:
    head = SIGN + FORM + CHUNKED + CLOSE + b"\r\n"
    assert status(site.send(head + b"4\r\nname\r\n6\r\n=Suzie\r\n0\r\n\r\n")) == 303
    assert status(site.send(head + b"4e20\r\n" + b"a" * 20_000 + b"\r\n0\r\n\r\n")) == 413


@pytest.mark.parametrize(
    "chunks",
    [b"zz\r\nabc\r\n0\r\n\r\n", b"-1\r\nabc\r\n", b"ffffffffffffffffff\r\nabc", b"3\r\nabcdef\r\n0\r\n\r\n"],
)
def test_malformed_chunks_end_only_their_connection(site: Live, chunks: bytes) -> None:
    head = SIGN + FORM + CHUNKED + CLOSE + b"\r\n"
    assert status(site.send(head + chunks)) in (0, 400)
    assert status(site.get()) == 200


def test_a_second_request_cannot_hide_in_a_body(site: Live) -> None:
    """With both Content-Length and Transfer-Encoding there is one answer, then the connection ends."""
    smuggled = b"GET /en/bowl HTTP/1.1\r\n" + HEAD + b"\r\n"
    head = (
        b"POST /en/bowl/sign HTTP/1.1\r\n"
        + HEAD
        + FORM
        + CHUNKED
        + b"Content-Length: 6\r\n"
        + CLOSE
        + b"\r\n"
    )
    answer = site.send(head + b"0\r\n\r\n" + smuggled)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_ten_megabytes_are_refused_at_their_headers(site: Live) -> None:
    with site.connect() as connection:
        connection.sendall(SIGN + FORM + b"Content-Length: 10000000\r\n\r\n")
        began = time.monotonic()
        answer = everything(connection)
    assert status(answer) == 413 and time.monotonic() - began < 1


@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"application/json", b"text/plain"])
def test_other_kinds_of_form_are_refused(site: Live, kind: bytes) -> None:
    head = SIGN + CLOSE + b"Content-Type: %s\r\nContent-Length: 2\r\n\r\n{}"
    assert status(site.send(head % kind)) == 415


@pytest.mark.parametrize(
    "header", [b"Origin: null", b"Origin: https://eve.example", b"Sec-Fetch-Site: cross-site"]
)
def test_eves_form_is_refused(site: Live, header: bytes) -> None:
    assert status(site.post(b"name=Suzie", headers=header + b"\r\n")) == 403


def test_one_connection_serves_several_requests(site: Live) -> None:
    with site.connect() as connection:
        for path in (b"/en/bowl", b"/nowhere", b"/healthz"):
            connection.sendall(b"HEAD " + path + b" HTTP/1.1\r\n" + HEAD + b"\r\n")
            assert connection.recv(65_536).startswith(b"HTTP/1.1 ")


def test_a_slow_sender_is_cut_off_after_five_seconds(site: Live) -> None:
    def slow_headers() -> tuple[int, float]:
        began = time.monotonic()
        answer = site.send(b"GET /en/bowl HTTP/1.1\r\nHost: peti")
        return status(answer), time.monotonic() - began

    def slow_body() -> tuple[int, float]:
        began = time.monotonic()
        with site.connect(15) as connection:
            connection.sendall(SIGN + FORM + b"Content-Length: 400\r\n\r\n")
            ended = threading.Event()

            def drip() -> None:
                while not ended.wait(0.5):
                    try:
                        connection.sendall(b"a")
                    except OSError:
                        return

            dripping = threading.Thread(target=drip)
            dripping.start()
            answer = everything(connection)
            ended.set()
            dripping.join()
        return status(answer), time.monotonic() - began

    with ThreadPoolExecutor(2) as pool:
        headers, body = pool.submit(slow_headers), pool.submit(slow_body)
        headers_status, headers_took = headers.result()
        body_status, body_took = body.result()
    assert headers_status in (0, 408) and 4 < headers_took < 8
    assert body_status == 408 and 4.5 < body_took < 7


def test_pages_get_eight_threads_and_a_crowd_gets_503() -> None:
    # Emails of a development server: all other pages are cached.
    with live(slow="0.3", wait="0.5", dev="1") as site, ThreadPoolExecutor(60) as pool:
        answers = list(pool.map(lambda _: site.get("/dev/mail/slow"), range(60)))
        meanwhile = site.get()
    found = [status(answer) for answer in answers]
    assert set(found) == {200, 503} and found.count(200) >= 8
    assert max(int(answer.rpartition(b"\r\n")[2]) for answer in answers if status(answer) == 200) <= 8
    assert status(meanwhile) == 200
    refused = next(answer for answer in answers if status(answer) == 503)
    assert re.search(rb"retry-after: \d+", refused) and b"busy" in refused


def test_a_killed_worker_ends_its_process_which_serve_restarts() -> None:
    with live() as site:
        site.workers()[0].kill()
        assert site.process.wait(20) != 0


def test_a_killed_master_leaves_no_orphan() -> None:
    with live(workers=2) as site:
        workers = site.workers()
        assert len(workers) == 2
        os.kill(site.process.pid, signal.SIGKILL)
        site.process.wait()
        _, alive = psutil.wait_procs(workers, timeout=5)
        assert not alive


def test_posts_in_work_are_answered_before_the_end() -> None:
    with live(takes="1") as site, ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(site.post, b"name=Suzie") for _ in range(8)]
        time.sleep(0.5)
        site.process.send_signal(signal.SIGTERM)
        assert [status(one.result()) for one in asked] == [303] * 8
        assert site.process.wait(10) == 0


def test_addresses_to_the_left_in_x_forwarded_for_are_ignored() -> None:
    with live(hops="1", limited="1") as site:
        claimed = b"X-Forwarded-For: 6.6.6.%d, 203.0.113.5\r\n"
        answers = [site.post(b"x", headers=claimed % n) for n in range(61)]
        assert b"x-held" not in answers[59]
        if b"x-held: 1" not in answers[60]:  # the counted minute ended in between
            answers = [site.post(b"x", headers=claimed % n) for n in range(61)]
        assert b"x-held: 1" in answers[60]
        assert b"x-held" not in site.post(b"x", headers=b"X-Forwarded-For: 203.0.113.5, 198.51.100.1\r\n")
        two_lines = b"X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.5\r\n"
        assert b"x-held: 1" in site.post(b"x", headers=two_lines)


def test_a_503_keeps_the_connection_open() -> None:
    """Under overload a new connection costs more than the answer."""
    with live(in_flight="0") as site, site.connect() as connection:
        for _ in range(3):
            connection.sendall(SIGN + FORM + b"Content-Length: 10\r\n\r\nname=Suzie")
            answer = connection.recv(65_536)
            assert status(answer) == 503 and b"connection: close" not in answer
        connection.sendall(SIGN + FORM + b"Content-Length: 400\r\n\r\nname=Su")
        assert status(connection.recv(65_536)) == 503

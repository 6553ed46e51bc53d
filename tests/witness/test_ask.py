"""The log asks witnesses, and Mallory's answers are wrong in many ways."""

import socket
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
import tlog
from sabal.witness.ask import Ahead, Cosigned, NoCosignature, Question, ask, ask_all
from sabal.witness.call import MAX_ANSWER
from witnesses import (
    HERE,
    MALLORY,
    NOW,
    WANDA,
    BadServer,
    Behave,
    asked,
    checkpoint,
    conflict,
    consistency,
    drip,
    failed,
    fork,
    http,
    line,
    request,
    says,
    witness,
)

SIZE = 257


def test_a_witness_cosigns_and_the_policy_accepts(tmp_path: Path) -> None:
    """Ask a real witness for each size. Its cosignature satisfies a policy that requires it."""
    with witness(tmp_path) as (service, server):
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for known, size in ((0, 1), (1, 2), (0, 255), (255, 256), (256, 257), (2, 65_536), (65_536, 65_537)):
            signed = logs.checkpoint(size)
            answer = ask(
                url, service.witness, signed, consistency(size), known, network=HERE, clock=lambda: NOW
            )
            assert isinstance(answer, Cosigned) and answer.time == NOW, (known, size, answer)
            policy = f"log {logs.CAROL.verifier}\nwitness w {service.witness} {url}\nquorum w\n".encode()
            opened = tlog.Policy.parse(policy).open(tlog.note.append(signed, [answer.signature]))
            assert opened.checkpoint == checkpoint(size)


def test_the_request_has_the_right_bytes() -> None:
    with BadServer(says(http(200, line(SIZE)))) as server:
        answer = asked(server.url + "a/b/", known=255)
    assert answer == Cosigned(tlog.cosign(checkpoint(SIZE), WANDA, NOW), NOW)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a/b/add-checkpoint HTTP/1.1\r\n") and body == request(255, SIZE)
    assert f"Host: 127.0.0.1:{server.port}".encode() in head and b"ookie" not in head


def test_a_witness_that_knows_another_size_is_asked_again() -> None:
    for known, reported in ((255, 2), (2, 256), (0, SIZE)):
        with BadServer(says(conflict(reported), http(200, line(SIZE)))) as server:
            assert isinstance(asked(server.url, known=known), Cosigned)
        assert [r.partition(b"\r\n\r\n")[2] for r in server.requests] == [
            request(known, SIZE),
            request(reported, SIZE),
        ]


def test_a_witness_that_is_ahead_stops_the_log() -> None:
    with BadServer(says(conflict(258))) as server:
        assert asked(server.url, known=255) == Ahead(258)
    with BadServer(says(conflict(2), conflict(2**63 - 1))) as server:
        assert asked(server.url, known=255) == Ahead(2**63 - 1)
    with BadServer(says(b"")) as server:
        assert asked(server.url, known=300) == Ahead(300)  # the log itself expects this
    assert server.connections == 0


@pytest.mark.parametrize(("answers", "times"), [((255,), 1), ((2, 3), 2), ((2, 2), 2), ((2, 255, 2, 255), 2)])
def test_a_witness_is_asked_at_most_twice(answers: tuple[int, ...], times: int) -> None:
    with BadServer(says(*map(conflict, answers))) as server:
        assert "another size" in failed(asked(server.url, known=255))
    assert server.connections == times


@pytest.mark.parametrize(
    "body", [b"", b"258", b"-1\n", b"0258\n", b"9223372036854775808\n", b"<evil>\n", b"2 5\n", b"1\n" * 99]
)
def test_a_conflict_without_a_size_does_not_stop_the_log(body: bytes) -> None:
    with BadServer(says(http(409, body, "text/x.tlog.size"))) as server:
        failed(asked(server.url))
    with BadServer(says(http(409, b"258\n", "text/html"))) as server:
        failed(asked(server.url))


OTHER = tlog.Cosigner("elsewhere.example", b"o" * 32)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (line(SIZE, by=OTHER), "without a line of the key"),
        (line(SIZE, by=MALLORY), "without a line of the key"),
        (line(256), "another checkpoint"),
        (tlog.cosign(fork(SIZE), WANDA, NOW).encode(), "another checkpoint"),
        (tlog.Signature.by(WANDA.verifier, MALLORY.sign(checkpoint(SIZE).text, NOW)).encode(), "another key"),
        (tlog.Signature.by(WANDA.verifier, b"\0" * 72).encode(), "another key"),
        (tlog.Signature.by(WANDA.verifier, b"\0" * 7).encode(), "another key"),
        (tlog.Signature.by(WANDA.verifier, b"\xff" * 72).encode(), "another key"),
        (line(SIZE) + line(256), "another checkpoint"),
        (line(SIZE, at=NOW - 86_401), "more than a day"),
        (line(SIZE, at=NOW + 86_401), "more than a day"),
        (line(SIZE, at=1), "more than a day"),
        (line(SIZE, at=2**63 - 1), "more than a day"),
        (b"", "not a signature line"),
        (b"<evil>" * 99, "not a signature line"),
        (b"\xff\x00evil\n", "not a signature line"),
        (line(SIZE)[:-1], "not a signature line"),
        (line(SIZE) * 101, "not a signature line"),
        (logs.checkpoint(SIZE), "not a signature line"),
    ],
)
def test_wrong_signature_lines_are_refused(body: bytes, why: str) -> None:
    with BadServer(says(http(200, body))) as server:
        assert why in failed(asked(server.url))


def test_a_time_of_zero_is_refused() -> None:
    """Sign it with the bare key, because `Cosigner` refuses such a time."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    message = b"cosignature/v1\ntime 0\n" + checkpoint(SIZE).text
    value = bytes(8) + Ed25519PrivateKey.from_private_bytes(b"w" * 32).sign(message)
    assert WANDA.verifier.verifies(checkpoint(SIZE).text, value)
    with BadServer(says(http(200, tlog.Signature.by(WANDA.verifier, value).encode()))) as server:
        assert "more than a day" in failed(asked(server.url))


def test_lines_of_other_keys_are_ignored_and_the_newest_line_counts() -> None:
    body = line(SIZE, by=OTHER) + line(SIZE, at=NOW) + line(SIZE, at=NOW - 9) + line(SIZE, by=MALLORY)
    with BadServer(says(http(200, body))) as server:
        assert asked(server.url) == Cosigned(tlog.cosign(checkpoint(SIZE), WANDA, NOW), NOW)


@pytest.mark.parametrize(
    "status", [100, 101, 201, 204, 301, 302, 303, 307, 308, 400, 403, 404, 422, 429, 500, 599]
)
def test_other_statuses_fail_and_redirects_are_not_followed(status: int) -> None:
    with BadServer(says(b"")) as elsewhere:
        more = f"Location: {elsewhere.url}evil\r\nSet-Cookie: evil=1\r\n"
        with BadServer(says(http(status, b"evil", more=more))) as server:
            answer = asked(server.url)
    failed(answer)
    assert elsewhere.connections == 0 and server.connections == 1
    assert status == 100 or (isinstance(answer, NoCosignature) and answer.status == status)


def endless(start: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"evil " * 4_000)

    return behave


HTTP = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "start",
    [
        HTTP + b"\r\n",
        HTTP + b"Content-Length: 99999999999999999999\r\n\r\n",
        HTTP + b"Content-Length: 999999999999\r\n\r\n",
        HTTP + b"Content-Length: -1\r\n\r\n",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\n",
        HTTP + b"X: ",
        HTTP + b"X: y\r\n" * 5_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
        b"HTTP/1.1 ",
        b"",
    ],
    ids=lambda b: repr(b[:50]),
)
def test_an_endless_answer_is_cut(start: bytes) -> None:
    begun = time.monotonic()
    with BadServer(endless(start)) as server:
        failed(asked(server.url))
    assert time.monotonic() - begun < 3


def test_too_large_an_answer_is_refused() -> None:
    padding = "X-Pad: " + "x" * 60_000 + "\r\n"
    with BadServer(says(http(200, line(SIZE), more=padding))) as server:
        assert isinstance(asked(server.url), Cosigned)
    with BadServer(says(http(200, line(SIZE, by=OTHER) * 90 + line(SIZE), more=padding))) as server:
        assert str(MAX_ANSWER // 1024) in failed(asked(server.url))


@pytest.mark.slow
@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize("behave", [drip, lambda connection: time.sleep(4)], ids=["drip", "silent"])
def test_the_timeout_is_for_the_whole_call(behave: Behave, read: bool) -> None:
    start = time.monotonic()
    with BadServer(behave, read=read) as server:
        assert "in time" in failed(asked(server.url, timeout=1))
    assert 0.9 < time.monotonic() - start < 2


@pytest.mark.slow
def test_two_requests_share_one_timeout() -> None:
    def slowly(connection: socket.socket) -> None:
        time.sleep(0.7)
        connection.sendall(conflict(2))

    start = time.monotonic()
    with BadServer(slowly) as server:
        assert "in time" in failed(asked(server.url, known=255, timeout=1))
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"evil",
        b"\0" * 99,
        b"SSH-2.0-evil\r\n",
        b"HTTP/1.1 abc evil\r\n\r\n",
        HTTP + b"Transfer-Encoding: chunked\r\n\r\nz",
    ],
)
def test_an_answer_that_is_not_http_fails(answer: bytes) -> None:
    with BadServer(says(answer)) as server:
        failed(asked(server.url))


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", HTTP, HTTP + b"Transfer-Encoding: chunked\r\n\r\n", HTTP + b"\r\n"]),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_arbitrary_bytes_give_a_failure(data: bytes, head: bytes) -> None:
    with BadServer(says(head + data)) as server:
        failed(asked(server.url))


def test_a_closed_port_fails() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        assert "reached" in failed(asked(f"http://127.0.0.1:{unused.getsockname()[1]}/"))


@pytest.mark.slow
def test_several_witnesses_share_one_timeout() -> None:
    calls = []

    def proofs(old: int) -> list[bytes]:
        calls.append(old)
        if old == 3:
            raise LookupError("evil")
        return logs.proof(old, SIZE)

    silent, slow = (lambda connection: time.sleep(4)), drip
    well, ahead, wanda = says(http(200, line(SIZE))), says(conflict(999)), WANDA.verifier
    with BadServer(well) as good, BadServer(silent) as a, BadServer(slow) as b, BadServer(ahead) as c:
        questions = [
            Question(a.url, wanda),
            Question(good.url, wanda, 255),
            Question(b.url, wanda),
            Question(c.url, wanda),
            Question(good.url, wanda, 3),
            Question("nonsense", wanda),
            Question(good.url, logs.CAROL.verifier),
        ]
        start = time.monotonic()
        answers = ask_all(
            questions, logs.checkpoint(SIZE), proofs, network=HERE, timeout=1, clock=lambda: NOW
        )
        assert time.monotonic() - start < 1.6
    kinds = [type(answer) for answer in answers]
    assert kinds == [
        NoCosignature,
        Cosigned,
        NoCosignature,
        Ahead,
        NoCosignature,
        NoCosignature,
        NoCosignature,
    ]
    assert "LookupError" in failed(answers[4]) and 255 in calls
    assert ask_all([], logs.checkpoint(SIZE), proofs) == []


def test_wrong_arguments_raise_an_error() -> None:
    for key, signed in ((logs.CAROL.verifier, logs.checkpoint(3)), (WANDA.verifier, b"no checkpoint")):
        with pytest.raises(tlog.TlogError):
            ask("https://w.example/", key, signed, consistency(3), 0)

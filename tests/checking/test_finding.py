"""A checkpoint is found byte for byte in the files that people keep. Nothing else is taken for one."""

import quopri
import textwrap
import time
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tlog
from checking import made
from sabal.checking.finding import MOST_FOUND, checkpoints_in, promises_in

LOG = made.log(9)
NOTE, OTHER, PROMISE = LOG.checkpoint(), LOG.checkpoint(5), LOG.promise(3)
BEFORE, AFTER = "Dear Suzie,\n\nyou signed — thank you — today.\n\n-- \n", "\n\nSabal\n"


def email_with(cte: str, text: str, charset: str = "utf-8") -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = (
        "a@petition.example",
        "suzie@example.org",
        "감사합니다",
    )
    message.set_content(text, cte=cte, charset=charset)
    return message


def test_a_checkpoint_alone_and_in_a_text_is_found() -> None:
    assert checkpoints_in(NOTE) == [NOTE]
    assert checkpoints_in(BEFORE.encode() + NOTE + AFTER.encode()) == [NOTE]


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
@pytest.mark.parametrize("indent", ["", "    ", "\t", "> ", "> > ", ">>", "\u00a0\u00a0", " | "])
@pytest.mark.parametrize("tail", ["", "  ", "\u00a0"])
def test_indents_quotes_and_line_ends_are_undone(ends: str, indent: str, tail: str) -> None:
    text = "".join(f"{indent}{line}{tail}{ends}" for line in (BEFORE + NOTE.decode() + AFTER).splitlines())
    assert checkpoints_in(text.encode()) == [NOTE]


def test_a_missing_last_line_end_is_added() -> None:
    assert checkpoints_in(NOTE[:-1]) == [NOTE]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_the_encodings_of_other_editors_are_read(encoding: str) -> None:
    assert checkpoints_in((BEFORE + NOTE.decode()).encode(encoding)) == [NOTE]


@pytest.mark.parametrize("cte", ["quoted-printable", "base64", "8bit"])
def test_an_email_file_is_read(cte: str) -> None:
    message = email_with(cte, BEFORE + NOTE.decode() + AFTER)
    assert checkpoints_in(message.as_bytes()) == [NOTE]
    message.add_alternative(f"<pre>{NOTE.decode()}</pre>", subtype="html", cte=cte)
    message.add_attachment(OTHER, maintype="application", subtype="octet-stream", filename="checkpoint")
    assert checkpoints_in(message.as_bytes())[0] == NOTE and OTHER in checkpoints_in(message.as_bytes())


def test_an_email_forwarded_as_an_attachment_is_read() -> None:
    outer = email_with("7bit", "See below.\n")
    outer.add_attachment(email_with("base64", BEFORE + NOTE.decode()))
    assert checkpoints_in(outer.as_bytes()) == [NOTE]


def test_an_email_in_another_charset_is_read() -> None:
    text = NOTE.decode().replace("—", "=97").replace("\n", "\r\n")  # windows-1252 has the dash at 97
    head = b"Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    encoded = head + quopri.encodestring(text.replace("=97", "\0").encode()).replace(b"=00", b"=97").replace(
        b"\0", b"=97"
    )
    assert checkpoints_in(encoded) == [NOTE]


def test_an_email_with_lines_broken_at_spaces_is_read() -> None:
    lines = (BEFORE + NOTE.decode() + AFTER).splitlines()
    wrapped = [
        piece
        for line in lines
        for piece in textwrap.wrap(line, 72, break_long_words=False, break_on_hyphens=False) or [""]
    ]
    assert len(wrapped) > len(lines) and checkpoints_in("\n".join(wrapped).encode()) == [NOTE]


def test_several_checkpoints_are_found_once_each_in_their_order() -> None:
    assert checkpoints_in(OTHER + b"\n" + NOTE + b"\n" + OTHER + NOTE) == [OTHER, NOTE]


def test_promises_and_the_checkpoint_of_a_proof_are_found() -> None:
    text = BEFORE.encode() + PROMISE.replace(b"\n", b"\r\n") + b"\r\n" + NOTE
    assert promises_in(text) == [PROMISE] and checkpoints_in(text) == [NOTE]
    assert checkpoints_in(LOG.proof(3)) == [NOTE] and promises_in(NOTE) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: note.replace("— ", "- "),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\n9\n", "\n09\n"),
        lambda note: note.replace("\n9\n", "\nnine\n"),
        lambda note: note.replace("=\n\n", "\n\n"),
        lambda note: note[: note.index("— ")],
        lambda note: note.replace("log\n", "l og\n", 1),
    ],
)
def test_an_altered_checkpoint_is_left_out(spoil: object) -> None:
    assert checkpoints_in(spoil(NOTE.decode()).encode()) == []  # type: ignore[operator]


def test_signatures_after_a_bad_line_are_left_out() -> None:
    lines = NOTE.splitlines(keepends=True)
    assert checkpoints_in(b"".join([*lines[:5], "— no signature\n".encode(), *lines[5:]])) == [
        b"".join(lines[:5])
    ]


def test_the_number_of_found_checkpoints_has_a_limit() -> None:
    many = b"".join(
        made.signed(tlog.Checkpoint(made.ORIGIN, size, bytes([size]) * 32)) + b"\n" for size in range(1, 150)
    )
    assert len(checkpoints_in(many)) == MOST_FOUND


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        b"\n" * 1_000_000, b">" * 1_000_000, b"a:" * 500_000, b"a\n1\n\n" * 200_000,
        "— \n".encode() * 200_000, "— a\nb\n\n".encode() * 100_000,
        b"Content-Type: multipart/mixed; boundary=a\n\n" + b"--a\n\n" * 50_000,
    ],
    ids=["newlines", "quotes", "head", "threes", "dashes", "broken", "parts"],
)  # fmt: skip
def test_a_hostile_megabyte_takes_seconds(hostile: bytes) -> None:
    start = time.process_time()
    assert checkpoints_in(hostile) == []
    assert time.process_time() - start < 10


def test_deeply_nested_parts_are_read_or_ignored() -> None:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2_000))
    assert checkpoints_in(head + b"\n" + NOTE) in ([], [NOTE])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=2_000))
def test_nothing_is_found_in_random_bytes(data: bytes) -> None:
    assert checkpoints_in(data) == [] and promises_in(data) == []


prose = st.text(st.characters(codec="utf-8", exclude_characters="—"), max_size=200)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(prose, prose, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", " ", "> ", "\t"]))
def test_a_checkpoint_is_found_in_any_text(before: str, after: str, ends: str, indent: str) -> None:
    lines = "".join(f"{indent}{line}{ends}" for line in NOTE.decode().splitlines())
    found = checkpoints_in(f"{before}{ends}{lines}{ends}{after}".encode())
    assert found == [NOTE]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(NOTE) - 1), st.integers(0, 7))
def test_a_found_checkpoint_with_a_changed_bit_is_unchanged_in_content_or_refused(at: int, bit: int) -> None:
    spoilt = bytearray(NOTE)
    spoilt[at] ^= 1 << bit
    for found in checkpoints_in(bytes(spoilt)):
        try:
            opened = tlog.checkpoint.open(found, [made.CAROL.verifier])
        except tlog.TlogError:
            continue
        assert opened.checkpoint == tlog.checkpoint.peek(NOTE)

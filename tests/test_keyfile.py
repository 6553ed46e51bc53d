"""Keys are found in files as Carol keeps them: saved by PowerShell or Word, copied from a key sheet or an email."""

import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agefile
from sabal import keyfile, textfile
from sabal.records import revocations
from sabal.refusal import Refusal

CAROL, PLAIN = agefile.generate(), agefile.generate(post_quantum=False)
WORDS = "bowl rim name write"
LOCKED = agefile.encrypt_passphrase(f"# Carol's\n{CAROL}\n".encode(), WORDS, work_factor=1)
ARMORED = agefile.armor(LOCKED).decode()


def wrapped(text: str, width: int, after: str = "\n") -> str:
    return after.join(text[at : at + width] for at in range(0, len(text), width))


KEYS: dict[str, Callable[[str], str]] = {
    "alone": lambda key: key,
    "a line end": lambda key: f"{key}\n",
    "CRLF": lambda key: f"# made on 2026-11-24\r\n{key}\r\n",
    "blanks": lambda key: f"\n  \t{key} \u00a0\t \n\n",
    "quotes": lambda key: f'"{key}"',
    "single quotes": lambda key: f"'{key}',\n",
    "smart quotes": lambda key: f"“{key}”\n",
    "German quotes": lambda key: f"„{key}“\n",
    "French quotes": lambda key: f"« {key} »\n",
    "backticks": lambda key: f"```\n{key}\n```\n",
    "a quoted email": lambda key: f"Carol wrote:\n> {key}\n>\n> Keep it.\n",
    "a name before it": lambda key: f"key = {key}\n",
    "a headline": lambda key: f"Key of a petition's organiser\nCopy 1 of 2. Made on 2026-11-24.\n\n{key}\n",
    "Word's hyphens": lambda key: key.replace("-", "\u2011"),
    "en dashes": lambda key: key.replace("-", "–"),
    "invisible characters": lambda key: f"\ufeff\u200b{key}\u200b\n",
    "in small letters": lambda key: key.lower(),
    "broken lines": lambda key: wrapped(key, 30),
    "broken and quoted lines": lambda key: "> " + wrapped(key, 30, "\n> ") + "\n>\n> Carol\n",
}


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("identity", [CAROL, PLAIN], ids=["post-quantum", "x25519"])
def test_a_secret_key_is_found(name: str, identity: agefile.Identity, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEYS[name](str(identity)), encoding="utf-8", newline="")
    assert keyfile.read_identities(tmp_path / "key", pytest.fail) == [identity]


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("identity", [CAROL, PLAIN], ids=["post-quantum", "x25519"])
def test_a_public_key_is_found(name: str, identity: agefile.Identity, tmp_path: Path) -> None:
    (tmp_path / "key.pub").write_text(KEYS[name](str(identity.recipient)), encoding="utf-8", newline="")
    assert keyfile.recipients(str(tmp_path / "key.pub")) == [str(identity.recipient)]


SHEETS = {
    "as it is": lambda text: text,
    "with its headline": lambda text: (
        "Key of a petition's organiser\nCopy 1 of 2. Made on 2026-11-24.\nAnyone who has this sheet …\n\n"
        f"{text}\nPublic half, to tell keys apart: {str(CAROL.recipient)[:18]} … "
        f"{str(CAROL.recipient)[-12:]}\nKept by\n"
    ),
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "Word's dashes": lambda text: text.replace("-----", "—–"),
    "lines broken anew": lambda text: "\n".join(
        line if "AGE" in line else wrapped(line, 50) for line in text.splitlines()
    ),
    "a quoted email": lambda text: "> " + text.replace("\n", "\n> "),
    "quotes": lambda text: f"“{text.strip()}”",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", SHEETS)
def test_a_locked_key_is_found(name: str, encoding: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(SHEETS[name](ARMORED).encode(encoding))
    assert keyfile.read_identities(tmp_path / "key", lambda: WORDS) == [CAROL]
    with pytest.raises(Refusal, match="secret half"):
        keyfile.recipients(str(tmp_path / "key"))


def test_a_binary_locked_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(LOCKED)
    assert keyfile.read_identities(tmp_path / "key", lambda: WORDS) == [CAROL]
    with pytest.raises(agefile.AgeError, match="passphrase is not") as refusal:
        keyfile.read_identities(tmp_path / "key", lambda: "other words")
    assert str(tmp_path / "key") in str(refusal.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_what_powershell_and_notepad_wrote_is_read(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(f"{CAROL}\r\n".encode(encoding))
    assert keyfile.read_identities(path, pytest.fail) == [CAROL]
    path.write_bytes(f"{CAROL.recipient}\r\n".encode(encoding))
    assert keyfile.recipients(str(path)) == [str(CAROL.recipient)]
    path.write_bytes(f"{WORDS} 수지\r\n".encode(encoding))
    assert keyfile.read_passphrase(path) == f"{WORDS} 수지"
    lines = revocations.write(revocations.Revocations("petition.example/k3v9mqzt/log", 9, ()))
    path.write_bytes("".join(lines).replace("\n", "\r\n").encode(encoding))
    assert revocations.read_file(path).size == 9


def document(part: str, text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(part, text)
    return buffer.getvalue()


OTHERS = {
    "a Word document": document("word/document.xml", str(CAROL)),
    "an Excel file": document("xl/workbook.xml", str(CAROL)),
    "a document of LibreOffice": document("mimetype", "application/vnd.oasis.opendocument.text"),
    "a zip file": document("key", str(CAROL)),
    "an RTF document": rb"{\rtf1\ansi " + str(CAROL).encode() + b"}",
    "a document of an old version": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    "a PDF": b"%PDF-1.7\n%\xe2\xe3",
    "a picture": b"\x89PNG\r\n\x1a\n\0",
    "a web page": b"<!DOCTYPE html><p>" + str(CAROL).encode(),
    "not text": bytes(range(256)),
    "not text in UTF-8": "Schlüssel".encode("latin-1"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_text_is_named_for_what_it_is(what: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(OTHERS[what])
    for read in (lambda: keyfile.read_identities(path, pytest.fail), lambda: keyfile.recipients(str(path)),
                 lambda: keyfile.read_passphrase(path)):  # fmt: skip
        with pytest.raises(Refusal, match=what) as refusal:
            read()
        assert str(refusal.value).startswith(f"{path} is ") and str(CAROL)[-20:] not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (f"{CAROL.recipient}\n", "public half of a key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n", "for SSH"),
        ('{"format": "sabal sealed records, version 2", "petition": "trees"}\n', "an export of records"),
        ("Dear Carol\n", "holds no secret key"),
        ("", "holds no secret key"),
    ],
)
def test_a_text_without_a_secret_key_is_named(content: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(Refusal, match=sentence):
        keyfile.read_identities(tmp_path / "key", pytest.fail)


def test_a_damaged_key_is_named_by_its_line_and_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for broken in (str(CAROL)[:-1], str(CAROL).replace("Q", "P"), str(CAROL) + "X", f"{CAROL}\nXYZ"[:-5]):
        path.write_text(f"{PLAIN}\n\n{broken}\n")
        with pytest.raises(agefile.AgeError, match="Line 3: ") as refusal:
            keyfile.read_identities(path, pytest.fail)
        assert str(CAROL)[25:40].lower() not in str(refusal.value).lower()
    path.write_text("\n".join(ARMORED.splitlines()[:-1]))
    with pytest.raises(agefile.AgeError, match="last line"):
        keyfile.read_identities(path, pytest.fail)
    path.write_bytes(agefile.armor(agefile.encrypt(b"x", [PLAIN.recipient])))
    with pytest.raises(Refusal, match="not a key file"):
        keyfile.read_identities(path, pytest.fail)


def test_several_keys_and_comments_are_read(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# public key: {CAROL.recipient}\n{CAROL}\n# {agefile.generate()}\n{PLAIN}\n")
    assert keyfile.read_identities(path, pytest.fail) == [CAROL, PLAIN]
    with pytest.raises(Refusal, match="secret half"):
        keyfile.recipients(str(path))
    path.write_text(f"Carol: {CAROL.recipient}\nMax: {PLAIN.recipient}\n# {agefile.generate().recipient}\n")
    assert keyfile.recipients(str(path)) == [str(CAROL.recipient), str(PLAIN.recipient)]


def test_a_public_key_can_be_given_itself() -> None:
    assert keyfile.recipients(f" “{PLAIN.recipient}” ") == [str(PLAIN.recipient)]
    for secret in (str(PLAIN), f'"{CAROL}"'):
        with pytest.raises(Refusal, match="secret key") as refusal:
            keyfile.recipients(secret)
        assert secret[-20:] not in str(refusal.value)
    with pytest.raises(Refusal, match=r"There is no file key\.pbu"):
        keyfile.recipients("key.pbu")


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-16", "replace")))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_content_is_only_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    for beginning in (b"", b"AGE-SECRET-KEY-1", b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"age1"):
        path.write_bytes(beginning + data)
        for read in (lambda: keyfile.read_identities(path, lambda: WORDS), lambda: keyfile.recipients(str(path)),
                     lambda: textfile.read(path)):  # fmt: skip
            try:
                read()
            except (Refusal, agefile.AgeError) as error:
                assert str(error)


def test_a_public_half_of_dashes_alone_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "dashes.pub"
    path.write_text("-" * 1_000_000)
    started = time.monotonic()
    with pytest.raises(Refusal, match="no public key"):
        keyfile.recipients(str(path))
    assert time.monotonic() - started < 5  # it took time that grew with the square: hours for this file


def test_a_long_secret_key_that_is_given_by_mistake_is_not_repeated() -> None:
    with pytest.raises(Refusal, match="secret key") as refused:
        keyfile.recipients(f"{CAROL} {CAROL} {CAROL} {CAROL}")
    assert "AGE-SECRET" not in str(refused.value)


def test_a_public_key_is_found_in_a_long_text_that_is_given() -> None:
    key = str(CAROL.recipient)
    assert len(key) > 255 and keyfile.recipients(f"key = {key}") == [key]


def test_a_long_text_that_is_no_key_is_refused_in_a_short_sentence() -> None:
    with pytest.raises(Refusal, match=r"There is no file .*, and it is no public key") as refused:
        keyfile.recipients("x" * 5_000)
    assert len(str(refused.value)) < 200


def test_a_character_of_korean_or_chinese_counts_twice_in_a_passphrase() -> None:
    assert keyfile.passphrase_length("correct horse") == 13
    assert keyfile.passphrase_length("바다 사과 구름 연필") == 19
    assert keyfile.passphrase_length("바다사과구름") >= keyfile.LEAST_PASSPHRASE

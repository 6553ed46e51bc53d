"""Find age keys in text as people keep it: copied from a key sheet, an email or a document.

Secret keys, public keys and locked keys are found in any line, whatever is around them. The keys themselves are strict:
each has a checksum. docs/delivery.md "Fetch the records".
"""

import base64
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar
from unicodedata import east_asian_width

import agefile
from sabal import textfile
from sabal.refusal import Refusal

_DASHES = "‐‑‒–—―−﹘﹣－"
"""What documents make of a hyphen."""
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2060\ufeff"))
_PLAIN = _INVISIBLE | dict.fromkeys(map(ord, _DASHES), "-")

_SECRET = re.compile(r"AGE-(?:SECRET-KEY|PLUGIN)-[0-9A-Z][0-9A-Z-]*", re.IGNORECASE)
_PUBLIC = re.compile(r"(?<![0-9A-Z])AGE1[0-9A-Z]+", re.IGNORECASE)
_REST = re.compile(r"[0-9a-z]+|[0-9A-Z]+")
_MOST_LINES = 200  # of one key: a public key of 1,959 characters in short lines
_BEGINS = "BEGIN AGE ENCRYPTED FILE"
# For whole lines. Searching for them would take time with the square of a long row of dashes.
_BEGIN, _END = (re.compile(rf"-+ *{words} *-+") for words in (_BEGINS, "END AGE ENCRYPTED FILE"))
_AROUND = " \t\u00a0>|\"'`“”„‘’«»,;"

LEAST_PASSPHRASE = 12
"""The least length of a new passphrase, as `passphrase_length` counts it."""

Key = TypeVar("Key", agefile.Identity, agefile.Recipient)


def read_identities(path: Path, ask: Callable[[], str]) -> list[agefile.Identity]:
    """Return the secret keys in a file. Call `ask` for the passphrase if it is locked. Raise `Refusal`, `AgeError`."""
    data = textfile.read_bytes(path)
    try:
        age = _age_file(data)
        if age is None:
            return _identities(textfile.decode(data))
        if not agefile.is_passphrase_file(age):
            locked = "is encrypted to a key. It is not a key file. Open it with one."
            raise Refusal(locked)
        return _identities(textfile.decode(agefile.decrypt_passphrase(age, ask())))
    except agefile.AgeError as error:
        raise agefile.AgeError(f"{path}: {error}", error.kind) from None
    except Refusal as error:
        raise Refusal(f"{path} {error}") from None


def passphrase_length(passphrase: str) -> int:
    """Return the number of characters. One of Korean, Chinese or Japanese counts twice: it is harder to guess."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in passphrase)


def read_passphrase(path: Path) -> str:
    """Return the passphrase in a file, without blanks and line ends around it. Raise `Refusal`."""
    return textfile.read(path).strip()


def recipients(given: str) -> list[str]:
    """Return the public keys in `given`, or in the file of that name. Raise `Refusal`, `AgeError`."""
    text, subject = given, "This"
    if not _PUBLIC.match(given.strip(_AROUND)):
        path = Path(given)
        if _is_file(path):
            text, subject = _public_text(path), given
        elif _SECRET.search(given.translate(_PLAIN)):
            raise Refusal("This is a secret key. Keep it to yourself and give the public half (age1…).")
        elif not _PUBLIC.search(given):
            raise Refusal(f"There is no file {given[:80]}, and it is no public key (age1…) either.")
    found = [str(key) for key in _keys(text, _PUBLIC, agefile.parse_recipient)]
    if not found:
        raise Refusal(f"{subject} holds no public key (a line that begins with age1).")
    return found


def recipients_in(text: str) -> list[str]:
    """Return the public keys in a text that a person pasted. Raise `Refusal`.

    If the text has a secret key, tell its owner to make a new one, because the server has seen it.
    """
    plain = text.translate(_PLAIN)
    if _SECRET.search(plain) or _BEGINS in plain:
        raise Refusal(
            "This is the secret half of a key, which must not come to the server. It was not stored. Make a new key,"
            " and give the file that ends in .pub."
        )
    try:
        found = [str(key) for key in _keys(text, _PUBLIC, agefile.parse_recipient)]
    except agefile.AgeError:
        raise Refusal(
            "This public key is damaged: a part of it is missing or wrong. Copy it again, whole, from its file."
        ) from None
    if not found:
        raise Refusal("There is no public key in this text. It is a long line that begins with age1.")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # longer than the name of a file can be, as most keys are
        return False


def _public_text(path: Path) -> str:
    data = textfile.read_bytes(path)
    locked = data.startswith(b"age-encryption.org/")
    text = "" if locked else textfile.read(path)
    plain = text.translate(_PLAIN)
    if locked or _SECRET.search(plain) or _BEGINS in plain:
        raise Refusal(
            f"{path} is the secret half, which must not come to the server. Use the file that ends in .pub."
        )
    return text


def _identities(text: str) -> list[agefile.Identity]:
    """Return the secret keys in a text. Raise `AgeError` if one is damaged, and `Refusal` if there is none."""
    found = list(_keys(text, _SECRET, agefile.parse_identity))
    if not found:
        raise Refusal(f"{_what(text)}. A key file has a line that begins with AGE-SECRET-KEY-.")
    return found


def _what(text: str) -> str:
    """Return what a text without a secret key is, as the end of a sentence about its file."""
    if _PUBLIC.search(text):
        return "holds the public half of a key, which cannot open anything. Give the file without .pub"
    if "PRIVATE KEY" in text:
        return "is a key of another kind, such as for SSH. Only age keys are used here"
    if '"sabal sealed records' in text[:200]:
        return "is an export of records, not a key"
    return "holds no secret key"


def _keys(text: str, pattern: re.Pattern[str], parse: Callable[[str], Key]) -> Iterator[Key]:
    """Yield the keys of a text, in any line that is no comment. Raise `AgeError` with the line of a damaged one."""
    lines = [line.translate(_PLAIN).strip(_AROUND) for line in text.splitlines()]
    for at, line in enumerate(lines):
        if line.startswith("#"):
            continue
        for found in pattern.finditer(line):
            if line[found.end() :].lstrip().startswith(("…", "...")):
                continue  # a key sheet shows the beginning and the end of the public half
            ended = found.end() == len(line)
            try:
                yield _whole(found[0], lines[at + 1 : at + _MOST_LINES] if ended else (), parse)
            except agefile.AgeError as error:
                raise agefile.AgeError(f"Line {at + 1}: {error}", error.kind) from None


def _whole(key: str, below: Sequence[str], parse: Callable[[str], Key]) -> Key:
    """Return the key, which may go on in the next lines. Raise the error of its first line."""
    try:
        return parse(key)
    except agefile.AgeError as error:
        for line in below:
            if not _REST.fullmatch(line):
                break
            key += line
            try:
                return parse(key)
            except agefile.AgeError:
                continue
        raise error from None


def _age_file(data: bytes) -> bytes | None:
    """Return the age file in these bytes: the whole, or the armored part of a text; None if there is none."""
    if data.startswith(b"age-encryption.org/"):
        return data
    try:
        lines = [line.translate(_PLAIN).strip(_AROUND) for line in textfile.decode(data).splitlines()]
    except textfile.NotText:
        return None
    begin = next((at for at, line in enumerate(lines) if _BEGIN.fullmatch(line)), None)
    if begin is None:
        return None
    end = next((at for at in range(begin, len(lines)) if _END.fullmatch(lines[at])), None)
    if end is None:
        raise agefile.AgeError("The last line of the locked key is missing. Was it copied whole?", "damaged")
    try:
        # Lines may have been broken anew, so their lengths say nothing. The content has its own check.
        return base64.b64decode("".join(lines[begin + 1 : end]), validate=True)
    except ValueError:
        raise agefile.AgeError("The locked key was changed when it was copied.", "damaged") from None

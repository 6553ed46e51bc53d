"""Age files as text, for email and paper. age spec, "ASCII armor"; RFC 7468 §3, the strict form."""

import binascii

from agefile.errors import AgeError

_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
_END = b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_BLANK = b" \t\r\n"
_LEADING_BLANKS = 1024


def armor(data: bytes) -> bytes:
    """Return an age file as ASCII lines of 64 columns between a BEGIN and an END line. The last byte is a newline."""
    text = binascii.b2a_base64(data, newline=False)
    lines = [text[at : at + _COLUMNS] for at in range(0, len(text), _COLUMNS)]
    return b"\n".join([_BEGIN, *lines, _END, b""])


def dearmor(data: bytes) -> bytes:
    """Return the binary file in the armor. Raises AgeError (`damaged`) for text that `armor` does not write.

    Two differences are accepted: CRLF line ends, and blanks before and after the text.
    """
    lines = [line.removesuffix(b"\r") for line in data.strip(_BLANK).split(b"\n")]
    if len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise _damaged()
    *full, last = lines[1:-1]
    if any(len(line) != _COLUMNS for line in full) or not 0 < len(last) <= _COLUMNS:
        raise _damaged()
    text = b"".join([*full, last])
    try:
        inside = binascii.a2b_base64(text)
    except binascii.Error:
        raise _damaged() from None
    # Encode again and compare: this finds foreign characters, missing padding and stray bits.
    if binascii.b2a_base64(inside, newline=False) != text:
        raise _damaged()
    return inside


def is_armored(data: bytes) -> bool:
    """Return whether `data` starts like an armored file. The rest is not checked."""
    return data[:_LEADING_BLANKS].lstrip(_BLANK).startswith(b"-----BEGIN")


def _damaged() -> AgeError:
    return AgeError("This armored age file has damaged, missing or rewrapped lines.", "damaged")

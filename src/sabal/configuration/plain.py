"""Settings that are a folder, a number, a time, a switch, a key or plain words."""

from pathlib import Path

from sabal.configuration.errors import SettingError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_folder(text: str) -> Path:
    """Return SABAL_DATA as an absolute path. Raises SettingError."""
    path = Path(text).absolute()
    if path.exists() and not path.is_dir():
        raise SettingError(
            "SABAL_DATA names a file.", "Set it to a folder, which the server makes if it is missing."
        )
    return path


def parse_words(text: str) -> str:
    """Return words for a page, in one line."""
    return " ".join(text.split())


def parse_hops(text: str) -> int:
    """Return SABAL_TRUSTED_HOPS. Raises SettingError."""
    if not (text.isascii() and text.isdigit() and len(text) == 1 and int(text) <= 8):
        raise SettingError("SABAL_TRUSTED_HOPS is not a whole number from 0 to 8.", "Usually it is 1.")
    return int(text)


def parse_seconds(text: str) -> float | None:
    """Return SABAL_BATCH_EVERY, such as `2s`, `500ms`, `1m`, `1h` or a bare number, in seconds. Raises SettingError."""
    name, hint = "SABAL_BATCH_EVERY", "Write it like 2s, 1m or 1h. It is for development only."
    number, unit = text, "s"
    for suffix in _UNITS:
        if text.endswith(suffix) and text[: -len(suffix)].replace(".", "", 1).isdigit():
            number, unit = text[: -len(suffix)], suffix
            break
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        raise SettingError(f"{name} is not a time.", hint) from None
    if not 0.05 <= seconds <= 604_800:
        raise SettingError(f"{name} is not between 50ms and a week.", hint)
    return seconds


def parse_switch(text: str) -> bool:
    """Return SABAL_WITNESS_PRIVATE. Raises SettingError."""
    if text not in ("0", "1"):
        raise SettingError("SABAL_WITNESS_PRIVATE is neither 0 nor 1.", "Unset it, or set it to 1.")
    return text == "1"


def parse_server_key(text: str) -> str:
    """Return SABAL_SERVER_KEY, 64 hexadecimal digits. Raises SettingError."""
    try:
        if len(bytes.fromhex(text)) != 32:
            raise ValueError
    except ValueError:
        raise SettingError(
            "SABAL_SERVER_KEY is not a server key.", "It is 64 hexadecimal digits, as in server.key."
        ) from None
    return text

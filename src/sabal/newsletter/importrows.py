"""The rows of a file of addresses that is imported into a newsletter: what each says, or why it cannot be used."""

import contextlib
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sabal import days
from sabal.mail.address import EmailAddress, TooLong, UnknownDomain

EXCEL_EPOCH = date(1899, 12, 30)
_ADDRESS = {
    "email", "email address", "emailaddress", "address", "mail", "이메일", "이메일 주소", "메일", "전자우편", "邮箱",
    "电子邮件", "电子邮箱", "邮箱地址", "邮件地址",
}  # fmt: skip
_LANGUAGE = {"language", "lang", "locale", "언어", "语言"}
_DAY = {
    "date", "day", "consent", "consent date", "consented", "consented on", "subscribed", "subscribed at", "created at",
    "optin time", "confirm time", "날짜", "동의일", "가입일", "日期", "同意日期", "订阅日期",
}  # fmt: skip


class RowFault(StrEnum):
    """Why a row cannot be imported."""

    DAMAGED = "damaged"
    NO_ADDRESS = "no-address"
    BAD_ADDRESS = "bad-address"
    LONG_ADDRESS = "long-address"
    BAD_DOMAIN = "bad-domain"
    BAD_DATE = "bad-date"
    FUTURE = "future"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its number there, and its cells. `cells` is None if it could not be divided into cells."""

    number: int
    cells: list[str] | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row the address, the language and the day of consent are; None: nowhere."""

    address: int
    language: int | None = None
    day: int | None = None


@dataclass(frozen=True, slots=True)
class Good:
    """A row that can be imported."""

    address: EmailAddress
    language: str
    day: int


@dataclass(frozen=True)
class Defaults:
    """What holds for rows that do not say it: language and day of consent. `today` and days are since 1970."""

    languages: tuple[str, ...]
    language: str
    day: int
    today: int


def read_line(line: Line, columns: Columns, defaults: Defaults) -> Good | RowFault:
    """Return what a row says, or why it cannot be imported."""
    if line.cells is None:
        return RowFault.DAMAGED
    text = _cell(line.cells, columns.address)
    if not text:
        return RowFault.NO_ADDRESS
    try:
        address = EmailAddress.parse(text)
    except TooLong:
        return RowFault.LONG_ADDRESS
    except UnknownDomain:
        return RowFault.BAD_DOMAIN
    except ValueError:
        return RowFault.BAD_ADDRESS
    day = defaults.day
    if written := _cell(line.cells, columns.day):
        read = _day(written)
        if read is None:
            return RowFault.BAD_DATE
        day = days.number(read)
    if day > defaults.today:
        return RowFault.FUTURE
    return Good(address, _language(_cell(line.cells, columns.language), defaults), day)


def columns_of(first: list[str], second: list[str]) -> tuple[Columns, bool] | None:
    """Return the columns by the words of the first row, and whether that row is a heading; None if there is no address.

    Without a heading, the first column with an @ has the addresses.
    """
    names = [name.strip().casefold().replace("-", "").replace("_", " ") for name in first]
    address = next((at for at, name in enumerate(names) if name in _ADDRESS), None)
    if address is not None:
        language = next((at for at, name in enumerate(names) if name in _LANGUAGE), None)
        day = next((at for at, name in enumerate(names) if name in _DAY), None)
        return Columns(address, language, day), True
    for is_heading, row in ((False, first), (True, second)):
        at = next((at for at, cell in enumerate(row) if "@" in cell), None)
        if at is not None:
            return Columns(at), is_heading
    return None


def _cell(cells: list[str], at: int | None) -> str:
    return cells[at].strip() if at is not None and at < len(cells) else ""


def _language(text: str, defaults: Defaults) -> str:
    tag = text.casefold().replace("_", "-")
    if tag in defaults.languages:
        return tag
    spoken = tag.partition("-")[0]
    return next(
        (one for one in defaults.languages if spoken and one.partition("-")[0] == spoken), defaults.language
    )


def _day(text: str) -> date | None:
    """Return the day of `2026-11-30`, `2026-11-30 12:00`, `30.11.2026` or of a cell of Excel."""
    with contextlib.suppress(ValueError, OverflowError):
        if text.replace(".", "", 1).isdecimal() and 30_000 < float(text) < 80_000:
            return EXCEL_EPOCH + timedelta(days=int(float(text)))
        if text.count(".") == 2:
            day, month, year = (int(part) for part in text.split("."))
            return date(year, month, day)
        return date.fromisoformat(text[:10].replace("/", "-"))
    return None

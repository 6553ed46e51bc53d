"""SABAL_MAIL_FROM: the sender of every email."""

import re
import unicodedata
from dataclasses import dataclass

from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import ascii_host

_NAME = "SABAL_MAIL_FROM"
_HINT = "Write it like petition@example.org or like Friends of the River <petition@example.org>"
_LOCAL = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}(?<!\.)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sender:
    """The sender of every email: the name that readers see (may be empty), and the address, which is ASCII."""

    name: str = ""
    address: str = ""

    @property
    def local_part(self) -> str:
        """Return what is before the @ of the address."""
        return self.address.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """Return the domain of the address; empty if there is no sender."""
        return self.address.rpartition("@")[2]


def parse_sender(text: str) -> Sender:
    """Parse `address` or `name <address>`; the name needs no quotes. Raises SettingError.

    An international domain becomes ASCII (IDNA 2008). What is before the @ must be ASCII already: otherwise no email
    could be sent through a server without SMTPUTF8 (RFC 6531).
    """
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in text):
        raise SettingError(f"{_NAME} has more than one line.", _HINT)
    name, bracket, address = text.rpartition("<")
    if bracket:
        if not address.endswith(">"):
            raise SettingError(f"{_NAME} has no address between < and > at its end.", _HINT)
        address = address[:-1]
    local, at, domain = address.strip().rpartition("@")
    if not at:
        raise SettingError(f"{_NAME} contains no email address.", _HINT)
    if not local.isascii():
        raise SettingError(
            f"{_NAME}: what is before the @ must be ASCII, because many mail servers send nothing else.",
            _HINT,
        )
    try:
        if not _LOCAL.fullmatch(local):
            raise ValueError
        address = f"{local}@{ascii_host(domain)}"
    except ValueError:
        raise SettingError(
            f"{_NAME} contains no email address that can exist, or more than one.", _HINT
        ) from None
    return Sender(_display_name(name), address)


def _display_name(typed: str) -> str:
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = re.sub(r"\\(.)", r"\1", name[1:-1]).strip()
    if "=?" in name:
        raise SettingError(f"{_NAME} has an encoded name.", "Write the name as people should read it.")
    return name

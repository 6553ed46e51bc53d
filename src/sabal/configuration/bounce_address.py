"""SABAL_BOUNCE_ADDRESS: where mail servers report that an email to a list could not be delivered."""

from dataclasses import dataclass

from sabal.configuration.errors import SettingError
from sabal.configuration.sender import parse_sender

_NAME = "SABAL_BOUNCE_ADDRESS"
_HINT = "Write it like bounces@example.org, or like *@bounces.example.org if that domain takes every address"
TOKEN = 48  # characters of the token that takes the place of the star
LONGEST = 64  # characters before the @ (RFC 5321, section 4.5.3.1.1)


@dataclass(frozen=True, slots=True)
class BounceAddress:
    """The address in its three parts. The token of an email comes between `before` and `after`."""

    before: str = ""
    after: str = ""
    domain: str = ""

    def __bool__(self) -> bool:
        """Return whether it is set."""
        return bool(self.domain)

    def with_token(self, token: str) -> str:
        """Return the envelope sender of one email."""
        return f"{self.before}{token}{self.after}@{self.domain}"

    def token_in(self, address: str) -> str | None:
        """Return what is in the place of the token, in lower case; None if it is another address.

        Mail servers may change the case of an address, so it is ignored.
        """
        local, _, domain = address.strip().lower().rpartition("@")
        before, after = self.before.lower(), self.after.lower()
        token = local[len(before) : len(local) - len(after)]
        is_ours = domain and domain == self.domain and local == before + token + after
        return token if is_ours and len(token) == TOKEN else None


def parse_bounce_address(text: str) -> BounceAddress:
    """Parse an address. The token comes at its star, or after its local part and a plus. Raises SettingError."""
    try:
        sender = parse_sender(text)
    except SettingError:
        raise SettingError(f"{_NAME} is no email address.", f"{_HINT}.") from None
    if sender.name or sender.local_part.count("*") > 1:
        raise SettingError(f"{_NAME} is more than one address with one star.", f"{_HINT}.")
    before, star, after = sender.local_part.partition("*")
    if not star:
        before, after = f"{before}+", ""
    if len(before) + TOKEN + len(after) > LONGEST:
        raise SettingError(
            f"{_NAME} is too long before the @: {TOKEN} characters are added to it, and no address has more than"
            f" {LONGEST}.",
            f"{_HINT}.",
        )
    return BounceAddress(before, after, sender.domain)

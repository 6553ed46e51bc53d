"""The letter box of invented people: a transport that takes emails and keeps the links to confirm. It sends nothing."""

import re
from email import message_from_bytes, policy
from random import Random

from sabal import token
from sabal.mail.answers import Answer, SendOutcome
from sabal.mail.message import Message

_LINK = re.compile(r"/confirm/([A-Za-z0-9]+)")


class Letterbox:
    """Takes most emails. Some it defers, as providers do, so that they are sent again; a few it refuses for good."""

    takes_international: bool | None = True

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.links: list[bytes] = []  # the tokens of the emails since `taken` was called

    def greet(self) -> None:
        """Do nothing: there is no server."""

    def send(self, message: Message, to: str) -> Answer:
        """Take, defer or refuse one email."""
        draw = self._chance.random()
        if draw < 0.01:
            return Answer(SendOutcome.NEVER, "there is no such mailbox")
        if draw < 0.04:
            return Answer(SendOutcome.LATER, "greylisted")
        text = message_from_bytes(message.content, policy=policy.default).get_body(("plain",))
        found = _LINK.search(text.get_content()) if text else None
        if found and (t := token.decode(found[1])) is not None:
            self.links.append(t)
        return Answer(SendOutcome.ACCEPTED)

    def taken(self) -> list[bytes]:
        """Return the tokens that have come since the last call."""
        found, self.links = self.links, []
        return found

    def close(self) -> None:
        """Do nothing: there is no connection."""

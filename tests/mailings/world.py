"""Subscribers, mailings and the worker's sender for the tests of mailings."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from mail.world import SITE
from sabal.mail.address import EmailAddress
from sabal.mail.answers import Answer, SendOutcome
from sabal.mail.emails import Site
from sabal.mail.message import Message
from sabal.mailings import control, tables
from sabal.mailings.forgetting import Forgetting
from sabal.mailings.models import Mailing
from sabal.mailings.rendering import MailingWords
from sabal.mailings.sending import MailingSender
from sabal.mailings.states import State
from sabal.newsletter import subscription
from sabal.newsletter.lists import MailingList
from sites import NOW, SiteOfTests

CAROLS = "stop-forced-repatriation"  # the organisation of the example petition
ENGLISH = MailingWords(
    "en", "News from Carol", "We met the **council**.\n\nRead [more](https://example.org/more).\n"
)
KOREAN = MailingWords("ko", "캐럴의 소식", "의회를 만났습니다.\n\n- 하나\n- 둘\n")
TEXTS = {"en": ENGLISH, "ko": KOREAN}


def subscribe(
    site: SiteOfTests, *addresses: str, language: str = "en", petition: int = 0, organisation: str = CAROLS
) -> list[int]:
    """Put confirmed subscribers into a list, and return the ids of their rows."""
    site.refresh()
    assert site.keyring.subscribers
    rows = [
        subscription.subscription(
            site.keyring.subscribers,
            MailingList(organisation, petition),
            EmailAddress.parse(address),
            language,
            "Yes.",
        )
        for address in addresses
    ]
    with site.database.transaction():
        subscription.confirm_with_signature(site.database, rows)
    return [row.id for row in rows]


def write(texts: dict[str, MailingWords] = TEXTS, *, now: int = NOW, **changes: Any) -> Mailing:
    """Write a newsletter of Carol's organisation."""
    fixed = {"organisation": CAROLS, "fallback": next(iter(texts)), "made_at": now}
    mailing = Mailing.objects.create(**{**fixed, **changes})
    control.store_texts(mailing, texts)
    return mailing


def begun(texts: dict[str, MailingWords] = TEXTS, *, now: int = NOW, **changes: Any) -> Mailing:
    """Write a newsletter and begin to send it."""
    mailing = write(texts, now=now, **changes)
    assert control.begin(mailing, now, None)
    return mailing


@dataclass
class Recorder:
    """A transport in memory. `answer` decides about each address; it accepts by default."""

    answer: Callable[[str], Answer] = lambda _: Answer(SendOutcome.ACCEPTED)
    sent: list[tuple[str, Message]] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)
    takes_international: bool | None = True

    def greet(self) -> None: ...

    def close(self) -> None: ...

    def send(self, message: Message, to: str) -> Answer:
        self.tried[to] += 1
        answer = self.answer(to)
        if answer.outcome is SendOutcome.ACCEPTED:
            self.sent.append((to, message))
        return answer

    @property
    def readers(self) -> list[str]:
        return sorted(to for to, _ in self.sent)


@dataclass
class Post:
    """The mailings thread of a worker, whose clock the test moves."""

    site: SiteOfTests
    transports: list[Any]
    limits: dict[str, int] = field(default_factory=dict)
    now: float = NOW

    def __post_init__(self) -> None:
        self.database, self.forgetting = self.site.connect(), Forgetting()
        self.sender = MailingSender(
            self.transports, self.site.data, self.limits, clock=lambda: self.now, chance=lambda: 0.5
        )

    def round(self, site: Site = SITE) -> float:
        self.site.refresh()
        forgets = self.forgetting.part(self.database, self.now)
        wait = self.sender.round(self.database, self.site.keystore, self.site.snapshots, site)
        return 0.0 if forgets else wait

    def until_idle(self, site: Site = SITE) -> None:
        """Do rounds until one has nothing to do."""
        for _ in range(200):
            if self.round(site):
                return
        raise AssertionError("it never becomes idle")

    def close(self) -> None:
        self.sender.close()
        self.database.close()


def numbers(site: SiteOfTests, mailing: Mailing) -> dict[State, int]:
    """Return the numbers of a mailing by state, as the sums have them; they equal those of the rows."""
    sums: Counter[State] = Counter()
    for part, n in tables.sums(site.database, mailing.pk).items():
        sums[State(part.state)] += n
    rows = site.database.query(
        "SELECT state, COUNT(*) FROM mailings_recipient WHERE mailing_id = ? GROUP BY state", (mailing.pk,)
    )
    assert dict(sums) == {State(state): int(n) for state, n in rows}
    return dict(sums)


def text_of(message: EmailMessage, subtype: str = "plain") -> str:
    body = message.get_body((subtype,))
    assert body is not None
    return str(body.get_content())


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)

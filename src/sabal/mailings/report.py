"""What became of a mailing: numbers that add up, by state, language and provider. They name nobody."""

from collections import Counter
from dataclasses import dataclass

from sabal.database import Database
from sabal.mail.providers import OTHER
from sabal.mailings import tables
from sabal.mailings.states import OPEN, TAKEN, State

# Accepted, and no longer subscribed, with no later mailing after which that could have happened.
_LEFT = (
    "SELECT COUNT(*) FROM mailings_recipient r LEFT JOIN newsletter_subscription s ON s.id = r.subscription_id"
    f" WHERE r.mailing_id = ? AND r.state = {State.ACCEPTED:d} AND s.id IS NULL AND NOT EXISTS"
    " (SELECT 1 FROM mailings_recipient n WHERE n.subscription_id = r.subscription_id AND n.mailing_id > r.mailing_id"
    f" AND n.state = {State.ACCEPTED:d})"
)


@dataclass(frozen=True)
class MailingReport:
    """The recipients of a mailing by state, and those whom the mail server took by language and by provider.

    `left` of the accepted have left the list since.
    """

    states: Counter[State]
    languages: Counter[str]
    providers: dict[str, Counter[State]]
    left: int

    @property
    def queued(self) -> int:
        """Return all recipients that were queued."""
        return sum(self.states.values())

    @property
    def accepted(self) -> int:
        """Return the recipients whose email a mail server accepted."""
        return sum(self.states[state] for state in TAKEN)

    @property
    def waiting(self) -> int:
        """Return the recipients who are still to be sent to, without those who were put off."""
        return self.states[State.WAITING]

    @property
    def deferred(self) -> int:
        """Return the recipients who were put off, and are tried again."""
        return self.states[State.DEFERRED]

    @property
    def refused(self) -> int:
        """Return the recipients whose mail server refused for good, or whose address cannot be used."""
        return self.states[State.REFUSED] + self.states[State.UNREADABLE]

    @property
    def given_up(self) -> int:
        """Return the recipients who were put off for days."""
        return self.states[State.GIVEN_UP]

    @property
    def gone(self) -> int:
        """Return the recipients who had left before their email was sent."""
        return self.states[State.LEFT]

    @property
    def cancelled(self) -> int:
        """Return the recipients who were left out because the mailing was cancelled."""
        return self.states[State.CANCELLED]

    @property
    def done(self) -> int:
        """Return the recipients for whom nothing more is done."""
        return self.queued - sum(self.states[state] for state in OPEN)


def of(database: Database, mailing: int) -> MailingReport:
    """Return the report of a mailing."""
    states: Counter[State] = Counter()
    languages: Counter[str] = Counter()
    providers: dict[str, Counter[State]] = {}
    for part, n in tables.sums(database, mailing).items():
        state = State(part.state)
        states[state] += n
        if state in TAKEN:
            languages[part.language] += n
        name = OTHER if part.provider.startswith(f"{OTHER}-") else part.provider
        providers.setdefault(name, Counter())[state] += n
    left = int(database.query(_LEFT, (mailing,))[0][0]) + states[State.UNSUBSCRIBED]
    return MailingReport(states, languages, providers, left)

"""The newsletter of an organisation as the public sees it: how often it comes, and its past issues.

The desk and the worker store it (`mailings`). Public processes read it with raw SQL, and load no code of either.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from sabal.database import Database, Row


@dataclass(frozen=True)
class IssueText:
    """What an issue says in one language: `body` is Markdown."""

    subject: str
    body: str = field(repr=False)


@dataclass(frozen=True)
class Issue:
    """One newsletter that was sent. `number` counts those of its organisation, `sent_at` is Unix time (seconds)."""

    number: int
    sent_at: int
    texts: Mapping[str, IssueText]
    fallback: str

    @property
    def day(self) -> date:
        """Return the day on which it was sent (UTC)."""
        return datetime.fromtimestamp(self.sent_at, UTC).date()

    def language_for(self, language: str) -> str:
        """Return the language of the text that readers of `language` get."""
        return language if language in self.texts else self.fallback

    def shown(self, language: str) -> dict[str, object]:
        """Return it as a template shows it to readers of `language`."""
        spoken = self.language_for(language)
        text = self.texts[spoken]
        return {
            "number": self.number,
            "day": self.day,
            "language": spoken,
            "subject": text.subject,
            "body": text.body,
        }


@dataclass(frozen=True)
class PublicNewsletter:
    """A newsletter: a sentence by language that says how often it comes, and its issues, the newest first."""

    how_often: Mapping[str, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    def issue(self, number: int) -> Issue | None:
        """Return the issue of that number."""
        return next((one for one in self.issues if one.number == number), None)

    def often(self, language: str) -> tuple[str, str]:
        """Return the sentence that says how often it comes, and its language; empty if nobody wrote one."""
        found = next((one for one in (language, "en", *self.how_often) if self.how_often.get(one)), "")
        return self.how_often.get(found, ""), found

    def latest(self, language: str) -> dict[str, object] | None:
        """Return the newest issue as a template shows it; None if there is none yet."""
        return self.issues[0].shown(language) if self.issues else None


NONE = PublicNewsletter()
# One that was cancelled, perhaps because of a mistake, is not shown.
_ISSUES = (
    "SELECT id, organisation, number, begun_at, fallback FROM mailings_mailing"
    " WHERE number IS NOT NULL AND cancelled_at IS NULL ORDER BY number DESC"
)
_TEXTS = "SELECT language, subject, body FROM mailings_mailingtext WHERE mailing_id = ?"


class Newsletters:
    """The newsletters that one process knows. What was sent never changes, so each issue is read once."""

    def __init__(self) -> None:
        self._issues: dict[int, Issue] = {}
        self._known: dict[str, PublicNewsletter] = {}

    def refresh(self, database: Database) -> Mapping[str, PublicNewsletter]:
        """Return the newsletter of each organisation, by its key."""
        rows = database.query(_ISSUES)
        self._issues = {row[0]: self._issues.get(row[0]) or _issue(database, row) for row in rows}
        by_key: dict[str, list[Issue]] = {}
        for row in rows:
            by_key.setdefault(row[1], []).append(self._issues[row[0]])
        often: dict[str, object] = dict(
            database.query("SELECT organisation, how_often FROM mailings_newsletter")
        )
        fresh = {
            key: PublicNewsletter(_texts(often.get(key, {})), tuple(by_key.get(key, ())))
            for key in by_key.keys() | often.keys()
        }
        # The same object while nothing has changed.
        self._known = {
            key: self._known[key] if self._known.get(key) == new else new for key, new in fresh.items()
        }
        return self._known


def _issue(database: Database, row: Row) -> Issue:
    texts = {one[0]: IssueText(one[1], one[2]) for one in database.query(_TEXTS, (row[0],))}
    return Issue(row[2], row[3], texts, row[4])


def _texts(column: object) -> dict[str, str]:
    found: dict[str, str] = json.loads(column) if isinstance(column, str) else column  # type: ignore[assignment]
    return found

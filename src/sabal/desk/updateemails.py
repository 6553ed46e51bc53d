"""What the desk says before an update is taken back: what became of its email, and what stops."""

import time
from contextlib import closing
from dataclasses import dataclass

from sabal import database as raw
from sabal.accounts.models import User
from sabal.desk.newsletters import hides_numbers, owner_of
from sabal.mailings import report
from sabal.mailings.control import list_of
from sabal.updates.emailing import email_with
from sabal.updates.models import Post


@dataclass(frozen=True)
class UpdateEmail:
    """The email of an update: `state` is the mailing's, `alone` whether no other public update is in it.

    `accepted` is how many have it; None if this person may not see that (`newsletters.hides_numbers`).
    """

    state: str
    alone: bool
    accepted: int | None


def email_of(post: Post, person: User) -> UpdateEmail | None:
    """Return the email of an update; None if there is none yet."""
    found = email_with(post, int(time.time()))
    if found is None:
        return None
    hides = hides_numbers(list_of(found.mailing), person, owner_of(found.mailing))
    with closing(raw.connect()) as database:
        accepted = None if hides else report.of(database, found.mailing.pk).accepted
    return UpdateEmail(found.mailing.state, not found.others, accepted)

"""What became of one recipient of a mailing: the numbers in `mailings_recipient.state` and `mailings_sum.state`."""

from enum import IntEnum


class State(IntEnum):
    """The state of a recipient. Those below `ACCEPTED` are still to be sent."""

    WAITING = 0
    DEFERRED = 1  # tried, and put off by the mail server
    ACCEPTED = 2  # the mail server took the email
    REFUSED = 3  # the mail server refused it for good
    GIVEN_UP = 4  # put off for three days
    LEFT = 5  # left the list, or may not be emailed any more, before the email was sent
    CANCELLED = 7  # the mailing was cancelled before
    BOUNCED = 8  # accepted, and came back
    UNSUBSCRIBED = 9  # accepted, and then left the list
    UNREADABLE = 10  # the stored address cannot be opened or used


OPEN = (State.WAITING, State.DEFERRED)
TAKEN = (State.ACCEPTED, State.BOUNCED, State.UNSUBSCRIBED)
"""States of emails that a mail server accepted."""

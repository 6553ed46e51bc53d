"""The kinds of emails, and the ids of their rows.

An id consists of lane, day and random bits. So the primary key is the order of sending, and shows no time of day.
"""

import os
from collections.abc import Callable

# `mail_email.kind`: confirm a signature, signed already (open petitions), confirm a subscription; to the team, about a
# new key.
CONFIRM_SIGNATURE, ALREADY_SIGNED, CONFIRM_NEWSLETTER, TEAM_NEW_KEY = 1, 2, 3, 4
REMINDER = 5  # the first one again, to somebody who did not confirm (signing/reminder.py)
TEAM_ANSWER_DUE = 8  # to the team: a recipient was asked for an answer by a day that has passed
CONFIRM_TEST = 9  # the first one, as a test to somebody of the team
INVITATION = 33  # to sign here, for a person who signed elsewhere
# To a recipient of a petition (delivery/outgoing.py).
DELIVERY = 20
# Emails that a flood may have caused are sent slowly: for held signatures, to busy small domains, for the newsletter.
NORMAL, SLOW = 0, 1

_DAY_BITS, _CHANCE_BITS = 14, 48
_FIRST_DAY = 18_262  # 2020-01-01 in days since 1970; 14 bits reach into 2064
_LANE_SHIFT = _DAY_BITS + _CHANCE_BITS


def email_id(lane: int, day: int, urandom: Callable[[int], bytes] = os.urandom) -> int:
    """Return a new id for an email of this lane, written on this day (days since 1970)."""
    return (
        lane << _LANE_SHIFT | (day - _FIRST_DAY) << _CHANCE_BITS | int.from_bytes(urandom(_CHANCE_BITS // 8))
    )


def lane_range(lane: int) -> tuple[int, int]:
    """Return the first and the last id that an email of this lane can have."""
    return lane << _LANE_SHIFT, (lane + 1 << _LANE_SHIFT) - 1


def day_of(email_id: int) -> int:
    """Return the day (since 1970) on which the email with this id was written."""
    return (email_id >> _CHANCE_BITS & (1 << _DAY_BITS) - 1) + _FIRST_DAY

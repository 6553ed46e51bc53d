"""What an email's row says of it: its kind, and in its id the lane.

An id is lane, then day, then chance. So the primary key is the order of sending, and tells no moment.
"""

import secrets

# `mail_email.kind`: confirm a signature, signed already (open petitions), confirm a subscription.
CONFIRM_SIGNATURE, ALREADY_SIGNED, CONFIRM_NEWSLETTER = 1, 2, 3
# What a flood may have caused goes slowly: emails of held signatures, to crowded domains, of the newsletter.
NORMAL, SLOW = 0, 1

_DAY_BITS, _CHANCE_BITS = 14, 48
_FIRST_DAY = 18_262  # 2020-01-01 in days since 1970; 14 bits reach into 2064
_LANE_SHIFT = _DAY_BITS + _CHANCE_BITS


def email_id(lane: int, day: int) -> int:
    """A new id for an email of that lane, written on that day (days since 1970)."""
    return lane << _LANE_SHIFT | (day - _FIRST_DAY) << _CHANCE_BITS | secrets.randbits(_CHANCE_BITS)


def lane_range(lane: int) -> tuple[int, int]:
    """The first and the last id that an email of that lane can have."""
    return lane << _LANE_SHIFT, (lane + 1 << _LANE_SHIFT) - 1

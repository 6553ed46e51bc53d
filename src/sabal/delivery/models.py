"""The tables of this package. Django looks for them here."""

from sabal.delivery.contact import Contact
from sabal.delivery.rows import Continuation, Proof, Reminder, Statement, Step
from sabal.delivery.sendings import Dispatch, Enclosure, Occasion, SendingRules

__all__ = [
    "Contact",
    "Continuation",
    "Dispatch",
    "Enclosure",
    "Occasion",
    "Proof",
    "Reminder",
    "SendingRules",
    "Statement",
    "Step",
]

"""The mailing lists of an organisation."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class MailingList:
    """A list of one organisation (its key): its newsletter, or its updates about a petition (the id, else 0).

    Updates name the organisation too: if a petition changes hands, the new organisation begins another list.
    """

    organisation: str
    petition_id: int = 0

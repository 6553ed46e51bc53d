"""Papers as files: what a command writes, the desk hands out, and an email to a recipient carries."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from sabal.database import Database
from sabal.dossier.cover import cover
from sabal.dossier.languages import LANGUAGES, language_for
from sabal.dossier.letter import Handover, language_to, letter, recipient_of
from sabal.dossier.offering import offered_bundle
from sabal.dossier.paper import Paper
from sabal.dossier.press import press
from sabal.dossier.sheets import Sheets, sheets
from sabal.dossier.typesetting import typeset
from sabal.petitions.definition import Recipient
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import published
from sabal.refusal import Refusal

Maker = Callable[[PetitionSnapshot, Recipient, str, Handover], Paper]
TO_RECIPIENTS: Mapping[str, Maker] = {"letter": letter, "cover": cover}


@dataclass(frozen=True)
class PaperFile:
    """A PDF and its name."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, in hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


def published_petition(database: Database, slug: str) -> PetitionSnapshot:
    """Return a petition as the public sees it now. Raises Refusal if it is not published."""
    petition = published(database, slug)
    if petition is None:
        raise Refusal("No published petition has the slug %(slug)s. To list all: sabal petitions", slug=slug)
    return petition


def letter_file(
    database: Database,
    petition: PetitionSnapshot,
    key: str,
    handover: Handover,
    language: str = "",
    kind: str = "letter",
) -> PaperFile:
    """Return the letter to the recipient of that key, in its language or another one. Raises Refusal.

    `kind` is a key of `TO_RECIPIENTS`. If `handover` has no bundle, the letter names that of
    this moment and offers it for download; a cover sheet only names it, and offers nothing.
    """
    recipient = recipient_of(petition, key)
    chosen = chosen_language(language) or language_to(petition, recipient)
    if handover.bundle is None:
        bundle = offered_bundle(database, petition, handover.day, preview=kind != "letter")
        handover = replace(handover, bundle=bundle)
    paper = TO_RECIPIENTS[kind](petition, recipient, chosen, handover)
    whom = f"{key}-{handover.member}" if handover.member else key
    return PaperFile(f"{petition.slug}-{whom}-{kind}-{chosen}-{handover.day:%Y-%m-%d}.pdf", typeset(paper))


def press_file(petition: PetitionSnapshot, handover: Handover, language: str = "") -> PaperFile:
    """Return the summary for journalists. Raises Refusal."""
    chosen = chosen_language(language) or language_for("", petition.definition.authoritative)
    name = f"{petition.slug}-press-{chosen}-{handover.day:%Y-%m-%d}.pdf"
    return PaperFile(name, typeset(press(petition, chosen, handover)))


def sheets_file(petition: PetitionSnapshot, wanted: Sheets, day: date) -> PaperFile:
    """Return signature sheets. Raises Refusal."""
    last = wanted.first + wanted.number - 1
    span = f"{wanted.first}" if wanted.number == 1 else f"{wanted.first}-{last}"
    name = f"{petition.slug}-sheets-{wanted.language}-{wanted.paper}-{span}.pdf"
    return PaperFile(name, typeset(sheets(petition, wanted, day)))


def chosen_language(language: str) -> str:
    """Return the language in lower case; "" stays. Raises Refusal if no paper is printed in it."""
    if language and language.lower() not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise Refusal("Papers are printed in %(known)s, and not in “%(given)s”.", known=known, given=language)
    return language.lower()

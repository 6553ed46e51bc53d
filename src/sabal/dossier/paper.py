"""What all papers of a petition share: who sends it, its look, and the head and foot of its pages."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from unicodedata import east_asian_width

import segno

from sabal import settings
from sabal.dossier.languages import PaperWords, part
from sabal.pages import accent
from sabal.petitions.organisation import language_of_names, organiser_name
from sabal.petitions.snapshot import PetitionSnapshot

# Widths of the head of a page in Latin letters; those of Korean, Chinese and Japanese are twice as wide.
HEAD_WIDTH = 100
MOST_RUNNING, LEAST_RUNNING = 90, 24


@dataclass(frozen=True)
class Paper:
    """One paper before it is typeset: the name of its template, and its data."""

    template: str
    data: Mapping[str, object]


def text_language(petition: PetitionSnapshot, words: PaperWords) -> str:
    """Return the language in which the petition's own words are printed: the paper's, or the authoritative one."""
    definition = petition.definition
    return words.language if words.language in definition.languages else definition.authoritative


def page_url(petition: PetitionSnapshot, words: PaperWords) -> str:
    """Return the address of the petition's page for the readers of the paper."""
    return f"{settings.BASE_URL}/{text_language(petition, words)}/{petition.slug}"


def verify_url(words: PaperWords) -> str:
    """Return the address of the page that explains how a number is checked."""
    language = words.language if words.language in settings.SITE_LANGUAGES else "en"
    return f"{settings.BASE_URL}/{language}/verify"


def common(
    petition: PetitionSnapshot, words: PaperWords, day: date, *, title: str, reference: str
) -> dict[str, object]:
    """Return the data that paper.typ needs. `title` is that of the file, `reference` is printed on each page."""
    definition, identity = petition.definition, petition.identity
    language = text_language(petition, words)
    organisation = organiser_name(definition, words.language)
    return {
        "title": title,
        "organisation": organisation,
        "day": [day.year, day.month, day.day],
        "accent": accent.on_paper(identity.accent if identity else ""),
        "part": part(words.language),
        "text": part(language),
        "own": part(language_of_names(definition, words.language)),
        "words": dict(words.texts),
        "logo": list(identity.logo) if identity and identity.logo else None,
        "logo_alt": words.say("logo_alt", organisation=organisation),
        "sender": _sender(petition, words),
        "reference": reference,
        "running": _short(f"{organisation} · {definition.texts[language].title}", reference),
        "foot": page_url(petition, words),
        "page": words["page"],
    }


def _short(line: str, reference: str) -> str:
    """Return a line that fits beside the reference at the head of a page, on two lines; "" if there is no room."""
    room = min(MOST_RUNNING, 2 * (HEAD_WIDTH - len(reference)))
    if room < LEAST_RUNNING:
        return ""
    widths = accumulate(2 if east_asian_width(one) in "WF" else 1 for one in line)
    fits = sum(width <= room for width in widths)
    return line if fits == len(line) else f"{line[: max(fits - 1, 0)]}…"


def code_of(url: str) -> str:
    """Return a QR code as SVG."""
    file = io.BytesIO()
    segno.make(url, error="m", micro=False).save(file, kind="svg", border=0, xmldecl=False)
    return file.getvalue().decode()


def _sender(petition: PetitionSnapshot, words: PaperWords) -> list[str]:
    """Return the lines of the sender: the responsible person or organisation, the postal address, and the contact."""
    definition = petition.definition
    language = language_of_names(definition, words.language)
    names, addresses = definition.controller.name, definition.controller.address
    name = names.get(language) or next(iter(names.values()), "")
    address = addresses.get(language) or next(iter(addresses.values()), "")
    lines = [" ".join(name.split()), *(line.strip() for line in address.strip().splitlines())]
    website = petition.identity.website if petition.identity else ""
    return [line for line in (*lines, definition.controller.privacy_contact, website) if line]

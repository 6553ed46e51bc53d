"""The email around the letter to a recipient: a few sentences in its language, from what the public can see.

It has no name of a person who signed: the server knows none, and the numbers are those of the public page.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from sabal import settings
from sabal.delivery.contact import Contact
from sabal.dossier import numbers
from sabal.dossier.bundle import BundleFile
from sabal.dossier.languages import LANGUAGES, PaperWords, language_for, words_in
from sabal.petitions.organisation import organiser_name
from sabal.petitions.snapshot import PetitionSnapshot


@dataclass(frozen=True)
class Covering:
    """Subject and text of an email, in one language, and who writes it."""

    language: str
    sender_name: str
    subject: str
    text: str


def language_of(contact: Contact, petition: PetitionSnapshot) -> str:
    """Return the language in which we write to a contact: one of those that papers are printed in."""
    return language_for(contact.language, petition.definition.authoritative)


def covering(
    petition: PetitionSnapshot,
    contact: Contact,
    day: date,
    bundle: BundleFile | None,
    own_words: Mapping[str, str],
    *,
    attached: bool = True,
) -> Covering:
    """Return the email to a contact. `own_words` are the organiser's, by language; those of another are left out."""
    language = language_of(contact, petition)
    words, definition = _words(language), petition.definition
    spoken = language if language in definition.texts else definition.authoritative
    title = " ".join(definition.texts[spoken].title.split())
    organiser = organiser_name(definition, spoken)
    site = f"{settings.BASE_URL}/{spoken}"
    paragraphs = [
        words.say("to", name=contact.name_in(language, spoken)),
        words.say("opening", organiser=organiser, title=title),
        own_words.get(language, "").strip(),
        numbers.count_sentence(petition, words_in(language), day),
        words.say("page", url=f"{site}/{petition.slug}"),
        _check(words, bundle) if bundle and not petition.gathering else "",
        words.say("how", url=f"{site}/verify"),
        words["answer"],
        f"{words['closing']}\n{organiser}",
    ]
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return Covering(language, organiser, words.say("subject", title=title), text + "\n")


def _check(words: PaperWords, bundle: BundleFile) -> str:
    """Return how the number is checked, with the address of the file if anyone can download it."""
    check = words.say("check", name=bundle.name, sha256=bundle.sha256)
    if not bundle.url or not bundle.until:
        return f"{check}{words_in(words.language)['between']}{words['request']}"
    until = words_in(words.language).day(bundle.until)
    return f"{check}\n{words.say('download', date=until, url=bundle.url)}"


@cache
def _words(language: str) -> PaperWords:
    found = tomllib.loads(
        resources.files("sabal.delivery").joinpath("words.toml").read_text(encoding="utf-8")
    )
    assert set(found) == set(LANGUAGES)
    return PaperWords(language, found[language])

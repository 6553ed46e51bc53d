"""The languages of a petition: find one to add, add, leave out, remove."""

from dataclasses import dataclass
from functools import lru_cache

from babel import Locale
from babel.localedata import locale_identifiers
from django.db import transaction
from django.utils.translation import gettext as _

from sabal import settings
from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.desk.models import Translation
from sabal.petitions import editing, folder
from sabal.petitions.definition import LANGUAGE
from sabal.petitions.locales import direction, locale_of, own_name
from sabal.petitions.models import Petition
from sabal.petitions.pieces import pieces_of, same_for_all
from sabal.publishing import drafts
from sabal.refusal import Refusal

State = Translation.State
MOST = 40  # languages of a petition
FOUND = 20  # results of a search


@dataclass(frozen=True)
class Language:
    """A language with its names: its own, in English, and in the language of the reader."""

    tag: str
    own: str
    english: str
    here: str = ""

    @property
    def direction(self) -> str:
        return direction(self.tag)

    def __str__(self) -> str:
        names = dict.fromkeys(name for name in (self.own, self.here or self.english) if name)
        return " – ".join(names)


def named(tag: str, reader: str = "en") -> Language:
    """Return a language with its names. One that CLDR does not know is named by its tag."""
    return Language(tag, own_name(tag), _name_in("en", tag), _name_in(reader, tag))


def _name_in(reader: str, tag: str) -> str:
    """Return the name of a language in another one, with its script and place if they have no name together."""
    locale = locale_of(reader)
    base, *subtags = tag.split("-")
    cased = [part.title() if len(part) == 4 else part.upper() for part in subtags]
    if whole := locale.languages.get("_".join([base, *cased])):
        return str(whole)
    details = [str(locale.scripts.get(part) or locale.territories.get(part) or part) for part in cased]
    name = str(locale.languages.get(base) or tag)
    return f"{name} ({', '.join(details)})" if details else name


@lru_cache(maxsize=1)
def _all() -> tuple[Language, ...]:
    """Return every language of CLDR, and each of its scripts that is not the usual one."""
    tags = {name.replace("_", "-").lower() for name in locale_identifiers()}
    tags |= {str(name) for name in Locale("en").languages if "_" not in str(name)}
    fitting = (tag for tag in tags if _has_no_territory(tag) and LANGUAGE.fullmatch(tag))
    return tuple(sorted((named(tag) for tag in fitting), key=lambda one: one.english.casefold()))


def _has_no_territory(tag: str) -> bool:
    return all(len(part) == 4 and part.isalpha() for part in tag.split("-")[1:])


@lru_cache(maxsize=4)
def choices(reader: str) -> tuple[tuple[str, str], ...]:
    """Return every language with its names, for a select: those of the site first, then by name."""
    first = [named(tag, reader) for tag in settings.SITE_LANGUAGES]
    found = [named(one.tag, reader) for one in _all() if one.tag not in settings.SITE_LANGUAGES]
    others = sorted(found, key=lambda one: one.here.casefold())
    return tuple((one.tag, " – ".join(dict.fromkeys((one.here, one.own)))) for one in (*first, *others))


def search(words: str, reader: str, taken: set[str]) -> list[Language]:
    """Return the languages whose name or tag has these words, the best first. Without words: those of the site."""
    wanted = words.strip().casefold()
    if not wanted:
        return [named(tag, reader) for tag in settings.SITE_LANGUAGES if tag not in taken]
    scored = []
    for one in _all():
        names = (one.tag, one.own.casefold(), one.english.casefold(), _name_in(reader, one.tag).casefold())
        if one.tag not in taken and any(wanted in name for name in names):
            exact = any(name == wanted for name in names)
            begins = any(name.startswith(wanted) for name in names)
            scored.append((not exact, not begins, len(one.tag), one.english, one.tag))
    found = [named(tag, reader) for *_score, tag in sorted(scored)[:FOUND]]
    typed = wanted.replace("_", "-")
    known = typed in taken or any(one.tag == typed for one in found)
    if not known and "-" in typed and LANGUAGE.fullmatch(typed):
        found.insert(0, named(typed, reader))  # with a territory, such as pt-br
    return found


def tag_of(words: str, reader: str) -> str | None:
    """Return the tag of the language with exactly this name or tag; None if there is none."""
    wanted = words.strip().casefold()
    for one in search(words, reader, set()):
        names = (one.tag, one.own, one.english, one.here)
        if any(wanted == name.casefold() for name in names):
            return one.tag
    typed = wanted.replace("_", "-")
    return typed if typed in {one.tag for one in _all()} else None


def add(user: User, petition: Petition, tag: str) -> None:
    """Let a language wait for its words. One that was removed has its words again. Raises Refusal."""
    if not LANGUAGE.fullmatch(tag):
        raise Refusal(_("This is not the code of a language. Search for its name."))
    with transaction.atomic():
        Petition.objects.select_for_update().get(pk=petition.pk)
        files = drafts.export_files(petition.slug)
        definition = folder.parse(files)
        waiting = petition.translations.filter(state=State.WAITING)
        if tag in definition.languages or waiting.filter(language=tag).exists():
            return
        if len(definition.languages) + waiting.count() >= MOST:
            raise Refusal(_("A petition can have at most %(most)s languages.") % {"most": MOST})
        if tag == petition.slug:
            raise Refusal(
                _("The address of this petition is the code of this language. Change the address first.")
            )
        row, made = Translation.objects.get_or_create(petition=petition, language=tag)
        if made:
            row.pieces = same_for_all(files)
        row.state = State.WAITING
        row.save()
        audit.record(user, "language-added", petition=petition, details=tag)


def leave_out(user: User, petition: Petition, tag: str) -> None:
    """Take a language out of the petition's files until it is complete. Raises Refusal if it is published."""
    _take_out(user, petition, tag, State.WAITING, "language-left-out")


def remove(user: User, petition: Petition, tag: str) -> None:
    """Remove a language. Its words are kept, in case it is added again. Raises Refusal if it is published."""
    _take_out(user, petition, tag, State.REMOVED, "language-removed")


def _take_out(user: User, petition: Petition, tag: str, state: str, what: str) -> None:
    with transaction.atomic():
        Petition.objects.select_for_update().get(pk=petition.pk)
        files = drafts.export_files(petition.slug)
        definition = folder.parse(files)
        if tag == definition.authoritative:
            raise Refusal(_("The authoritative language cannot be removed."))
        row, _made = Translation.objects.get_or_create(petition=petition, language=tag)
        if tag in definition.languages:
            row.pieces = {key: text for key, text in pieces_of(definition, tag).items() if text}
            row.save()
            drafts.import_files(editing.without_language(files, tag))
        Translation.objects.filter(pk=row.pk).update(state=state)
        audit.record(user, what, petition=petition, details=tag)

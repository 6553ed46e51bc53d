"""Read petition.toml: organiser, recipients, terms, and what happens with the signatures."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sabal.petitions import protection
from sabal.petitions.definition import (
    LANGUAGE,
    NO_DATE,
    TO_COMPLETE,
    Controller,
    Fields,
    Problem,
    Recipient,
    Terms,
)
from sabal.petitions.links import is_email_address
from sabal.petitions.profile import GRACE_DAYS
from sabal.petitions.slugs import NEWSLETTER_WORDS, is_free_key, is_free_slug, is_slug, key_of
from sabal.petitions.tomlhints import how_to_write
from sabal.petitions.tomllines import key_lines
from sabal.petitions.tomltable import FILE, Table

KEYS = (
    "slug", "languages", "authoritative", "organiser", "profile", "dedupe", "hint", "retention", "purpose",
    "goal", "closes", "organiser_keys", "recipients_get", "sample_audit", "endorsers", "newsletter",
    "updates", "reminder", "controller", "fields", "recipients", "warn_residents", "share_without",
)  # fmt: skip

_HINT = re.compile(r"[a-z]{3,20}")
_AGE = re.compile(r"age1(pq1)?[02-9ac-hj-np-z]{50,2500}")


@dataclass(frozen=True, kw_only=True)
class ParsedTerms(Terms):
    """The terms with the lines of two of them. A wrong value is replaced by a harmless one."""

    languages_line: int
    hint_line: int


def parse_terms(source: str, problems: list[Problem]) -> ParsedTerms | None:
    """Read `source`, and append a problem for each wrong value to `problems`.

    Return None only if it is not TOML at all.
    """
    top = _table(source, problems)
    if top is None:
        return None
    languages = _languages(top)
    authoritative = top.word("authoritative", languages) if languages else top.text("authoritative")
    profile, profile_chosen = protection.profile(top)
    dedupe = top.word("dedupe", ("pepper", "offline"), default="pepper")
    retention, closes = _days(top)
    return ParsedTerms(
        slug=_slug(top, languages),
        languages=languages,
        authoritative=authoritative,
        organiser=top.in_languages("organiser", languages),
        profile=profile,
        dedupe=dedupe,
        hint=_hint(top, profile),
        controller=_controller(top.table("controller"), languages),
        retention=retention,
        purpose=top.in_languages("purpose", languages, limit=500),
        recipients=_recipients(top, languages),
        goal=_goal(top),
        closes=closes,
        fields=_fields(top, profile),
        organiser_keys=_organiser_keys(top),
        recipients_get=_recipients_get(top, profile),
        sample_audit=top.flag("sample_audit"),
        endorsers=top.texts("endorsers", required=False),
        newsletter=top.flag("newsletter"),
        updates=top.flag("updates"),
        reminder=_reminder(top, profile, dedupe),
        warn_residents=protection.warn_residents(top),
        share_without=protection.share_without(top),
        profile_chosen=profile_chosen,
        languages_line=top.line("languages"),
        hint_line=top.line("hint"),
    )


def _table(source: str, problems: list[Problem]) -> Table | None:
    try:
        data = tomllib.loads(source)
    except (ValueError, RecursionError) as error:
        problems.append(_syntax_problem(error, source.splitlines()))
        return None
    top = Table(data, (), key_lines(source), problems)
    top.check_keys(KEYS)
    return top


def _syntax_problem(error: Exception, lines: list[str]) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(FILE, 1, "The file is nested too deeply.")
    found = re.fullmatch(r"(?s)(.*) \(at (?:line (\d+), column \d+|end of document)\)", str(error))
    reason, line = (found[1], int(found[2] or 1)) if found else ("A number is too long", 1)
    hint = how_to_write(lines[line - 1]) if 0 < line <= len(lines) else ""
    return Problem(FILE, line, f"This is not valid TOML: {reason.rstrip('.')}.{hint}")


def _languages(top: Table) -> tuple[str, ...]:
    languages = top.texts("languages")
    if "languages" in top.data and not languages:
        top.problem("languages", "`languages` names no language.")
    for language in languages:
        if language and not LANGUAGE.fullmatch(language):
            top.problem(
                "languages",
                f"“{language[:80]}” is not a language code in lower case, such as en, ko or zh-hans.",
            )
    return tuple(dict.fromkeys(language for language in languages if LANGUAGE.fullmatch(language)))


def _days(top: Table) -> tuple[date, date | None]:
    """Return the day until which signatures are kept, and the last day for signing."""
    retention, closes = top.day("retention"), top.day("closes", optional=True)
    if retention and closes and NO_DATE < retention < closes + timedelta(days=GRACE_DAYS):
        top.problem(
            "retention",
            (
                f"`retention` must be {GRACE_DAYS} days or more after `closes`, so that emails already sent can still"
                " be confirmed."
            ),
        )
    return retention or NO_DATE, closes


def _slug(top: Table, languages: Sequence[str]) -> str:
    slug = top.text("slug", limit=60)
    if not slug:
        return slug
    if not is_slug(slug):
        top.problem("slug", "`slug` may hold only a–z, 0–9 and single hyphens between them.")
    elif slug in languages or not is_free_slug(slug):
        top.problem(
            "slug",
            f"`slug` cannot be “{slug}”, because the site uses that word in its own addresses. Choose another.",
        )
    return slug


def _hint(top: Table, profile: str) -> str:
    hint = top.text("hint", optional=profile == "open")
    if hint and not _HINT.fullmatch(hint):
        top.problem("hint", "`hint` must be one neutral word of 3 to 20 letters a–z, such as lantern.")
    elif hint and isinstance(top.data.get("slug"), str) and hint in top.data["slug"]:
        top.problem("hint", "`hint` is part of the slug. It must not tell what the petition is about.")
    return hint


def _controller(table: Table, languages: Sequence[str]) -> Controller:
    table.check_keys(("key", "name", "address", "privacy_contact"))
    if not table.data:
        return Controller({}, {}, "")
    contact = table.text("privacy_contact", limit=254)
    if (
        contact
        and TO_COMPLETE not in contact
        and not is_email_address(contact)
        and not contact.startswith("https://")
    ):
        table.problem("privacy_contact", "`privacy_contact` must be an email address or begin with https://.")
    key = table.text("key", optional=True, limit=60)
    if key and not is_free_key(key):
        table.problem(
            "key",
            f"`key` cannot be “{key}”. It may hold only a–z, 0–9 and single hyphens between them, and not be one of"
            f" {', '.join(sorted(NEWSLETTER_WORDS))}.",
        )
    return Controller(
        table.in_languages("name", languages),
        table.in_languages("address", languages, limit=500, lines=True),
        contact,
        key,
    )


def _goal(top: Table) -> int | None:
    goal = top.data.get("goal")
    if goal is None:
        return None
    if not isinstance(goal, int) or isinstance(goal, bool) or not 1 <= goal <= 1_000_000_000:
        top.problem("goal", "`goal` must be a whole number from 1 to 1000000000. Leave it out for none.")
        return None
    return goal


def _fields(top: Table, profile: str) -> Fields:
    table = top.table("fields", optional=True)
    table.check_keys(("country", "comment", "display"))
    fields = Fields(table.flag("country", True), table.flag("comment"), table.flag("display"))
    for key in ("comment", "display"):
        if profile == "guarded" and getattr(fields, key):
            table.problem(
                key, f"A guarded petition cannot offer `{key}`, because what is shown could harm a signer."
            )
    return fields


def _reminder(top: Table, profile: str, dedupe: str) -> bool:
    reminder = top.flag("reminder")
    if reminder and profile == "guarded":
        top.problem(
            "reminder",
            "A guarded petition cannot have `reminder`, because the server would keep addresses longer.",
        )
    elif reminder and dedupe == "offline":
        top.problem(
            "reminder",
            "`reminder` needs `dedupe` to be pepper. Otherwise people who have signed could be reminded.",
        )
    return reminder


def _recipients_get(top: Table, profile: str) -> str:
    value = top.word("recipients_get", ("count", "sample", "names"), default="count")
    if profile == "guarded" and value in ("sample", "names"):
        top.problem(
            "recipients_get", "A guarded petition hands over the count only. `recipients_get` must be count."
        )
    return value


def _organiser_keys(top: Table) -> tuple[str, ...]:
    keys = top.texts("organiser_keys", required=False)
    for key in keys:
        if key and not _AGE.fullmatch(key):
            top.problem(
                "organiser_keys", f"“{key[:16]}…” is not an age recipient (they begin with age1pq1 or age1)."
            )
    if len({key.startswith("age1pq1") for key in keys if key}) > 1:
        top.problem(
            "organiser_keys", "`organiser_keys` mixes post-quantum keys (age1pq1…) with older ones (age1…)."
        )
    return keys


def _recipients(top: Table, languages: Sequence[str]) -> tuple[Recipient, ...]:
    value = top.data.get("recipients")
    if value is None or value == []:
        top.problem(
            "recipients", "No recipient is named. Each recipient needs a [[recipients]] table with a name."
        )
        return ()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        top.problem("recipients", "`recipients` must be written as [[recipients]], once for each.")
        return ()
    if len(value) > 100:
        top.problem("recipients", f"There are {len(value)} recipients. At most 100 are allowed.")
        return ()
    found: list[Recipient] = []
    for index, item in enumerate(value):
        table = Table(item, ("recipients", index), top.lines, top.problems)
        found.append(_recipient(table, languages, [recipient.key for recipient in found]))
    return tuple(found)


def _recipient(table: Table, languages: Sequence[str], taken: Sequence[str]) -> Recipient:
    table.check_keys(("key", "name", "language", "address", "group"))
    if "name" in table.data:
        name = table.in_languages("name", languages, limit=300)
    else:
        table.problem(None, "This recipient has no `name`.")
        name = {}
    key = table.text("key", optional=True, limit=64) or key_of(
        name.get("en") or next(iter(name.values()), ""), taken
    )
    if not is_slug(key):
        table.problem("key", "`key` may hold only a–z, 0–9 and single hyphens between them.")
    if key in taken:
        table.problem("key", f"Another recipient already has the `key` “{key}”.")
    language = table.text("language", optional=True) or None
    if language and not LANGUAGE.fullmatch(language):
        table.problem(
            "language", f"“{language[:80]}” is not a language code in lower case, such as en, ko or zh-hans."
        )
    address = table.text("address", optional=True, limit=254) or None
    if address and not is_email_address(address):
        table.problem("address", f"“{address[:80]}” is not an email address.")
    return Recipient(key, name, language, address, table.flag("group"))

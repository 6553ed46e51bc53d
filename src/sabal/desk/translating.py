"""Translate a petition piece by piece: what is missing, what is older than its source, and saving without overwriting.

A language waits in the database until it is complete, so that the rest can be published without it. It then joins the
files of the petition. `note_sources` follows every saved draft, also one that a command imported.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db import transaction

from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.desk.models import Translation
from sabal.desk.refusals import said
from sabal.petitions import folder
from sabal.petitions.definition import TO_COMPLETE, Definition, FolderError, Problem
from sabal.petitions.models import Petition
from sabal.petitions.pieces import Fault, PieceError, fault_of, normal, pieces_of, with_pieces
from sabal.publishing import drafts
from sabal.refusal import Refusal

State = Translation.State


@dataclass(frozen=True)
class Piece:
    """A piece in two languages. `state` is "done", "missing", "outdated" or "extra" (the source has none).

    `was`: the source from which an outdated translation was made. `seen` says which two texts a form shows.
    """

    key: str
    source: str
    text: str
    state: str
    was: str = ""

    @property
    def seen(self) -> str:
        return f"{_hash(self.source)}.{_hash(self.text)}"


@dataclass(frozen=True)
class Sheet:
    """All pieces of a language. `joined`: it is in the files of the petition."""

    language: str
    authoritative: str
    joined: bool
    pieces: tuple[Piece, ...]

    @property
    def total(self) -> int:
        return sum(piece.state != "extra" for piece in self.pieces)

    @property
    def done(self) -> int:
        return sum(piece.state == "done" for piece in self.pieces)

    @property
    def missing(self) -> int:
        return sum(piece.state == "missing" for piece in self.pieces)

    @property
    def outdated(self) -> int:
        return sum(piece.state == "outdated" for piece in self.pieces)

    @property
    def first_open(self) -> str:
        """Return the key of the first piece that must be looked at, else ""."""
        return next((piece.key for piece in self.pieces if piece.state in ("missing", "outdated")), "")


@dataclass
class Typed:
    """What a form or a table says. `seen` has for each key the hashes of the two texts that its writer saw.

    `right` has the keys of outdated pieces whose translation is still right. `form` names one open page: what it has
    saved itself is no conflict, even if it never got the answer.
    """

    texts: Mapping[str, str]
    seen: Mapping[str, str] = field(default_factory=dict)
    right: Collection[str] = ()
    form: str = ""


@dataclass
class Outcome:
    """What became of it. `conflicts` has the text that somebody else saved meanwhile, by key; `faults` what is wrong.

    Neither is saved; the other pieces are. `waits` says why a complete language could not join the petition.
    """

    changed: list[str] = field(default_factory=list)
    conflicts: dict[str, str] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    joined: bool = False
    waits: str = ""


def sheets(petition: Petition) -> list[Sheet]:
    """Return every language but the authoritative one, those in the petition first."""
    definition = drafts.definition_of(petition)
    rows = {row.language: row for row in petition.translations.order_by("language")}
    joined = [language for language in definition.languages if language != definition.authoritative]
    waiting = [
        language for language, row in rows.items() if row.state == State.WAITING and language not in joined
    ]
    return [_sheet(definition, language, rows.get(language)) for language in (*joined, *waiting)]


def sheet(petition: Petition, language: str) -> Sheet | None:
    """Return one language; None if the petition has none such, or it is the authoritative one."""
    return next((one for one in sheets(petition) if one.language == language), None)


def _sheet(definition: Definition, language: str, row: Translation | None) -> Sheet:
    source = pieces_of(definition, definition.authoritative)
    joined = language in definition.languages
    texts = pieces_of(definition, language) if joined else (row.pieces if row else {})
    marks = row.marks if row else {}
    found = []
    for key in dict.fromkeys([*source, *(key for key in texts if joined)]):
        words, text = source.get(key, ""), texts.get(key, "")
        text = "" if TO_COMPLETE in text else text
        if TO_COMPLETE in words or not (words or text):
            continue  # there is nothing to translate yet
        was, marked, _form = marks.get(key, ("", "", ""))
        outdated = bool(text) and marked == _hash(text) and was != words
        state = "missing" if not text else "extra" if not words else "outdated" if outdated else "done"
        found.append(Piece(key, words, text, state, was if outdated else ""))
    return Sheet(language, definition.authoritative, joined, tuple(found))


def save(user: User, petition: Petition, language: str, typed: Typed) -> Outcome:
    """Save what was typed in a language, piece by piece. Raises Refusal if the petition's text cannot change now."""
    with transaction.atomic():
        Petition.objects.select_for_update().get(pk=petition.pk)
        files = drafts.export_files(petition.slug)
        definition = folder.parse(files)
        source = pieces_of(definition, definition.authoritative)
        row, _ = Translation.objects.get_or_create(petition=petition, language=language)
        joined = language in definition.languages
        present = pieces_of(definition, language) if joined else dict(row.pieces)
        outcome = Outcome()
        wanted = _merged(present, source, row.marks, typed, joined, outcome)
        files = _tried(files, language, wanted, present, source, outcome)
        if joined and outcome.changed:
            drafts.import_files(files)
            row.refresh_from_db()  # import_files has noted the sources
        if joined:
            row.state = State.JOINED
        else:
            row.pieces = {key: text for key, text in wanted.items() if text}
        _mark(row, wanted, source, typed, outcome.changed)
        if not joined:
            _join(petition, row, files, outcome)
        row.save()
        if outcome.changed or typed.right:
            audit.record(user, "translated", petition=petition, details=language)
    return outcome


def _merged(
    present: Mapping[str, str],
    source: Mapping[str, str],
    marks: Mapping[str, list[str]],
    typed: Typed,
    joined: bool,
    outcome: Outcome,
) -> dict[str, str]:
    """Return the pieces with those that were changed. A text that somebody else changed meanwhile is a conflict."""
    wanted = dict(present)
    for key, raw in typed.texts.items():
        if key not in source and not (joined and key in present):
            continue
        text, now = normal(key, raw), present.get(key, "")
        shown = "" if TO_COMPLETE in now else now
        saw = typed.seen.get(key, "").partition(".")[2] or _hash(shown)
        if text == shown or _hash(text) == saw:
            continue
        own = typed.form and marks.get(key, [])[1:] == [_hash(shown), typed.form]
        if saw != _hash(shown) and not own:
            outcome.conflicts[key] = shown
        elif text and (fault := fault_of(key, text)):
            outcome.faults[key] = fault
        else:
            wanted[key] = text
            outcome.changed.append(key)
    return wanted


def _tried(
    files: Mapping[str, str],
    language: str,
    wanted: dict[str, str],
    present: Mapping[str, str],
    source: Mapping[str, str],
    outcome: Outcome,
) -> dict[str, str]:
    """Return the files with the language as if it were complete. Take back what they cannot have."""
    joined = language in folder.parse(files).languages
    while True:
        try:
            return with_pieces(files, language, wanted if joined else filled(wanted, source))
        except PieceError as error:
            outcome.faults |= error.faults
            if not outcome.changed:
                return dict(files)
            for key in [key for key in outcome.changed if key in error.faults] or list(outcome.changed):
                outcome.changed.remove(key)
                wanted[key] = present.get(key, "")


def filled(pieces: Mapping[str, str], source: Mapping[str, str]) -> dict[str, str]:
    """Return the pieces with the source's words where there are none yet."""
    return {key: pieces.get(key, "") or words for key, words in source.items()}


def _mark(
    row: Translation,
    wanted: Mapping[str, str],
    source: Mapping[str, str],
    typed: Typed,
    changed: Collection[str],
) -> None:
    """Note from which source each changed piece was made: the one that its writer saw."""
    for key in changed:
        made_from, old = source.get(key, ""), row.marks.get(key, ["", "", ""])[0]
        if (saw := typed.seen.get(key, "").partition(".")[0]) and saw != _hash(made_from):
            made_from = old if saw == _hash(old) else ""
        row.marks[key] = [made_from, _hash(wanted[key]), typed.form]
    for key in typed.right:
        # Only of the two texts that the person saw.
        if typed.seen.get(key) == f"{_hash(source.get(key, ''))}.{_hash(wanted.get(key, ''))}":
            row.marks[key] = [source.get(key, ""), _hash(wanted.get(key, "")), typed.form]


def _join(petition: Petition, row: Translation, files: Mapping[str, str], outcome: Outcome) -> None:
    """Add a language to the petition's files, if it is complete and they can change now."""
    if (
        row.state != State.WAITING
        or outcome.faults
        or any(
            piece.state == "missing"
            for piece in _sheet(drafts.definition_of(petition), row.language, row).pieces
        )
    ):
        return
    try:
        with transaction.atomic():
            drafts.import_files(files)
    except Refusal as error:
        outcome.waits = said(error)
    else:
        noted = Translation.objects.get(pk=row.pk).marks
        row.state, row.pieces, row.marks = State.JOINED, {}, {**noted, **row.marks}
        outcome.joined = True


def note_sources(petition: Petition, files: Mapping[str, str]) -> None:
    """Note of each changed translation in a saved draft from which source it was made."""
    try:
        definition = folder.parse(files)
    except FolderError:
        return
    source = pieces_of(definition, definition.authoritative)
    for language in definition.languages:
        if language == definition.authoritative:
            continue
        row, _ = Translation.objects.get_or_create(petition=petition, language=language)
        for key, text in pieces_of(definition, language).items():
            if text and TO_COMPLETE not in text and row.marks.get(key, ["", "", ""])[1] != _hash(text):
                row.marks[key] = [source.get(key, ""), _hash(text), ""]
        row.state = State.JOINED
        row.save()
    gone = petition.translations.filter(state=State.JOINED).exclude(language__in=definition.languages)
    gone.update(state=State.REMOVED)


def with_language(petition: Petition, language: str) -> dict[str, str]:
    """Return the files as they will be with a language that waits; what it lacks is in the authoritative language.

    Raises FolderError if they cannot be used.
    """
    files = drafts.export_files(petition.slug)
    row = petition.translations.filter(language=language, state=State.WAITING).first()
    definition = folder.parse(files)
    if row is None or language in definition.languages:
        return files
    try:
        return with_pieces(
            files, language, filled(row.pieces, pieces_of(definition, definition.authoritative))
        )
    except PieceError as error:
        raise FolderError([Problem(f"{language}.md", 1, f"It does not fit the petition: {error}")]) from error


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def seen_of(source: str, text: str) -> str:
    """Return what `Piece.seen` is for two texts, as a table gives them."""
    return f"{_hash(source)}.{_hash(text)}"

"""The numbers of one petition: how they fit together, how they grew, where they come from. Each table also as CSV."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from sabal.accounts.acts import Act
from sabal.database import Database
from sabal.desk.access import of_petition
from sabal.desk.numbers import Batch, Numbers, batches_of, connected, numbers_of
from sabal.desk.signatureforms import WHY_HELD
from sabal.desk.titles import public_definition_of, title_of
from sabal.pages import charts
from sabal.petitions.countries import country_name
from sabal.petitions.definition import Definition
from sabal.petitions.growth import Part, fitting_step, parts
from sabal.petitions.locales import locale_of
from sabal.petitions.models import Petition
from sabal.spreadsheet import csv_line

IN_CHART = 8  # named bars; the table has all
Item = tuple[str, int]


@require_safe
@of_petition(Act.VIEW)
def show(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Show the numbers with their charts. A draft has none yet."""
    context: dict[str, object] = {"petition": petition, "title": title_of(petition)}
    definition = public_definition_of(petition)
    if petition.state != Petition.State.DRAFT and definition is not None:
        before = _page(request)
        with connected() as database:
            numbers = numbers_of(database, petition, definition)
            batches = [] if numbers.profile.guarded else batches_of(database, petition.pk, before)
        context |= _shown(numbers) | {
            "batches": batches,
            "older": batches[-1].number if batches and batches[-1].number > 0 else None,
            "newest": before is None,
        }
    return render(request, "desk/numbers.html", context)


@require_safe
@of_petition(Act.VIEW)
def as_csv(request: HttpRequest, petition: Petition, kind: str) -> HttpResponse:
    """Answer with one table as CSV, safe for spreadsheets."""
    definition = public_definition_of(petition)
    if kind not in TABLES or petition.state == Petition.State.DRAFT or definition is None:
        raise Http404
    with connected() as database:
        lines = TABLES[kind](database, petition, definition)
        body = "".join(["\ufeff", *(csv_line([str(cell) for cell in line]) for line in lines)])
    return HttpResponse(
        body,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{petition.slug}-{kind}.csv"'},
    )


def _page(request: HttpRequest) -> int | None:
    """Return the number of the batch before which the list begins; None for the newest ones."""
    before = request.GET.get("before", "")
    return int(before) if before.isascii() and before.isdigit() and len(before) < 10 else None


def _shown(numbers: Numbers) -> dict[str, object]:
    step = fitting_step(numbers.history, numbers.shortest)
    found, language = parts(numbers.history, step), get_language() or "en"
    countries, languages = _countries(numbers, language), _languages(numbers, language)
    label = gettext("A chart of the numbers in the table below.")
    return {
        "numbers": numbers,
        "counts": numbers.counts,
        "held": [(WHY_HELD.get(why, ""), n) for why, n in numbers.now.held] if numbers.now else [],
        "step": step.value,
        "parts": found[::-1],
        "total": charts.growth(found, step, label, language),
        "added": charts.added(found, step, label, language),
        "countries": countries,
        "elsewhere": numbers.not_named(countries),
        "other_languages": numbers.not_named(languages),
        "countries_chart": _chart(countries, label, language),
        "languages": languages,
        "languages_chart": _chart(languages, label, language),
    }


def _chart(items: Sequence[Item], label: str, language: str) -> SafeString | None:
    return charts.shares(items[:IN_CHART], label, language) if items else None


def _countries(numbers: Numbers, language: str) -> list[Item]:
    shown = () if numbers.gathering else numbers.counts.countries
    return [(country_name(code, language), n) for code, n in shown]


def _languages(numbers: Numbers, language: str) -> list[Item]:
    shown = () if numbers.gathering else numbers.languages
    return [(_name_of(code, language), n) for code, n in shown]


def _name_of(code: str, language: str) -> str:
    return str(locale_of(code).get_display_name(locale_of(language)) or code)


def _days_table(database: Database, petition: Petition, definition: Definition) -> Iterator[Sequence[object]]:
    numbers = numbers_of(database, petition, definition)
    yield ("first day", "last day", "confirmed", "withdrawn", "invalidated", "counted at the end")
    for part in parts(numbers.history, numbers.shortest):
        yield _part_line(part)


def _part_line(part: Part) -> Sequence[object]:
    return (part.first, part.last, part.confirmed, part.withdrawn, part.invalidated, part.counted)


def _batches_table(
    database: Database, petition: Petition, definition: Definition
) -> Iterator[Sequence[object]]:
    yield ("batch", "day", "confirmed", "withdrawn", "invalidated", "entries of the log")
    if numbers_of(database, petition, definition).profile.guarded:
        return
    before: int | None = None
    while batches := batches_of(database, petition.pk, before, limit=1_000):
        yield from map(_batch_line, batches)
        before = batches[-1].number


def _batch_line(batch: Batch) -> Sequence[object]:
    added = ("" if n is None else n for n in (batch.confirmed, batch.withdrawn, batch.invalidated))
    return (batch.number, batch.day, *added, batch.size)


def _countries_table(
    database: Database, petition: Petition, definition: Definition
) -> Iterator[Sequence[object]]:
    numbers = numbers_of(database, petition, definition)
    return _named("country", _countries(numbers, "en"), numbers)


def _languages_table(
    database: Database, petition: Petition, definition: Definition
) -> Iterator[Sequence[object]]:
    numbers = numbers_of(database, petition, definition)
    return _named("language", _languages(numbers, "en"), numbers)


def _sources_table(
    database: Database, petition: Petition, definition: Definition
) -> Iterator[Sequence[object]]:
    numbers = numbers_of(database, petition, definition)
    yield ("word in the address", "forms sent")
    if numbers.profile.guarded:
        return
    yield from ((one.word, one.forms) for one in numbers.sources)
    yield ("other ways", numbers.other_forms)


def _named(kind: str, items: Sequence[Item], numbers: Numbers) -> Iterator[Sequence[object]]:
    """Yield a table of named numbers that sums up to what counts."""
    yield (kind, "signatures")
    yield from items
    yield ("not listed or not known", numbers.not_named(items))
    yield ("no longer counted", -numbers.counts.no_longer_known)


TABLES: dict[str, Callable[[Database, Petition, Definition], Iterable[Sequence[object]]]] = {
    "growth": _days_table,
    "batches": _batches_table,
    "countries": _countries_table,
    "languages": _languages_table,
    "sources": _sources_table,
}

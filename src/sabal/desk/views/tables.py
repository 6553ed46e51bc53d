"""One language as a table for a translator outside: get it, give it back, see what it changes, and only then save."""

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from sabal.accounts.acts import Act
from sabal.desk import tables, translating
from sabal.desk.access import of_petition
from sabal.desk.pieces import names_of, sentence
from sabal.desk.tables import TranslationTable
from sabal.desk.translating import Sheet, seen_of
from sabal.desk.views.languages import named_for_reader, of_page, progress
from sabal.desk.workbook import NotATable
from sabal.petitions.history import Paragraph, changed_words
from sabal.petitions.models import Petition
from sabal.petitions.pieces import fault_of, normal

KINDS = {
    "xlsx": (tables.as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": (tables.as_csv, "text/csv; charset=utf-8"),
}
WHY_NOT = {
    "broken": gettext_lazy(
        "This file cannot be read as a table. Save it again as .xlsx or as CSV (UTF-8), and choose that file."
    ),
    "large": gettext_lazy(
        "This file is too large to be the table of a petition: at most 5 MB and 5,000 rows."
    ),
    "macros": gettext_lazy(
        "This file contains macros. Save it without them, as .xlsx, and choose that file."
    ),
    "empty": gettext_lazy("This table is empty."),
    "old": gettext_lazy("This is a file of an old Excel (.xls). Save it as .xlsx, and choose that file."),
    "encoding": gettext_lazy("This is not text in UTF-8. Save it again as “CSV UTF-8” or as .xlsx."),
    "columns": gettext_lazy(
        "The first rows of this table do not name its columns. Begin with the table from this page, and leave its first"
        " row as it is."
    ),
    "none": gettext_lazy("Choose the file of the table first."),
}


@dataclass(frozen=True)
class PieceChange:
    """A piece that the table changes."""

    key: str
    name: str
    text: str
    seen: str
    words: Paragraph
    fault: str
    source_differs: bool


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.TRANSLATE)
def show(request: HttpRequest, petition: Petition, language: str) -> HttpResponse:
    """Offer the table; on POST show what a filled one would change. Nothing is saved here."""
    sheet = _sheet(petition, language)
    context = {
        **of_page(request, petition),
        "sheet": sheet,
        "language": named_for_reader(language),
        "progress": progress(sheet),
        "columns": {name: str(said) for name, said in tables.HEADINGS.items()},
    }
    if request.method != "POST":
        return render(request, "desk/table.html", context)
    try:
        file = request.FILES.get("file")
        if file is None:
            raise NotATable("none")
        if (file.size or 0) > tables.MOST_BYTES:
            raise NotATable("large")
        table = tables.read(file.read(), sheet)
    except NotATable as error:
        return render(request, "desk/table.html", {**context, "why_not": WHY_NOT[error.code]}, status=422)
    changes = _changes(sheet, table)
    context |= {
        "changes": changes,
        "table": table,
        "bad": _bad(table),
        "same": len(table.rows) - len(changes),
    }
    return render(request, "desk/table_read.html", context)


@require_safe
@of_petition(Act.TRANSLATE)
def file(request: HttpRequest, petition: Petition, language: str, kind: str) -> HttpResponseBase:
    """Answer with the table as a file."""
    sheet = _sheet(petition, language)
    if kind not in KINDS:
        raise Http404
    make, content_type = KINDS[kind]
    name = f"{petition.slug}-{language}.{kind}"
    return HttpResponse(
        make(sheet, named_for_reader(sheet.authoritative), named_for_reader(language)),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _sheet(petition: Petition, language: str) -> Sheet:
    sheet = translating.sheet(petition, language)
    if sheet is None:
        raise Http404
    return sheet


def _changes(sheet: Sheet, table: TranslationTable) -> list[PieceChange]:
    pieces, names = {piece.key: piece for piece in sheet.pieces}, names_of(sheet)
    found = []
    for row in table.rows:
        piece, text = pieces[row.key], normal(row.key, row.text)
        if text == piece.text:
            continue
        fault = fault_of(row.key, text)
        found.append(
            PieceChange(
                key=row.key,
                name=names[row.key],
                text=text,
                seen=seen_of(row.source or piece.source, piece.text),
                words=changed_words(piece.text, text),
                fault=sentence(fault, row.key) if fault else "",
                source_differs=bool(row.source) and row.source != normal(row.key, piece.source),
            )
        )
    return found


def _bad(table: TranslationTable) -> list[str]:
    """Return a sentence for each row that cannot be used."""
    said = {
        "unknown": _("Row %(row)s: there is no piece “%(key)s”. Its text is not used."),
        "twice": _("Row %(row)s: the piece “%(key)s” is there twice. Only the first is used."),
    }
    return [said[code] % {"row": number, "key": key} for number, code, key in table.bad]

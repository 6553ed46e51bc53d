"""The names of a petition: sealed records are downloaded, and deleted here once it is shown that they open."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal import database as raw
from sabal import settings
from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.checking.bundle import write_bundle
from sabal.checking.reading import read
from sabal.database import Database
from sabal.desk.access import of_petition, user_of
from sabal.desk.downloads import Spooled
from sabal.desk.signatureforms import DrainCode
from sabal.desk.titles import title_of
from sabal.ledger.exports import SealedExport
from sabal.organiser.bundle import carried
from sabal.organiser.page import organiser_page
from sabal.petitions.models import Petition
from sabal.signing import drain

Result = TypeVar("Result")


@require_safe
@of_petition(Act.EXPORT, dangerous=True)
def show(request: HttpRequest, petition: Petition) -> HttpResponse:
    """Say what the file is, how it is opened, and how the server forgets what it contains."""
    return _page(request, petition, DrainCode())


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EXPORT, dangerous=True)
def download(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Answer with the sealed records. It changes which code deletes them, so only a POST gets them."""
    if request.method != "POST" or petition.state == Petition.State.DRAFT:
        return _back(petition)
    with Spooled.begin() as file, closing(raw.connect()) as database:
        export = SealedExport(database, petition.slug)
        audit.record(user_of(request), "names-fetched", petition=petition)
        file.write_all(export.pieces())
        export.expect_code()
    return file.response(f"{petition.slug}-{datetime.now(UTC):%Y-%m-%d}.jsonl", "application/octet-stream")


@require_POST
@of_petition(Act.EXPORT)
def delete(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Plan the deletion of the records, if the code shows that all of them open."""
    form = DrainCode(request.POST)
    if form.is_valid():
        code, today = form.cleaned_data["code"], datetime.now(UTC).date()
        try:
            day = _with_database(lambda database: drain.accept(database, petition.pk, code, today))
        except drain.NothingExpected:
            form.add_error(
                "code", gettext("No file is waiting for its code. Download the file and open it first.")
            )
        except drain.WrongCode:
            form.add_error(
                "code",
                gettext(
                    "This code does not fit. Copy it again, whole. If it still does not fit, it is not of the newest"
                    " file: open the file that was downloaded last, and enter the code that is shown for it. Nothing"
                    " will be deleted."
                ),
            )
        else:
            audit.record(user_of(request), "drain-planned", petition=petition, details=day.isoformat())
            return _back(petition)
    return _page(request, petition, form)


@require_POST
@of_petition(Act.EXPORT)
def keep(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Cancel the planned deletion."""
    if _with_database(
        lambda database: drain.due(database, petition.pk) and drain.undo(database, petition.pk)
    ):
        audit.record(user_of(request), "drain-undone", petition=petition)
    return _back(petition)


@require_safe
@of_petition(Act.VIEW)
def log(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Answer with the bundle: the whole public log in one file that anyone can check. It contains no name."""
    folder = settings.DATA / "public" / petition.slug / "log"
    if petition.state == Petition.State.DRAFT or not folder.is_dir():
        context = {
            "reason": gettext("The public log does not exist yet. It begins when the petition is published.")
        }
        return render(request, "desk/refused.html", context, status=409)
    copy = read(str(folder))
    with Spooled.begin() as file:
        write_bundle(file.file, copy, carried())
    return file.response(f"{petition.slug}-log.zip", "application/zip")


def _with_database(do: Callable[[Database], Result]) -> Result:
    with closing(raw.connect()) as database:
        return do(database)


def _back(petition: Petition) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("names", args=[petition.slug]))


def _page(request: HttpRequest, petition: Petition, form: DrainCode) -> HttpResponse:
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "due": _with_database(lambda database: drain.due(database, petition.pk)),
        "undo_days": drain.UNDO_DAYS,
        "page": organiser_page(),
    }
    return render(request, "desk/names.html", context, status=422 if form.errors else 200)

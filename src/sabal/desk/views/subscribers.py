"""Subscribers of an organisation: numbers, bounces, import and export. Their addresses are on no page."""

from collections import Counter
from contextlib import closing
from datetime import date

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal import database as raw
from sabal import days
from sabal.accounts import audit, listowners, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, User
from sabal.bounces import totals
from sabal.bounces.reasons import Reason
from sabal.database import Database
from sabal.desk import newsletters, transferring
from sabal.desk.access import of_organisation, of_site, user_of
from sabal.desk.downloads import Spooled
from sabal.desk.languages import named
from sabal.desk.subscriberforms import BOUNCED, ENDED, FAULTS, KNOWN, REFUSED, ImportForm
from sabal.desk.titles import title_of
from sabal.newsletter import growth, transfers
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import CONFIRMED
from sabal.newsletter.transfers import ConsentProof, Transfer, TransferKind, TransferState
from sabal.petitions.models import Petition


@require_safe
@of_site(Act.VIEW)
def choose(request: HttpRequest) -> HttpResponseBase:
    """List the organisations whose subscribers this person may see. The only one is opened at once."""
    found = roles.organisations_where(user_of(request), Act.VIEW)
    if len(found) == 1:
        return HttpResponseRedirect(reverse("subscribers", args=[found[0].key]))
    return render(request, "desk/subscribers_choose.html", {"organisations": found})


@require_safe
@of_organisation(Act.VIEW)
def show(request: HttpRequest, organisation: Organisation) -> HttpResponse:
    """Show how many are subscribed to what, how that grew, and what came back."""
    person = user_of(request)
    may_transfer = Act.EXPORT in roles.in_organisation(person, organisation)
    keys = listowners.keys_of(organisation)
    key = _asked(request, keys) or next(iter(keys), "")
    if not key:
        return render(request, "desk/subscribers.html", {"organisation": organisation})
    with closing(raw.connect()) as database:
        months = growth.months(database, key)
        by_list = totals.by_list(database, key)
        # The sum would tell the number of a list that is not shown.
        hidden = {of for of in by_list if newsletters.hides_numbers(of, person, organisation)}
        bounced = sum((n for of, n in by_list.items() if of not in hidden), Counter[Reason]())
        files = transfers.of_organisation(database, key) if may_transfer else []
        context = {
            "organisation": organisation,
            "key": key,
            "keys": keys,
            **_newsletter(database, key),
            "updates": _updates(database, key, person, organisation),
            "months": [
                {"month": date.fromisoformat(f"{one.first}-01"), "one": one, "left": one.left.total()}
                for one in months
            ],
            "ended": [
                (word, n) for why, word in ENDED.items() if (n := sum(one.left[why] for one in months))
            ],
            "bounced": [(word, bounced[reason]) for reason, word in BOUNCED.items() if bounced[reason]],
            "may_transfer": may_transfer,
            "files": [_file(one) for one in files],
        }
    return render(request, "desk/subscribers.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.EXPORT)
def import_(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Show the form of an import; on POST let the worker check the list. Of several newsletters one must be named."""
    keys = listowners.keys_of(organisation)
    key = _asked(request, keys)
    if not key:
        return HttpResponseRedirect(reverse("subscribers", args=[organisation.key]))
    form = ImportForm()
    if request.method == "POST":
        form = ImportForm(request.POST, request.FILES)
        if form.is_valid():
            said = form.cleaned_data
            proof = ConsentProof(said["place"], days.number(said["day"]), said["sentence"].strip())
            number = transferring.ask_import(user_of(request), key, said["file"], said["language"], proof)
            return HttpResponseRedirect(reverse("transfer", args=[organisation.key, number]))
    context = {"organisation": organisation, "form": form, "key": key, "keys": keys}
    return render(request, "desk/subscribers_import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.EXPORT, dangerous=True)
def export(request: HttpRequest, organisation: Organisation) -> HttpResponseBase:
    """Let the worker write the subscribers to a file. Only a POST does. Of several newsletters one must be named."""
    key = _asked(request, listowners.keys_of(organisation))
    if request.method != "POST" or not key:
        return HttpResponseRedirect(reverse("subscribers", args=[organisation.key]))
    number = transferring.ask_export(user_of(request), organisation, key)
    return HttpResponseRedirect(reverse("transfer", args=[organisation.key, number]))


@require_safe
@of_organisation(Act.EXPORT)
def transfer(request: HttpRequest, organisation: Organisation, number: int) -> HttpResponse:
    """Show what a file would change, how far it is, or what came of it. It loads itself again while it runs."""
    found = _found(organisation, number)
    numbers = {key: value for key, value in found.numbers.items() if isinstance(value, int)}
    with closing(raw.connect()) as database:
        sentence = transfers.sentence_of(database, found.consent)
    context = {
        "organisation": organisation,
        "keys": listowners.keys_of(organisation),
        **_file(found),
        "good": numbers.get("good", 0),
        "added": numbers.get("added", 0),
        "faults": [(word, numbers[kind]) for kind, word in FAULTS.items() if numbers.get(kind)],
        "known": [(word, numbers[kind]) for kind, word in KNOWN.items() if numbers.get(kind)],
        "why": REFUSED.get(str(found.numbers.get("why", "")), REFUSED["failed"]),
        "sentence": sentence,
        "consented": None if found.consented is None else days.date_of(found.consented),
        "gone": REFUSED["gone"]
        if found.state == TransferState.CHECKED and not transferring.has_good_rows(found)
        else "",
        "has_rest": transferring.file_of(number, "rest").exists(),
        "lacks_days": bool(numbers.get("lacks_days")),
        "has_export": transferring.file_of(number, "export").exists(),
    }
    response = render(request, "desk/transfer.html", context)
    if found.state in (TransferState.CHECKING, TransferState.WORKING):
        response.headers["Refresh"] = "1"
    return response


@require_POST
@of_organisation(Act.EXPORT)
def begin(request: HttpRequest, organisation: Organisation, number: int) -> HttpResponseBase:
    """Import what was checked."""
    transferring.begin(_found(organisation, number))
    return HttpResponseRedirect(reverse("transfer", args=[organisation.key, number]))


@require_POST
@of_organisation(Act.EXPORT)
def stop(request: HttpRequest, organisation: Organisation, number: int) -> HttpResponseBase:
    """Stop what runs, or forget a list that is not imported."""
    transferring.stop(_found(organisation, number))
    return HttpResponseRedirect(reverse("transfer", args=[organisation.key, number]))


@require_http_methods(["GET", "HEAD", "POST"])
@of_organisation(Act.EXPORT, dangerous=True)
def download(request: HttpRequest, organisation: Organisation, number: int) -> HttpResponseBase:
    """Answer with an export, once, or with the rows that an import left out. Only a POST gets them."""
    found = _found(organisation, number)
    what = "export" if found.kind is TransferKind.EXPORT else "rest"
    path = transferring.file_of(number, what)
    if request.method != "POST" or not path.exists():
        return HttpResponseRedirect(reverse("transfer", args=[organisation.key, number]))
    audit.record(user_of(request), "list-downloaded", organisation=organisation, details=what)
    with Spooled.begin() as file, path.open("rb") as source:
        file.write_all(iter(lambda: source.read(65_536), b""))
    if found.kind is TransferKind.EXPORT:
        path.unlink(missing_ok=True)  # it has addresses in clear text; another one is soon written
    name = "subscribers" if found.kind is TransferKind.EXPORT else "not-imported"
    return file.response(f"{organisation.key}-{name}.csv", "text/csv; charset=utf-8")


def _asked(request: HttpRequest, keys: list[str]) -> str:
    """Return the key of the newsletter that is meant; empty if none of several is named. Raises Http404 if unknown."""
    wanted = request.POST.get("list") or request.GET.get("list", "")
    if wanted and wanted not in keys:
        raise Http404
    return wanted or (keys[0] if len(keys) == 1 else "")


def _found(organisation: Organisation, number: int) -> Transfer:
    with closing(raw.connect()) as database:
        found = transfers.find(database, listowners.keys_of(organisation), number)
    if found is None:
        raise Http404
    return found


def _file(one: Transfer) -> dict[str, object]:
    return {
        "transfer": one,
        "state": one.state.name.lower(),
        "is_import": one.kind is TransferKind.IMPORT,
        "day": days.date_of(one.day),
        "user": User.objects.filter(pk=one.user_id).first(),
    }


def _newsletter(database: Database, key: str) -> dict[str, object]:
    """Return the numbers of the newsletter: by language, and how many have not confirmed yet."""
    rows = database.query(
        "SELECT language, state, COUNT(*) FROM newsletter_subscription WHERE organisation = ? AND petition_id = 0"
        " GROUP BY language, state",
        (key,),
    )
    reader = get_language() or "en"
    languages = sorted(
        ((named(language, reader), n) for language, state, n in rows if state == CONFIRMED),
        key=lambda one: -one[1],
    )
    return {
        "languages": languages,
        "confirmed": sum(n for _, n in languages),
        "asked": sum(n for _, state, n in rows if state != CONFIRMED),
    }


def _updates(
    database: Database, key: str, person: User, organisation: Organisation
) -> list[dict[str, object]]:
    """Return how many get updates about each petition; `n` is None if this person may not see it."""
    rows = database.query(
        "SELECT petition_id, COUNT(*) FROM newsletter_subscription WHERE organisation = ? AND petition_id <> 0"
        f" AND state = {CONFIRMED} GROUP BY petition_id ORDER BY 2 DESC",
        (key,),
    )
    numbers: dict[int, int] = dict(rows)
    found: list[dict[str, object]] = []
    for petition in Petition.objects.filter(pk__in=numbers).select_related("version"):
        hides = newsletters.hides_numbers(MailingList(key, petition.pk), person, organisation)
        found.append({"title": title_of(petition), "n": None if hides else numbers[petition.pk]})
    return found

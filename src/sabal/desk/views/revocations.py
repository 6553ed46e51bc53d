"""Signatures that an audit found to be duplicates or automated: the file, its effect, the work, the result."""

import io
from collections import Counter

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts.acts import Act
from sabal.desk import moderating, tasks
from sabal.desk.access import of_petition, user_of
from sabal.desk.models import Moderation
from sabal.desk.numbers import counts_by_petition
from sabal.desk.signatureforms import MOST_BYTES, REASONS, REFUSED, WHY_HELD, PublicReason, RevocationFile
from sabal.desk.titles import title_of
from sabal.desk.views.jobs import is_late
from sabal.organiser.page import organiser_page
from sabal.petitions.counts import Counts
from sabal.petitions.models import Petition
from sabal.records.revocations import RevocationsError
from tlog.entry import Reason

SHOWN = 10  # of the reasons in a file, and of the files on a page
Verb = Moderation.Verb


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.MODERATE)
def index(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Show what a file of revocations is and which there were; on POST check one."""
    form = RevocationFile(request.POST or None, request.FILES or None)
    if request.method == "POST":
        form = RevocationFile(request.POST, request.FILES)
        if _length(request) > MOST_BYTES:
            form.add_error(
                "file", gettext("This file is larger than 12 MB. Choose the file that the audit made.")
            )
        elif form.is_valid() and petition.state != Petition.State.DRAFT:
            try:
                checked = moderating.check_file(user_of(request), petition, _bytes(form.cleaned_data["file"]))
                return _to(checked)
            except RevocationsError as error:
                another = error.kind == "no-object" and error.values["line"] == 1  # another kind of file
                form.add_error("file", REFUSED["no-file" if another else error.kind] % error.values)
    moderations = Moderation.objects.filter(petition=petition, verb=Verb.REVOKE).select_related("job", "user")
    context = {
        "petition": petition,
        "title": title_of(petition),
        "form": form,
        "moderations": moderations.order_by("-pk")[:SHOWN],
        "tab": "revocations",
        "page": organiser_page(),
    }
    return render(request, "desk/revocations.html", context, status=422 if form.errors else 200)


@require_safe
@of_petition(Act.MODERATE)
def show(request: HttpRequest, petition: Petition, pk: int) -> HttpResponse:
    """Show what a request does, how far it is, or what came of it. The page loads itself again while it runs."""
    found = _found(petition, pk)
    response = _page(request, petition, found, PublicReason(as_file=True))
    if found.job is not None and found.job.ended_at is None:
        response.headers["Refresh"] = "1"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.MODERATE, dangerous=True)
def begin(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Let the worker revoke what the file names, for the reason that was chosen."""
    found = _found(petition, pk)
    if request.method != "POST" or found.verb != Verb.REVOKE or not found.content:
        return _to(found)
    form = PublicReason(request.POST, as_file=True)
    if not form.is_valid():
        return _page(request, petition, found, form)
    found.reason = form.cleaned_data["reason"]
    return _to(moderating.ask(found, user_of(request), tasks.run.enqueue))


@require_POST
@of_petition(Act.MODERATE)
def stop(request: HttpRequest, petition: Petition, pk: int) -> HttpResponseBase:
    """Stop a request that runs, or forget one that has not begun. What was done stays done."""
    found = _found(petition, pk)
    if found.job is None:
        found.delete()
        return HttpResponseRedirect(reverse("revocations", args=[petition.slug]))
    Moderation.objects.filter(pk=pk).update(stop=True)
    tasks.cancel(found.job)
    return _to(found)


def _found(petition: Petition, pk: int) -> Moderation:
    found = Moderation.objects.filter(pk=pk, petition=petition).select_related("job", "user").first()
    if found is None:
        raise Http404
    return found


def _to(moderation: Moderation) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("moderation", args=[moderation.petition.slug, moderation.pk]))


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


def _bytes(file: "UploadedFile[bytes]") -> io.BytesIO:
    return io.BytesIO(file.read())


def _page(request: HttpRequest, petition: Petition, found: Moderation, form: PublicReason) -> HttpResponse:
    counts = counts_by_petition().get(petition.pk, Counts())
    context = {
        "petition": petition,
        "title": title_of(petition),
        "moderation": found,
        "job": found.job,
        "late": found.job is not None and is_late(found.job),
        "stopped": found.stop and found.done < found.total,
        "why_held": WHY_HELD.get(found.why, ""),
        "reason": REASONS.get(Reason(found.reason)) if found.reason else "",
        "form": form,
        "counted": counts.counted,
        "after": counts.counted - found.total,
        **_content(found),
    }
    return render(request, "desk/moderation.html", context, status=422 if form.errors else 200)


def _content(found: Moderation) -> dict[str, object]:
    """Return what a file that waits says: the numbers by reason, and by the words of the audit."""
    if found.job is not None or not found.content:
        return {}
    proposed = moderating.proposed_by(found)
    by_reason = Counter(item.reason for item in proposed.items)
    by_why = Counter(item.why for item in proposed.items)
    return {
        "by_reason": [(REASONS[reason], by_reason[reason]) for reason in sorted(by_reason)],
        "by_why": by_why.most_common(SHOWN),
        "more": max(0, len(by_why) - SHOWN),
    }

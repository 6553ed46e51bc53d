"""The organiser's key: choose its public half, and check that the key opens what is encrypted to it."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from sabal import keyfile
from sabal.accounts import audit
from sabal.accounts.acts import Act
from sabal.desk.access import of_petition, user_of
from sabal.desk.forms import CheckCode, PublicKey
from sabal.desk.refusals import said
from sabal.desk.titles import definition_of, public_definition_of, title_of
from sabal.organiser.page import organiser_page
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.refusal import Refusal


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH, dangerous=True)
def choose(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Show the key and the check; on POST take a public key."""
    form = PublicKey(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            keys = tuple(keyfile.recipients_in(form.cleaned_data["key"]))
            with transaction.atomic():
                drafts.use_keys(petition.slug, keys)
                audit.record(user_of(request), "key-chosen", petition=petition)
            return HttpResponseRedirect(reverse("key", args=[petition.slug]))
        except Refusal as error:
            form = PublicKey({"key": ""})  # what was pasted may be secret: it is not shown again
            form.errors.clear()
            form.add_error("key", said(error))
    return _page(request, petition, form, CheckCode())


@require_POST
@of_petition(Act.PUBLISH)
def check_file(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Answer with a new code, encrypted to the key. It replaces an older code."""
    if not _is_new(petition):
        raise Refusal(
            gettext("The key of a petition that takes signatures was checked before it was published.")
        )
    sealed = drafts.key_check(petition.slug)
    name = f"{petition.slug}-check.age"
    return HttpResponse(
        sealed,
        content_type="application/octet-stream",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_POST
@of_petition(Act.PUBLISH)
def answer(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Take the code that the key opened."""
    form = CheckCode(request.POST)
    if form.is_valid():
        try:
            with transaction.atomic():
                drafts.answer_key_check(petition.slug, form.cleaned_data["code"])
                audit.record(user_of(request), "key-checked", petition=petition)
            return HttpResponseRedirect(_next(petition))
        except Refusal as error:
            form.add_error("code", said(error))
    return _page(request, petition, PublicKey(), form)


def _is_new(petition: Petition) -> bool:
    """Return whether the newest text has another key than the public one. Only such a key is checked."""
    if petition.state == Petition.State.DRAFT:
        return True
    amended = definition_of(petition)
    public = public_definition_of(petition)
    return bool(amended and public and amended.organiser_keys != public.organiser_keys)


def _next(petition: Petition) -> str:
    page = "publish" if petition.state == Petition.State.DRAFT else "amendment"
    return reverse(page, args=[petition.slug])


def _page(request: HttpRequest, petition: Petition, key: PublicKey, code: CheckCode) -> HttpResponse:
    definition = definition_of(petition)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "keys": definition.organiser_keys if definition else (),
        "form": key,
        "code_form": code,
        "answered": petition.key_check_answered,
        "page": organiser_page(),
        "is_draft": petition.state == Petition.State.DRAFT,
        "may_check": _is_new(petition),
        "next": _next(petition),
    }
    return render(request, "desk/key.html", context, status=422 if key.errors or code.errors else 200)

"""Updates about a petition: a list, writing one with its preview. `updatepublishing.py` publishes and takes back."""

import hashlib
import time
from dataclasses import replace
from datetime import UTC, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.desk.access import of_petition, user_of
from sabal.desk.framed import framed, identity_of
from sabal.desk.rows import action_of
from sabal.desk.titles import title_of
from sabal.desk.updateforms import PaceForm, UpdateForm
from sabal.desk.updaterows import address_of, are_emailed, definition_of, find_post, is_public, row_of
from sabal.pages import updates as pages
from sabal.petitions.models import Petition
from sabal.petitions.posts import PostPicture, PublicPost
from sabal.petitions.progress import Progress
from sabal.petitions.snapshot import draft
from sabal.refusal import Refusal
from sabal.updates import writing
from sabal.updates.emailing import next_email
from sabal.updates.models import Pace, Post
from sabal.updates.writing import WrittenPost


@require_safe
@of_petition(Act.VIEW)
def index(request: HttpRequest, petition: Petition) -> HttpResponse:
    """List the updates, the newest first, with their state."""
    definition = definition_of(petition)
    acts = roles.in_petition(user_of(request), petition)
    now = int(time.time())
    posts = Post.objects.filter(petition=petition).order_by("-number").prefetch_related("versions")
    pace = Pace.objects.filter(petition=petition).values_list("days", flat=True).first() or 0
    coming = next_email(petition, now)
    offers = are_emailed(petition)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "rows": [row_of(post, definition, now) for post in posts],
        "may_edit_this": Act.EDIT in acts,
        "may_send": Act.SEND in acts,
        "offers": offers,
        "given": definition.updates and not offers,
        "pace": PaceForm(initial={"days": pace}),
        "next_email": datetime.fromtimestamp(coming, UTC) if coming > now else None,
        "address": address_of(petition, definition.authoritative),
    }
    return render(request, "desk/updates.html", context)


@require_POST
@of_petition(Act.SEND)
def pace(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Choose how often updates are emailed at most."""
    form = PaceForm(request.POST)
    if not form.is_valid():
        raise Refusal(gettext("Choose how often."))
    writing.set_pace(petition, form.cleaned_data["days"], user=user_of(request))
    messages.success(request, gettext("Saved."))
    return HttpResponseRedirect(reverse("updates", args=[petition.slug]))


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def new(request: HttpRequest, petition: Petition) -> HttpResponseBase:
    """Write a new update."""
    return _edit(request, petition, None)


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def edit(request: HttpRequest, petition: Petition, number: int) -> HttpResponseBase:
    """Change what an update says. What is public stays as it is until the correction is published."""
    return _edit(request, petition, find_post(petition, number))


def _edit(request: HttpRequest, petition: Petition, post: Post | None) -> HttpResponseBase:
    definition, user = definition_of(petition), user_of(request)
    saved = writing.read(writing.newest(post)) if post else None
    form = UpdateForm(
        request.POST if request.method == "POST" else None,
        request.FILES or None,
        definition=definition,
        saved=saved,
        initial={"revision": post.revision if post else 0},
    )
    action = action_of(request.POST)
    if request.method == "POST" and form.is_valid():
        written, now = form.written(), int(time.time())
        if action.verb == "preview":
            return _preview(
                petition, written, post.number if post else 1, action.kind or definition.authoritative
            )
        if post is None:
            post = writing.begin(petition, written, user=user, now=now)
            return HttpResponseRedirect(reverse("update-review", args=[petition.slug, post.number]))
        if writing.save(post, written, revision=form.cleaned_data["revision"] or 0, user=user, now=now):
            return HttpResponseRedirect(reverse("update-review", args=[petition.slug, post.number]))
        form.add_error(
            None,
            gettext(
                "Somebody else changed this update while you were writing. Your text is still here. Copy what you"
                " need, then open this page anew."
            ),
        )
    elif request.method == "POST" and action.verb == "preview":
        mistakes = [{"field": "", "label": "", "sentence": one} for one in _sentences(form)]
        return render(request, "desk/preview_not_yet.html", {"mistakes": mistakes}, status=422)
    context = {
        "petition": petition,
        "title": title_of(petition),
        "post": post,
        "form": form,
        "is_public": post is not None and is_public(post),
        "languages": form.languages,
        "shown": definition.authoritative,
    }
    return render(request, "desk/update.html", context, status=422 if form.errors else 200)


@require_safe
@of_petition(Act.READ)
def preview(request: HttpRequest, petition: Petition, number: int, language: str) -> HttpResponse:
    """Answer with the page of the newest version of an update, as the public will see it."""
    post = find_post(petition, number)
    if language not in definition_of(petition).languages:
        raise Http404
    return _preview(petition, writing.read(writing.newest(post)), number, language)


@require_safe
@of_petition(Act.EDIT)
def picture(request: HttpRequest, petition: Petition, number: int) -> HttpResponse:
    """Answer with the picture of the newest version of an update."""
    newest = writing.newest(find_post(petition, number))
    if not newest.digest:
        raise Http404
    return HttpResponse(bytes(newest.picture), content_type="image/webp")


def _preview(petition: Petition, written: WrittenPost, number: int, language: str) -> HttpResponse:
    definition = definition_of(petition)
    if language not in definition.languages:
        language = definition.authoritative
    shown = written.picture
    post = PublicPost(
        number,
        int(time.time()),
        written.texts,
        PostPicture(hashlib.sha256(shown.data).hexdigest(), shown.width, shown.height, shown.data)
        if shown
        else None,
    )
    snapshot = replace(draft(definition, identity_of(petition)), progress=Progress(1, posts=(post,)))
    return framed(pages.update(snapshot, language, str(number)))


def _sentences(form: UpdateForm) -> list[str]:
    return [str(sentence) for errors in form.errors.values() for sentence in errors]

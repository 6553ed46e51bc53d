"""Updates about a petition: publishing one, publishing a correction, taking it back, discarding a draft."""

import time
from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import User
from sabal.desk import newsletters, planning
from sabal.desk.access import of_petition, user_of
from sabal.desk.titles import title_of
from sabal.desk.updateemails import email_of
from sabal.desk.updateforms import CorrectionForm, PublishUpdateForm
from sabal.desk.updaterows import are_emailed, definition_of, find_post, is_public, languages_of, row_of
from sabal.petitions.models import Petition
from sabal.updates import writing
from sabal.updates.models import Post


@require_safe
@of_petition(Act.EDIT)
def review(request: HttpRequest, petition: Petition, number: int) -> HttpResponse:
    """Show the update as the public will see it, and the form that publishes it."""
    post = find_post(petition, number)
    form = _publish_form(request, petition, post)
    return render(request, "desk/update_publish.html", _of_review(request, petition, post, form))


@require_POST
@of_petition(Act.PUBLISH)
def publish(request: HttpRequest, petition: Petition, number: int) -> HttpResponseBase:
    """Publish an update, now or at a time; of one that is public, publish the correction."""
    post = find_post(petition, number)
    form = _publish_form(request, petition, post)
    if not form.is_valid():
        context = _of_review(request, petition, post, form)
        return render(request, "desk/update_publish.html", context, status=422)
    at = form.cleaned_data.get("due")
    done = writing.publish(
        post,
        revision=_seen(request),
        user=user_of(request),
        now=int(time.time()),
        at=int(at.timestamp()) if at else None,
        zone=form.cleaned_data.get("zone", ""),
        emails=form.cleaned_data.get("emails", False),
        why=form.why() if isinstance(form, CorrectionForm) else None,
    )
    if not done:
        messages.error(request, gettext("Somebody changed it meanwhile. Look at it again, and publish then."))
        return HttpResponseRedirect(reverse("update-review", args=[petition.slug, post.number]))
    messages.success(request, gettext("Planned.") if at else gettext("Published."))
    return HttpResponseRedirect(reverse("updates", args=[petition.slug]))


def _publish_form(request: HttpRequest, petition: Petition, post: Post) -> PublishUpdateForm | CorrectionForm:
    data = request.POST if request.method == "POST" else None
    if is_public(post):
        return CorrectionForm(data, languages=list(writing.newest(post).texts))
    may_send = Act.SEND in roles.in_petition(user_of(request), petition)
    return PublishUpdateForm(
        data,
        has_updates=are_emailed(petition) and may_send and post.emailed_at is None,
        readers=newsletters.readers_of_updates(petition),
        initial={"zone": planning.zone_of(user_of(request))},
    )


def _of_review(
    request: HttpRequest, petition: Petition, post: Post, form: PublishUpdateForm | CorrectionForm
) -> dict[str, object]:
    definition, newest = definition_of(petition), writing.newest(post)
    acts = roles.in_petition(user_of(request), petition)
    languages = languages_of(definition, writing.read(newest))
    return {
        "petition": petition,
        "title": title_of(petition),
        "post": post,
        "form": form,
        "correction": isinstance(form, CorrectionForm),
        "nothing_new": newest.published_at is not None and is_public(post),
        "may_publish": Act.PUBLISH in acts,
        "languages": languages,
        "shown": languages[0],
        "row": row_of(post, definition, int(time.time())),
        "offers": are_emailed(petition),
        "may_send": Act.SEND in acts,
    }


def _seen(request: HttpRequest) -> int:
    """Return the revision that the page showed, or 0."""
    seen = request.POST.get("revision", "")
    return int(seen) if seen.isdecimal() and len(seen) < 10 else 0


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.PUBLISH)
def take_back(request: HttpRequest, petition: Petition, number: int) -> HttpResponseBase:
    """Say what taking back does; on POST hide a public update, or cancel a planned one."""
    post = find_post(petition, number)
    now = int(time.time())
    return _change(
        request,
        petition,
        post,
        "take-back",
        lambda revision, user: writing.unpublish(post, revision=revision, user=user, now=now),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@of_petition(Act.EDIT)
def discard(request: HttpRequest, petition: Petition, number: int) -> HttpResponseBase:
    """Say what is deleted; on POST delete a draft, or a correction that is not published."""
    post = find_post(petition, number)
    if not post.versions.filter(published_at=None).exists():
        raise Http404
    return _change(
        request,
        petition,
        post,
        "discard",
        lambda revision, user: writing.discard(post, revision=revision, user=user),
    )


def _change(
    request: HttpRequest, petition: Petition, post: Post, act: str, change: Callable[[int, User], bool]
) -> HttpResponseBase:
    """Say what `act` does; on POST do it, with the revision that the page showed."""
    row = row_of(post, definition_of(petition), int(time.time()))
    if request.method != "POST":
        context = {"petition": petition, "title": title_of(petition), "post": post, "row": row, "act": act}
        if act == "take-back":
            context["email"] = email_of(post, user_of(request))
        return render(request, "desk/update_change.html", context)
    if not change(_seen(request), user_of(request)):
        messages.error(request, gettext("Somebody changed it meanwhile. Look at it again."))
    return HttpResponseRedirect(reverse("updates", args=[petition.slug]))

"""Know who is at work, and answer a form that its page sent by itself (static/desk/autosave.js) in a few words.

The view is the same as for the button “Save”, and refuses the same. Its redirect becomes the number of the revision
that was saved, which the page sends with the next change.
"""

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.messages.storage.session import SessionStorage
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from sabal.accounts.acting import Acting, as_person
from sabal.accounts.models import User

HEADER = "X-Autosave"


class Autosave:
    """Say to all that is stored during a request who asked for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        acting = Acting(
            lambda: _user(request),
            script=request.method == "POST" and HEADER in request.headers,
            find_form=lambda: form_of(request),
        )
        with as_person(acting):
            response = self.get_response(request)
        if not acting.script or isinstance(response, JsonResponse):
            return response
        # Nobody would see a message here, and the next page is not about it.
        request.session.pop(SessionStorage.session_key, None)
        return _in_few_words(response, acting)


def form_of(request: HttpRequest) -> str:
    """Return the name that an open page gave itself (static/desk/autosave.js), else ""."""
    form = request.POST.get("form", "") if request.method == "POST" else ""
    return form if re.fullmatch("[0-9a-f]{1,40}", form) else ""


def _user(request: HttpRequest) -> User | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, User) else None


def _in_few_words(response: HttpResponseBase, acting: Acting) -> JsonResponse:
    where = response.headers.get("Location", "")
    if response.status_code == 302 and where.partition("?")[0] == reverse(settings.LOGIN_URL):
        said = _("You are signed out. Sign in again in another window; your text is still in this page.")
        return JsonResponse({"problem": said}, status=401)
    if response.status_code == 302:
        # Without a revision nothing differed.
        fields = dict(getattr(response, "saved_fields", {}))
        return JsonResponse({"fields": fields | ({"revision": acting.revision} if acting.revision else {})})
    if response.status_code == 422:
        said = _("Not saved yet: something is missing, or somebody else saved meanwhile. “Save” shows which.")
    else:
        said = _("Not saved. Your text is still in this page. “Save” shows the reason.")
    return JsonResponse({"problem": said}, status=409)

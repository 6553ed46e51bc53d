"""Pages for what is not there, not allowed, too old or broken."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


@login_not_required
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404, the same for what does not exist and for what this user may not see."""
    return render(request, "desk/not_found.html", status=404)


@login_not_required
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403 without a reason that would help an attacker."""
    return render(request, "desk/forbidden.html", status=403)


@login_not_required
def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose token does not match: another site sent it, or the cookie is gone."""
    return render(request, "desk/stale_form.html", status=403)


@login_not_required
def too_many(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 429: this network or person tried to sign in or to confirm too often."""
    return render(request, "desk/too_many.html", status=429)


@login_not_required
def failed(request: HttpRequest) -> HttpResponse:
    """Answer 500. The error is in the server's output, without personal data."""
    return HttpResponse(
        "<!doctype html><title>Sabal</title><p>Something on the server failed. Go back, reload the page and see"
        " whether your change was made. If not, try again. If it happens again, tell the operator of this server the"
        " time.",
        status=500,
    )

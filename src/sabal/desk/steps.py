"""The way to a first petition, and where a person goes on after setting something up."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _

from sabal.accounts.models import Organisation

FACTOR, CODES, ORGANISATION = "factor", "codes", "organisation"
NAMES = {
    FACTOR: _("Protect your account"),
    CODES: _("Save your recovery codes"),
    ORGANISATION: _("Add your organisation"),
}
WHY = {
    FACTOR: _("A passkey, so that a stolen password alone does not let anybody in."),
    CODES: _("They let you in if you lose your phone or computer."),
    ORGANISATION: _("Readers see who asks, and who answers for their data."),
}


@dataclass(frozen=True)
class SetupStep:
    """One step. `state` is "done", "now" or "later"."""

    name: "str | Promise"
    why: "str | Promise"
    state: str


@dataclass(frozen=True)
class SetupWay:
    """The steps, and the number of the one that a page is about, from 1."""

    steps: tuple[SetupStep, ...]
    number: int

    @property
    def total(self) -> int:
        return len(self.steps)


def afterwards(request: HttpRequest) -> str:
    """Return the page of this desk where the person goes on, as `next` says; "" if none, or if it leads elsewhere."""
    page = request.POST.get("next") or request.GET.get("next") or ""
    safe = url_has_allowed_host_and_scheme(page, allowed_hosts=None, require_https=request.is_secure())
    return page if safe and page.startswith("/") else ""


def page_of(request: HttpRequest) -> str:
    """Return the page to come back to: this one, or that whose form was sent to an address without a page."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    host = f"{request.scheme}://{request.get_host()}"
    referrer = request.headers.get("Referer", "")
    if not referrer.startswith(f"{host}/"):
        return reverse("home")
    page = referrer.removeprefix(host)
    return page if url_has_allowed_host_and_scheme(page, allowed_hosts=None) else reverse("home")


def with_next(page: str, following: str) -> str:
    """Return an address of the desk that leads on to another one."""
    return f"{page}?{urlencode({'next': following})}" if following else page


def to_first_petition(protected: bool) -> SetupWay:
    """Return all three steps, for the page before the first of them that is not done."""
    return way(ORGANISATION if protected else FACTOR, reverse("organisations"))


def way(here: str, following: str) -> SetupWay:
    """Return the steps for a page about `here`: three on the way to a first petition, else only those of an account."""
    first = here == ORGANISATION or (
        following == reverse("organisations") and not Organisation.objects.exists()
    )
    names = [FACTOR, CODES, ORGANISATION] if first else [FACTOR, CODES]
    at = names.index(here)
    states = ["done" if n < at else "now" if n == at else "later" for n in range(len(names))]
    return SetupWay(
        tuple(SetupStep(NAMES[name], WHY[name], state) for name, state in zip(names, states, strict=True)),
        at + 1,
    )

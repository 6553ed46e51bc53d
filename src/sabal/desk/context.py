"""What every page of the desk shows: the name of the site, and the menu of this user."""

from django.conf import settings
from django.http import HttpRequest

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import User
from sabal.desk.menu import menu_of
from sabal.site_name import site_name


def of_every_page(request: HttpRequest) -> dict[str, object]:
    """Return the context that the base template needs."""
    user = getattr(request, "user", None)
    acts = roles.anywhere(user) if isinstance(user, User) else frozenset()
    return {
        "site_name": site_name(),
        "public_address": settings.BASE_URL,
        "menu": menu_of(request),
        "may_edit": Act.EDIT in acts,
        "may_invite": Act.INVITE in acts,
        "may_view": Act.VIEW in acts,
        "may_organise": Act.ORGANISE in acts,
        "may_send": Act.SEND in acts,
        "may_see_site": Act.VIEW in roles.in_site(user) if isinstance(user, User) else False,
    }

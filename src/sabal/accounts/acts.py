"""Which role may do what: one table. Every view of the desk names its act."""

from collections.abc import Iterable
from enum import StrEnum

from django.utils.translation import gettext_lazy as _


class Act(StrEnum):
    """What a person can do on the desk."""

    READ = "read"  # the list of petitions, and how each will look
    VIEW = "view"  # numbers, settings, what was delivered
    TRANSLATE = "translate"  # the texts in other languages
    EDIT = "edit"  # texts and settings of a petition
    MODERATE = "moderate"  # held signatures, limits, revocations
    PUBLISH = "publish"  # publish, amend, pause, resume, close
    EXPORT = "export"  # sealed records, subscribers
    SEND = "send"  # emails and deliveries
    INVITE = "invite"  # people, their roles and rights; the audit log
    ORGANISE = "organise"  # organisations: name, contact, website


class TeamRole(StrEnum):
    """What a person is to a site, an organisation or a petition."""

    OWNER = "owner"
    EDITOR = "editor"
    TRANSLATOR = "translator"
    MODERATOR = "moderator"
    VIEWER = "viewer"


OF_ROLE: dict[TeamRole, frozenset[Act]] = {
    TeamRole.OWNER: frozenset(Act),
    TeamRole.EDITOR: frozenset({Act.READ, Act.VIEW, Act.TRANSLATE, Act.EDIT}),
    TeamRole.TRANSLATOR: frozenset({Act.READ, Act.TRANSLATE}),
    TeamRole.MODERATOR: frozenset({Act.READ, Act.VIEW, Act.MODERATE}),
    TeamRole.VIEWER: frozenset({Act.READ, Act.VIEW}),
}

RIGHTS = (Act.PUBLISH, Act.EXPORT, Act.SEND, Act.INVITE)
"""Acts that an owner may add to any role but the translator's."""

NEED_SECOND_FACTOR = frozenset({*RIGHTS, Act.MODERATE, Act.ORGANISE})
"""Acts that need a second factor in the same session. An account without one can set one up with the password alone."""

NAMES = {
    TeamRole.OWNER: _("Owner"),
    TeamRole.EDITOR: _("Editor"),
    TeamRole.TRANSLATOR: _("Translator"),
    TeamRole.MODERATOR: _("Moderator"),
    TeamRole.VIEWER: _("Viewer"),
}
MEANINGS = {
    TeamRole.OWNER: _("may do everything, and invite others"),
    TeamRole.EDITOR: _("writes the texts and settings of petitions"),
    TeamRole.TRANSLATOR: _("translates the texts, sees how they will look, and nothing else"),
    TeamRole.MODERATOR: _("reviews signatures that are held for review, and invalidates signatures"),
    TeamRole.VIEWER: _("sees the numbers and texts, and changes nothing"),
}
OFFERED = tuple(TeamRole)
"""Roles that can be given on the desk."""
RIGHT_NAMES = {
    Act.PUBLISH: _("publish, pause and close petitions"),
    Act.EXPORT: _(
        "download the locked signatures, and delete them from the server; import and export subscribers"
    ),
    Act.SEND: _("send to recipients and to mailing lists, and say how recipients are reached"),
    Act.INVITE: _("invite people and change their roles"),
}


def acts_of(role: TeamRole, rights: Iterable[str] = ()) -> frozenset[Act]:
    """Return what a role with these further rights may do. Rights that do not exist are ignored."""
    if role == TeamRole.TRANSLATOR:
        return OF_ROLE[role]
    return OF_ROLE[role] | {right for right in RIGHTS if right in set(rights)}

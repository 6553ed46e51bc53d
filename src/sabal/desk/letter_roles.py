"""The names of the roles that a line of a letter can have."""

from django.utils.translation import gettext_lazy as _

from sabal.petitions.letters.reading import Role

ROLE_NAMES = {
    Role.TITLE: _("Title"),
    Role.RECIPIENT: _("Recipient"),
    Role.ORGANISER: _("Who asks"),
    Role.SUBJECT: _("Subject"),
    Role.HEADING: _("Heading"),
    Role.BACKGROUND: _("Background"),
    Role.DEMAND: _("Demand"),
    Role.PART: _("Part of a demand"),
    Role.CLOSING: _("Closing text"),
    Role.SIGN: _("Invitation to sign"),
    Role.NEWSLETTER: _("Invitation to the newsletter"),
    Role.SIGNATURE: _("Signature of the letter (not published)"),
    Role.CONTACT: _("Contact (not published)"),
    Role.LEFT_OUT: _("Left out"),
    Role.LAYOUT: _("Not part of the text"),
}

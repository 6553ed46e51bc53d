"""The invitation to sign here, for a person who signed elsewhere: who writes, from where the address is, a way out."""

from django.utils.translation import gettext as _

from sabal.mail.content import Content, Phrase, quoted, sentence
from sabal.mail.row import Origin
from sabal.petitions.definition import Definition
from sabal.petitions.organisation import language_of_names, organiser_name


def invitation_content(
    petition: Definition, language: str, origin: Origin, base_url: str, token: str
) -> Content:
    """Return the content of an invitation, in the language that is active. `token` is that of the link to refuse.

    Raises ValueError for a guarded petition: anyone who sees the mailbox would learn what its owner signed.
    """
    if petition.profile == "guarded":
        raise ValueError("nobody is invited to a guarded petition")
    text = petition.texts.get(language) or petition.texts[petition.authoritative]
    title = quoted(" ".join(text.title.split()), text.language)
    who = quoted(organiser_name(petition, language), language_of_names(petition, language))
    never = f"{base_url}/{language}/invitation/{token}"
    return Content(
        subject=_("Will you sign here too? %(title)s") % {"title": title.text},
        opening=(
            _where_from(origin, who),
            sentence(
                _(
                    "%(who)s now asks for signatures here: “%(title)s”. What you signed there does not count here."
                ),
                who=who,
                title=title,
            ),
            sentence(_("To read it, and to sign if you want to, open this page:")),
        ),
        link=f"{base_url}/{language}/{petition.slug}",
        closing=_(
            "You get this email once. If you have signed here already, you need not do anything. If you never want to"
            " hear from this site again, open this page: %(never)s"
        )
        % {"never": never},
        signed_by=who,
    )


def _where_from(origin: Origin, who: Phrase) -> Phrase:
    platform = quoted(origin.platform, "")
    if origin.title:
        return sentence(
            _("You signed “%(title)s” on %(platform)s. %(who)s has your address from there."),
            title=quoted(origin.title, ""),
            platform=platform,
            who=who,
        )
    return sentence(
        _("You signed a petition on %(platform)s. %(who)s has your address from there."),
        platform=platform,
        who=who,
    )

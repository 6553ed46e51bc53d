"""The table of the privacy page: the data that the server has about a person at each moment.

Each row names the database columns that it describes. A test compares them with the database, so that every new column
must be described here. A field of the form, and the reminder, are named only if a petition of the site has them.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Only:
    """A sentence about a field of the form, or about the reminder, for sites where a petition has it."""

    about: str
    sentence: Promise


Says = Promise | tuple[Promise | Only, ...]


@dataclass(frozen=True)
class Moment:
    """One row: the moment, the data in memory, the data on disk and how long. `covers` are "table.column" names."""

    when: Promise
    memory: Says
    disk: Says
    how_long: Says
    covers: tuple[str, ...] = ()


def moments(offered: Collection[str]) -> list[dict[str, object]]:
    """Return the rows for a site. Each cell is a list of sentences.

    `offered` are the fields of the site's forms, and "reminder" if a petition sends reminders.
    """
    return [
        {
            "when": moment.when,
            "memory": _sentences(moment.memory, offered),
            "disk": _sentences(moment.disk, offered),
            "how_long": _sentences(moment.how_long, offered),
        }
        for moment in MOMENTS
    ]


def _sentences(says: Says, offered: Collection[str]) -> list[Promise]:
    parts = says if isinstance(says, tuple) else (says,)
    asked = (part for part in parts if not isinstance(part, Only) or part.about in offered)
    return [part.sentence if isinstance(part, Only) else part for part in asked]


def _columns(table: str, columns: str) -> tuple[str, ...]:
    return tuple(f"{table}.{column}" for column in columns.split())


MOMENTS = (
    Moment(
        when=_("You read a page"),
        memory=_("Your network address, while the answer is on its way."),
        disk=_("Nothing."),
        how_long=_("Seconds."),
    ),
    Moment(
        when=_("You press Sign"),
        memory=_(
            "What you typed, until it is locked. A scrambled form of your network and of your email address, to"
            " limit floods, under a key that is thrown away every day. If very many try to sign from one network or one"
            " small email domain within an hour, the first part of the network's address or the name of the domain, for"
            " a day."
        ),
        disk=(
            _("Your signature, locked to the organiser's key: name, email address, day and language."),
            Only("country", _("The country is locked with it, if you gave one.")),
            Only("comment", _("The comment is locked with it, if you wrote one.")),
            _(
                "A scrambled form of your address, so that nobody counts twice. What the button will need, locked"
                " so that only your link opens it. The email to you, locked with a key that is used for one day."
            ),
            Only(
                "reminder",
                _(
                    "If the petition reminds those who do not confirm, and says so: the email to you stays, locked with"
                    " the same key, for one reminder after one to three days. It is deleted as soon as you confirm or"
                    " say that it was not you."
                ),
            ),
            _("That one more form was sent: a number without a time."),
            _(
                "If the petition is not guarded, and you came by a link whose forms the organiser counts: that one more"
                " form came by this link. This too is a number without a time."
            ),
        ),
        how_long=(
            _(
                "Seven days after the email was sent, if you do not confirm. The email itself: until your email"
                " service has accepted it, eight days at most."
            ),
            Only("reminder", _("What is kept for a reminder: four days at most.")),
        ),
        covers=(
            *_columns(
                "signing_pending",
                "token_hash petition_id version_id pepper_epoch dedupe_tag commitment w sealed_id pending_payload"
                " mailbox held expires owner reminder reminder_mail_day remind_on",
            ),
            *_columns("signing_sealed", "id petition_id body"),
            *_columns(
                "mail_email",
                "id petition_id kind mail_key sealed network claimed_until not_before attempts",
            ),
            *_columns("signing_asked", "petition_id shard n"),
            *_columns("signing_source", "petition_id word n counted"),
        ),
    ),
    Moment(
        when=_("We send our email"),
        memory=_("Your address and the link, while the email is handed over."),
        disk=_("Numbers for each hour: how many emails went to which large email service."),
        how_long=_("The numbers stay; they name nobody."),
        covers=(
            *_columns("mail_traffic", "hour provider outcome n"),
            *_columns("mail_relay", "id takes_international"),  # about the mail server, not about people
        ),
    ),
    Moment(
        when=_("You confirm"),
        memory=_("What you typed, for a moment, opened by your link."),
        disk=(
            _(
                "That a signature is confirmed, without name, address or time. The language, locked with a key of this"
                " server."
            ),
            Only("country", _("The country, if you gave one, locked in the same way.")),
            Only("display", _("The name or initials to show, if you chose so.")),
            _(
                "A scrambled form of your address, locked so that only your link opens it. When you withdraw, it is"
                " used to end updates too."
            ),
        ),
        how_long=(
            _("Until you withdraw, at the latest until the day named on the petition."),
            _("The language: until the petition is finalised."),
            Only("country", _("The country: until the petition is finalised.")),
            _(
                "The scrambled address: thirty days for guarded petitions; for others, until two weeks after the"
                " petition closed."
            ),
        ),
        covers=(
            *_columns(
                "signing_signature",
                "token_hash petition_id version_id pepper_epoch dedupe_tag commitment w sealed_id display mailbox"
                " late",
            ),
            *_columns("signing_waiting", "petition_id commitment held held_until bucket"),
            "signing_total.published_names",
        ),
    ),
    Moment(
        when=_("You sign again with the same address"),
        memory=_("The same as the first time."),
        disk=_("That the new link leads to the same signature."),
        how_long=_("As long as the signature."),
        covers=_columns("signing_access", "token_hash signature_hash petition_id mailbox late"),
    ),
    Moment(
        when=_("Signatures are counted"),
        memory=_("Nothing about you."),
        disk=(
            _(
                "In the public log, a number that names nobody; beside it, its position there and the day of the"
                " count."
            ),
            _("Sums: how many signatures by day of the count and by language, each counted separately."),
            Only("country", _("A sum by country too.")),
            _(
                "Under which language it is counted stays beside that position, locked with a key of this server, so"
                " that it can leave the sums if you withdraw."
            ),
            Only("country", _("The country is kept in the same way.")),
            _("Whoever controlled the server could read it; a stolen database or backup does not show it."),
        ),
        how_long=(
            _(
                "The public log, with the number, its position and its day, and the sums stay. They name nobody."
            ),
            _(
                "The language: until you withdraw, or until the petition is finalised. Then its key is destroyed."
            ),
            Only("country", _("The country: as long as the language.")),
        ),
        covers=(
            *_columns("signing_log_index", "petition_id commitment idx"),
            *_columns("signing_counted", "petition_id first day buckets"),
            *_columns("signing_access", "counted_on"),
            *_columns("signing_bucket", "petition_id kind item n"),
            *_columns(
                "signing_total",
                "petition_id confirmed withdrawn invalidated published_confirmed published_withdrawn"
                " published_invalidated invalidated_by published_invalidated_by"
                " published_countries published_languages published_no_longer_known countries_at"
                " countries_left batch_at",
            ),
            *_columns("signing_history", "petition_id day confirmed withdrawn invalidated"),
        ),
    ),
    Moment(
        when=_("The organiser fetches the signatures"),
        memory=_("Your locked signature, while it is handed over."),
        disk=_(
            "Up to which position in the log they were fetched, and a value that will show that the organiser"
            " could open them. Once that is shown, the locked signatures are deleted here. You can still withdraw"
            " with your link."
        ),
        how_long=_("Seven days after it was shown, or until they are fetched again."),
        covers=_columns("signing_drain", "petition_id size proof due"),
    ),
    Moment(
        when=_("You say that it was not you"),
        memory=_("Nothing more."),
        disk=_("A scrambled form of your address, so that we do not email it about this petition again."),
        how_long=_("As long as the petition is on this server."),
        covers=_columns("signing_suppression", "hash petition_id"),
    ),
    Moment(
        when=_("You withdraw"),
        memory=_("Your link, while it is looked up."),
        disk=(
            _(
                "The locked signature, the scrambled address and the link are deleted, and updates about the petition"
                " end as if you had unsubscribed. A number that no longer leads back to anybody stays, with its"
                " position in the public log."
            ),
            _("With the next count your signature leaves the sums, and the language beside it is deleted."),
            Only("country", _("So is the country.")),
            _(
                "After the petition was finalised, they are no longer here, and the sums stay as they were; only the"
                " total changes."
            ),
            _(
                "The number is also kept in a file beside the database, so that your signature is deleted again if a"
                " backup has to be restored."
            ),
        ),
        how_long=_("The number stays."),
        covers=_columns("signing_withdrawal", "commitment petition_id version_id reason revoked"),
    ),
    Moment(
        when=_("You ask for the newsletter or for updates"),
        memory=_("Your address, while an email to you is prepared."),
        disk=_(
            "Your address and language, the list, the sentence that you ticked, and for a newsletter the day, except"
            " where you ticked it with a signature of a guarded petition. Each organisation has a list of its own."
            " Unlike your signature, these lists can be read on our server."
        ),
        how_long=_("Until you unsubscribe. If you do not confirm, seven days."),
        covers=(
            *_columns(
                "newsletter_subscription",
                "id petition_id organisation address_hash sealed_address language state consent confirm_hash expires"
                " asked since origin",
            ),
            *_columns("newsletter_consent", "version sentence"),
        ),
    ),
    Moment(
        when=_("An organisation imports a list to which you agreed elsewhere"),
        memory=_("Your address, while it is checked and locked."),
        disk=_(
            "The same as if you had asked here, and where, when and to which sentence you agreed. The file of the"
            " organisation is deleted as soon as it is checked. Rows that were not imported stay for seven days, so"
            " that the organisation can correct them."
        ),
        how_long=_("Until you unsubscribe. Where and when the list was agreed to stays; it names nobody."),
        covers=_columns(
            "newsletter_transfer",
            "id organisation user_id kind state day file language place consented consent done total numbers stop",
        ),
    ),
    Moment(
        when=_("You unsubscribe"),
        memory=_("Your link, while it is looked up."),
        disk=_(
            "Your address is deleted. A scrambled form of it is kept in a file beside the database, so that we do"
            " not email you again after a backup is restored, and, for a newsletter, in the database, so that nobody"
            " puts you on that list again with a file of addresses. If you never confirmed, it also keeps this"
            " list from asking you again. Other lists do not change."
        ),
        how_long=_("The scrambled form stays; without a key of this server it says nothing."),
        covers=_columns("newsletter_ended", "organisation since day why n"),
    ),
    Moment(
        when=_("An email of a list cannot be delivered to you, or you report one as spam"),
        memory=_("The report of the mail server, which names your address, while it is read."),
        disk=_(
            "Your address is deleted from all lists of this server at once: when your mail server says that there is"
            " no such mailbox, or when you report an email as spam; and also when emails could not be delivered again"
            " and again. A scrambled form of it stays with the reason and the day, so that no list emails you again."
            " That an email came back is kept beside your subscription, and counted."
        ),
        how_long=_(
            "That an email came back: 90 days. The scrambled form stays. If emails could not be delivered, it is"
            " deleted as soon as you subscribe again; if you reported one as spam, never."
        ),
        covers=(
            *_columns("newsletter_suppression", "address_hash organisation petition_id reason day"),
            *_columns("bounces_bounce", "subscription_id occasion reason day"),
            *_columns("bounces_total", "organisation petition_id occasion reason n"),
        ),
    ),
)

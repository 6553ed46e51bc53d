"""What pages show of emails to recipients: as they would go, as they went, and what became of them, in words."""

from contextlib import closing
from datetime import UTC, datetime

from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation import gettext_lazy as _

from sabal import database as raw
from sabal import settings
from sabal.delivery.contact import Contact
from sabal.delivery.contacts import Addressee
from sabal.delivery.covering import covering, language_of
from sabal.delivery.outgoing import NOT_COMPOSED
from sabal.delivery.sendings import Dispatch, Occasion
from sabal.desk.moments import on_clocks
from sabal.dossier.offering import offered_bundle
from sabal.mail.correspondence import Correspondence
from sabal.mail.headers import NO_ADDRESS, NO_FILE, NOT_ONE_LINE
from sabal.petitions.definition import Definition
from sabal.petitions.snapshot import PetitionSnapshot

State, Kind = Dispatch.State, Occasion.Kind
SAID = {
    State.WAITING: _("waits for office hours, or for its turn"),
    State.QUEUED: _("is being sent"),
    State.BEGUN: _("is being sent"),
    State.ACCEPTED: _("accepted by the mail server"),
    State.REFUSED: _("refused by the mail server"),
    State.GIVEN_UP: _("given up after three days"),
    State.UNCLEAR: _("may have arrived: it is not sent again by itself"),
    State.FAILED: _("nothing was sent"),
    State.RETURNED: _("came back"),
    State.CANCELLED: _("cancelled"),
    State.REMOVED: _("not sent: it is no recipient any more"),
    State.REPLACED: _("not sent: a later email has newer numbers"),
    State.SAME: _("not sent: another recipient has the same address"),
}
REASONS = {
    NO_ADDRESS: _("The address of the recipient, or the one for answers, cannot be used in an email."),
    NOT_ONE_LINE: _("A name or the subject has more than one line."),
    NO_FILE: _("The letter cannot be attached."),
    NOT_COMPOSED: _("The email cannot be composed. Tell the operator of this server."),
    "there is no such mailbox": _("there is no such mailbox"),
    "there is no such domain": _("there is no such domain"),
    "the mailbox is full": _("the mailbox is full"),
    "the recipient's server does not answer": _("the mail server of the recipient does not answer"),
    "the server's policy refuses our emails": _("the mail server refuses our emails"),
    "greylisted": _("the mail server asks us to come back later"),
    "the server closed the connection": _("the connection broke while it was sent"),
    "the server stopped answering": _("the connection broke while it was sent"),
    "the server cannot be reached": _("our mail server cannot be reached"),
    "The letter is larger than 2 MB, so it cannot be attached.": _(
        "The letter is larger than 2 MB, so it cannot be attached."
    ),
    "The server stopped or was restored while this email waited.": _(
        "The server stopped or was restored while this email waited."
    ),
    "The server was restored from a backup. This may have been sent already.": _(
        "The server was restored from a backup. This may have been sent already."
    ),
}


def sends_by_itself(first: int | None, every: int | None, final: bool) -> str:
    """Return when the server sends by itself, such as "at 1,000 signatures, when it is finalised"; "" if never."""
    chosen = [
        gettext("at %(number)s signatures") % {"number": f"{first:,}"} if first else "",
        gettext("at each further %(number)s") % {"number": f"{every:,}"} if every else "",
        gettext("when it is finalised") if final else "",
    ]
    return ", ".join(one for one in chosen if one)


def previews(
    chosen: list[Addressee], seen: PetitionSnapshot, reply_to: str, words: dict[str, str], now: datetime
) -> list[dict[str, object]]:
    """Return each email as it would go now: its headers and its text."""
    with closing(raw.connect()) as database:
        bundle = offered_bundle(database, seen, now.date(), preview=True)
    found: list[dict[str, object]] = []
    for one in chosen:
        for contact in reached(one, now):
            email = covering(seen, contact, now.date(), bundle, words)
            key = contact.group or contact.key
            whom = f"{key}-{contact.key}" if contact.group else key
            whole = Correspondence(
                to=contact.email,
                sender=settings.MAIL_FROM.address or "petition@localhost",
                sender_name=email.sender_name,
                reply_to=reply_to,
                subject=email.subject,
                text=email.text,
                language=email.language,
            )
            found.append(
                {
                    "name": contact.name_in(get_language() or "", seen.definition.authoritative),
                    "headers": _headers(whole),
                    "text": email.text,
                    "language": email.language,
                    "file": f"{seen.slug}-{whom}-letter-{email.language}-{now:%Y-%m-%d}.pdf",
                    "key": key,
                    "member": contact.key if contact.group else "",
                    "opens": _opens(contact, now),
                    "zone": contact.zone.replace("_", " "),
                }
            )
    return found


def _headers(email: Correspondence) -> list[tuple[str, str]]:
    """Return the headers that a reader sees, in clear text."""
    return [
        (pgettext("email", "From"), f"{email.sender_name} <{email.sender}>"),
        (pgettext("email", "To"), email.to),
        (gettext("Answers go to"), email.reply_to),
        (pgettext("email", "Subject"), email.subject),
    ]


def _opens(contact: Contact, now: datetime) -> datetime | None:
    """Return on its clocks when the email can leave; None: at once."""
    opening = contact.office_hours.next_from(now)
    return None if opening is None or opening == now else on_clocks(opening, contact.zone)


def email_of_page(dispatch: Dispatch) -> dict[str, object]:
    """Return one email with what became of it."""
    state = State(dispatch.state)
    waits_for_hours = state == State.WAITING and dispatch.occasion.kind != Kind.TEST
    times = [one for one in (dispatch.ended, dispatch.begun, dispatch.queued, dispatch.occasion.asked) if one]
    return {
        "row": dispatch,
        "name": dispatch.contact.names.get(get_language() or "")
        or dispatch.name
        or dispatch.contact.name_in(),
        "said": _("waits for its turn") if state == State.WAITING and not waits_for_hours else SAID[state],
        "state": state,
        "bad": state in (State.REFUSED, State.GIVEN_UP, State.UNCLEAR, State.FAILED, State.RETURNED),
        "waits": state in (State.WAITING, State.QUEUED),
        "reason": REASONS.get(dispatch.reason, dispatch.reason),
        "at": datetime.fromtimestamp(times[0], UTC),
        "why": _why(dispatch.occasion),
        "occasion": dispatch.occasion,
        "opens": _opens(dispatch.contact, datetime.now(UTC)) if waits_for_hours else None,
        "zone": dispatch.contact.zone.replace("_", " "),
    }


def occasion_of_page(occasion: Occasion, names: dict[str, str]) -> dict[str, object]:
    """Return what is planned, on the clocks that were meant. `names` are those of the recipients by key."""
    due = datetime.fromtimestamp(occasion.due, UTC)
    return {
        "row": occasion,
        "recipients": [names.get(key, key) for key in occasion.recipients],
        "why": _why(occasion),
        "local": on_clocks(due, occasion.zone),
        "due": due,
        "zone": occasion.zone.replace("_", " "),
    }


def _why(occasion: Occasion) -> str:
    if occasion.kind == Kind.TEST:
        return gettext("a test to yourself")
    if occasion.kind == Kind.COUNT:
        return gettext("%(number)s signatures were reached") % {"number": f"{occasion.number:,}"}
    if occasion.kind == Kind.FINAL:
        return gettext("the petition was finalised")
    return gettext("%(person)s asked for it") % {"person": occasion.user}


def languages_of(found: list[Addressee], seen: PetitionSnapshot, now: datetime) -> tuple[str, ...]:
    """Return the languages in which these recipients get their letters."""
    return tuple(dict.fromkeys(language_of(contact, seen) for one in found for contact in reached(one, now)))


def reached(one: Addressee, now: datetime) -> list[Contact]:
    """Return the contacts of a recipient to which an email can go now."""
    return [contact for contact in one.reached_on(now.date()) if contact.takes_email]


def takes_email(one: Addressee, now: datetime) -> bool:
    """Return whether an email can go to a recipient or one of its members."""
    return bool(reached(one, now))


def names_of(found: list[Addressee], definition: Definition) -> dict[str, str]:
    """Return the names of recipients in the reader's language, by key."""
    here = get_language() or ""
    return {one.contact.key: one.contact.name_in(here, definition.authoritative) for one in found}


def label_of(one: Addressee, seen: PetitionSnapshot, now: datetime) -> str:
    """Return the name of a recipient, with how many of its members get an email today."""
    name = one.contact.name_in(get_language() or "", seen.definition.authoritative)
    if not one.members:
        return name
    numbers = {"name": name, "some": len(reached(one, now)), "all": len(one.reached_on(now.date()))}
    if numbers["some"] == numbers["all"]:
        return f"{name} ({numbers['all']})"
    return gettext("%(name)s (%(some)d of %(all)d, the others get no email)") % numbers

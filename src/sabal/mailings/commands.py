"""Commands about mailings. They are written on the desk; the worker sends them."""

import time
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from sabal import database as raw
from sabal.counted import counted
from sabal.mail.address import EmailAddress
from sabal.refusal import Refusal

if TYPE_CHECKING:
    from sabal.mailings.models import Mailing

_number = click.argument("number", type=int)


@click.group()
def mailing() -> None:
    """Newsletters and updates. `sabal mailing status` shows their numbers."""
    import django  # not for the help of a command, which every computer shows

    django.setup()


@mailing.command()
@click.argument("number", type=int, required=False)
def status(number: int | None) -> None:
    """List the newest mailings, or say what became of one. Addresses are never shown."""
    from sabal.mailings import control
    from sabal.mailings.models import Mailing

    if number is not None:
        _say(_find(number))
        return
    newest = list(Mailing.objects.select_related("petition").order_by("-pk")[:20])
    if not newest:
        click.echo("No mailing yet. They are written on the desk, at “Newsletter”.")
    for one in newest:
        of = "updates about a petition" if one.petition_id else f"newsletter of {one.organisation}"
        waits = f"; it waits: sabal mailing status {one.pk}" if control.missing(one) else ""
        click.echo(f"{one.pk:>5}  {one.state:<9}  {of}{waits}")


@mailing.command()
@_number
@click.option("--to", "address", required=True, help="The email address of a person who works here.")
def test(number: int, address: str) -> None:
    """Let the worker send a mailing to one person, once in each language. Its link unsubscribes nobody."""
    from sabal.mailings import control

    found = _find(number)
    try:
        to = EmailAddress.parse(address)
    except ValueError:
        raise Refusal(f"{address!r} is not an email address.") from None
    if not found.texts.exists():
        raise Refusal("Nothing is written yet. Write it on the desk first.")
    control.ask_for_test(found, to.typed, int(time.time()))
    click.echo("The worker sends it within seconds.")


@mailing.command()
@_number
@click.option("--yes", is_flag=True, help="Do not ask.")
def send(number: int, yes: bool) -> None:
    """Send a draft now, or continue what was paused."""
    from sabal.mailings import control

    found = _find(number)
    if found.state == "paused":
        control.resume(found)
        click.echo(f"Mailing {number} continues.")
        return
    if found.state not in ("draft", "planned"):
        raise Refusal(f"Mailing {number} is {found.state}. Nothing was changed.")
    if found.petition_id is None and not control.has_petition(found):
        raise Refusal(f"No published petition has the key {found.organisation}. Nothing was changed.")
    readers = control.readers(found)
    if not found.texts.filter(language=found.fallback).exists() or not sum(readers.values()):
        raise Refusal("There is no text in its first language, or nobody to read it. Nothing was changed.")
    parts = ", ".join(f"{language} {n}" for language, n in sorted(readers.items()))
    if not yes:
        click.confirm(f"Send it to {counted(sum(readers.values()), 'reader')} ({parts})?", abort=True)
    control.begin(found, int(time.time()), None)
    click.echo(f"The worker sends mailing {number}. See: sabal mailing status {number}")


@mailing.command()
@_number
@click.option("--for-good", is_flag=True, help="Cancel it: it cannot be continued.")
def pause(number: int, for_good: bool) -> None:
    """Send no more of a mailing, until `sabal mailing send`."""
    from sabal.mailings import control

    found, now = _find(number), int(time.time())
    if not (control.cancel(found, now) if for_good else control.pause(found, now)):
        raise Refusal(f"Mailing {number} is {found.state}. Nothing was changed.")
    click.echo(
        f"Mailing {number} is {'cancelled' if for_good else 'paused'}. Emails on their way are not called back."
    )


def _find(number: int) -> "Mailing":
    from sabal.mailings.models import Mailing

    found = Mailing.objects.filter(pk=number).first()
    if found is None:
        raise Refusal(f"There is no mailing {number}. `sabal mailing status` lists them.")
    return found


def _say(found: "Mailing") -> None:
    from sabal.mailings import control, report

    with closing(raw.connect()) as database:
        of = report.of(database, found.pk)
    click.echo(f"mailing {found.pk}: {found.state}")
    if missing := control.missing(found):
        because = {
            control.Missing.PETITION: "the petition that it is about is not published any more",
            control.Missing.ORGANISATION: f"no published petition has the key {found.organisation} any more, so its"
            " emails would not say who sends them",
        }
        click.echo(f"It waits, and nothing more is sent: {because[missing]}.")
        click.echo(f"Cancel it: sabal mailing pause {found.pk} --for-good")
    for name, moment in (
        ("planned for", found.planned_for),
        ("begun", found.begun_at),
        ("ended", found.ended_at),
    ):
        if moment is not None:
            click.echo(f"{name:>12}  {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC")
    numbers = {
        "recipients": of.queued,
        "accepted": of.accepted,
        "waiting": of.waiting,
        "put off": of.deferred,
        "refused": of.refused,
        "given up": of.given_up,
        "had left": of.gone,
        "cancelled": of.cancelled,
        "left since": of.left,
    }
    for name, n in numbers.items():
        click.echo(f"{name:>12}  {n}")

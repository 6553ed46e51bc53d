"""Commands about subscribers."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from sabal import database, outfile, settings, token
from sabal.counted import counted
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import open_keystore, unseal
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import CONFIRMED, keys_in_use, unsubscribe_token
from sabal.outfile import OutFile
from sabal.petitions.lookup import id_of
from sabal.refusal import Refusal
from sabal.spreadsheet import csv_line

CHUNK = 1_000
_LISTS = (
    "SELECT organisation, petition_id, language, state, COUNT(*) FROM newsletter_subscription"
    " GROUP BY organisation, petition_id, language, state ORDER BY organisation, petition_id, language, state"
)
_SUBSCRIBERS = (
    "SELECT s.id, s.organisation, s.petition_id, s.language, s.sealed_address, c.sentence"
    " FROM newsletter_subscription s LEFT JOIN newsletter_consent c ON c.version = s.consent"
    f" WHERE s.state = {CONFIRMED} AND s.id > ? ORDER BY s.id LIMIT {CHUNK}"
)
_organisation = click.option(
    "--organisation",
    metavar="KEY",
    help="Only its newsletter and the updates about its petitions. `sabal newsletter list` shows the keys.",
)


@click.group()
def newsletter() -> None:
    """The newsletters of the organisations and the updates about petitions."""


@newsletter.command("list")
@click.argument("slug", required=False)
@_organisation
def list_(slug: str | None, organisation: str | None) -> None:
    """Count subscribers by list, language and state. With a SLUG, count only those of this petition's updates."""
    connection = database.connect()
    try:
        lists = _lists(connection, slug, organisation)
        found = [row for row in connection.query(_LISTS) if MailingList(*row[:2]) in lists]
    finally:
        connection.close()
    if not found:
        click.echo("No subscribers yet.")
    for key, petition_id, language, state, number in found:
        word = "confirmed" if state == CONFIRMED else "not confirmed yet"
        click.echo(f"{number:>7}  {lists[MailingList(key, petition_id)]}  {language}  {word}")


@newsletter.command()
@click.argument("slug", required=False)
@_organisation
@click.option("--out", required=True, type=outfile.FILE, help="The CSV file to write.")
@outfile.force
@click.option(
    "--bom", is_flag=True, help="Begin the file with a byte order mark, so that Excel shows every script."
)
def export(slug: str | None, organisation: str | None, out: Path, force: bool, bom: bool) -> None:
    """Write the confirmed subscribers of one organisation to a CSV file.

    Columns: address, language, consent (the sentence agreed to), list, unsubscribe (the link that every email to that
    address must contain).

    With a SLUG, only the subscribers of this petition's updates. If several organisations have subscribers, name one:
    nobody agreed to be in the file of another.
    """
    target = OutFile(out, force, is_text=True)
    target.refuse()
    settings.use_served_address()
    connection = database.connect()
    try:
        lists = _lists(connection, slug, organisation)
        _refuse_several(connection, lists)
        subscribers = _confirmed(connection, open_keystore().find(connection, SUBSCRIBERS), lists)
        number = target.write(_table(subscribers, bom)) - 1  # without the header
        newsletter_of = _newsletter_left_out(connection, slug) if slug else ""
    finally:
        connection.close()
    if urlsplit(settings.BASE_URL).hostname in ("localhost", "127.0.0.1", "::1"):
        click.echo(
            f"The unsubscribe links lead to {settings.BASE_URL}, which nobody else can reach. Set SABAL_BASE_URL.",
            err=True,
        )
    rest = (
        "Keep them safe, and delete them when you no longer need them."
        if target.is_stdout
        else "Keep the file safe, and delete it when you no longer need it."
    )
    target.say(f"{counted(number, 'subscriber')} written to {target}, in clear text. {rest}")
    if newsletter_of:
        target.say(
            f"These get the updates about {slug}. The newsletter has its own subscribers: sabal newsletter export"
            f" --organisation {newsletter_of} --out FILE"
        )


def _lists(
    connection: database.Database, slug: str | None, organisation: str | None
) -> dict[MailingList, str]:
    """Return the names of the lists: of all, of those of one organisation, or of those of one petition.

    Raises Refusal if the slug or the key is unknown.
    """
    if slug is not None and organisation is not None:
        raise Refusal("Give a petition or --organisation, not both.")
    wanted = None if slug is None else id_of(connection, slug)
    petitions = connection.query("SELECT organisation, id, slug FROM petitions_petition ORDER BY id")
    slugs = {id_: name for _, id_, name in petitions}
    keys = keys_in_use(connection) | {key for key, _, _ in petitions if key}
    if organisation is not None and organisation not in keys:
        known = ", ".join(sorted(keys)) or "none"
        raise Refusal(f"There is no organisation {organisation!r} here. Known here: {known}.")
    return {
        of: f"updates about {slugs[of.petition_id]}" if of.petition_id else f"newsletter of {of.organisation}"
        for of in (MailingList(*row[:2]) for row in connection.query(_LISTS))
        if wanted in (None, of.petition_id) and organisation in (None, of.organisation)
    }


def _newsletter_left_out(connection: database.Database, slug: str) -> str:
    """Return the key of a petition's organisation if its newsletter has confirmed subscribers, else an empty string."""
    rows = connection.query("SELECT organisation FROM petitions_petition WHERE slug = ?", (slug,))
    confirmed = {MailingList(*row[:2]) for row in connection.query(_LISTS) if row[3] == CONFIRMED}
    return next((key for (key,) in rows if MailingList(key) in confirmed), "")


def _refuse_several(connection: database.Database, lists: dict[MailingList, str]) -> None:
    """Raise Refusal if these lists have subscribers of several organisations."""
    confirmed = {MailingList(*row[:2]) for row in connection.query(_LISTS) if row[3] == CONFIRMED}
    keys = sorted({of.organisation for of in lists if of in confirmed})
    if len(keys) > 1:
        raise Refusal(
            "Several organisations have subscribers here. Choose one, whose file it will be: --organisation"
            f" {' or '.join(keys)}"
        )


def _confirmed(
    connection: database.Database, key: bytes, lists: dict[MailingList, str]
) -> Iterator[tuple[str, ...]]:
    """Yield the table's rows of the confirmed subscribers of these lists. Reads them in chunks to save memory."""
    last = -1
    while found := connection.query(_SUBSCRIBERS, (last,)):
        for row_id, organisation, petition_id, language, sealed, sentence in found:
            if name := lists.get(MailingList(organisation, petition_id)):
                address = unseal(key, bytes(sealed), b"subscriber").decode()
                unsubscribe = token.encode(unsubscribe_token(key, row_id))
                link = f"{settings.BASE_URL}/{language}/newsletter/unsubscribe/{unsubscribe}"
                yield address, language, sentence or "", name, link
        last = found[-1][0]


def _table(subscribers: Iterator[tuple[str, ...]], bom: bool) -> Iterator[bytes]:
    """Yield the lines of the CSV file, the header first."""
    header = csv_line(("address", "language", "consent", "list", "unsubscribe")).encode()
    yield codecs.BOM_UTF8 + header if bom else header
    for row in subscribers:
        yield csv_line(row).encode()

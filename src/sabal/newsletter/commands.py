"""Commands about subscribers."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from sabal import database, private, settings, token
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import open_keystore, unseal
from sabal.newsletter.subscription import CONFIRMED, SITE, unsubscribe_token
from sabal.petitions.lookup import id_of
from sabal.spreadsheet import csv_line

CHUNK = 1_000
_LISTS = (
    "SELECT petition_id, language, state, COUNT(*) FROM newsletter_subscription"
    " GROUP BY petition_id, language, state ORDER BY petition_id, language, state"
)
_SUBSCRIBERS = (
    "SELECT s.id, s.petition_id, s.language, s.sealed_address, c.sentence FROM newsletter_subscription s"
    " LEFT JOIN newsletter_consent c ON c.version = s.consent"
    f" WHERE s.state = {CONFIRMED} AND s.id > ? ORDER BY s.id LIMIT {CHUNK}"
)


@click.group()
def newsletter() -> None:
    """The newsletter of the site and the updates about petitions."""


@newsletter.command("list")
@click.argument("slug", required=False)
def list_(slug: str | None) -> None:
    """Count subscribers by list, language and state. With a SLUG, count only those of this petition's updates."""
    connection = database.connect()
    try:
        names = _lists(connection, slug)
        found = [row for row in connection.query(_LISTS) if row[0] in names]
    finally:
        connection.close()
    if not found:
        click.echo("No subscribers yet.")
    for petition_id, language, state, number in found:
        word = "confirmed" if state == CONFIRMED else "not confirmed yet"
        click.echo(f"{number:>7}  {names[petition_id]}  {language}  {word}")


@newsletter.command()
@click.argument("slug", required=False)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The CSV file to write."
)
def export(slug: str | None, out: Path) -> None:
    """Write the confirmed subscribers to a CSV file.

    Columns: address, language, consent (the sentence agreed to), list, unsubscribe (the link that every email to that
    address must contain).

    With a SLUG, only the subscribers of this petition's updates.
    """
    connection = database.connect()
    try:
        names = _lists(connection, slug)
        subscribers = _confirmed(connection, open_keystore().find(connection, SUBSCRIBERS), names)
        number = private.replace(out, _table(subscribers)) - 1  # without the header
    finally:
        connection.close()
    if urlsplit(settings.BASE_URL).hostname in ("localhost", "127.0.0.1", "::1"):
        click.echo(
            f"The unsubscribe links lead to {settings.BASE_URL}, which nobody else can reach. Set SABAL_BASE_URL.",
            err=True,
        )
    click.echo(
        f"{number} subscribers written to {out}, in clear text. Keep the file safe, and delete it when you no"
        " longer need it."
    )


def _lists(connection: database.Database, slug: str | None) -> dict[int, str]:
    """Return the names of the lists by petition id; with a slug, only that petition's list.

    Raises Refusal if the slug is unknown.
    """
    if slug is not None:
        return {id_of(connection, slug): f"updates about {slug}"}
    petitions: dict[int, str] = dict(connection.query("SELECT id, slug FROM petitions_petition"))
    return {SITE: "newsletter"} | {i: f"updates about {name}" for i, name in petitions.items()}


def _confirmed(connection: database.Database, key: bytes, names: dict[int, str]) -> Iterator[tuple[str, ...]]:
    """Yield the table's rows of the confirmed subscribers of these lists. Reads them in chunks to save memory."""
    last = -1
    while found := connection.query(_SUBSCRIBERS, (last,)):
        for row_id, petition_id, language, sealed, sentence in found:
            if petition_id in names:
                address = unseal(key, bytes(sealed), b"subscriber").decode()
                unsubscribe = token.encode(unsubscribe_token(key, row_id))
                link = f"{settings.BASE_URL}/{language}/newsletter/unsubscribe/{unsubscribe}"
                yield address, language, sentence or "", names[petition_id], link
        last = found[-1][0]


def _table(subscribers: Iterator[tuple[str, ...]]) -> Iterator[bytes]:
    """Yield the lines of the CSV file, the header first."""
    yield csv_line(("address", "language", "consent", "list", "unsubscribe")).encode()
    for row in subscribers:
        yield csv_line(row).encode()

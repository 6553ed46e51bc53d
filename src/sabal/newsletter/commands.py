"""Commands about subscribers."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import click

from sabal import database
from sabal.keys.house import open_house, unseal
from sabal.keys.ring import SUBSCRIBERS
from sabal.newsletter.subscription import CONFIRMED
from sabal.signing.export import harmless

_LISTS = (
    "SELECT COALESCE(p.slug, '') AS list, s.language, s.state, COUNT(*) FROM newsletter_subscription s"
    " LEFT JOIN petitions_petition p ON p.id = s.petition_id GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
)
_SUBSCRIBERS = (
    "SELECT s.id, COALESCE(p.slug, ''), s.language, s.sealed_address, c.sentence FROM newsletter_subscription s"
    " LEFT JOIN petitions_petition p ON p.id = s.petition_id LEFT JOIN newsletter_consent c ON c.version = s.consent"
    f" WHERE s.state = {CONFIRMED} ORDER BY s.id"
)


@click.group()
def newsletter() -> None:
    """The newsletter of the house and the updates about petitions."""


@newsletter.command("list")
def list_() -> None:
    """Count subscribers by list, language and state."""
    connection = database.connect()
    try:
        found = connection.query(_LISTS)
    finally:
        connection.close()
    if not found:
        click.echo("No subscribers yet.")
    for slug, language, state, number in found:
        name = f"updates about {slug}" if slug else "newsletter"
        click.echo(
            f"{number:>7}  {name}  {language}  {'confirmed' if state == CONFIRMED else 'not confirmed yet'}"
        )


@newsletter.command()
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The CSV file to write."
)
@click.option("--petition", "slug", default=None, help="Only those who want updates about this petition.")
def export(out: Path, slug: str | None) -> None:
    """Write the confirmed subscribers to a CSV file: address, language, list, and the sentence that was ticked."""
    connection = database.connect()
    try:
        key = open_house().find(connection, SUBSCRIBERS)
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("address", "language", "list", "consent"))
            number = 0
            for row in _confirmed(connection, key, slug):
                writer.writerow([harmless(cell) for cell in row])
                number += 1
    finally:
        connection.close()
    click.echo(f"{number} subscribers written to {out}, in clear: keep it as you would keep their trust.")


def _confirmed(connection: database.Database, key: bytes, slug: str | None) -> Iterator[tuple[str, ...]]:
    for _, petition, language, sealed, sentence in connection.query(_SUBSCRIBERS):
        if slug is None or petition == slug:
            address = unseal(key, bytes(sealed), b"subscriber").decode()
            yield address, language, f"updates: {petition}" if petition else "newsletter", sentence or ""

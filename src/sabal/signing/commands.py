"""Commands about signatures: what is held, how the organiser opens records, and the peppers' end."""

from datetime import UTC, datetime

import click

from sabal import database, days
from sabal.keys.commands import keys
from sabal.keys.house import open_house
from sabal.petitions.lookup import petition as find_petition
from sabal.refusal import Refusal
from sabal.signing import epochs, held
from sabal.signing.opening import open_


@click.command("held")
@click.argument("slug")
@click.option("--release", is_flag=True, help="Count them with the next batch.")
@click.option(
    "--drop", type=click.Choice(sorted(held.REASONS)), help="Count them as invalidated, for this reason."
)
def held_(slug: str, release: bool, drop: str | None) -> None:
    """Say how many signatures are held, and why; release or drop them. What is held counts after 7 days anyway."""
    if release and drop:
        raise click.UsageError("Choose --release or --drop, not both.")
    connection = database.connect()
    try:
        petition = find_petition(connection, open_house(), slug)
        if release:
            click.echo(f"{held.release(connection, petition.id)} released.")
        elif drop:
            click.echo(f"{held.drop(connection, petition.id, held.REASONS[drop])} dropped.")
        else:
            waiting = False
            for why, number in held.overview(connection, petition.id):
                click.echo(f"{number} {why}")
                waiting = waiting or number > 0
            if waiting:
                click.echo("Release them with --release, or drop them with --drop REASON.")
    finally:
        connection.close()


@keys.command()
@click.argument("slug")
@click.option("--renew", is_flag=True, required=True, help="Begin a new era with a new pepper.")
def pepper(slug: str, renew: bool) -> None:
    """Renew a lost pepper: signing goes on; duplicates across the break are found offline."""
    connection = database.connect()
    try:
        house = open_house()
        today = days.number(datetime.now(UTC).date())
        if not epochs.renew_pepper(connection, house, find_petition(connection, house, slug), today):
            raise Refusal(f"{slug} was changed by somebody else meanwhile; try again.")
    finally:
        connection.close()
    click.echo(f"{slug} has a new pepper; signing goes on.")


COMMANDS = (held_, open_)

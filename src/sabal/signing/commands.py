"""Commands about signatures: review held ones, and replace a lost dedupe key."""

from datetime import UTC, datetime

import click

from sabal import database, days
from sabal.keys.keystore import open_keystore
from sabal.petitions.lookup import petition as find_petition
from sabal.refusal import Refusal
from sabal.signing import epochs, held

PATIENCE = 20.0  # seconds to wait for a worker that is tidying


@click.command("held")
@click.argument("slug")
@click.option("--release", is_flag=True, help="Count them with the next batch.")
@click.option(
    "--drop", type=click.Choice(sorted(held.REASONS)), help="Count them as invalidated, for this reason."
)
def held_(slug: str, release: bool, drop: str | None) -> None:
    """Show how many signatures are held for review, and why; release or drop them. After 7 days they count anyway."""
    if release and drop:
        raise click.UsageError("Choose --release or --drop, not both.")
    connection = database.connect()
    try:
        petition = find_petition(connection, open_keystore(), slug)
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


@click.command()
@click.argument("slug")
def renew_pepper(slug: str) -> None:
    """Replace a lost dedupe key, so that signing continues. Duplicates across the break are found offline."""
    connection = database.connect()
    try:
        keystore = open_keystore()
        today = days.number(datetime.now(UTC).date())
        with database.leading(connection, "tidy", PATIENCE) as leads:
            if not leads:
                raise Refusal("The worker is tidying. Run this command again in a minute.")
            if not epochs.renew_pepper(
                connection, keystore, find_petition(connection, keystore, slug), today
            ):
                raise Refusal(f"{slug} was changed by somebody else in the meantime. Try again.")
    finally:
        connection.close()
    click.echo(f"{slug} has a new dedupe key. Signing continues.")

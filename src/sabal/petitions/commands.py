"""The organiser's commands about petitions."""

from datetime import UTC, datetime
from pathlib import Path

import click

from sabal.keys.house import open_house


def _ready() -> None:
    """Django, for commands that touch the database."""
    import django

    django.setup()


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--publish", "publish_too", is_flag=True, help="Publish it at once, where nothing lacks.")
def import_(path: Path, publish_too: bool) -> None:
    """Import a petition folder, or a plain-text letter, as a draft.

    The slug alone stands on the first line of standard output; notes come after it.
    """
    _ready()
    from sabal.petitions import folder, publishing
    from sabal.petitions.letter import folder_from_letter, read_letter
    from sabal.petitions.models import Petition

    notes: tuple[str, ...] = ()
    if path.is_dir():
        files = folder.read(path)
    else:
        taken = set(Petition.objects.values_list("slug", flat=True))
        number = next(n for n in range(1, 10_000) if f"petition-{n}" not in taken)
        letter = folder_from_letter(read_letter(path), number=number, name=path.name)
        files, notes = letter.files, letter.notes
    petition = publishing.import_files(files)
    click.echo(petition.slug)
    for note in (
        *notes,
        *(f"To do before publishing: {lack}" for lack in folder.lacking(folder.parse(files))),
    ):
        click.echo(note)
    if publish_too:
        _publish(petition.slug)


@click.command()
@click.argument("slug")
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Default: here.",
)
def export(slug: str, directory: Path) -> None:
    """Write a petition's folder to DIRECTORY/SLUG/, as it was imported."""
    _ready()
    from sabal.petitions import folder, publishing

    folder.write(publishing.export_files(slug), directory / slug)
    click.echo(f"Written to {directory / slug}/")


@click.command()
def petitions() -> None:
    """List the petitions of this house."""
    _ready()
    from sabal import database
    from sabal.petitions.models import Petition
    from sabal.petitions.snapshot import Snapshots

    snapshots, connection = Snapshots(), database.connect()
    try:
        snapshots.refresh(connection, open_house())
    finally:
        connection.close()
    rows = Petition.objects.order_by("pk")
    if not rows:
        click.echo("No petition yet. Import a folder or a letter: sabal import PATH")
    for row in rows:
        snapshot = snapshots.by_id(row.pk)
        counted = snapshot.counts.counted if snapshot else 0
        click.echo(f"{row.slug}  {row.state}  {counted} counted")


@click.command()
@click.argument("slug")
def publish(slug: str) -> None:
    """Open a draft for signatures, or publish a paused petition's new version."""
    _ready()
    _publish(slug)


def _publish(slug: str) -> None:
    from sabal.petitions import publishing

    now = datetime.now(UTC)
    publishing.publish(slug, open_house(), now.date(), int(now.timestamp()))
    click.echo(f"{slug} is open.")


@click.command()
@click.argument("slug")
def pause(slug: str) -> None:
    """Take no signatures for now; letters that are out can still be confirmed."""
    _ready()
    from sabal.petitions import publishing

    publishing.pause(slug)
    click.echo(f"{slug} is paused. Go on: sabal resume {slug}")


@click.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Take signatures again after a pause, or within 14 days of a close."""
    _ready()
    from sabal.petitions import publishing

    publishing.resume(slug, datetime.now(UTC).date())
    click.echo(f"{slug} is open.")


@click.command()
@click.argument("slug")
def close(slug: str) -> None:
    """Take no more signatures. Undo within 14 days: sabal resume SLUG."""
    _ready()
    from sabal.petitions import publishing

    publishing.close(slug, datetime.now(UTC).date())
    click.echo(
        f"{slug} is closed. Letters that are out can be confirmed for 7 days. Undo: sabal resume {slug}"
    )


COMMANDS = (import_, export, petitions, publish, pause, resume, close)

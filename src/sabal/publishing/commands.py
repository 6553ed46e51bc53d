"""The organiser's commands about petitions."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

import click

from sabal import keyfile, outfile, settings
from sabal.counted import counted
from sabal.keys.keystore import open_keystore
from sabal.outfile import OutFile
from sabal.refusal import Refusal


def set_up() -> None:
    """Set up Django, for commands that use the database."""
    import django

    django.setup()
    settings.use_served_address()


@click.command()
@click.argument("slug")
@click.option(
    "--to",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Default: here.",
)
@click.option("--force", is_flag=True, help="Overwrite files there that were edited.")
def export(slug: str, directory: Path, force: bool) -> None:
    """Write a petition's folder to DIRECTORY/SLUG/, as it was imported."""
    set_up()
    from sabal.petitions import folder
    from sabal.publishing import drafts

    files = drafts.export_files(slug)
    edited = [name for name in files if _differs(directory / slug / name, files[name])]
    if edited and not force:
        raise Refusal(
            f"{directory / slug}/{edited[0]} was edited since the import. To import it: sabal import"
            f" {directory / slug}/. To overwrite it: --force."
        )
    folder.write(files, directory / slug)
    click.echo(f"Written to {directory / slug}/")


def _differs(file: Path, text: str) -> bool:
    return file.is_file() and file.read_bytes() != text.encode()


@click.command()
@click.argument("slug")
def discard(slug: str) -> None:
    """Delete a draft or an amendment that was never published."""
    set_up()
    from sabal.petitions.models import Petition
    from sabal.publishing import drafts

    if drafts.discard(slug):
        paused = drafts.find(slug).state == Petition.State.PAUSED
        again = f" To take signatures again: sabal resume {slug}" if paused else ""
        click.echo(f"The amendment of {slug} is deleted.{again}")
    else:
        click.echo(f"{slug} is deleted.")


@click.command()
def petitions() -> None:
    """List the petitions on this server."""
    set_up()
    from sabal import database
    from sabal.petitions.models import Petition
    from sabal.petitions.snapshots import Snapshots

    snapshots, connection = Snapshots(), database.connect()
    try:
        snapshots.refresh(connection, open_keystore())
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
@click.argument("petition", metavar="SLUG|FOLDER")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8_700, show_default=True, help="0: any free port."
)
def preview(petition: str, port: int) -> None:
    """Show a draft as the public will see it, in a browser on this computer only. Ctrl-C ends it.

    SLUG is a petition of this server, with its newest text. FOLDER is a petition folder, which needs no server. Each
    page is made anew: edit, and reload the page.
    """
    set_up()
    from sabal.petitions import folder
    from sabal.publishing import drafts
    from sabal.publishing.preview import PreviewServer, links

    def read() -> dict[str, str]:
        path = Path(petition)
        return dict(folder.read(path)) if path.is_dir() else drafts.export_files(petition)

    definition = folder.parse(read())
    try:
        server = PreviewServer(read, port)
    except OSError as error:
        raise Refusal(
            f"Port {port} of this computer is in use ({error.strerror}). Choose another: --port 0"
        ) from None
    with server:
        shown = (
            f"the files in the folder {petition}" if Path(petition).is_dir() else f"{petition} on this server"
        )
        click.echo(f"This shows {shown}. Open it in a browser on this computer:")
        for link in links(definition, server.address):
            click.echo(link)
        click.echo("Nothing is published, and the form stores nothing. To end the preview, press Ctrl-C.")
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


@click.command()
@click.argument("slug")
def publish(slug: str) -> None:
    """Open a draft for signatures, or publish the amendment of a petition. Signing goes on meanwhile."""
    set_up()
    publish_and_say(slug)


def publish_and_say(slug: str) -> None:
    """Publish a petition, and print its addresses."""
    from sabal.publishing import drafts, versions
    from sabal.publishing.drafts import names_example_people

    now = datetime.now(UTC)
    petition = versions.publish(slug, open_keystore(), now.date(), int(now.timestamp()))
    if names_example_people(slug):
        click.echo(f"{slug} still names example people. To put in your own:")
        click.echo(f"sabal export {slug}, edit, sabal import {slug}, sabal publish {slug}")
    click.echo(f"{slug} is open:")
    for language in drafts.definition(slug).languages:
        click.echo(f"{settings.BASE_URL}/{language}/{slug}")
    if drafts.definition(slug).newsletter:
        _say_whose_list(petition.organisation, slug)


def _say_whose_list(key: str, slug: str) -> None:
    """Name the petitions that share the newsletter list of this one: only an organiser knows if that is right."""
    from sabal.petitions.models import Petition

    others = Petition.objects.filter(organisation=key).exclude(slug=slug).values_list("slug", flat=True)
    shared = f", which it shares with {', '.join(sorted(others))}" if others else ""
    click.echo(f"Its newsletter is the list {key}{shared}.")


@click.command()
@click.argument("slug")
def pause(slug: str) -> None:
    """Take no signatures for now. Emails already sent can still be confirmed."""
    set_up()
    from sabal.publishing import states

    states.pause(slug)
    click.echo(f"{slug} is paused. To take signatures again: sabal resume {slug}")


@click.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Take signatures again after a pause, or within 14 days of a close."""
    set_up()
    from sabal.publishing import states

    states.resume(slug, datetime.now(UTC).date())
    click.echo(f"{slug} is open.")


@click.command()
@click.argument("slug")
def close(slug: str) -> None:
    """Take no more signatures. Undo within 14 days: sabal resume SLUG."""
    set_up()
    from sabal.publishing import states

    states.close(slug, datetime.now(UTC).date())
    click.echo(
        f"{slug} is closed. Signatures can still be confirmed for 7 days with the emails already sent. Undo:"
        f" sabal resume {slug}"
    )


@click.command("use")
@click.argument("slug")
@click.argument("recipients", nargs=-1, required=True, metavar="RECIPIENT|FILE…")
def use_keys(slug: str, recipients: tuple[str, ...]) -> None:
    """Encrypt the signatures of a petition to these public keys. Each key alone opens everything."""
    set_up()
    from sabal.publishing import drafts

    found = tuple(key for given in recipients for key in keyfile.recipients(given))
    drafts.use_keys(slug, found)
    click.echo(
        f"{counted(len(found), 'key is', 'keys are')} chosen for {slug}. Next: sabal keys check {slug}"
    )


@click.command("check")
@click.argument("slug")
@click.option("--out", type=outfile.FILE, help="Default: SLUG-check.age, here.")
@outfile.force
@click.option(
    "--code", help="The code from the key check file. It shows that the key opens what is encrypted to it."
)
def check_key(slug: str, out: Path | None, force: bool, code: str | None) -> None:
    """Check the organiser's key: encrypt a code to it, then enter the code that the key opens."""
    path = out or Path(f"{slug}-check.age")
    target = OutFile(path, force)
    if not code:
        target.refuse()
    set_up()
    from sabal.publishing import drafts

    if code:
        drafts.answer_key_check(slug, code)
        click.echo(f"The key opens what is encrypted to it. Next: sabal publish {slug}")
        return
    target.write([drafts.key_check(slug)])
    what = "the key check" if target.is_stdout else path
    name = "FILE" if target.is_stdout else path
    target.say(f"Take {what} to the organiser's computer and run: sabal open {name} --identity KEYFILE")
    target.say(f"Then enter the code that it shows: sabal keys check {slug} --code CODE")

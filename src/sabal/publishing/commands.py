"""The organiser's commands about petitions."""

import contextlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click

from sabal import keyfile, outfile, settings
from sabal.keys.keystore import open_keystore
from sabal.outfile import OutFile
from sabal.petitions.tomltable import FILE
from sabal.refusal import Refusal


def _ready() -> None:
    """Set up Django, for commands that use the database."""
    import django

    django.setup()
    settings.use_served_address()


class _LineRole(click.ParamType[tuple[int, str]]):
    """A line of a letter and its role, such as 12=background."""

    name = "line=role"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, str]:
        from sabal.petitions.letters.reading import Role

        number, _, role = str(value).partition("=")
        if not (number.isascii() and number.isdecimal()) or role not in list(Role):
            self.fail(
                f"Write the number of a line and its role, such as 12=background. Roles: {', '.join(Role)}."
            )
        return int(number), role


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--publish", "publish_too", is_flag=True, help="Publish it at once, if nothing is missing.")
@click.option(
    "--profile",
    type=click.Choice(("guarded", "open")),
    help="Of a letter: guarded if anyone could be harmed if it became known that they signed, else open.",
)
@click.option(
    "--language", metavar="CODE", default="", help="Of a letter: its language, such as en or zh-hans."
)
@click.option(
    "--role",
    "roles",
    type=_LineRole(),
    multiple=True,
    help="Of a letter: the role of a line, as 12=background.",
)
@click.option(
    "--into", metavar="SLUG", help="Of a letter: add it to this draft, as its text in another language."
)
def import_(
    path: Path,
    publish_too: bool,
    profile: str | None,
    language: str,
    roles: tuple[tuple[int, str], ...],
    into: str | None,
) -> None:
    """Import a petition folder, or a letter, as a draft. For a paused petition, it becomes an amendment.

    A letter is plain text or a Word document (.docx). The first line of standard output is the slug alone. For a
    letter, the role of each of its lines follows, then what to check and to complete.
    """
    _ready()
    from sabal.petitions import folder
    from sabal.petitions.models import Petition
    from sabal.publishing import drafts

    report: list[str] = []
    if path.is_file() and (path.parent / FILE).is_file() and path.suffix in (".md", ".toml"):
        raise Refusal(
            f"{path} is one file of a petition folder. Import the whole folder: sabal import {path.parent}"
        )
    if path.is_dir() and (profile or language or roles or into):
        raise Refusal(
            f"--profile, --language, --role and --into are for a letter. For a folder, write them into {path / FILE}."
        )
    if into and profile:
        raise Refusal(f"--profile is for a new petition. {into} has its own.")
    if path.is_dir():
        files = folder.read(path)
    else:
        files, report = _read_letter(path, profile, language, dict(roles), into)
    petition = drafts.import_files(files)
    click.echo(petition.slug)
    lacking = folder.lacking(drafts.definition(petition.slug))
    for line in (*report, *(f"To do before publishing: {lack}" for lack in lacking)):
        click.echo(line)
    _say_what_stays_english(drafts.definition(petition.slug).languages)
    if lacking and not publish_too:
        _say_how_to_edit(petition.slug, None if path.is_file() else path)
    elif petition.state == Petition.State.PAUSED and not publish_too:
        click.echo(f"This is an amendment, which is not public yet. Next: sabal publish {petition.slug}")
        click.echo(f"To delete the amendment: sabal discard {petition.slug}")
    if publish_too:
        _publish(petition.slug)


def _read_letter(
    path: Path, profile: str | None, language: str, roles: dict[int, str], into: str | None
) -> tuple[dict[str, str], list[str]]:
    """Return the petition's files with a letter, and the report about its lines."""
    from sabal.petitions.letters import letter
    from sabal.petitions.letters.reading import Role
    from sabal.petitions.letters.table import table_of
    from sabal.petitions.letters.textfile import read_letter
    from sabal.petitions.models import Petition
    from sabal.publishing import drafts

    reading = letter.read_text(
        read_letter(path),
        name=path.name,
        language=language,
        roles={number: Role(role) for number, role in roles.items()},
    )
    if into:
        result = letter.folder_with(drafts.export_files(into), reading)
    else:
        taken = set(Petition.objects.values_list("slug", flat=True))
        number = next(n for n in range(1, 10_000) if f"petition-{n}" not in taken)
        result = letter.folder_from(reading, number=number, profile=profile)
    return result.files, [
        f"Language: {', '.join(result.reading.languages)}",
        *table_of(result.reading),
        "If a line has the wrong role, import the letter again with --role LINE=ROLE, such as --role 12=background.",
        *(f"To check: {note}" for note in result.notes),
    ]


def _say_what_stays_english(languages: Iterable[str]) -> None:
    """Name the languages in which signers meet English words, before they meet them."""
    without = [language for language in languages if language not in settings.SITE_LANGUAGES]
    if without:
        click.echo(
            f"Sabal has no translation into {', '.join(without)}: its form, consent and emails are in"
            " English there."
        )


def _say_how_to_edit(slug: str, folder: Path | None) -> None:
    if folder is None:
        click.echo(f"Next: sabal export {slug}, edit the files in {slug}/, sabal import {slug}/")
    else:
        click.echo(f"Next: edit the files in {folder}/, sabal import {folder}/")
    click.echo(f"To see it as the public will: sabal preview {slug}")
    click.echo(f"The organiser's key: sabal keys new --out FILE, sabal keys use {slug} FILE.pub")


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
    _ready()
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
    _ready()
    from sabal.publishing import drafts

    if drafts.discard(slug):
        click.echo(f"The amendment of {slug} is deleted. To take signatures again: sabal resume {slug}")
    else:
        click.echo(f"{slug} is deleted.")


@click.command()
def petitions() -> None:
    """List the petitions on this server."""
    _ready()
    from sabal import database
    from sabal.petitions.models import Petition
    from sabal.petitions.snapshot import Snapshots

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
    _ready()
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
    """Open a draft for signatures, or publish a paused petition's new version."""
    _ready()
    _publish(slug)


def _publish(slug: str) -> None:
    from sabal.publishing import drafts, versions
    from sabal.publishing.drafts import names_example_people

    now = datetime.now(UTC)
    petition = versions.publish(slug, open_keystore(), now.date(), int(now.timestamp()))
    if names_example_people(slug):
        click.echo(f"{slug} still names example people. To put in your own: sabal pause {slug}, then")
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
    _ready()
    from sabal.publishing import states

    states.pause(slug)
    click.echo(f"{slug} is paused. To take signatures again: sabal resume {slug}")


@click.command()
@click.argument("slug")
def resume(slug: str) -> None:
    """Take signatures again after a pause, or within 14 days of a close."""
    _ready()
    from sabal.publishing import states

    states.resume(slug, datetime.now(UTC).date())
    click.echo(f"{slug} is open.")


@click.command()
@click.argument("slug")
def close(slug: str) -> None:
    """Take no more signatures. Undo within 14 days: sabal resume SLUG."""
    _ready()
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
    _ready()
    from sabal.publishing import drafts

    found = tuple(key for given in recipients for key in keyfile.recipients(given))
    drafts.use_keys(slug, found)
    click.echo(f"{len(found)} key(s) chosen for {slug}. Next: sabal keys check {slug}")


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
    _ready()
    from sabal.publishing import drafts

    if code:
        drafts.answer_key_check(slug, code)
        click.echo(f"The key opens what is encrypted to it. Next: sabal publish {slug}")
        return
    target.write([drafts.key_check(slug)])
    click.echo(f"Take {path} to the organiser's computer and run: sabal open {path} --identity KEYFILE")
    click.echo(f"Then enter the code that it shows: sabal keys check {slug} --code CODE")

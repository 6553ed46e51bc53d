"""`sabal import`: a petition folder, or a letter, becomes a draft or an amendment."""

from collections.abc import Iterable
from pathlib import Path

import click

from sabal import settings
from sabal.petitions.tomltable import FILE
from sabal.publishing.commands import publish_and_say, set_up
from sabal.refusal import Refusal


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
    """Import a petition folder, or a letter, as a draft. For a published petition, it becomes an amendment.

    A letter is plain text or a Word document (.docx). The first line of standard output is the slug alone. For a
    letter, the role of each of its lines follows, then what to check and to complete.
    """
    set_up()
    from sabal.petitions import folder
    from sabal.publishing import drafts

    if path.is_dir():
        if profile or language or roles or into:
            raise Refusal(
                "--profile, --language, --role and --into are for a letter. For a folder, write them into"
                f" {path / FILE}."
            )
        files, report = folder.read(path), list[str]()
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
    elif drafts.has_amendment(petition) and not publish_too:
        click.echo(f"This is an amendment, which is not public yet. Next: sabal publish {petition.slug}")
        click.echo(f"To delete the amendment: sabal discard {petition.slug}")
    if publish_too:
        publish_and_say(petition.slug)


def _read_letter(
    path: Path, profile: str | None, language: str, roles: dict[int, str], into: str | None
) -> tuple[dict[str, str], list[str]]:
    """Return the petition's files with a letter, and the report about its lines. Raises Refusal."""
    from sabal.petitions.letters import letter
    from sabal.petitions.letters.reading import Role
    from sabal.petitions.letters.table import table_of
    from sabal.petitions.letters.textfile import read_letter
    from sabal.petitions.models import Petition
    from sabal.publishing import drafts

    if (path.parent / FILE).is_file() and path.suffix in (".md", ".toml"):
        raise Refusal(
            f"{path} is one file of a petition folder. Import the whole folder: sabal import {path.parent}"
        )
    if into and profile:
        raise Refusal(f"--profile is for a new petition. {into} has its own.")
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


def _say_how_to_edit(slug: str, folder: Path | None) -> None:
    if folder is None:
        click.echo(f"Next: sabal export {slug}, edit the files in {slug}/, sabal import {slug}/")
    else:
        click.echo(f"Next: edit the files in {folder}/, sabal import {folder}/")
    click.echo(f"To see it as the public will: sabal preview {slug}")
    click.echo(f"The organiser's key: sabal keys new --out FILE, sabal keys use {slug} FILE.pub")


def _say_what_stays_english(languages: Iterable[str]) -> None:
    """Name the languages in which signers meet English words, before they meet them."""
    without = [language for language in languages if language not in settings.SITE_LANGUAGES]
    if without:
        click.echo(
            f"Sabal has no translation into {', '.join(without)}: its form, consent and emails are in"
            " English there."
        )

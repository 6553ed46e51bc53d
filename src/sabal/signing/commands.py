"""Commands about signatures: what is held, what is sealed, how the organiser opens it, and the peppers' end."""

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import click

import agefile
from sabal import database, days, private, settings
from sabal.keys.commands import keys
from sabal.keys.house import open_house
from sabal.petitions.lookup import petition as find_petition
from sabal.refusal import Refusal
from sabal.signing import export, held, tidy

MOST_LINES = 10  # so many numbers of lines are named


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


@click.command()
@click.argument("slug")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
def sealed(slug: str, out: Path) -> None:
    """Write the sealed records of the confirmed signers to a file, to be opened on the organiser's machine."""
    connection = database.connect()
    try:
        petition = find_petition(connection, open_house(), slug)
        lines = export.write_sealed(connection, petition.id, slug)
        written = private.replace(out, (line.encode() for line in lines))
    finally:
        connection.close()
    click.echo(f"{written - 1} sealed records written to {out}. Open them: sabal open {out} --identity FILE")


@keys.command()
@click.argument("slug")
@click.option("--renew", is_flag=True, required=True, help="Begin a new era with a new pepper.")
def pepper(slug: str, renew: bool) -> None:
    """Renew a lost pepper: signing goes on; duplicates across the break are found offline."""
    connection = database.connect()
    try:
        house = open_house()
        today = days.number(datetime.now(UTC).date())
        tidy.renew_pepper(connection, house, find_petition(connection, house, slug), today)
    finally:
        connection.close()
    click.echo(f"{slug} has a new pepper; signing goes on.")


@click.command("open")
@click.argument("what")
@click.option(
    "--identity",
    required=True,
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A key file. May be given several times: each record is opened by the one that fits.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Holds the passphrase of every key file that has one; else each is asked for.",
)
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
def open_(what: str, identity: tuple[Path, ...], passphrase_file: Path | None, form: str) -> None:
    """Print the confirmed signers of an export FILE, or of a SLUG beside the database; or open an age FILE.

    This is the moment in which names and addresses stand in clear: do it on the organiser's machine.
    """
    identities = [one for file in identity for one in read_identities(file, passphrase_file)]
    if Path(what).is_file():
        _print_file(Path(what), identities, form)
        return
    if Path(what).suffix or "/" in what:
        raise Refusal(f"There is no file {what}.")
    if not settings.DEV and not (settings.DATA / "organiser-key.txt").exists():
        click.echo(
            "Warning: the key that opens the signatures is on the server now. Better: sabal sealed, opened elsewhere.",
            err=True,
        )
    connection = database.connect()
    try:
        petition = find_petition(connection, open_house(), what)
        _print(export.open_sealed(export.write_sealed(connection, petition.id, what), identities), form)
    finally:
        connection.close()


def _print_file(path: Path, identities: list[agefile.Identity], form: str) -> None:
    head = path.open("rb").read(64)
    if head.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
        click.echo(
            export.printable(agefile.decrypt(path.read_bytes(), identities).decode("utf-8", "replace")),
            nl=False,
        )
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        _print(export.open_sealed(lines, identities, _progress()), form)


def _print(opened: Iterator[export.Opened], form: str) -> None:
    wrong, rows, unreadable = 0, 0, []

    def counting() -> Iterator[export.Opened]:
        nonlocal wrong, rows
        for one in opened:
            rows += 1
            if one.unreadable is not None:
                unreadable.append(one.unreadable)
            else:
                wrong += not one.checked
            yield one

    _write(sys.stdout, (export.as_csv if form == "csv" else export.as_jsonl)(counting()))
    if not rows:
        click.echo("No confirmed signatures. (Withdrawn ones are deleted.)", err=True)
    if wrong:
        click.echo(f"{wrong} records are not the ones that were signed: see the column `checked`.", err=True)
    if unreadable:
        lines = ", ".join(map(str, unreadable[:MOST_LINES])) + (", …" if unreadable[MOST_LINES:] else "")
        click.echo(
            f"Could not be opened: {len(unreadable)} (in the export, line {lines}). Such rows hold nothing but NO in"
            " the column `checked`. Another key may open them, such as one that was used earlier: give --identity once"
            " for each key.",
            err=True,
        )
    if wrong or unreadable:
        sys.exit(1)


def _write(out: TextIO, lines: Iterable[str]) -> None:
    to_terminal = out.isatty()
    for line in lines:
        out.write(export.printable(line) if to_terminal else line)
    out.flush()  # a reader who has gone is noticed here, before anything is said about what was read


def _progress() -> export.Progress:
    def show(n: int) -> None:
        if n % 5_000 == 0 and sys.stderr.isatty():
            click.echo(f"{n:,} opened …", err=True)

    return show


def read_identities(path: Path, passphrase_file: Path | None) -> list[agefile.Identity]:
    """The identities in a key file, which may be locked with a passphrase; asks for it where no file holds it."""
    data = path.read_bytes()
    if agefile.is_passphrase_file(data):
        passphrase = (
            passphrase_file.read_text(encoding="utf-8").strip()
            if passphrase_file
            else click.prompt(f"Passphrase of the key in {path}", hide_input=True, err=True)
        )
        data = agefile.decrypt_passphrase(data, passphrase)
    try:
        return list(agefile.parse_identity_file(data.decode("utf-8")))
    except UnicodeDecodeError:
        raise agefile.AgeError(f"{path} is no key file.") from None


COMMANDS = (held_, sealed, open_)

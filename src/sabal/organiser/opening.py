"""`sabal open`: print names and addresses in clear text, on the organiser's computer."""

import codecs
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import click

import agefile
from sabal import outfile
from sabal.counted import counted
from sabal.organiser import files, output, signers
from sabal.outfile import OutFile
from sabal.records import export
from sabal.refusal import Refusal

MOST_LINES = 10  # the most line numbers that are printed


class _ExplainingColumns(click.Command):
    """A command whose help explains the columns of its table."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Columns of the table"):
            formatter.write_dl(list(signers.COLUMNS.items()))


@click.command("open", cls=_ExplainingColumns)
@click.argument("what", nargs=-1, required=True)
@click.option(
    "--identity",
    required=True,
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A key file. Repeatable: each record is opened with the key that fits.",
)
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the passphrase of every locked key file. Without it the passphrase is asked for.",
)
@click.option("--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True)
@click.option(
    "--out",
    type=outfile.FILE,
    help="Write to this file, which only you can read, and not to the terminal.",
)
@outfile.force
@click.option(
    "--bom", is_flag=True, help="Begin the table with a byte order mark, so that Excel shows every script."
)
@click.option(
    "--prove",
    is_flag=True,
    help="Print no record, only the code that lets the server delete the records of this export.",
)
def open_(
    what: tuple[str, ...],
    identity: tuple[Path, ...],
    passphrase_file: Path | None,
    form: str,
    out: Path | None,
    force: bool,
    bom: bool,
    prove: bool,
) -> None:
    """Print the confirmed signers of export FILES, or of a SLUG on this server; or open an age FILE.

    This shows names and addresses in clear text. Run it on the organiser's computer. An age file, such as a bundle, is
    written byte for byte.
    """
    paths = [Path(one) for one in what]
    _check_options(paths, form, out, force, bom, prove)
    # Without --out, names can be shown on a terminal, and "-" is the same.
    target = _Target(form, bom, OutFile(out, force) if out and out != outfile.STDOUT else None)
    if target.out:
        target.out.refuse([*paths, *identity, passphrase_file])
    identities = files.read_identities(identity, passphrase_file)
    if len(paths) == 1 and _is_age(paths[0]) and not prove:
        _open_age(paths[0], identities, target)
    elif len(paths) == 1 and not paths[0].is_file() and not paths[0].suffix and paths[0].name == what[0]:
        _print_here(what[0], identities, target, prove)
    else:
        with files.read_exports(paths) as exports:
            if prove:
                click.echo(code(exports[0], identities))
            else:
                newest = max(one.header.size for one in exports)
                older = {one.name for one in exports if one.header.size < newest}
                _print(export.open_sealed(exports, identities, files.progress()), target, older)


@dataclass(frozen=True)
class _Target:
    """Where opened records go, and in which form."""

    form: str
    bom: bool
    out: OutFile | None

    def write(self, opened: Iterator[export.Opened]) -> None:
        output.write(self._pieces(opened), self.out)

    def _pieces(self, opened: Iterator[export.Opened]) -> Iterator[bytes]:
        if self.bom:
            yield codecs.BOM_UTF8
        for line in (signers.as_csv if self.form == "csv" else signers.as_jsonl)(opened):
            yield line.encode()


def _check_options(
    paths: list[Path], form: str, out: Path | None, force: bool, bom: bool, prove: bool
) -> None:
    """Raise `UsageError` for options that exclude or require each other."""
    if prove and len(paths) > 1:
        raise click.UsageError("Each export has its own code. Give one FILE with --prove.")
    if prove and (out or bom):
        raise click.UsageError("With --prove only a code is printed. Leave --out and --bom out.")
    if force and (not out or out == outfile.STDOUT):
        raise click.UsageError("--force overwrites the file of --out. Give --out FILE.")
    if bom and (form != "csv" or any(map(_is_age, paths))):
        raise click.UsageError("--bom is for a table of signers: leave it out, or use --format csv.")


def _open_age(path: Path, identities: list[agefile.Identity], target: _Target) -> None:
    """Write the content of an age file, byte for byte. Nothing is written of a file that is not whole."""
    size = path.stat().st_size
    if not target.out:  # a file is renamed when it is whole; standard output cannot take anything back
        with path.open("rb") as file:
            for _ in output.with_progress(agefile.decrypt_stream(file, identities), size):
                pass
    with path.open("rb") as file:
        opened = agefile.decrypt_stream(file, identities)
        output.write(output.with_progress(opened, size) if target.out else opened, target.out)


def code(one: export.Export, identities: list[agefile.Identity]) -> str:
    """Return the code that lets the server delete the records of this export.

    Raise `Refusal` unless every record can be opened and is the one that was signed.
    """
    if one.header.code is None:
        raise Refusal(
            "This export has no code: it was made for a petition without organiser keys, or by an older Sabal."
        )
    commitments = []
    for opened in export.open_sealed([one], identities, files.progress()):
        if not opened.checked:
            raise Refusal(
                "At least one record of this export cannot be opened, or is not the one that was signed, so the"
                " server must keep them all. sabal open FILE shows which."
            )
        commitments.append(opened.commitment)
    challenge = agefile.decrypt(one.header.code_bytes(), identities)
    return export.drain_proof(challenge, commitments)


def _is_age(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return files.is_age(file.read(64))


def _print_here(slug: str, identities: list[agefile.Identity], target: _Target, prove: bool) -> None:
    """Print the signers of a petition of this server, from its database."""
    if prove:
        raise Refusal(f"There is no file {slug}. Only an export has a code, so give the export's file.")
    from sabal import settings
    from sabal.signing.sealed import local_export

    if not settings.DEV and not (settings.DATA / "organiser-key.txt").exists():
        _say(
            "Warning: the key that opens the signatures is on the server now. It is safer to use sabal sealed, and to"
            " open its file elsewhere."
        )
    with local_export(slug) as lines:
        _print(export.open_sealed([export.read(lines)], identities), target)


def _print(opened: Iterator[export.Opened], target: _Target, older: Collection[str] = ()) -> None:
    counts = _Counts(older)
    target.write(counts.counting(opened))
    counts.say(target)
    if counts.wrong or counts.unreadable:
        sys.exit(1)


@dataclass
class _Counts:
    """The numbers of the rows that were printed. `older` are the exports that are not the newest."""

    older: Collection[str]
    rows: int = 0
    wrong: int = 0
    without_index: int = 0
    unreadable: Counter[str] = field(default_factory=Counter)  # by export
    lines: list[str] = field(default_factory=list)  # of unreadable records

    def counting(self, opened: Iterator[export.Opened]) -> Iterator[export.Opened]:
        """Yield the records, and count them."""
        for one in opened:
            self.rows += 1
            if one.unreadable is not None:
                self.unreadable[one.export] += 1
                self.lines.append(f"{one.unreadable}" if len(self.lines) < MOST_LINES else "…")
                del self.lines[MOST_LINES + 1 :]
            else:
                self.wrong += not one.checked
                self.without_index += one.index is None and one.export in self.older
            yield one

    def say(self, target: _Target) -> None:
        """Print what was written, and what must be known about it."""
        if not self.rows:
            _say("No confirmed signatures. (Withdrawn ones are deleted.)")
        elif target.out:
            _say(
                f"{counted(self.rows, 'row')} written to {target.out.path}, in clear text. Keep"
                " the file safe, and delete it when you no longer need it."
            )
            for column in ("index", "consent", "checked"):  # the others explain themselves
                _say(f"Column {column}: {signers.COLUMNS[column]}.")
        if self.without_index:
            _say(
                f"{counted(self.without_index, 'record is', 'records are')} only in an older"
                " export, from before they were in the log. Whether they were withdrawn since cannot be seen here."
            )
        if self.wrong:
            _say(
                f"{counted(self.wrong, 'record is not the one that was', 'records are not the ones that were')} signed."
                " See the column `checked`."
            )
        if self.unreadable:
            _say(
                f"Could not be opened: {self.unreadable.total()} ({self._locations()}). Such rows hold nothing of the"
                " signer, only NO in the column `checked`. Another key may open them, such as one that was used"
                " earlier. Give --identity once for each key."
            )

    def _locations(self) -> str:
        if len(self.unreadable) == 1:
            return f"in the export, line {', '.join(self.lines)}"
        return "; ".join(f"{number} in {name}" for name, number in self.unreadable.items())


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)

"""The commands `sabal verify` and `sabal mirror`."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import click

import tlog
from sabal.checking.check import check
from sabal.checking.copy import CannotCheck, LogCopy
from sabal.checking.finding import MOST_BYTES, checkpoints_in, of_this_log, promises_in
from sabal.checking.kept import Kept, Trust
from sabal.checking.mirror import WrongLog
from sabal.checking.mirror import mirror as update_mirror
from sabal.checking.reading import read
from sabal.checking.report import plain
from sabal.counted import some_entries
from sabal.refusal import Refusal
from tlog import Proof, Verifier
from tlog.keys import Kind

WRONG = 1
PATIENCE = 2.0  # seconds before progress is printed
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("what")
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=_FILE,
    help=(
        "A file that holds a checkpoint of the log, such as a saved email. The copy must continue from it."
        " Repeatable."
    ),
)
@click.option(
    "--promise",
    "promises",
    multiple=True,
    type=_FILE,
    help="A promise of the log, saved as a file. Repeatable.",
)
@click.option("--proof", "proofs", multiple=True, type=_FILE, help="A .tlog-proof of an entry. Repeatable.")
@click.option("--log", "vkey", help="The key that the log must have, as the petition's page shows it.")
@click.option(
    "--witness",
    "witnesses",
    multiple=True,
    metavar="VKEY",
    help="A witness that you trust yourself. Its cosignature dates this copy, for promises. Repeatable.",
)
@click.option("--at", type=click.IntRange(0), help="Unix time (seconds) to use instead of now, for promises.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def verify(
    what: str,
    checkpoints: tuple[Path, ...],
    promises: tuple[Path, ...],
    proofs: tuple[Path, ...],
    vkey: str | None,
    witnesses: tuple[str, ...],
    at: int | None,
    as_json: bool,
) -> None:
    """Check a petition's log. WHAT is the petition's address, a bundle, or a folder with a log or an opened bundle.

    Exit code 0: everything holds; 1: it was checked and is wrong; 2: it could not be checked.
    """  # fmt: skip
    with _cannot_check():
        key = None if vkey is None else _key(vkey, "--log", Kind.NOTE)
        trusted = [_key(witness, "--witness", Kind.COSIGNATURE) for witness in witnesses]
        started = int(time.time())
        copy = _read(what)
        saved = [_found(path, checkpoints_in, "checkpoint") for path in checkpoints]
        kept = Kept(
            [note for found in saved for note in of_this_log(found, copy)],
            [note for path in promises for note in _found(path, promises_in, "promise")],
            [_proof(path) for path in proofs],
        )
        trust = Trust(trusted, started if _is_own_site(what, copy) else None)
        report = check(copy, now=int(time.time()) if at is None else at, kept=kept, log_key=key, trust=trust)
    click.echo(json.dumps(report.as_json()) if as_json else "\n".join(report.lines()))
    sys.exit(0 if report.ok else WRONG)


@click.command()
@click.argument("url")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def mirror(url: str, folder: Path) -> None:
    """Keep a static copy of a petition and its log in FOLDER, for any web server. Run it again by cron.

    Only new parts are read. A log that was rewritten is refused, and the copy stays as it was. Exit code 0: the copy
    is up to date; 1: the log was read and is wrong, or has other witnesses than before; 2: it could not be read or
    written.
    """  # fmt: skip
    try:
        done = update_mirror(url, folder, datetime.now(UTC))
    except WrongLog as wrong:
        click.echo(str(wrong), err=True)
        sys.exit(WRONG)
    click.echo(done, err=done.witnesses.lasting)
    if done.witnesses.changed:
        click.echo(done.witnesses.changed, err=True)
        sys.exit(WRONG)


@contextmanager
def _cannot_check() -> Iterator[None]:
    """End with code 2, not as a finding, if something could not be checked or the check itself fails."""
    try:
        yield
    except Refusal as error:
        raise CannotCheck(f"NOT CHECKED: {error}") from None
    except OSError as error:
        reason = f"{error.filename or 'A file'}: {error.strerror or type(error).__name__}"
        raise CannotCheck(f"NOT CHECKED: {reason}.") from None
    except Exception as error:
        reason = plain(f"{type(error).__name__}: {error}")
        raise CannotCheck(
            f"NOT CHECKED: the check itself failed ({reason}). Try verify.py or check.html."
        ) from error


def _key(vkey: str, option: str, kind: Kind) -> Verifier:
    try:
        key = Verifier.parse(vkey)
    except tlog.TlogError as error:
        raise CannotCheck(f"The key given with {option} cannot be read. {error}") from None
    if key.kind != kind:
        other = "a witness's, not a log's" if kind == Kind.NOTE else "a log's, not a witness's"
        raise CannotCheck(f"The key given with {option} is {other}.")
    return key


def _is_own_site(what: str, copy: LogCopy) -> bool:
    """Return whether the copy came from the host in its log's name. A mirror on another host may be old."""
    try:
        origin = tlog.checkpoint.peek(copy.checkpoint).origin
    except tlog.TlogError:
        return False
    return "://" in what and urlsplit(what).hostname == origin.split("/")[0]


def _read(what: str) -> LogCopy:
    """Read the copy. On a terminal, print the progress after `PATIENCE` seconds."""
    if not sys.stderr.isatty():
        return read(what)
    begun = time.monotonic()

    def progress(done: int, of: int) -> None:
        if time.monotonic() - begun > PATIENCE:
            click.echo(f"\r{done:,} of {some_entries(of)} read", err=True, nl=False)
            if done == of:
                click.echo(err=True)

    return read(what, progress)


def _found(path: Path, find: Callable[[bytes], list[bytes]], kind: str) -> list[bytes]:
    found = find(_bytes(path))
    if not found:
        raise CannotCheck(f"{path} holds no {kind}. Was it saved whole?")
    return found


def _proof(path: Path) -> bytes:
    data = _bytes(path)
    try:
        Proof.parse(data)
    except tlog.TlogError as error:
        raise CannotCheck(f"{path} holds no proof. {error}") from None
    return data


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise CannotCheck(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MOST_BYTES:
        raise CannotCheck(f"{path} is too long to be such a file.")
    return data

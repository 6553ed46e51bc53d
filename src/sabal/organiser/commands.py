"""The commands `sabal bundle` and `sabal audit`, for a computer without a network."""

import os
import re
import time
from collections.abc import Sequence, Sized
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

import agefile
from sabal import keyfile, outfile
from sabal.checking.reading import logs_in, read
from sabal.nearest import did_you_mean
from sabal.organiser import audit as audits
from sabal.organiser import bundle as bundles
from sabal.organiser import files, patterns, sample, signers
from sabal.organiser.matched import CheckedLog, by_index, checked_log, match_records
from sabal.organiser.promised import NAMES, SAMPLE
from sabal.outfile import OutFile
from sabal.records import export, revocations
from sabal.records.record import RECORD_FIELDS
from sabal.refusal import Refusal

_FILE = outfile.FILE
_KEY = click.Path(exists=True, dir_okay=False, path_type=Path)
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_identity = click.option(
    "--identity",
    "identity",
    multiple=True,
    type=_KEY,
    help="A key file. Repeatable: each record is opened with the key that fits.",
)
_passphrase = click.option(
    "--passphrase-file",
    type=_KEY,
    help="A file with the passphrase of every locked key file. Without it the passphrase is asked for.",
)


@click.command()
@click.argument("log")
@click.option(
    "--show", type=click.Choice(["none", SAMPLE, NAMES]), required=True, help="Which records are shown."
)
@click.option(
    "--out", required=True, type=_FILE, help="The file to write: NAME.zip, or NAME.zip.age with --to."
)
@outfile.force
@click.option("--sealed", multiple=True, type=_FILE, help="An export that `sabal sealed` wrote. Repeatable.")
@_identity
@_passphrase
@click.option("--fields", help="The fields that are open in shown records, such as name,place.")
@click.option("--seed", help="The seed that the sample is drawn by. It must come from outside.")
@click.option(
    "--number", type=click.IntRange(1, 1_000_000), help=f"How many to draw (default {sample.USUAL_NUMBER})."
)
@click.option(
    "--to",
    multiple=True,
    help="Encrypt the bundle to this public key (age1…), or the keys in a file. Repeatable.",
)
def bundle(
    log: str,
    show: str,
    out: Path,
    force: bool,
    sealed: tuple[Path, ...],
    identity: tuple[Path, ...],
    passphrase_file: Path | None,
    fields: str | None,
    seed: str | None,
    number: int | None,
    to: tuple[str, ...],
) -> None:
    """Write a bundle, a file that recipients can check themselves.

    LOG is a petition's address, a folder with its log, a bundle, or a slug on this server. The log is checked first.
    """  # fmt: skip
    _check_options(show, sealed, identity, fields, seed, number)
    target = OutFile(out, force)
    target.refuse([log, *sealed, *identity, passphrase_file, *to])
    recipients = [agefile.parse_recipient(key) for given in to for key in keyfile.recipients(given)]
    if not target.is_stdout and (out.suffix == ".age") != bool(recipients):
        raise Refusal("A bundle is named NAME.zip.age if it is encrypted with --to, and NAME.zip if not.")
    now = int(time.time())
    # Leave out the records that an earlier bundle showed.
    copy = replace(read(_log_source(log)), records=None, sample=None)
    with files.read_exports(sealed) as exports:
        found = checked_log(copy, exports, now)
        made = bundles.MadeBundle(found.copy, found.report)
        if show != "none":
            plan = _plan(found, show, _parse_fields(fields), now, seed or "", number)
            identities = files.read_identities(identity, passphrase_file)
            matched = match_records(export.open_sealed(exports, identities, files.progress()), found)
            made = bundles.make(plan, found, matched, now)
    target.write([bundles.pack(made, recipients)])
    target.say(made.report.sentence)
    for note in made.notes:
        click.echo(note, err=True)
    if show != "none" and not recipients:
        click.echo(
            (
                f"{'The bundle' if target.is_stdout else out} holds names in clear text. Hand it over in a way that"
                " nobody else can read, or encrypt it with --to."
            ),
            err=True,
        )


@click.command()
@click.argument("sealed", nargs=-1, required=True, type=_FILE)
@_identity
@_passphrase
@click.option(
    "--copy",
    "log",
    help="The petition's log (address, folder, bundle or slug), to know what was published and revoked since.",
)
@click.option("--out", required=True, type=_FILE, help="The file to write the proposal to.")
@outfile.force
@click.option(
    "--also",
    multiple=True,
    type=click.Choice(audits.PROPOSABLE),
    help="Propose every signature of a pattern. Repeatable.",
)
@click.option("--details", is_flag=True, help="Show the names and addresses of everything that was found.")
def audit(
    sealed: tuple[Path, ...],
    identity: tuple[Path, ...],
    passphrase_file: Path | None,
    log: str | None,
    out: Path,
    force: bool,
    also: tuple[str, ...],
    details: bool,
) -> None:
    """Look for patterns in opened exports, and propose signatures that should not count.

    The proposal is a text file without personal data. Read it, delete lines, and only then have the server apply it.
    """  # fmt: skip
    if not identity:
        raise click.UsageError("Give the keys that open the exports with --identity.")
    target = OutFile(out, force, is_text=True)
    target.refuse([log, *sealed, *identity, passphrase_file])
    with files.read_exports(sealed) as exports:
        found = checked_log(read(_log_source(log)), exports, int(time.time())) if log else None
        origin, size = _origin_and_size(exports, found)
        identities = files.read_identities(identity, passphrase_file)
        opened = export.open_sealed(exports, identities, files.progress())
        matched = match_records(opened, found) if found else by_index(opened)
    groups = patterns.find([patterns.traits(index, one) for index, one in matched.records.items()])
    proposed = audits.propose(groups, also)
    written = revocations.write(revocations.Revocations(origin, size, proposed))
    target.write(line.encode() for line in written)
    for line in audits.summary(groups, len(matched.records), proposed):
        target.say(line)
    for why, number in sorted(matched.left_out.items()):
        click.echo(f"Records that {why}, and were not checked: {number:,}.", err=True)
    if details:
        for line in audits.details(groups, matched.records):
            target.say(signers.printable(line))
    target.say(
        f"The proposal is in {target}. Look at each pattern before you apply it. A real person may be behind it."
    )


def _log_source(log: str) -> str:
    """Return the address or path of a log. A slug is a petition in the server's data folder.

    A file or folder of that name here comes first, unless it is a folder without a log: `sabal export SLUG` makes one.
    """
    here = Path(log)
    holds_log = here.is_file() or (here.is_dir() and (logs_in(here)[0] / "checkpoint").is_file())
    if not _SLUG.fullmatch(log) or holds_log:
        return log
    # Do not use the server's settings: these commands must run on computers that have none.
    data = Path(os.environ.get("SABAL_DATA") or "var")
    folder = data / "public" / log / "log"
    if not folder.is_dir():
        slugs = [path.parent.name for path in data.glob("public/*/log")]
        sentences = (
            f"There is no log named {log} here, and no petition's log at {folder}.",
            did_you_mean(log, slugs),
            "Give the petition's https:// address, or set SABAL_DATA to the server's data folder.",
        )
        raise Refusal(" ".join(filter(None, sentences)))
    return str(folder)


def _origin_and_size(exports: Sequence[export.Export], found: CheckedLog | None) -> tuple[str, int]:
    """Return the origin and the size of the log that a proposal is for."""
    newest = max((one.header for one in exports), key=lambda header: header.size)
    if found and found.report.origin:
        return found.report.origin, found.report.size
    if not newest.size:
        raise Refusal(
            "These exports hold no index in the log, so nothing can be proposed. Give a copy of the log with --copy."
        )
    return newest.origin, newest.size


def _check_options(
    show: str, sealed: Sized, identity: Sized, fields: str | None, seed: str | None, number: int | None
) -> None:
    """Raise `UsageError` for options that exclude or require each other."""
    if show == "none" and (sealed or identity or fields):
        raise click.UsageError(
            "With --show none no record is opened. Leave --sealed, --identity and --fields out."
        )
    if show != "none" and not (sealed and identity):
        raise click.UsageError(
            "To show records, give the exports with --sealed and the keys with --identity."
        )
    if show == SAMPLE and seed is None:
        raise click.UsageError(
            "A sample needs a --seed that comes from outside: lottery numbers or a drand round that were"
            " announced before the draw."
        )
    if show != SAMPLE and (seed is not None or number is not None):
        raise click.UsageError("Only a sample has a --seed and a --number. Add --show sample.")


def _plan(
    log: CheckedLog, show: str, fields: tuple[str, ...] | None, now: int, seed: str, number: int | None
) -> bundles.BundlePlan:
    today = datetime.fromtimestamp(now, UTC).date()
    if show == NAMES:
        return bundles.plan_names(log, fields, today)
    return bundles.plan_sample(log, fields, today, seed, number or sample.USUAL_NUMBER)


def _parse_fields(fields: str | None) -> tuple[str, ...] | None:
    if fields is None:
        return None
    found = tuple(name.strip() for name in fields.split(","))
    if not set(found) <= set(RECORD_FIELDS):
        raise click.UsageError(
            f"--fields takes one or more of {', '.join(RECORD_FIELDS)}, separated by commas."
        )
    return found

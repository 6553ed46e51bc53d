"""Commands about the log: its witnesses, exports of sealed records, draining them, revocations."""

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import click

from sabal import database as raw
from sabal import outfile, settings, textfile
from sabal.counted import counted, some_entries
from sabal.keys.keystore import open_keystore
from sabal.ledger import witnesses
from sabal.ledger.exports import SealedExport
from sabal.ledger.policy import policy_of, witnessed
from sabal.ledger.publication import publication
from sabal.ledger.revoke import revoke
from sabal.outfile import OutFile
from sabal.petitions.lookup import published
from sabal.records import revocations
from sabal.signing import drain

_IN = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("slug")
@click.option("--out", required=True, type=outfile.FILE, help="The file to write.")
@outfile.force
def sealed(slug: str, out: Path, force: bool) -> None:
    """Write the sealed records of the confirmed signers to a file, to be opened on the organiser's computer.

    Once sabal open FILE --prove has shown that they open, the server can delete them: sabal drain.
    """
    target = OutFile(out, force)
    target.refuse()
    with closing(raw.connect()) as database:
        export = SealedExport(database, slug)
        target.write(export.pieces())
        export.expect_code()
    name = "EXPORT" if target.is_stdout else out
    target.say(
        f"{counted(export.records, 'sealed record')} written to {target}. Open them: sabal open {name} --identity FILE"
    )
    if export.planned:
        click.echo(
            f"The deletion that was planned for {export.planned} is off, because it was for an older export.",
            err=True,
        )


@click.command("drain")
@click.argument("slug")
@click.option("--proof", help="The code that `sabal open FILE --identity KEY --prove` printed.")
@click.option("--undo", is_flag=True, help="Keep the records after all.")
def drain_(slug: str, proof: str | None, undo: bool) -> None:
    """Let the server delete the sealed records that were fetched, once it was shown that they open.

    They are deleted seven days later. Links and the log stay, so people can still withdraw.
    """
    if proof and undo:
        raise click.UsageError("Choose --proof or --undo, not both.")
    with closing(raw.connect()) as database:
        petition = published(database, open_keystore(), slug)
        if undo:
            kept = drain.undo(database, petition.id)
            click.echo("The records are kept." if kept else "No records were due for deletion.")
            return
        today = datetime.now(UTC).date()
        day = drain.accept(database, petition.id, proof, today) if proof else drain.due(database, petition.id)
        if day:
            click.echo(
                f"The records that were fetched will be deleted after {day}. To keep them: sabal drain {slug} --undo"
            )
        else:
            click.echo(
                f"No records are due for deletion. Fetch them (sabal sealed {slug} --out FILE), open them"
                " elsewhere with --prove, and give the code here with --proof."
            )


@click.command("revoke")
@click.argument("slug")
@click.argument("file", type=_IN)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def revoke_(slug: str, file: Path, yes: bool) -> None:
    """Revoke the signatures that a file of `sabal audit` names. Their records are deleted, and the log says why."""
    proposed = revocations.read_file(file)
    with closing(raw.connect()) as database:
        petition = published(database, open_keystore(), slug)
        if not yes:
            click.confirm(
                f"The file names {counted(len(proposed.items), 'signature')} of {slug}. What still counts will no"
                " longer"
                " count. This is public and cannot be undone. Continue?",
                abort=True,
                err=True,
            )
        done = revoke(database, petition, proposed)
    if not done.revoked:
        click.echo(f"Nothing is left to do: all {done.before} had already been taken out or withdrawn.")
        return
    before = f" ({done.before} had already been taken out or withdrawn)" if done.before else ""
    click.echo(
        f"{counted(done.revoked, 'signature is', 'signatures are')} taken out{before}. The public log will say so with"
        " its next batch."
    )


@click.command("witnesses")
@click.argument("slug")
@click.argument("file", type=_IN, required=False)
@click.option("--none", is_flag=True, help="Ask no witness any more.")
def witnesses_(slug: str, file: Path | None, none: bool) -> None:
    """Show the witnesses of the petition's log, or choose them with a FILE of policy lines.

    Lines are `witness NAME VKEY URL`, as a witness's operator gives them, `group NAME any|all|NUMBER NAMES…` and one
    `quorum NAME` (c2sp.org/tlog-policy).
    """
    if file and none:
        raise click.UsageError("Give a FILE or --none, not both.")
    settings.use_served_address()
    with closing(raw.connect()) as database:
        petition = published(database, open_keystore(), slug)
        if file or none:
            text = textfile.read(file) if file else ""
            witnesses.choose(database, petition.id, text, publication(petition))
            click.echo(
                "They are asked within ten minutes for the published checkpoint, and for every one after it."
                if file
                else "No witness is asked any more."
            )
            return
    click.echo(policy_of(petition).decode(), nl=False)
    state = witnessed(petition)
    for name, time in state.by:
        at = f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M} UTC"
        click.echo(f"# {name} witnessed {some_entries(petition.counts.log_size)} at {at}")
    if state.enough is False:
        click.echo("# not witnessed yet", err=True)
        sys.exit(1)

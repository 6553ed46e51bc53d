"""The operator's commands."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sabal.counted import counted, some_entries

if TYPE_CHECKING:
    from sabal.operating.adopt import AdoptionOutcome
    from sabal.operating.restore import Restored


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def backup(directory: Path) -> None:
    """Write a consistent copy of the database into a new folder, while the server runs."""
    from sabal import erasure_journal, settings
    from sabal.operating.backup import LEFT_OUT
    from sabal.operating.backup import backup as write

    counts = write(directory)
    click.echo(
        f"{counted(counts['signing_signature'], 'signature')} (sealed),"
        f" {counted(counts['petitions_petition'], 'petition')} → {directory}"
    )
    click.echo(f"Left out: {'; '.join(LEFT_OUT)}.")
    key = "SABAL_SERVER_KEY" if settings.SERVER_KEY else settings.SERVER_KEY_FILE
    click.echo(f"Without the server key ({key}) a backup is of little use. Keep that key in another place")
    click.echo(f"(sabal keys server --to RECIPIENT), and {erasure_journal.path()} beside the backups.")


@click.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--adopt",
    metavar="[SLUG]",
    is_flag=False,
    flag_value="",
    help="Restore no backup. Only let the logs (or one petition's log) that are read-only since a restore or a"
    " failover adopt what was published.",
)
@click.option(
    "--copy",
    "logs",
    metavar="WHERE",
    multiple=True,
    help="A copy of a public log: the folder of a mirror, or an address. Repeatable.",
)
@click.option(
    "--checkpoint",
    "checkpoints",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file that holds a checkpoint seen elsewhere, such as a saved email. Repeatable.",
)
@click.option(
    "--folder",
    "folders",
    multiple=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The petition folder of a text that was published after the backup. Repeatable.",
)
@click.option(
    "--never-shown",
    is_flag=True,
    help="With --adopt SLUG: confirm that no checkpoint of this log was ever shown to anybody.",
)
@click.option(
    "--nothing-lost",
    is_flag=True,
    help="With --adopt: confirm that the database has everything, because a synchronous standby took over, or the"
    " server was moved after a clean stop. What is known of the logs is compared all the same.",
)
@click.option(
    "--aside",
    is_flag=True,
    help="Rename the SQLite database that is there to sabal.sqlite3.DATE-TIME first. The server must be stopped.",
)
def restore(
    directory: Path | None,
    adopt: str | None,
    logs: tuple[str, ...],
    checkpoints: tuple[Path, ...],
    folders: tuple[Path, ...],
    never_shown: bool,
    nothing_lost: bool,
    aside: bool,
) -> None:
    """Restore the backup in DIRECTORY into an empty database, then adopt what its logs published since.

    The server's own public folder is searched. Give mirrors and emails with --copy and --checkpoint. Exit code 1: a
    log stays read-only, and the reason is printed. To try again: --adopt.
    """  # fmt: skip
    import time

    import django

    django.setup()
    from sabal.operating.adopt import adopt_published
    from sabal.operating.given import gather
    from sabal.refusal import Refusal

    if (directory is None) == (adopt is None):
        raise Refusal("Name the backup's folder, or use --adopt if one was restored already.")
    if never_shown and not adopt:
        raise Refusal("--never-shown needs one petition: sabal restore --adopt SLUG --never-shown")
    if nothing_lost and adopt is None:
        raise Refusal(
            "--nothing-lost needs --adopt, because a backup is older than the log: sabal restore --adopt --nothing-lost"
        )
    # Read everything before anything is written, so that an unreadable file changes nothing.
    given = gather(logs, checkpoints, folders, never_shown=never_shown, nothing_lost=nothing_lost)
    if directory is not None:
        _put_back(directory, aside)
    outcomes = adopt_published(given, adopt or None, time.time())
    for outcome in outcomes:
        _say_outcome(outcome)
    if adopt is not None and not outcomes:
        click.echo("No log is read-only, and no log was published further than the database.")
    click.echo("Next: sabal doctor")
    sys.exit(any(outcome.refused for outcome in outcomes))


def _put_back(directory: Path, aside: bool) -> None:
    """Restore the backup in the folder, and print the result. `aside` renames the SQLite database that is there."""
    import time

    from sabal import settings
    from sabal.operating.restore import restore as put_back

    there = Path(settings.DATABASE_URL.removeprefix("sqlite://"))
    now = time.strftime("%Y-%m-%d-%H%M%S", time.gmtime())
    moved = there.with_name(f"{there.name}.{now}") if aside else None
    _say_restored(put_back(directory, aside=moved))
    if moved is not None and moved.exists():
        click.echo(f"The database from before is {moved}. Delete it once the restored server works.")


def _say_restored(restored: "Restored") -> None:
    from sabal import erasure_journal

    click.echo(f"Restored the backup of {restored.made}: {counted(restored.signatures, 'signature')}.")
    if restored.journal_lines is None:
        click.echo(
            f'There is no erasure journal at {erasure_journal.path()}. People who unsubscribed or said "not me"'
            " after the backup are no longer known, and may get emails again. People who withdrew count as signers"
            " again, until the adopted log says otherwise or they withdraw again."
        )
        click.echo(
            "If a copy of the journal exists, move the database away, put the journal there, and restore again."
        )
    else:
        click.echo(
            f"{counted(restored.journal_lines, 'line')} of the erasure journal"
            f" {'was' if restored.journal_lines == 1 else 'were'} applied again. They erased"
            f" {counted(restored.erased, 'signature that was', 'signatures that were')} withdrawn or dropped after the"
            " backup."
        )
    click.echo(
        "Everything after the backup is lost, except what a public log still counts. People who signed after the"
        " last published batch must sign again. Say so in public."
    )
    states = ", ".join(f"{slug} {state}" for slug, state in restored.states)
    click.echo(
        f"Petitions have the state of the backup: {states or 'there was none'}. Pause, close or amend again what was"
        " paused, closed or amended since then. Updates that were taken back and proofs that were hidden since then are"
        " public again: look at both first."
    )
    for key in restored.new_keys:
        click.echo(f"The backup lacked the key {key}. There is a new one.")
    for slug in restored.without_pepper:
        click.echo(f"{slug} has no dedupe key and takes no signatures. Next: sabal keys renew-pepper {slug}")


def _say_outcome(outcome: "AdoptionOutcome") -> None:
    if outcome.refused:
        click.echo(f"{outcome.slug}: {outcome.refused}", err=True)
    elif outcome.adopted is None:
        click.echo(f"{outcome.slug}: nothing newer is known than this database has. Its log continues.")
    else:
        adopted = outcome.adopted
        click.echo(
            f"{outcome.slug}: {some_entries(adopted.entries)} of the public log"
            f" {'was' if adopted.entries == 1 else 'were'} adopted. It continues from entry {adopted.size:,}."
        )
        if adopted.lost:
            click.echo(
                f"{outcome.slug}: {counted(adopted.lost, 'signature counts', 'signatures count')}, but the records of"
                " these were lost with the database."
                " Nobody can read or withdraw them, and a signer who signs again is counted twice."
            )


@click.command()
@click.option("--ready", is_flag=True, help="List in order the steps that are left before a public start.")
def doctor(ready: bool) -> None:
    """Examine the server. Nothing is changed and no email is sent.

    Exit code 0: all is well; 1: warnings (with --ready: steps are left); 2: something must be corrected.
    """
    import django

    django.setup()
    from sabal.operating.doctor import examine
    from sabal.operating.ready import steps

    if ready:
        lacking = steps()
        for number, step in enumerate(lacking, start=1):
            click.echo(f"{number}. {step.sentence}\n   {step.command}")
        todo = f"{counted(len(lacking), 'step')} to go."
        click.echo(
            todo if lacking else "This server is ready for the public. Run the doctor once more: sabal doctor"
        )
        sys.exit(1 if lacking else 0)
    group = ""
    findings = examine()
    for finding in findings:
        if finding.group != group:
            group = finding.group
            click.echo(f"\n{group}")
        click.echo(f"  {finding.level:<7} {finding.id}  {finding.sentence}")
        for line in finding.hint.splitlines():
            click.echo(f"                {line}")
    levels = {finding.level for finding in findings}
    sys.exit(2 if "wrong" in levels else 1 if "warning" in levels else 0)

"""The operator's commands."""

import sys
from pathlib import Path

import click


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def backup(directory: Path) -> None:
    """Write a consistent copy of the database into a new folder, while the house runs."""
    from sabal import settings
    from sabal.operating.backup import LEFT_OUT
    from sabal.operating.backup import backup as write

    counts = write(directory)
    click.echo(
        f"{counts['signing_signature']} signatures (sealed), {counts['petitions_petition']} petitions → {directory}"
    )
    click.echo(f"Left out: {'; '.join(LEFT_OUT)}.")
    kept = "SABAL_HOUSE_KEY" if settings.HOUSE_KEY else settings.HOUSE_KEY_FILE
    click.echo(f"Without the house key ({kept}) a backup is of little use: keep that key in another place")
    click.echo(
        f"(sabal keys house --to RECIPIENT), and {settings.DATA / 'suppression.log'} beside the backups."
    )


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def restore(directory: Path) -> None:
    """Put a backup into the empty database of this house, with the house key in its place."""
    import django

    django.setup()
    from sabal import settings
    from sabal.operating.restore import restore as put_back

    restored = put_back(directory)
    click.echo(f"Restored the backup of {restored.made}: {restored.signatures} signatures.")
    if restored.suppressed is None:
        click.echo(
            f"There is no suppression file at {settings.DATA / 'suppression.log'}: who unsubscribed or said"
        )
        click.echo('"not me" after the backup is not known any more, and may get letters again; who withdrew')
        click.echo(
            "stands among the signers again until they withdraw again. If it is kept anywhere: move the"
        )
        click.echo("database away, put the file there, and restore again.")
    else:
        click.echo(
            f"{restored.suppressed} lines of the suppression file were applied again; by them"
            f" {restored.erased} signatures that were withdrawn or dropped after the backup are gone again."
        )
    click.echo("What came after the backup is lost: who signed since must sign again. Say so in public.")
    for key in restored.new_keys:
        click.echo(f"The backup lacked the key {key}; there is a new one.")
    for slug in restored.without_pepper:
        click.echo(f"{slug} has no pepper and takes no signatures. Next: sabal keys pepper {slug} --renew")
    click.echo("Next: sabal doctor")


@click.command()
@click.option("--ready", is_flag=True, help="List in order what lacks on the way to a public house.")
def doctor(ready: bool) -> None:
    """Examine the house; nothing is changed and no letter sent.

    Exit code 0: all is well, 1: warnings (with --ready: steps to go), 2: something must be mended.
    """
    import django

    django.setup()
    from sabal.operating import doctor as room
    from sabal.operating.ready import steps

    if ready:
        lacking = steps()
        for number, step in enumerate(lacking, start=1):
            click.echo(f"{number}. {step.sentence}\n   {step.command}")
        todo = f"{len(lacking)} {'step' if len(lacking) == 1 else 'steps'} to go."
        click.echo(
            todo if lacking else "This house is ready for the public. Ask the doctor once more: sabal doctor"
        )
        sys.exit(1 if lacking else 0)
    group = ""
    findings = room.examine()
    for finding in findings:
        if finding.group != group:
            group = finding.group
            click.echo(f"\n{group}")
        click.echo(f"  {finding.level:<7} {finding.id}  {finding.sentence}")
        for line in finding.hint.splitlines():
            click.echo(f"                {line}")
    levels = {finding.level for finding in findings}
    sys.exit(2 if "wrong" in levels else 1 if "warning" in levels else 0)


COMMANDS = (doctor, backup, restore)

"""Commands about the organiser's keys and the server key. The command for peppers is in `signing`.

`keys new` runs on the organiser's computer, so only the server's commands load the key store.
"""

from datetime import UTC, datetime
from pathlib import Path

import click

import agefile
from sabal import keyfile, outfile, private
from sabal.outfile import OutFile
from sabal.refusal import Refusal

LOST = (
    "If this key or its passphrase is lost, every signature that was encrypted to it is lost for good: nobody can"
    " open them again, neither we nor the server. Print the key sheet twice and give the copies to two people in"
    " two places. Keep the passphrase apart from both."
)


@click.command()
@click.option("--out", required=True, type=outfile.FILE, help="The file to write.")
@click.option(
    "--no-passphrase",
    is_flag=True,
    help="Leave the key unlocked. Anyone who has the file can then open everything.",
)
@click.option("--passphrase-file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--x25519", is_flag=True, help="An older kind of key, for programs that do not support post-quantum keys."
)
def new(out: Path, no_passphrase: bool, passphrase_file: Path | None, x25519: bool) -> None:
    """Make an organiser's key. Run this on the organiser's computer, not on the server."""
    public, sheet = out.with_name(out.name + ".pub"), out.with_name(out.name + ".pdf")
    outfile.refuse_any(out, public, sheet)
    identity = agefile.generate(post_quantum=not x25519)
    today = datetime.now(UTC).date()
    # The public half is in its own file. Leaving it out keeps a locked key short enough for a code that can be scanned.
    text = f"# made on {today} with sabal keys new\n{identity}\n".encode()
    if not no_passphrase:
        passphrase = _passphrase(passphrase_file)
        text = agefile.armor(agefile.encrypt_passphrase(text, passphrase))
    from sabal.keys.sheet import key_sheet

    paper = key_sheet(text.decode("ascii"), str(identity.recipient), locked=not no_passphrase, made=today)
    private.create(out, [text])
    public.write_text(f"{identity.recipient}\n", encoding="ascii", newline="\n")
    private.create(sheet, [paper])
    click.echo(
        f"Key:          {out}" + ("  (not locked)" if no_passphrase else "  (locked with your passphrase)")
    )
    click.echo(f"Public half:  {public}  (this goes to the server: sabal keys use SLUG {public})")
    click.echo(f"Key sheet:    {sheet}  (print it twice)")
    click.echo("")
    click.echo(LOST)


def _passphrase(file: Path | None) -> str:
    if file:
        passphrase = keyfile.read_passphrase(file)
    else:
        passphrase = click.prompt(
            "Passphrase for the new key", hide_input=True, confirmation_prompt=True, err=True
        )
    if keyfile.passphrase_length(passphrase) < keyfile.LEAST_PASSPHRASE:
        raise Refusal(
            "This passphrase is too short. Use four or five random words, at least twelve characters."
        )
    return str(passphrase)


@click.command()
@click.option("--to", "recipient", required=True, help="A public key (age1…), or a file that holds one.")
@click.option("--out", type=outfile.FILE, default=Path("server-key.age"), show_default=True)
def server(recipient: str, out: Path) -> None:
    """Encrypt the server key to a public key, for safe keeping. Backups are of no use without it."""
    target = OutFile(out)
    if target.is_stdout:
        target.refuse()
    else:
        outfile.refuse_any(out)
    from sabal.keys.keystore import open_keystore

    sealed = agefile.encrypt(
        open_keystore().key.hex().encode() + b"\n",
        [agefile.parse_recipient(key) for key in keyfile.recipients(recipient)],
    )
    target.write([sealed])
    target.say(f"Written to {target}. Keep it apart from the backups.")

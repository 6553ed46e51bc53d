"""The command to which a mail server pipes what comes to the bounce address."""

import sys
from collections.abc import Iterator

import click

from sabal.bounces.collector import own_folder
from sabal.bounces.maildir import put
from sabal.bounces.report import MOST_BYTES

TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h: mail servers keep the message and try again
PIECE = 65_536


@click.command()
@click.option(
    "--to", default="", metavar="ADDRESS", help="The address that the message came to, if it is not in it."
)
def bounces(to: str) -> None:
    """Take one message from standard input, for the alias of the bounce address at a mail server.

    It is stored, and the worker reads it. Exit status 75 asks the mail server to try again later.
    """
    try:
        stored = put(own_folder(), _message(to))
    except OSError as error:
        click.echo(f"The message cannot be stored: {error.strerror or type(error).__name__}.", err=True)
        sys.exit(TRY_LATER)
    if not stored:
        click.echo("Too many messages wait. Is the worker running?", err=True)
        sys.exit(TRY_LATER)


def _message(to: str) -> Iterator[bytes]:
    """Yield the start of the message, which is all that is read, with the address that it came to before it."""
    source, left = sys.stdin.buffer, MOST_BYTES
    first = source.readline(1_000)
    if not first.startswith(b"From "):  # a line of mbox that some mail servers add
        left -= len(first)
    else:
        first = b""
    if to.isprintable() and to:
        yield f"X-Original-To: {to}\n".encode("utf-8", "replace")
    yield first
    while left > 0 and (piece := source.read(min(PIECE, left))):
        left -= len(piece)
        yield piece
    while source.read(PIECE):  # a closed pipe would be an error for the mail server
        pass

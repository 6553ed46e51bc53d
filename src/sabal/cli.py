"""The commands. Each room brings its own; errors are one sentence and exit code 2, never a traceback.

Who stops reading, as in `sabal doctor | head -1`, has ended the command: it goes without a word, and with the exit
code that a shell gives to whom a closed pipe killed.
"""

import os
import signal
import subprocess
import sys
from typing import Any

import click

try:
    from sabal.settings import DEV_SWITCH
except ValueError as error:  # a SettingError, whose own module could not be loaded because of it
    click.echo(str(error), err=True)
    sys.exit(2)

PIPE_CLOSED = 128 + signal.SIGPIPE

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sabal.settings")


class _Sabal(click.Group):
    """Turns what a command refuses into one sentence on standard error."""

    def invoke(self, ctx: click.Context) -> Any:
        from django.db.utils import DatabaseError

        from agefile import AgeError
        from sabal.database import OperationalError
        from sabal.keys.house import KeyMissing
        from sabal.ledger.log import Overtaken
        from sabal.mail.url import MailUrlError
        from sabal.petitions.definition import FolderError
        from sabal.refusal import Refusal
        from sabal.signing.export import ExportError

        try:
            try:
                return super().invoke(ctx)
            finally:
                if sys.stdout:  # None where it was closed from the beginning
                    sys.stdout.flush()  # here a closed pipe is answered; at the interpreter's end it is a complaint
        except BrokenPipeError:
            _end_unread()
        except (
            AgeError,
            ExportError,
            FolderError,
            KeyMissing,
            MailUrlError,
            Overtaken,
            Refusal,
        ) as error:
            _end(str(error))
        except (*OperationalError, DatabaseError) as error:
            _end(
                f"The database cannot be used ({type(error).__name__}): {str(error).splitlines()[0]}. If this"
                " server was never started, start it once (sabal serve). If its data folder is elsewhere, set"
                " SABAL_DATA."
            )
        except OSError as error:
            _end(f"{error.filename or 'A file'}: {error.strerror or type(error).__name__}.")


def _end(sentence: str) -> None:
    click.echo(sentence, err=True)
    sys.exit(2)


def _end_unread() -> None:
    # What is left in the buffer goes nowhere, or the interpreter would complain at its end.
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(PIPE_CLOSED)


@click.group(cls=_Sabal, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sabal")
def main() -> None:
    """Sabal: petitions whose server cannot read stored signatures."""


@main.command()
@click.option(
    "--dev",
    is_flag=True,
    help="A server for this computer only: emails go into a folder, and the example petition is there.",
)
@click.option("--host", default=None, help="Address to listen on (default 127.0.0.1).")
@click.option("--port", default=8000, type=click.IntRange(1, 65_535), show_default=True)
@click.option(
    "--workers", default=None, type=click.IntRange(1, 64), help="Public processes (default: one per core)."
)
@click.option("--no-worker", is_flag=True, help="Do not start the worker process.")
def serve(dev: bool, host: str | None, port: int, workers: int | None, no_worker: bool) -> None:
    """Run the server: the public process and the worker."""
    from sabal.serve import serve as run

    if dev and host not in (None, "127.0.0.1", "::1", "localhost"):
        _end(
            "A development server listens on this computer only. Leave --host out, or set up a public server."
        )
    if dev:
        os.environ.setdefault("SABAL_BASE_URL", f"http://127.0.0.1:{port}")
        os.environ[DEV_SWITCH] = "1"
    # In a process of its own: this one stays small and lives as long as the house.
    code = subprocess.run([sys.executable, "-m", "sabal", "prepare"], check=False).returncode
    if code:
        sys.exit(code)
    sys.exit(
        run(
            dev=dev,
            host=host or "127.0.0.1",
            port=port,
            workers=workers or (1 if dev else os.cpu_count() or 1),
            with_worker=not no_worker,
        )
    )


@main.command(hidden=True)
def prepare() -> None:
    """Do what `serve` does first: make the schema and keys; then make the example (--dev) or run the checks."""
    _django()
    from sabal import checks, first_use, settings

    house = first_use.prepare()
    if settings.DEV:
        first_use.example_petition(house)
        first_use.say_where(settings.BASE_URL)
    elif complaints := checks.refusals():
        for complaint in complaints:
            click.echo(str(complaint), err=True)
        sys.exit(2)


@main.command()
def worker() -> None:
    """Run one worker. It writes the public logs, sends emails and deletes what has expired."""
    _django()
    from sabal import log
    from sabal.worker import main as run

    log.set_up()
    run()


def _django() -> None:
    import django

    django.setup()


def _add_commands() -> None:
    from sabal.checking.commands import COMMANDS as CHECKING
    from sabal.delivery.commands import COMMANDS as DELIVERY
    from sabal.keys.commands import keys
    from sabal.ledger.commands import COMMANDS as LEDGER
    from sabal.newsletter.commands import newsletter
    from sabal.operating.commands import COMMANDS as OPERATING
    from sabal.petitions.commands import COMMANDS as PETITIONS
    from sabal.signing.commands import COMMANDS as SIGNING
    from sabal.witness.commands import witness

    rooms = (*PETITIONS, *SIGNING, *LEDGER, *DELIVERY, *OPERATING, *CHECKING)
    for command in (*rooms, keys, newsletter, witness):
        main.add_command(command)


_add_commands()

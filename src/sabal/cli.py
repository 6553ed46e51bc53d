"""The command line: the module of each command, and how errors are reported.

A command's module is loaded when the command runs. So help is quick, and the organiser's commands load neither
Django nor the database. An error of our own is one sentence and exit code 2, never a traceback. If stdout is closed
early, as by `sabal doctor | head -1`, exit silently with status 141, as a shell reports a closed pipe.
"""

import importlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import click

PIPE_CLOSED = 128 + 13  # SIGPIPE, which Windows does not have
NO_SERVER = (
    "A server runs on Linux or macOS. On Windows these commands run: keys new, open, audit, bundle, verify, mirror,"
    " witness."
)

# Commands know the tables of the desk too. Only public processes use `sabal.settings` alone (serve.py).
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sabal.desk.settings")

# Name → the command's module and function, and its line in the help.
COMMANDS = {
    "audit": ("sabal.organiser.commands:audit", "Look for patterns in opened exports, and propose revocations."),
    "backup": ("sabal.operating.commands:backup", "Write a consistent copy of the database into a new folder."),
    "bounces": ("sabal.bounces.commands:bounces", "Take one message that came to the bounce address."),
    "bundle": ("sabal.organiser.commands:bundle", "Write the file that recipients check for themselves."),
    "close": ("sabal.publishing.commands:close", "Take no more signatures."),
    "discard": ("sabal.publishing.commands:discard", "Delete a draft, or an amendment, that was never published."),
    "doctor": ("sabal.operating.commands:doctor", "Examine the server. Changes nothing and sends no email."),
    "dossier": ("sabal.dossier.commands:dossier", "Write the letter to a recipient, or another paper, as PDF."),
    "drain": ("sabal.ledger.commands:drain_", "Let the server delete the sealed records that were fetched."),
    "export": ("sabal.publishing.commands:export", "Write a petition's folder, as it was imported."),
    "held": ("sabal.signing.commands:held_", "Say how many signatures are held, and why; release or drop them."),
    "import": ("sabal.publishing.importing:import_", "Import a petition folder, or a letter, as a draft."),
    "mailing": ("sabal.mailings.commands:mailing", "Test, send, pause and look at mailings written on the desk."),
    "mirror": ("sabal.checking.commands:mirror", "Keep a static copy of a petition and its log in a folder."),
    "newsletter": ("sabal.newsletter.commands:newsletter", "The newsletter, and the updates about petitions."),
    "open": ("sabal.organiser.opening:open_", "Print the signers of export files, or open an age file."),
    "pause": ("sabal.publishing.commands:pause", "Take no signatures for now."),
    "owner": ("sabal.accounts.commands:owner", "Make a one-time link for an owner of the site."),
    "sign-in": ("sabal.accounts.commands:sign_in", "Make a link for a person who cannot sign in any more."),
    "petitions": ("sabal.publishing.commands:petitions", "List the petitions of this server."),
    "preview": ("sabal.publishing.commands:preview", "Show a draft in a browser on this computer, as the public will."),
    "publish": ("sabal.publishing.commands:publish", "Open a draft for signatures, or publish a new version."),
    "restore": ("sabal.operating.commands:restore", "Put a backup into the empty database of this server."),
    "resume": ("sabal.publishing.commands:resume", "Take signatures again after a pause or a close."),
    "revoke": ("sabal.ledger.commands:revoke_", "Revoke the signatures that a file of `sabal audit` names."),
    "sealed": ("sabal.ledger.commands:sealed", "Write the sealed records of the confirmed signers to a file."),
    "sheets": ("sabal.dossier.commands:sheets", "Write numbered signature sheets for paper, as PDF."),
    "verify": ("sabal.checking.commands:verify", "Check a petition's log: on the web, in a folder or in a bundle."),
    "witness": ("sabal.witness.commands:witness", "Run a witness, which cosigns the checkpoints of petitions' logs."),
    "witnesses": ("sabal.ledger.commands:witnesses_", "Say who witnesses a petition's log, or choose them."),
}  # fmt: skip
KEYS = {
    "check": ("sabal.publishing.commands:check_key", "Prove that the organiser's key works."),
    "server": ("sabal.keys.commands:server", "Encrypt the server key to a public key, for safe keeping."),
    "new": ("sabal.keys.commands:new", "Make an organiser's key, on the organiser's machine."),
    "renew-pepper": ("sabal.signing.commands:renew_pepper", "Replace a lost dedupe key, so that signing continues."),
    "use": ("sabal.publishing.commands:use_keys", "Encrypt the signatures of a petition to these public keys."),
}  # fmt: skip


class LazyGroup(click.Group):
    """A group that loads a command when it is run. Its help loads none."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*self.commands, *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self.lazy[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command. If there is none of that name, name the nearest: click knows only those that are loaded."""
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name):
            return super().resolve_command(ctx, args)
        shown = [
            one for one in self.list_commands(ctx) if not getattr(self.commands.get(one), "hidden", False)
        ]
        from sabal.nearest import did_you_mean

        meant = did_you_mean(name, shown, "'{}'")
        raise click.UsageError(f"No such command '{name}'. {meant}".rstrip(), ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        lines = {name: line for name, (_, line) in self.lazy.items()}
        lines |= {name: one.get_short_help_str(80) for name, one in self.commands.items() if not one.hidden}
        with formatter.section("Commands"):
            formatter.write_dl(sorted(lines.items()))


class _Sabal(LazyGroup):
    """The main group: print an error of our own as one sentence on standard error."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if not isinstance(stream, io.TextIOWrapper):
                continue
            # A file or pipe gets UTF-8: the encoding of the environment or of Windows lacks most people's names. A
            # terminal keeps its encoding, and shows something else for a character that it lacks.
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
        return super().main(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            try:
                return super().invoke(ctx)
            finally:
                if sys.stdout:  # None if it was closed from the beginning
                    sys.stdout.flush()  # raises here if the pipe is closed, not at the interpreter's end
        except BrokenPipeError:
            _end_unread()
        except _loaded("sabal.refusal:Refusal", "agefile:AgeError") as error:
            _end(str(error))
        except _loaded("sabal.database:OperationalError", "django.db.utils:DatabaseError") as error:
            _end(
                f"The database cannot be used ({type(error).__name__}): {(str(error) or '?').splitlines()[0]}. If this"
                " server was never started, start it once (sabal serve). If its data folder is elsewhere, set"
                " SABAL_DATA."
            )
        except OSError as error:
            _end(f"{error.filename or 'A file'}: {error.strerror or type(error).__name__}.")


def _loaded(*names: str) -> tuple[type[Exception], ...]:
    """Return the error classes of these names, each `module:name`; skip modules that the command did not load."""
    errors: list[type[Exception]] = []
    for qualified in names:
        module, name = qualified.split(":")
        found = getattr(sys.modules.get(module), name, ())
        errors += found if isinstance(found, tuple) else (found,)
    return tuple(errors)


def _end(sentence: str) -> None:
    click.echo(sentence, err=True)
    sys.exit(2)


def _end_unread() -> None:
    # Discard the buffer, or the interpreter would report an error at its end.
    if sys.stdout:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(PIPE_CLOSED)


@click.group(cls=_Sabal, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sabal")
def main() -> None:
    """Sabal: petitions whose server cannot read stored signatures."""


@main.group(cls=LazyGroup, lazy=KEYS)
def keys() -> None:
    """Make, use and keep keys."""


@main.command()
@click.option(
    "--dev",
    is_flag=True,
    help="A server for this computer only: emails go into a folder, and the example petition is there.",
)
@click.option(
    "--demo", is_flag=True, help="With --dev: add three invented petitions with weeks of history, once."
)
@click.option("--host", default=None, help="Address to listen on (default 127.0.0.1).")
@click.option("--port", default=8000, type=click.IntRange(1, 65_535), show_default=True)
@click.option(
    "--workers", default=None, type=click.IntRange(1, 64), help="Public processes (default: one per core)."
)
@click.option("--no-worker", is_flag=True, help="Do not start the worker process.")
@click.option(
    "--desk-port",
    default=None,
    type=click.IntRange(1, 65_535),
    help="Port of the desk, on this computer only (default 8001; with --dev, the one after --port).",
)
@click.option("--no-desk", is_flag=True, help="Do not start the desk.")
def serve(
    dev: bool,
    demo: bool,
    host: str | None,
    port: int,
    workers: int | None,
    no_worker: bool,
    desk_port: int | None,
    no_desk: bool,
) -> None:
    """Run the server: the public process, the worker and the organisers' desk."""
    from sabal.serve import serve as run
    from sabal.settings import DESK_PORT, DEV_SWITCH

    if not hasattr(os, "killpg"):
        _end(NO_SERVER)
    if dev and host not in (None, "127.0.0.1", "::1", "localhost"):
        _end(
            "A development server listens on this computer only. Leave --host out, or set up a public server."
        )
    if demo and not dev:
        _end("--demo adds invented petitions, so it needs --dev: a server for this computer only.")
    if dev:
        os.environ.setdefault("SABAL_BASE_URL", f"http://127.0.0.1:{port}")
        os.environ[DEV_SWITCH] = "1"
    desk_port = None if no_desk else desk_port or (port % 65_535 + 1 if dev else 8_001)
    if desk_port:
        os.environ.setdefault("SABAL_DESK_URL", f"http://localhost:{desk_port}")
        os.environ[DESK_PORT] = str(desk_port)
    # A reload that is asked for before the server serves is what it does anyway. By default it would end this process.
    signal.signal(signal.SIGHUP, lambda *_: None)
    # Prepare in another process: this one lives as long as the server and stays small.
    command = [sys.executable, "-m", "sabal", "prepare", *(["--demo"] if demo else [])]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own command
    if code:
        sys.exit(code)
    code = run(
        dev=dev,
        host=host or "127.0.0.1",
        port=port,
        workers=workers or (1 if dev else os.cpu_count() or 1),
        with_worker=not no_worker,
        desk_port=desk_port,
    )
    from sabal.database import settle

    settle()  # loads the database only now, because this process stays small while the server runs
    sys.exit(code)


@main.command(hidden=True)
@click.option("--demo", is_flag=True)
def prepare(demo: bool) -> None:
    """Do what `serve` does first: make the schema and keys; then make the example (--dev) or run the checks."""
    _django()
    from sabal import first_use, settings
    from sabal.operating import startup

    keystore = first_use.prepare()
    if settings.DEV:
        first_use.example_petition(keystore)
        if demo:
            from sabal.demo.make import make

            make(keystore, click.echo)
        first_use.print_addresses(settings.BASE_URL)
        if os.environ.get(settings.DESK_PORT):
            first_use.print_desk()
    elif complaints := startup.refusals():
        for complaint in complaints:
            click.echo(str(complaint), err=True)
        sys.exit(2)


@main.command()
@click.option("--port", default=8001, type=click.IntRange(1, 65_535), show_default=True)
def desk(port: int) -> None:
    """Run the desk alone, on this computer only. It needs no server key, so another user can run it."""
    from sabal.serve import cannot_listen, desk_command, desk_environ

    if trouble := cannot_listen("127.0.0.1", port):
        _end(trouble)
    os.environ.setdefault("SABAL_DESK_URL", f"http://localhost:{port}")
    command = desk_command(port)
    os.execve(command[0], command, desk_environ(os.environ))  # noqa: S606 - a command of our own, without a shell


@main.command()
def worker() -> None:
    """Run one worker. It writes the public logs, sends emails and deletes what has expired."""
    _django()
    from sabal import logs
    from sabal.worker import main as run

    logs.set_up()
    run()


def _django() -> None:
    import django

    django.setup()

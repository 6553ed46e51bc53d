"""The command `sabal witness`. It runs on a machine of its own, without a Sabal server."""

import re
import signal
import threading
import time
from pathlib import Path

import click

from sabal.counted import counted
from sabal.refusal import Refusal
from sabal.witness.serve import WitnessServer
from sabal.witness.service import WitnessService
from sabal.witness.store import Store
from tlog import TlogError, Verifier

ENDS = (signal.SIGTERM, signal.SIGINT)
POLL_EVERY = 0.1  # seconds

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+(/[A-Za-z0-9._-]+)*", re.ASCII)


@click.command()
@click.option(
    "--store",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="What the witness must never forget. Never put an older copy back.",
)
@click.option("--log", "logs", required=True, multiple=True, metavar="VKEY", help="A log's key; repeatable.")
@click.option("--name", help="With --new: the address of the witness, such as witness.example/petitions.")
@click.option(
    "--key", type=click.Path(dir_okay=False, path_type=Path), help="Default: the store's name with .key"
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8100, type=click.IntRange(0, 65_535), show_default=True)
@click.option("--new", is_flag=True, help="Only for the first start: make the key and an empty store.")
def witness(
    store: Path, logs: tuple[str, ...], name: str | None, key: Path | None, host: str, port: int, new: bool
) -> None:
    """Run a witness. It cosigns the checkpoints of petitions' logs, and refuses a log that was rewritten."""
    keys = [_parse(log) for log in logs]
    opened = _open(store, key or store.with_name(f"{store.name}.key"), name, new)
    try:
        service = WitnessService(opened, keys, complain=lambda sentence: click.echo(sentence, err=True))
        try:
            server = WitnessServer(service, host, port)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise Refusal(f"The witness cannot listen on {host}, port {port}: {reason}.") from None
        ended = _end_by_signal()
        _say(service.witness, len(service.log_states()), host, server.server_address[1])
        _run(server, ended)
    finally:
        opened.close()


def _parse(vkey: str) -> Verifier:
    try:
        return Verifier.parse(vkey)
    except TlogError as error:
        raise Refusal(f"{error} The petition's page shows the key of its log.") from None


def _open(store: Path, key: Path, name: str | None, new: bool) -> Store:
    if not new:
        opened = Store.open(store, key)
        if name not in (None, opened.witness.verifier.name):
            opened.close()
            raise Refusal(f"This witness is named {opened.witness.verifier.name}. Leave --name out.")
        return opened
    if name is None or not _NAME.fullmatch(name):
        raise Refusal(
            "A new witness needs --name: its address without https://, such as witness.example/petitions."
        )
    return Store.create(store, key, name)


def _say(key: Verifier, logs: int, host: str, port: int) -> None:
    click.echo(f"Witness {key.name}, for {counted(logs, 'log')}. Its key:")
    click.echo(f"  {key}")
    click.echo("The line for the organiser's policy (with the address where your proxy answers):")
    click.echo(f"  witness {key.name} {key} https://{key.name}/")
    click.echo(
        f"It listens on {host}, port {port}, without TLS. A proxy that ends TLS must be in front of it."
    )


def _end_by_signal() -> list[int]:
    """Return a list to which each signal to stop is added. It is a list because Windows cannot wait for signals."""
    ended: list[int] = []
    for number in ENDS:
        # The handler can interrupt the main thread anywhere, so it must not take a lock.
        signal.signal(number, lambda number, _: ended.append(number))
    return ended


def _run(server: WitnessServer, ended: list[int]) -> None:
    """Serve until a signal comes. Requests in progress are still answered."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="witness")
    thread.start()
    while not ended:
        time.sleep(POLL_EVERY)
    server.shutdown()
    thread.join()
    server.server_close()

"""Run `sabal witness` as a separate process, as a partner does."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

import logs
import tlog
from sabal.cli import main
from sabal.witness.ask import Ahead, Cosigned, ask
from witnesses import HERE, WANDA, consistency

pytestmark = pytest.mark.slow  # starts a witness for each test

LOG = str(logs.CAROL.verifier)
NEW = ("--new", "--name", "witness.example/petitions")


def environment(folder: Path) -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")} | {
        "SABAL_DATA": str(folder / "none")
    }


def words(folder: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "sabal", "witness", "--store", str(folder / "store"), "--port", "0", *more]


def refused(folder: Path, *more: str) -> str:
    """Run the command in this process, to save time, and return its error."""
    done = CliRunner().invoke(main, words(folder, *more)[3:])
    assert done.exit_code == 2 and done.stdout == "", done
    return done.stderr


@contextmanager
def running(folder: Path, *more: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run a witness. Return its process, its output at the start and its URL. SIGTERM ends it without more output."""
    process = subprocess.Popen(
        words(folder, "--log", LOG, *more),
        env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    timer = threading.Timer(60, process.kill)
    timer.start()
    try:
        assert process.stdout
        said = "".join(process.stdout.readline() for _ in range(5))
        found = re.search(r"127\.0\.0\.1, port (\d+), without TLS", said)
        assert found, (said, process.stderr and process.stderr.read())
        yield process, said, f"http://127.0.0.1:{found[1]}/"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out, err) == (0, "", "")
    finally:
        timer.cancel()
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_first_start_quorum_and_restart(tmp_path: Path) -> None:
    with running(tmp_path, *NEW) as (_, said, url):
        line = next(line for line in said.splitlines() if line.startswith("  witness "))
        policy = tlog.Policy.parse(f"log {LOG}\n{line}\nquorum witness.example/petitions\n".encode())
        key = policy.witnesses["witness.example/petitions"]
        assert policy.urls[str(key)] == "https://witness.example/petitions/"
        answer = ask(url, key, logs.checkpoint(257), consistency(257), 0, network=HERE)
        assert isinstance(answer, Cosigned)
        assert policy.open(tlog.note.append(logs.checkpoint(257), [answer.signature])).checkpoint.size == 257
        assert str(key) in urllib.request.urlopen(url, timeout=5).read().decode()
        assert "Another witness is running" in refused(tmp_path, "--log", LOG)
    assert (tmp_path / "store.key").stat().st_mode & 0o777 == 0o600
    assert "exists already" in refused(tmp_path, "--log", LOG, *NEW)
    with running(tmp_path) as (_, said, url):
        assert str(key) in said
        assert ask(url, key, logs.checkpoint(256), consistency(256), 0, network=HERE) == Ahead(257)
        assert isinstance(
            ask(url, key, logs.checkpoint(70_000), consistency(70_000), 0, network=HERE), Cosigned
        )


def test_each_refusal_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for more, why in (
            (("--log", LOG), "--new"),
            (("--log", LOG, "--new"), "needs --name"),
            (("--log", LOG, "--new", "--name", "https://x.example"), "without https://"),
            (("--log", LOG, "--new", "--name", "none"), "--name"),
            (("--log", "no key", *NEW), "not a verifier key"),
            (("--log", LOG.replace("petition", "petitiom"), *NEW), "key id"),
            (("--log", LOG, *NEW, "--port", port), "cannot listen"),
            (("--log", str(WANDA.verifier)), "a witness's, not a log's"),
            (("--log", LOG, "--name", "else.example"), "Leave --name out"),
            (("--log", LOG, "--host", "203.0.113.1"), "cannot listen"),
        ):
            sentence = refused(tmp_path, *more)
            assert why in sentence and len(sentence.splitlines()) == 1, sentence
    (tmp_path / "store").write_text("{}")
    assert "is damaged" in refused(tmp_path, "--log", LOG)
    (tmp_path / "store").unlink()
    assert "without its store" in refused(tmp_path, "--log", LOG)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_during_an_open_connection(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path, *NEW) as (process, _, url):
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":")[-1][:-1]))) as silent:
            silent.sendall(b"POST /add-")
            process.send_signal(number)
        process.wait(20)

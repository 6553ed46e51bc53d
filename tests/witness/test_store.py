"""A witness's memory: damaged, missing, another's, taken, and killed in the middle."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import logs
import tlog
from sabal.refusal import Refusal
from sabal.witness.keep import Keep
from sabal.witness.store import Store
from witnesses import NOW, WANDA, request

NAME = WANDA.verifier.name
TESTS = Path(__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that holds Carol's log at 257 entries, closed."""
    made = Store.create(tmp_path / "store", tmp_path / "key", NAME)
    assert Keep(made, [logs.CAROL.verifier], clock=lambda: NOW).add_checkpoint(request(0, 257)).status == 200
    made.close()
    return tmp_path / "store"


def reopened(store: Path) -> Store:
    return Store.open(store, store.with_name("key"))


def test_what_is_kept(store: Path) -> None:
    opened = reopened(store)
    seen = opened.seen(logs.ORIGIN)
    opened.close()
    assert seen and (seen.checkpoint.size, seen.time) == (257, NOW)
    assert tlog.checkpoint.open(seen.note, [logs.CAROL.verifier], [opened.witness.verifier])
    for file in (store, store.with_name("key")):
        assert file.stat().st_mode & 0o777 == 0o600


def test_every_damage_is_refused(store: Path) -> None:
    whole = store.read_bytes()
    other = json.loads(whole)
    other["logs"]["other.example/log"] = other["logs"].pop(logs.ORIGIN)
    damaged = [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"\0" * len(whole),
        whole[:-2],
        whole[: len(whole) // 2],
        b"[" * 99_999,
    ]
    damaged += [json.dumps(other).encode(), whole.replace(b'"logs"', b'"log"'), whole.replace(b"257", b"256")]
    damaged += [
        json.dumps(json.loads(whole) | more).encode() for more in ({"logs": []}, {"logs": {"x": 1}}, {"x": 1})
    ]
    for position in range(0, len(whole) - 1, 7):
        damaged.append(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
    for bytes_ in damaged:
        store.write_bytes(bytes_)
        try:
            opened = reopened(store)
        except Refusal as refusal:
            assert len(str(refusal).splitlines()) == 1
            continue
        # What is left are bytes without meaning: JSON's own spaces, and the log's line, which we verified once.
        seen = opened.seen(logs.ORIGIN)
        opened.close()
        assert seen and (seen.checkpoint.size, seen.checkpoint.root) == (257, logs.mth(0, 257))
    store.write_bytes(whole)
    reopened(store).close()


def test_a_store_that_went_is_not_begun_anew(store: Path) -> None:
    store.unlink()
    with pytest.raises(Refusal, match="A witness without its store"):
        reopened(store)
    with pytest.raises(Refusal, match="exists already"):
        Store.create(store, store.with_name("key"), NAME)


def test_new_is_for_the_first_start(store: Path, tmp_path: Path) -> None:
    key = (tmp_path / "key").read_bytes()
    for path, key_path in (
        (store, tmp_path / "key"),
        (store, tmp_path / "k2"),
        (tmp_path / "s2", tmp_path / "key"),
    ):
        with pytest.raises(Refusal, match="exists already"):
            Store.create(path, key_path, NAME)
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Refusal):
        Store.create(tmp_path / "s3", tmp_path / "link", NAME)
    assert (tmp_path / "key").read_bytes() == key and not (tmp_path / "nowhere").exists()


def test_a_key_that_is_none_or_another_s_or_everybody_s(store: Path, tmp_path: Path) -> None:
    key = store.with_name("key")
    for text, why in (
        (b"", "not a witness's key"),
        (b"zz" * 32, "not a witness's"),
        (b"ab" * 32, "another key"),
    ):
        key.write_bytes(text)
        with pytest.raises(Refusal, match=why):
            reopened(store)
    key.chmod(0o640)
    with pytest.raises(Refusal, match="chmod 600"):
        reopened(store)
    key.unlink()
    with pytest.raises(Refusal, match="--new"):
        reopened(store)


def test_one_key_one_process(store: Path) -> None:
    opened = reopened(store)
    try:
        with pytest.raises(Refusal, match="Another witness is running"):
            reopened(store)
    finally:
        opened.close()
    reopened(store).close()


GROWING = """
import sys
from pathlib import Path
import logs
from sabal.witness.keep import Keep
from sabal.witness.store import Store
from witnesses import request
folder = Path(sys.argv[1])
store = Store.open(folder / "store", folder / "key")
keep = Keep(store, [logs.CAROL.verifier])
size = store.seen(logs.ORIGIN).checkpoint.size if store.seen(logs.ORIGIN) else 0
while True:
    reply = keep.add_checkpoint(request(size, size + 1))
    assert reply.status == 200, reply
    size += 1
    print(size, flush=True)
"""


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """Never a size that was answered and is not kept; and what is kept is whole."""
    Store.create(tmp_path / "store", tmp_path / "key", NAME).close()
    answered = 0
    for pause in (0.0, 0.03, 0.05, 0.07, 0.11):
        process = subprocess.Popen(
            [sys.executable, "-c", GROWING, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(TESTS)},
        )
        assert process.stdout
        try:
            first = process.stdout.readline()
            time.sleep(pause)
        finally:
            process.kill()
            rest = process.communicate(timeout=20)[0]
        told = [int(line) for line in (first + rest).split("\n")[:-1]]
        assert told and told[0] > answered
        answered = told[-1]
        opened = reopened(tmp_path / "store")
        seen = opened.seen(logs.ORIGIN)
        opened.close()
        assert seen and answered <= seen.checkpoint.size <= answered + 1
        assert seen.checkpoint.root == logs.mth(0, seen.checkpoint.size)
        answered = seen.checkpoint.size

"""The store of a witness: damaged, missing, with a wrong key, locked, and after a kill."""

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
from sabal.witness.service import WitnessService
from sabal.witness.store import Store
from witnesses import NOW, WANDA, request

NAME = WANDA.verifier.name
TESTS = Path(__file__).parents[1]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a closed store with Carol's log at 257 entries."""
    made = Store.create(tmp_path / "store", tmp_path / "key", NAME)
    service = WitnessService(made, [logs.CAROL.verifier], clock=lambda: NOW)
    assert service.add_checkpoint(request(0, 257)).status == 200
    made.close()
    return tmp_path / "store"


def reopened(store: Path) -> Store:
    return Store.open(store, store.with_name("key"))


def test_the_store_has_the_note_and_its_time(store: Path) -> None:
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
    for data in damaged:
        store.write_bytes(data)
        try:
            opened = reopened(store)
        except Refusal as refusal:
            assert len(str(refusal).splitlines()) == 1
            continue
        # The change did no harm: it is in JSON's spaces, or in the log's line, which was verified before.
        seen = opened.seen(logs.ORIGIN)
        opened.close()
        assert seen and (seen.checkpoint.size, seen.checkpoint.root) == (257, logs.mth(0, 257))
    store.write_bytes(whole)
    reopened(store).close()


def test_a_missing_store_is_not_created_again(store: Path) -> None:
    store.unlink()
    with pytest.raises(Refusal, match="A witness without its store"):
        reopened(store)
    with pytest.raises(Refusal, match="exists already"):
        Store.create(store, store.with_name("key"), NAME)


def test_existing_files_are_not_replaced(store: Path, tmp_path: Path) -> None:
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


def test_damaged_wrong_or_readable_keys_are_refused(store: Path, tmp_path: Path) -> None:
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


def test_one_process_uses_a_key_at_a_time(store: Path) -> None:
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
from sabal.witness.service import WitnessService
from sabal.witness.store import Store
from witnesses import request
folder = Path(sys.argv[1])
store = Store.open(folder / "store", folder / "key")
service = WitnessService(store, [logs.CAROL.verifier])
size = store.seen(logs.ORIGIN).checkpoint.size if store.seen(logs.ORIGIN) else 0
while True:
    reply = service.add_checkpoint(request(size, size + 1))
    assert reply.status == 200, reply
    size += 1
    print(size, flush=True)
"""


def test_a_killed_witness_forgets_nothing(tmp_path: Path) -> None:
    """Every size that was answered is in the store, and the store is undamaged."""
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
            with process.stdout:  # communicate() would lose what was read together with the first line
                rest = process.stdout.read()
            process.wait(timeout=20)
        sizes = [int(line) for line in (first + rest).split("\n")[:-1]]
        assert sizes and sizes[0] > answered
        answered = sizes[-1]
        opened = reopened(tmp_path / "store")
        seen = opened.seen(logs.ORIGIN)
        opened.close()
        assert seen and answered <= seen.checkpoint.size <= answered + 1
        assert seen.checkpoint.root == logs.mth(0, seen.checkpoint.size)
        answered = seen.checkpoint.size

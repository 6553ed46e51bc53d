"""Changed bundles, as a forger, a careless operator or a bad disk would make them. The choice is seeded."""

import hashlib
import json
import random
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import tlog
from carried import bundles
from carried.bundles import CAROL, ORIGIN, WITNESSES, Files
from tlog.entry import Amend, Close, Open, Reason, Revoke, Sign

BASES = ("bare", "one enough", "everything", "some fields", "all closed", "sample", "sample of all")
ALL_WITNESSES = tuple(WITNESSES)


@dataclass(frozen=True)
class Mutant:
    """A changed bundle and the name of the change."""

    name: str
    zip: bytes


Change = Callable[[Files, random.Random], Files | bytes | None]
"""Changes a bundle. It returns other files or a whole zip, or None if the change does not apply."""
CHANGES: dict[str, Change] = {}


def change(function: Change) -> Change:
    CHANGES[function.__name__] = function
    return function


def mutants(seed: int, number: int) -> Iterator[Mutant]:
    """Yield every change in turn, each on a random bundle."""
    chance = random.Random(seed)
    good = bundles.good()
    made = 0
    while made < number:
        for name, work in CHANGES.items():
            base = chance.choice(BASES)
            changed = work(dict(good[base]), chance)
            if changed is None:
                continue
            yield Mutant(
                f"{name} of {base}", changed if isinstance(changed, bytes) else bundles.zipped(changed)
            )
            made += 1
            if made == number:
                return


def split(files: Files) -> list[bytes]:
    return [files["entries"][at : at + 34] for at in range(0, len(files["entries"]), 34)]


def flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


# Entries, changed by an outsider, and by the operator, who has the log's key and cooperating witnesses.

EntryChange = Callable[[list[bytes], random.Random], list[bytes] | None]


def of_entries(function: EntryChange) -> EntryChange:
    """Register the change twice: with the old checkpoint, and with a new one signed by the log and all witnesses."""

    def work(files: Files, chance: random.Random) -> Files | None:
        entries = function(split(files), chance)
        return None if entries is None else {**files, "entries": b"".join(entries)}

    def work_resigned(files: Files, chance: random.Random) -> Files | None:
        entries = function(split(files), chance)
        return None if entries is None else bundles.resigned(files, entries, ALL_WITNESSES)

    CHANGES[function.__name__] = work
    CHANGES[f"{function.__name__}, signed anew"] = work_resigned
    return function


def at(entries: list[bytes], chance: random.Random, kind: int) -> int:
    return chance.choice([index for index, entry in enumerate(entries) if entry[1] == kind] or [0])


@of_entries
def drop_an_entry(entries: list[bytes], chance: random.Random) -> list[bytes]:
    entries.pop(chance.randrange(len(entries)))
    return entries


@of_entries
def drop_the_last_entry(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return entries[:-1]


@of_entries
def double_an_entry(entries: list[bytes], chance: random.Random) -> list[bytes]:
    index = chance.randrange(len(entries))
    return [*entries[: index + 1], *entries[index:]]


@of_entries
def swap_two_entries(entries: list[bytes], chance: random.Random) -> list[bytes]:
    one, other = chance.sample(range(len(entries)), 2)
    entries[one], entries[other] = entries[other], entries[one]
    return entries


@of_entries
def alter_an_entry(entries: list[bytes], chance: random.Random) -> list[bytes]:
    index = chance.randrange(len(entries))
    entries[index] = flip(entries[index], chance)
    return entries


@of_entries
def alter_the_head_of_an_entry(entries: list[bytes], chance: random.Random) -> list[bytes]:
    index = chance.randrange(len(entries))
    entries[index] = flip(entries[index][:2], chance) + entries[index][2:]
    return entries


@of_entries
def add_signatures(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, *(Sign(chance.randbytes(32)).encode() for _ in range(3))]


@of_entries
def count_a_signer_twice(entries: list[bytes], chance: random.Random) -> list[bytes]:
    """The signer may have withdrawn, and there may be another entry in between."""
    again = entries[at(entries, chance, 1)]
    return [*entries, *chance.choice([[], [Sign(chance.randbytes(32)).encode()]]), again]


@of_entries
def open_again(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, entries[0]]


@of_entries
def never_open(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return entries[1:]


@of_entries
def sign_after_the_close(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, Close().encode(), Sign(chance.randbytes(32)).encode()]


@of_entries
def close_and_revoke(entries: list[bytes], chance: random.Random) -> list[bytes] | None:
    revoked = {int.from_bytes(entry[2:10]) for entry in entries if entry[1] == 2}
    free = [index for index, entry in enumerate(entries) if entry[1] == 1 and index not in revoked]
    closing = [] if any(entry[1] == 4 for entry in entries) else [Close().encode()]
    return [*entries, *closing, Revoke(chance.choice(free), Reason.OTHER).encode()]


@of_entries
def revoke_an_entry_that_is_not_a_signature(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, Revoke(0, Reason.FAKE).encode()]


@of_entries
def revoke_a_later_entry(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, Revoke(len(entries) + chance.randrange(3), Reason.FAKE).encode()]


@of_entries
def revoke_a_huge_index(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [
        *entries,
        b"\1\2"
        + chance.choice([b"\xff" * 8, b"\x80" + bytes(7), b"\0\0\0\1" + bytes(4)])
        + b"\1"
        + bytes(23),
    ]


@of_entries
def revoke_twice(entries: list[bytes], chance: random.Random) -> list[bytes]:
    again = Revoke(at(entries, chance, 1), Reason.DUPLICATE).encode()
    return [*entries, again, again]


@of_entries
def revoke_with_an_unknown_reason(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [
        *entries,
        b"\1\2" + at(entries, chance, 1).to_bytes(8) + bytes([chance.choice([0, 5, 255])]) + bytes(23),
    ]


@of_entries
def hide_a_byte_in_the_zeros(entries: list[bytes], chance: random.Random) -> list[bytes] | None:
    index = at(entries, chance, chance.choice([2, 4]))
    if not index:
        return None
    entries[index] = entries[index][:-1] + b"\1"
    return entries


@of_entries
def invent_a_type(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, bytes([1, chance.choice([5, 0x81, 255])]) + bytes(32)]


@of_entries
def amend_with_a_missing_manifest(entries: list[bytes], chance: random.Random) -> list[bytes]:
    return [*entries, Amend(chance.randbytes(32)).encode()]


@change
def entries_cut(files: Files, chance: random.Random) -> Files:
    return {**files, "entries": files["entries"][: -chance.randrange(1, 34)]}


@change
def entries_and_more_bytes(files: Files, chance: random.Random) -> Files:
    return {**files, "entries": files["entries"] + chance.randbytes(chance.randrange(1, 40))}


@change
def no_entries(files: Files, chance: random.Random) -> Files:
    return {**bundles.resigned(files, [], ALL_WITNESSES), "records.jsonl": b""}


# Checkpoints.


def of_checkpoint(function: Callable[[bytes, random.Random], bytes | None]) -> None:
    def work(files: Files, chance: random.Random) -> Files | None:
        note = function(files["checkpoint"], chance)
        return None if note is None else {**files, "checkpoint": note}

    CHANGES[f"checkpoint: {function.__name__}"] = work


@of_checkpoint
def flipped(note: bytes, chance: random.Random) -> bytes:
    return flip(note, chance)


@of_checkpoint
def a_signature_flipped(note: bytes, chance: random.Random) -> bytes:
    text, lines = tlog.note.split(note)
    index = chance.randrange(len(lines))
    lines[index] = lines[index]._replace(value=flip(lines[index].value, chance))
    return tlog.note.join(text, lines)


@of_checkpoint
def a_signature_gone(note: bytes, chance: random.Random) -> bytes | None:
    text, lines = tlog.note.split(note)
    lines.pop(chance.randrange(len(lines)))
    return tlog.note.join(text, lines) if lines else None


@of_checkpoint
def signatures_in_another_order(note: bytes, chance: random.Random) -> bytes:
    text, lines = tlog.note.split(note)
    chance.shuffle(lines)
    return tlog.note.join(text, lines)


@of_checkpoint
def a_signature_twice(note: bytes, chance: random.Random) -> bytes:
    text, lines = tlog.note.split(note)
    return tlog.note.join(text, [*lines, chance.choice(lines)])


@of_checkpoint
def an_unknown_key_signs_too(note: bytes, chance: random.Random) -> bytes:
    text, _ = tlog.note.split(note)
    unknown = tlog.Signer(chance.choice(["stranger.example", ORIGIN]), chance.randbytes(32))
    return tlog.note.append(note, [tlog.Signature.by(unknown.verifier, unknown.sign(text))])


@of_checkpoint
def by_an_unknown_key_alone(note: bytes, chance: random.Random) -> bytes:
    return tlog.note.sign(tlog.note.split(note)[0], tlog.Signer(ORIGIN, chance.randbytes(32)))


@of_checkpoint
def cosigned_by_all_witnesses(note: bytes, chance: random.Random) -> bytes:
    return bundles.signed(tlog.checkpoint.peek(note), ALL_WITNESSES)


@of_checkpoint
def another_size(note: bytes, chance: random.Random) -> bytes:
    checkpoint = tlog.checkpoint.peek(note)
    return bundles.signed(checkpoint._replace(size=checkpoint.size + chance.choice([-1, 1])), ALL_WITNESSES)


@of_checkpoint
def another_root(note: bytes, chance: random.Random) -> bytes:
    return bundles.signed(tlog.checkpoint.peek(note)._replace(root=chance.randbytes(32)), ALL_WITNESSES)


@of_checkpoint
def another_origin(note: bytes, chance: random.Random) -> bytes:
    text = tlog.note.split(note)[0].replace(b"k3v9zq2m", b"k3v9zq2n")
    return tlog.note.sign(text, CAROL)


@of_checkpoint
def another_spelling(note: bytes, chance: random.Random) -> bytes:
    text = tlog.note.split(note)[0]
    origin, size, root, _ = text.split(b"\n")
    spelled = chance.choice([
        [origin, b"0" + size, root, b""], [origin, b"+" + size, root, b""], [origin, size, root[:-1], b""],
        [origin, size, root, b"extra", b""], [origin, size, b"", root, b""], [origin, size + b" ", root, b""],
        [origin.upper(), size, root, b""], [b"\xef\xbb\xbf" + origin, size, root, b""],
    ])  # fmt: skip
    return tlog.note.sign(b"\n".join(spelled), CAROL)


@of_checkpoint
def other_newlines(note: bytes, chance: random.Random) -> bytes:
    return chance.choice(
        [note.replace(b"\n", b"\r\n"), note[:-1], note + b"\n", note.replace(b"\n\n", b"\n"), b""]
    )


@of_checkpoint
def other_base64(note: bytes, chance: random.Random) -> bytes:
    return note.replace(b"=\n", chance.choice([b"\n", b"==\n", b"= \n"]), 1)


@of_checkpoint
def backdated(note: bytes, chance: random.Random) -> bytes | None:
    text, lines = tlog.note.split(note)
    if len(lines) < 2:
        return None
    lines[1] = lines[1]._replace(value=(1).to_bytes(8) + lines[1].value[8:])
    return tlog.note.join(text, lines)


# Policies.


def of_policy(function: Callable[[list[str], random.Random], list[str]]) -> None:
    def work(files: Files, chance: random.Random) -> Files:
        lines = files["policy"].decode().split("\n")[:-1]
        return {**files, "policy": "\n".join([*function(lines, chance), ""]).encode()}

    CHANGES[f"policy: {function.__name__}"] = work


@of_policy
def a_line_gone(lines: list[str], chance: random.Random) -> list[str]:
    lines.pop(chance.randrange(len(lines)))
    return lines


@of_policy
def a_line_twice(lines: list[str], chance: random.Random) -> list[str]:
    return [*lines, chance.choice(lines)]


@of_policy
def lines_in_another_order(lines: list[str], chance: random.Random) -> list[str]:
    chance.shuffle(lines)
    return lines


@of_policy
def another_quorum(lines: list[str], chance: random.Random) -> list[str]:
    return [*lines[:-1], f"quorum {chance.choice(['none', 'two', 'first', 'second', 'third', 'fourth'])}"]


@of_policy
def another_threshold(lines: list[str], chance: random.Random) -> list[str]:
    enough = chance.choice(["any", "all", "1", "3", "4", "0", "02", "-1", "two"])
    return [line.replace("group two 2", f"group two {enough}") for line in lines]


@of_policy
def more_groups(lines: list[str], chance: random.Random) -> list[str]:
    group = chance.choice(["group big all two", "group big 1 two first", "group none any two", "group big 1"])
    return [*lines[:-1], group, chance.choice(["quorum big", "quorum two"])]


@of_policy
def more_logs(lines: list[str], chance: random.Random) -> list[str]:
    return [f"log {tlog.Signer(ORIGIN, chance.randbytes(32)).verifier}", *lines]


@of_policy
def other_words(lines: list[str], chance: random.Random) -> list[str]:
    word = chance.choice(
        ["# a remark", "", "\t ", "wish 1", "log", "quorum", f"log {CAROL.verifier} a b", "log a+b+c"]
    )
    lines.insert(chance.randrange(len(lines)), word)
    return lines


@of_policy
def a_key_of_the_other_kind(lines: list[str], chance: random.Random) -> list[str]:
    return [f"log {WITNESSES['first'].verifier}", *lines]


@change
def policy_with_names_that_are_not_text(files: Files, chance: random.Random) -> Files:
    return {
        **files,
        "policy": files["policy"].replace(
            b" second", chance.choice([b" \xff", "둘".encode(), b" \xe2\x80\xae"])
        ),
    }


@change
def policy_flipped(files: Files, chance: random.Random) -> Files:
    return {**files, "policy": flip(files["policy"], chance)}


@change
def policy_without_its_end(files: Files, chance: random.Random) -> Files:
    return {**files, "policy": files["policy"][:-1]}


# Manifests.


def manifests(files: Files) -> list[str]:
    return [name for name in files if name.startswith("manifests/")]


@change
def manifest_flipped(files: Files, chance: random.Random) -> Files:
    name = chance.choice(manifests(files))
    return {**files, name: flip(files[name], chance)}


@change
def manifest_gone(files: Files, chance: random.Random) -> Files:
    del files[chance.choice(manifests(files))]
    return files


@change
def manifest_that_the_log_does_not_name(files: Files, chance: random.Random) -> Files:
    return {**files, f"manifests/{chance.randbytes(32).hex()}.json": b"{}"}


@change
def manifest_under_another_name(files: Files, chance: random.Random) -> Files:
    name = chance.choice(manifests(files))
    return {**files, f"manifests/{chance.randbytes(32).hex()}.json": files.pop(name)}


@change
def manifest_of_another_kind(files: Files, chance: random.Random) -> Files:
    """Open the log with a wrong manifest, and sign a new checkpoint. Leave out the records, which would not fit."""
    document = json.loads(bundles.FIRST)
    terms = document["terms"]
    which = chance.randrange(8)
    if which == 0:
        terms["log"]["origin"] = "elsewhere.example/k3v9zq2m/log"
    elif which == 1:
        terms["log"]["key"] = str(tlog.Signer(ORIGIN, chance.randbytes(32)).verifier)
    elif which == 2:
        del terms["log"]
    elif which == 3:
        terms["log"] = [terms["log"]]
    elif which == 4:
        terms["colour"] = {"unknown": 1.5}
    elif which == 5:
        terms["fields"] = ["name"]
    data = json.dumps(document).encode()
    if which == 6:
        data = data.replace(b'"v": 1', b'"v": 1, "v": 2')
    elif which == 7:
        data = data.decode().encode("utf-16")
    entries = [Open(hashlib.sha256(data).digest()).encode(), *split(files)[1:]]
    anew = bundles.resigned(files, entries, ALL_WITNESSES)
    for name in ("records.jsonl", "sample.json"):
        anew.pop(name, None)
    return {**anew, f"manifests/{hashlib.sha256(data).hexdigest()}.json": data}


# Records.

RecordChange = Callable[[dict[str, Any], Files, random.Random], dict[str, Any] | bytes | None]


def of_record(function: RecordChange) -> None:
    """Register a change of a random record. The function returns a record, a line of bytes, or None to remove it."""

    def work(files: Files, chance: random.Random) -> Files:
        lines = files["records.jsonl"].splitlines(keepends=True)
        index = chance.randrange(len(lines))
        changed = function(json.loads(lines[index]), files, chance)
        lines[index] = bundles.jsonl([changed]) if isinstance(changed, dict) else changed or b""
        return {**files, "records.jsonl": b"".join(lines)}

    CHANGES[f"record: {function.__name__}"] = work


def a_field(record: dict[str, Any], chance: random.Random, key: str) -> dict[str, str] | None:
    fields = [field for field in record["fields"].values() if key in field]
    return chance.choice(fields) if fields else None


@of_record
def gone(record: dict[str, Any], files: Files, chance: random.Random) -> None:
    return None


@of_record
def another_value(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    if field := a_field(record, chance, "value"):
        field["value"] = chance.choice(
            [field["value"] + " ", field["value"][:-1], field["value"].upper(), "Eve", "\ud800"]
        )
    return record if "\\ud800" not in json.dumps(record) else json.loads("{}")


@of_record
def half_a_character(record: dict[str, Any], files: Files, chance: random.Random) -> bytes:
    record["fields"]["comment"] = {"value": "\ud800", "salt": "0" * 32}
    return json.dumps(record).encode() + b"\n"


@of_record
def decomposed(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    for field in record["fields"].values():
        if "value" in field:
            field["value"] = unicodedata.normalize("NFD", field["value"])
    return record


@of_record
def escaped(record: dict[str, Any], files: Files, chance: random.Random) -> bytes:
    return json.dumps(record, indent=None, separators=(" , ", " : ")).encode() + b"\n"


@of_record
def another_salt(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    if field := a_field(record, chance, "salt"):
        field["salt"] = chance.choice(
            [
                chance.randbytes(16).hex(),
                field["salt"].upper(),
                field["salt"][2:],
                "",
                " " + field["salt"][1:],
            ]
        )
    return record


@of_record
def another_digest(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    if field := a_field(record, chance, "digest"):
        field["digest"] = chance.choice(
            [chance.randbytes(32).hex(), field["digest"].upper(), field["digest"][:-1]]
        )
    return record


@of_record
def fewer_fields(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    del record["fields"][chance.choice(list(record["fields"]))]
    return record


@of_record
def more_fields(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    record["fields"][chance.choice(["passport", "__proto__", "constructor"])] = {
        "value": "X",
        "salt": "0" * 32,
    }
    return record


@of_record
def fields_in_another_order(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    names = list(record["fields"])
    chance.shuffle(names)
    return {**record, "fields": {name: record["fields"][name] for name in names}}


@of_record
def a_field_closed(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    return bundles.closed_but(record, []) if all("value" in f for f in record["fields"].values()) else record


@of_record
def open_and_closed(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    if field := a_field(record, chance, "value"):
        field["digest"] = bundles.digest(field).hex()
    return record


@of_record
def a_remark(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    chance.choice([record, *record["fields"].values()])["remark"] = "verified by nobody"
    return record


@of_record
def something_else_for_a_field(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    name = chance.choice(list(record["fields"]))
    record["fields"][name] = chance.choice(
        [None, [], "", 7, {}, {"value": None, "salt": "0" * 32}, {"digest": None}]
    )
    return record


@of_record
def another_index(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    index = record["index"]
    others = [
        index - 1,
        index + 1,
        -1,
        -index,
        0,
        10**6,
        2**63,
        10**30,
        str(index),
        float(index),
        index + 0.5,
        True,
        None,
        [index],
    ]
    return {**record, "index": chance.choice(others)}


@of_record
def index_in_other_digits(record: dict[str, Any], files: Files, chance: random.Random) -> bytes:
    written = chance.choice(
        [f"{record['index']}.0", f"{record['index']}e0", f"0{record['index']}", f"+{record['index']}", "NaN"]
    )
    return json.dumps(record).replace(f'"index": {record["index"]},', f'"index": {written},').encode() + b"\n"


@of_record
def of_a_revoked_signature(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    """Show the real record of a revoked signature."""
    entries = split(files)
    revoked = [int.from_bytes(entry[2:10]) for entry in entries if entry[1] == 2]
    amended = next((index for index, entry in enumerate(entries) if entry[1] == 3), len(entries))
    index = chance.choice(revoked or [record["index"]])
    return bundles.record(index, bundles.FIRST if index < amended else bundles.AMENDED)


@of_record
def under_another_manifest(record: dict[str, Any], files: Files, chance: random.Random) -> dict[str, Any]:
    others = [chance.randbytes(32).hex(), "", None, record["manifest"].upper(), [record["manifest"]]]
    others += [name[10:74] for name in manifests(files)]
    return {**record, "manifest": chance.choice(others)}


@of_record
def a_name_twice(record: dict[str, Any], files: Files, chance: random.Random) -> bytes:
    line = json.dumps(record)
    return (
        chance.choice(
            [
                line[:-1] + f', "index": {record["index"]}}}',
                line.replace('"salt"', '"value": "Eve", "salt"', 1),
            ]
        ).encode()
        + b"\n"
    )


@of_record
def not_a_record(record: dict[str, Any], files: Files, chance: random.Random) -> bytes:
    return chance.choice(
        [b"\n", b"{}\n", b"[]\n", b"null\n", b"{\n", b"\xff\n", b" \n", b'"index"\n', b"[" * 5000 + b"\n"]
    )


@of_record
def without_newline(record: dict[str, Any], files: Files, chance: random.Random) -> bytes:
    return json.dumps(record).encode()


@change
def a_record_twice(files: Files, chance: random.Random) -> Files:
    lines = files["records.jsonl"].splitlines(keepends=True)
    return {**files, "records.jsonl": b"".join([*lines, chance.choice(lines)])}


@change
def records_in_another_order(files: Files, chance: random.Random) -> Files:
    lines = files["records.jsonl"].splitlines(keepends=True)
    chance.shuffle(lines)
    return {**files, "records.jsonl": b"".join(lines)}


@change
def records_without_the_last_newline(files: Files, chance: random.Random) -> Files:
    return {**files, "records.jsonl": files["records.jsonl"][:-1]}


@change
def records_with_other_newlines(files: Files, chance: random.Random) -> Files:
    return {
        **files,
        "records.jsonl": files["records.jsonl"].replace(b"\n", chance.choice([b"\r\n", b"\n\n", b"\r"])),
    }


@change
def records_flipped(files: Files, chance: random.Random) -> Files:
    return {**files, "records.jsonl": flip(files["records.jsonl"], chance)}


# Samples.


def of_sample(function: Callable[[dict[str, Any], random.Random], dict[str, Any] | bytes]) -> None:
    def work(files: Files, chance: random.Random) -> Files | None:
        if "sample.json" not in files:
            files = dict(bundles.good()[chance.choice(["sample", "sample of all", "sample, none open"])])
        changed = function(json.loads(files["sample.json"]), chance)
        return {
            **files,
            "sample.json": changed if isinstance(changed, bytes) else json.dumps(changed).encode(),
        }

    CHANGES[f"sample: {function.__name__}"] = work


@of_sample
def another_seed(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    return {
        **sample,
        "seed": chance.choice(
            [sample["seed"] + " ", "", "s", None, 7, unicodedata.normalize("NFD", sample["seed"])]
        ),
    }


@of_sample
def another_number(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    wanted = sample["wanted"]
    return {
        **sample,
        "wanted": chance.choice([wanted + 1, wanted - 1, 0, -1, str(wanted), float(wanted), True, 10**30]),
    }


@of_sample
def another_total(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    name = chance.choice(["of", "size"])
    return {
        **sample,
        name: chance.choice(
            [sample[name] + 1, sample[name] - 1, None, str(sample[name]), float(sample[name])]
        ),
    }


@of_sample
def another_tree(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    return {**sample, "root": chance.choice([sample["root"].upper(), chance.randbytes(32).hex(), None, ""])}


@of_sample
def another_index_in_it(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    indexes = list(sample["indexes"])
    indexes[chance.randrange(len(indexes))] += 1
    return {**sample, "indexes": sorted(indexes)}


@of_sample
def indexes_written_otherwise(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    indexes = sample["indexes"]
    return {
        **sample,
        "indexes": chance.choice(
            [indexes[::-1], indexes[:-1], [*indexes, indexes[-1]], None, {}, [float(i) for i in indexes], []]
        ),
    }


@of_sample
def more_unopened(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    lost = sample.get("unopened", [])
    return {
        **sample,
        "unopened": chance.choice(
            [[*lost, sample["indexes"][-1]], [*lost, 0], None, "all", sample["indexes"]]
        ),
    }


@of_sample
def fewer_unopened(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    return {**sample, "unopened": chance.choice([sample.get("unopened", [])[1:], []])}


@of_sample
def with_a_remark(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    return {**sample, "remark": "drawn on television"}


@of_sample
def a_field_gone(sample: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    del sample[chance.choice(list(sample))]
    return sample


@of_sample
def not_a_sample(sample: dict[str, Any], chance: random.Random) -> bytes:
    return chance.choice(
        [
            b"",
            b"{}",
            b"[]",
            b"null",
            b"\xff",
            json.dumps(sample).encode("utf-16"),
            json.dumps(sample).encode("utf-8-sig"),
        ]
    )


# Files and the zip.


@change
def a_file_gone(files: Files, chance: random.Random) -> Files:
    del files[chance.choice(list(files))]
    return files


@change
def an_additional_file(files: Files, chance: random.Random) -> Files:
    return {
        **files,
        chance.choice(["signatures.csv", "manifests/", "entries ", "../entries", "Entries"]): b"x",
    }


@change
def a_file_emptied(files: Files, chance: random.Random) -> Files:
    return {**files, chance.choice(list(files)): b""}


@change
def a_file_flipped(files: Files, chance: random.Random) -> Files:
    name = chance.choice(list(files))
    return {**files, name: flip(files[name], chance)}


@change
def another_readme(files: Files, chance: random.Random) -> Files:
    return {**files, "README.txt": b"All is well.\n"}


@change
def files_in_another_order(files: Files, chance: random.Random) -> Files:
    names = list(files)
    chance.shuffle(names)
    return {name: files[name] for name in names}


@change
def from_another_bundle(files: Files, chance: random.Random) -> Files:
    other = bundles.good()[chance.choice(BASES)]
    names = [name for name in files if name in other]
    name = chance.choice(names)
    return {**files, name: other[name]}


@change
def packed(files: Files, chance: random.Random) -> bytes:
    return bundles.zipped(files, method=zipfile.ZIP_DEFLATED)


@change
def zip_flipped(files: Files, chance: random.Random) -> bytes:
    return flip(bundles.zipped(files), chance)


@change
def zip_flipped_again(files: Files, chance: random.Random) -> bytes:
    return flip(flip(bundles.zipped(files), chance), chance)


@change
def zip_flipped_in_its_list(files: Files, chance: random.Random) -> bytes:
    data = bundles.zipped(files)
    start = data.index(b"PK\1\2")
    return data[:start] + flip(data[start:], chance)


@change
def zip_cut(files: Files, chance: random.Random) -> bytes:
    data = bundles.zipped(files)
    return data[: chance.randrange(len(data))]

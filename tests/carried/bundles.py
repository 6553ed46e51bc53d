"""Bundles to check, made by docs/log-format.md, and an independent judge that gives the expected result."""

import base64
import hashlib
import heapq
import io
import json
import quopri
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import cache
from typing import Any

import tlog
from tlog.entry import Amend, Close, Open, Reason, Revoke, Sign

ORIGIN = "petition.example/k3v9zq2m/log"
CAROL = tlog.Signer(ORIGIN, bytes(32))  # her log's key
PROMISES = tlog.promise_key(ORIGIN, b"\2" * 32)
WITNESSES = {
    name: tlog.Cosigner(f"witness-{name}.example/w", bytes([number]) * 32)
    for number, name in enumerate(("first", "second", "third"), start=10)
}
TITLE, ORGANISER = "Keep the orchard", "Orchard Friends"
COSIGNED = 1795500000  # 24 November 2026
FIELDS = ("name", "email", "place", "comment", "consent", "day")
ORDER = (
    "README.txt",
    "checkpoint",
    "policy",
    "entries",
)  # then manifests, records, sample: docs/log-format.md

Files = dict[str, bytes]
Record = dict[str, Any]


@dataclass(frozen=True)
class Log:
    """A log: its entries, the records that they commit to, and the quorum and witnesses of its checkpoint."""

    entries: tuple[bytes, ...]
    manifests: tuple[bytes, ...]
    records: Mapping[int, Record] = field(
        repr=False
    )  # with every field open, by index, including revoked ones
    revoked: frozenset[int] = frozenset()
    quorum: str = "none"
    cosigners: tuple[str, ...] = ()

    @property
    def root(self) -> bytes:
        return root(self.entries)

    @property
    def counting(self) -> list[int]:
        """Return the indexes of the signatures that count."""
        return [index for index in self.records if index not in self.revoked]

    def checkpoint(self, size: int | None = None, *, cosigners: Sequence[str] | None = None) -> bytes:
        """Return the signed checkpoint of the first `size` entries."""
        entries = self.entries if size is None else self.entries[:size]
        return signed(tlog.Checkpoint(ORIGIN, len(entries), root(entries)), cosigners or self.cosigners)

    def promise(self, index: int, include_by: int) -> bytes:
        """Return the promise that the signer of entry `index` got when she confirmed."""
        return tlog.Promise(ORIGIN, tlog.leaf_hash(self.entries[index]), include_by).sign(PROMISES)

    def proof(self, index: int, size: int | None = None) -> bytes:
        size = size or len(self.entries)
        leaves = tlog.leaf_hashes(self.entries[:size])
        get_hash = lambda level, at: tlog.root(leaves[at << level : (at + 1) << level])  # noqa: E731 - for small logs
        return tlog.Proof(index, tlog.inclusion_proof(index, size, get_hash), self.checkpoint(size)).encode()


@cache
def root(entries: tuple[bytes, ...]) -> bytes:
    return tlog.root_of_entries(entries)


def signed(checkpoint: tlog.Checkpoint, cosigners: Iterable[str] = (), log: tlog.Signer = CAROL) -> bytes:
    """Return the signed note with the cosignatures of these witnesses, each a day later."""
    note = tlog.note.sign(checkpoint.text, log)
    lines = [
        tlog.cosign(checkpoint, WITNESSES[name], COSIGNED + number * 86_400)
        for number, name in enumerate(cosigners)
    ]
    return tlog.note.append(note, lines)


def manifest(text: str) -> bytes:
    """Return the bytes of a manifest with the parts that a checker reads."""
    log = {"origin": ORIGIN, "key": str(CAROL.verifier), "promise_key": str(PROMISES.verifier)}
    terms = {"text": text, "organiser": ORGANISER, "fields": list(FIELDS), "log": log}
    document = {"v": 1, "terms": terms, "translations": {}}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True).encode() + b"\n"


FIRST, AMENDED = (
    manifest(f"---\ntitle: {TITLE}\nsummary: Trees.\n---\n\n{text}")
    for text in ("Keep the orchard.", "Keep the orchard, and its bees.")
)


def record(index: int, manifest: bytes) -> Record:
    """Return the record of signer number `index` with every field open."""
    names = ("Suzie 수지", "Łukasz", "王小明", "عُمر", "<b>Eve</b> &amp; \u202eevE", "O'Neil, Shaq")
    values = (
        f"{names[index % len(names)]} {index}",
        f"s{index}@example.org",
        ("KR", "DE", "", "US")[index % 4],
        "I grew up\nunder these trees. 🌳" if index % 5 == 0 else "",
        "0f" * 8,
        f"2026-11-{index % 23 + 1:02}",
    )
    salts = (hashlib.sha256(f"{index} {name}".encode()).hexdigest()[:32] for name in FIELDS)
    opened = {
        name: {"value": value, "salt": salt} for name, value, salt in zip(FIELDS, values, salts, strict=True)
    }
    return {"index": index, "manifest": hashlib.sha256(manifest).hexdigest(), "fields": opened}


def digest(opened: Mapping[str, str]) -> bytes:
    return hashlib.sha256(b"\2" + bytes.fromhex(opened["salt"]) + opened["value"].encode()).digest()


def commitment(record: Record) -> bytes:
    digests = b"".join(digest(record["fields"][name]) for name in FIELDS)
    return hashlib.sha256(b"petition/1 commit\n" + bytes.fromhex(record["manifest"]) + digests).digest()


def closed_but(record: Record, shown: Iterable[str]) -> Record:
    """Return the record with only these fields open."""
    keep = set(shown)
    fields = {
        name: opened if name in keep else {"digest": digest(opened).hex()}
        for name, opened in record["fields"].items()
    }
    return {**record, "fields": fields}


@cache
def log(
    size: int,
    *,
    amend: bool = False,
    revoke: bool = False,
    close: bool = False,
    quorum: str = "none",
    cosigners: tuple[str, ...] = (),
) -> Log:
    """Return a log of `size` entries. Optionally it has revocations, is amended halfway, and is closed near the end."""
    entries = [Open(hashlib.sha256(FIRST).digest()).encode()]
    records: dict[int, Record] = {}
    revoked: set[int] = set()
    current, manifests = FIRST, [FIRST]
    closing = size - 3 if close and size > 8 else size
    while len(entries) < size:
        at = len(entries)
        if amend and at == size // 2:
            current = AMENDED
            manifests.append(current)
            entries.append(Amend(hashlib.sha256(current).digest()).encode())
        elif at == closing:
            entries.append(Close().encode())
        elif (revoke and at % 7 == 0) or at > closing:
            target = next(index for index in reversed(records) if index not in revoked)
            revoked.add(target)
            entries.append(Revoke(target, Reason(at % 4 + 1)).encode())
        else:
            records[at] = record(at, current)
            entries.append(Sign(commitment(records[at])).encode())
    return Log(tuple(entries), tuple(manifests), records, frozenset(revoked), quorum, cosigners)


def with_another_promise_key(vkey: str) -> Log:
    """Return a log of twelve entries, amended by a manifest with another key for promises."""
    return _amended_by(AMENDED.replace(str(PROMISES.verifier).encode(), vkey.encode()))


def with_json(value: bytes) -> Log:
    """Return a log of twelve entries, amended by a manifest with this JSON value in an unknown field."""
    return _amended_by(AMENDED.replace(b'"v": 1', b'"v": 1, "x": ' + value))


def _amended_by(other: bytes) -> Log:
    made = log(12, amend=True)
    entries = [
        Amend(hashlib.sha256(other).digest()).encode() if entry[1] == 3 else entry for entry in made.entries
    ]
    return replace(made, entries=tuple(entries), manifests=(FIRST, other))


def policy(quorum: str) -> bytes:
    lines = ["# The keys to believe.", f"log {CAROL.verifier} https://petition.example/orchard/log/"]
    if quorum != "bare":
        lines += [f"witness {name} {key.verifier}" for name, key in WITNESSES.items()]
        lines += ["group two 2 first second third"]
    return "\n".join([*lines, f"quorum {'none' if quorum == 'bare' else quorum}", ""]).encode()


def jsonl(records: Iterable[Record]) -> bytes:
    return b"".join(json.dumps(r, ensure_ascii=False).encode() + b"\n" for r in records)


def choose(log: Log, seed: str, wanted: int) -> list[int]:
    """Draw the sample by docs/log-format.md."""
    head = b"petition/1 sample\n" + log.root + unicodedata.normalize("NFC", seed).encode() + b"\n"
    rank = lambda index: hashlib.sha256(head + index.to_bytes(8)).digest()  # noqa: E731 - one line of the format
    return sorted(sorted(log.counting, key=rank)[:wanted])


def files(
    log: Log,
    *,
    show: Iterable[int] | None = None,
    fields: Iterable[str] = ("name", "place", "comment"),
    sample: tuple[str, int] | None = None,
    unopened: int = 0,
) -> Files:
    """Return a bundle's files by name, in the format's order. Shown records have `fields` open."""
    opened = tuple(fields)
    made: Files = {
        "README.txt": b"Three ways to check this.\n",
        "checkpoint": log.checkpoint(),
        "policy": policy(log.quorum),
        "entries": b"".join(log.entries),
    }
    made |= {f"manifests/{hashlib.sha256(data).hexdigest()}.json": data for data in log.manifests}
    lost: list[int] = []
    description: dict[str, Any] | None = None
    if sample:
        seed, wanted = sample
        chosen = choose(log, seed, wanted)
        lost = chosen[:unopened]
        show = chosen[unopened:]
        description = {
            "seed": seed,
            "wanted": wanted,
            "of": len(log.counting),
            "size": len(log.entries),
            "root": log.root.hex(),
            "indexes": chosen,
            **({"unopened": lost} if lost else {}),
        }
    if show is not None:
        made["records.jsonl"] = jsonl(closed_but(log.records[index], opened) for index in show)
    if description:
        made["sample.json"] = json.dumps(description, ensure_ascii=False).encode() + b"\n"
    return made


def zipped(files: Files, *, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return the zip, with one date for all members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 11, 24, 0, 0, 0)), data, method)
    return buffer.getvalue()


def resigned(files: Files, entries: Sequence[bytes], cosigners: Iterable[str] = ()) -> Files:
    """Return the bundle with other entries and a new signed checkpoint, as a dishonest operator can make it."""
    checkpoint = tlog.Checkpoint(ORIGIN, len(entries), tlog.root_of_entries(entries))
    return {**files, "checkpoint": signed(checkpoint, cosigners), "entries": b"".join(entries)}


EMAIL = """From: Petitions <petitions@example.org>
To: suzie@example.org
Subject: Counted
Content-Type: text/plain; charset=utf-8
{encoding}

Your signature is counted. Keep this email:

{note}
Thank you.
"""


def email_with(note: bytes, kind: str) -> bytes:
    """Return an email with the note in it, as email programs save it."""
    text = note.decode()
    if kind == "plain":
        return EMAIL.format(encoding="", note=text).encode()
    if kind == "quoted":
        return EMAIL.format(encoding="", note="".join(f"> {line}\r\n" for line in text.splitlines())).encode()
    if kind in LINES:
        before, after = LINES[kind]
        lines = EMAIL.format(encoding="", note=text).splitlines()
        return "".join(f"{before}{line}{after}" for line in lines).encode(
            "utf-16" if kind == "utf-16" else "utf-8"
        )
    if kind == "windows-1252":
        message = EmailMessage()
        message.set_content(text, charset=kind, cte="quoted-printable")
        return message.as_bytes()
    if kind in ("both", "html"):
        page = (
            f"<!doctype html>\n<p>Your signature is counted.</p>\n<pre><small>{text}</small></pre>\n</body>\n"
        )
        message = EmailMessage()
        message.set_content(
            text if kind == "both" else "Your signature is counted.\n", cte="quoted-printable"
        )
        message.add_alternative(page, subtype="html", cte="quoted-printable")
        return message.as_bytes()
    if kind == "broken":  # as programs do that break long lines
        return EMAIL.format(
            encoding="", note=text.replace("/log ", "/log\n").replace("/promise ", "/promise\n")
        ).encode()
    head, _, body = EMAIL.format(encoding=f"Content-Transfer-Encoding: {kind}", note=text).partition("\n\n")
    encode = quopri.encodestring if kind == "quoted-printable" else base64.encodebytes
    return head.encode() + b"\n\n" + encode(body.encode())


LINES = {"old line ends": ("", "\r"), "spaced": ("\u00a0> | ", "\u00a0\r\n"), "utf-16": ("", "\r\n")}
KINDS = ["plain", "quoted", "broken", "quoted-printable", "base64", "both", "html", "windows-1252", *LINES]


GOOD: dict[str, Files] = {}
"""Valid bundles by name. The tests and mutants start from them."""


def good() -> dict[str, Files]:
    """Build the valid bundles once: every kind, and the sizes at which a tree changes its shape."""
    if GOOD:
        return GOOD
    both = log(60, amend=True, revoke=True, close=True, quorum="two", cosigners=("first", "third"))
    witnessed = log(257, amend=True, revoke=True, quorum="two", cosigners=("first", "second", "third"))
    GOOD.update(
        {f"size {size}": files(log(size, revoke=size > 200)) for size in (1, 2, 255, 256, 257)}
        | {
            "bare": files(log(20, revoke=True, quorum="bare"), show=[1, 2, 3]),
            "not asked, yet witnessed": files(replace(log(20), cosigners=("second",))),
            "one enough": files(log(30, quorum="third", cosigners=("third",)), show=[4]),
            "everything": files(both, show=both.counting, fields=FIELDS),
            "some fields": files(witnessed, show=witnessed.counting[20:150:3]),
            "all closed": files(both, show=both.counting[:5], fields=()),
            "sample": files(witnessed, sample=("27 Nov 2026, lotto 3 14 15 92 65 — é", 25)),
            "sample of all": files(both, sample=("수요일", 1000), unopened=2),
            "sample, none open": files(both, sample=("s", 3), unopened=3),
            "nothing shown": files(both, show=[]),
        }
    )
    return GOOD


NAMES = re.compile(
    r"README\.txt|checkpoint|policy|entries|manifests/[0-9a-f]{64}\.json|records\.jsonl|sample\.json|verify\.py|check\.html"
)


# The judge uses `tlog`, and docs/log-format.md for the rest. It shares no code with the checkers.


class Refused(Exception):
    """The judge finds that a bundle is not valid."""


class Unzipped(Mapping[str, bytes]):
    """The files of a zip, read on request. Raise `Refused` if it is not the zip of a bundle."""

    def __init__(self, data: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise Refused("not a readable zip") from error
        self._names = self._archive.namelist()
        if len(set(self._names)) < len(self._names) or not all(map(NAMES.fullmatch, self._names)):
            raise Refused("names")

    def __getitem__(self, name: str) -> bytes:
        if name not in self._names:
            raise KeyError(name)
        try:
            return self._archive.read(name)
        except Exception as error:  # zipfile raises many kinds on damage
            raise Refused(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def judge(files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the main numbers of a valid bundle. Raise `Refused` for any other."""
    try:
        believed = tlog.Policy.parse(files["policy"])
        opened = believed.open(files["checkpoint"])
        entries = [files["entries"][at : at + 34] for at in range(0, len(files["entries"]), 34)]
        if (len(entries), tlog.root_of_entries(entries)) != opened.checkpoint[1:]:
            raise Refused("entries")
        tally = tlog.Tally()
        tally.extend(entries)
    except (tlog.TlogError, KeyError) as error:
        raise Refused(str(error)) from error
    kinds = [tlog.entry.parse(data) for data in entries]
    signed = [kind.commitment for kind in kinds if isinstance(kind, Sign)]
    _require(len(set(signed)) == len(signed))
    revoked = {kind.index for kind in kinds if isinstance(kind, Revoke)}
    counting = {index for index, kind in enumerate(kinds) if isinstance(kind, Sign)} - revoked
    named = {kind.manifest_hash.hex() for kind in kinds if isinstance(kind, Open | Amend)}
    terms = {sha: _terms(files, sha, believed, opened.checkpoint.origin) for sha in named}
    shown: set[int] = set()
    for line in filter(None, files.get("records.jsonl", b"").split(b"\n")):
        record = _json(line)
        _require(type(record) is dict and sorted(record) == ["fields", "index", "manifest"])
        index = record["index"]
        _require(type(index) is int and index in counting and index not in shown)
        _require(type(record["manifest"]) is str and record["manifest"] in terms)
        order = terms[record["manifest"]]["fields"]
        _require(type(order) is list and len(order) > 0)
        _require(type(record["fields"]) is dict and record["fields"].keys() == set(order))
        digests = b"".join(_digest(record["fields"][name]) for name in order)
        made = hashlib.sha256(b"petition/1 commit\n" + bytes.fromhex(record["manifest"]) + digests)
        _require(kinds[index] == Sign(made.digest()))
        shown.add(index)
    if "sample.json" in files:
        _judge_sample(_json(files["sample.json"]), opened.checkpoint, counting, shown)
    return {
        "size": opened.checkpoint.size,
        "root": opened.checkpoint.root.hex(),
        "signed": tally.signed,
        "counted": tally.counted,
        "withdrawn": tally.revoked[Reason.WITHDRAWN],
        "invalidated": sum(tally.revoked.values()) - tally.revoked[Reason.WITHDRAWN],
        "closed": tally.closed,
        "shown": len(shown),
        "matched": len(shown),
    }


def judged(data: bytes) -> dict[str, Any] | None:
    """Return the main numbers of a valid zipped bundle, else None."""
    try:
        return judge(Unzipped(data))
    except Refused:
        return None


def _require(holds: bool) -> None:
    if not holds:
        raise Refused("a record or a sample")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name appears twice")
    return dict(pairs)


def _short(digits: str) -> int:
    if len(digits) - digits.count("-") > 18:
        raise ValueError("more digits than every parser accepts")
    return int(digits)


def _depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _json(data: bytes) -> Any:
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_int=_short)
        if _depth(value) > 100:
            raise ValueError("nested more deeply than every parser accepts")
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise Refused("no JSON") from error
    return value


def _terms(files: Mapping[str, bytes], sha: str, policy: tlog.Policy, origin: str) -> dict[str, Any]:
    data = files.get(f"manifests/{sha}.json")
    if data is None or hashlib.sha256(data).hexdigest() != sha:
        raise Refused("a manifest")
    document = _json(data)
    terms: dict[str, Any] = document.get("terms") if isinstance(document, dict) else {}
    _require(isinstance(terms, dict) and isinstance(terms.get("log"), dict))
    _require(terms["log"].get("origin") == origin and terms["log"].get("key") in map(str, policy.logs))
    return terms


def _digest(opened: Any) -> bytes:
    _require(type(opened) is dict)
    hexes = opened.get("digest", opened.get("salt"))
    _require(type(hexes) is str and set(hexes) <= set("0123456789abcdef"))
    if opened.keys() == {"digest"}:
        _require(len(hexes) == 64)
        return bytes.fromhex(hexes)
    _require(opened.keys() == {"salt", "value"} and type(opened["value"]) is str and len(hexes) == 32)
    return digest(opened)


def _judge_sample(sample: Any, checkpoint: tlog.Checkpoint, counting: set[int], shown: set[int]) -> None:
    _require(type(sample) is dict)
    _require(sample.keys() | {"unopened"} == {"seed", "wanted", "of", "size", "root", "indexes", "unopened"})
    _require(
        type(sample["seed"]) is str
        and len(sample["seed"]) <= 1_000
        and type(sample["wanted"]) is int
        and sample["wanted"] >= 0
    )
    _require(type(sample["of"]) is type(sample["size"]) is int)
    fixed = (len(counting), checkpoint.size, checkpoint.root.hex())
    _require((sample["of"], sample["size"], sample["root"]) == fixed)
    seed = unicodedata.normalize("NFC", sample["seed"]).encode()
    ranks = {
        hashlib.sha256(
            b"petition/1 sample\n" + checkpoint.root + seed + b"\n" + index.to_bytes(8)
        ).digest(): index
        for index in counting
    }
    chosen = sorted(ranks[rank] for rank in heapq.nsmallest(sample["wanted"], ranks))
    unopened = sample.get("unopened", [])
    for indexes in (sample["indexes"], unopened):
        _require(type(indexes) is list and all(type(index) is int for index in indexes))
    _require(sample["indexes"] == chosen)
    _require(set(unopened) <= set(chosen) and set(chosen) - set(unopened) == set(chosen) & shown)

#!/usr/bin/env python3
"""Check a copy of a petition's public log: one file, Python 3.8 or newer, and the program openssl 3.0 or newer.

    python3 verify.py [FOLDER or BUNDLE.zip] [--checkpoint FILE]... [--promise FILE]... [--proof FILE]...
                      [--log VKEY] [--witness VKEY]... [--at POSIX] [--json]

Without a name it checks the folder that contains this file. A folder can be an unzipped bundle, or a mirror in tile
layout. It only reads files and uses no network. It writes only the files for openssl, in a temporary folder that it
deletes.

Exit code: 0 everything holds; 1 checked and something is wrong; 2 could not be checked.

The comments name the steps of docs/log-format.md, "Bundle", in the source of Sabal, and the public standards:
c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature, tlog-policy, tlog-proof, tlog-tiles, and RFC 6962 and 9162.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import email
import heapq
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import unicodedata
import zlib
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from hashlib import sha256
from typing import (
    Any,
    BinaryIO,
    Callable,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Pattern,
    Tuple,
    TypeVar,
)

ENTRY = 34  # bytes: 01, a type and 32 more, docs/log-format.md "Entries"
OPEN, SIGN, REVOKE, AMEND, CLOSE = range(5)
NOTE, COSIGNATURE = 1, 4  # kinds of keys: c2sp.org/signed-note "Signature types"
MOST_ENTRIES = 20000000
MOST = 2**63 - 1  # the largest size, index or time
MOST_SEED = 1000  # characters
LONGEST_NOTE, MOST_SIGNATURES, LONGEST_RECORD = 1000000, 100, 1 << 18
MOST_KEPT, MOST_FOUND = (
    16 << 20,
    100,
)  # bytes of a kept file such as an email, and notes that are read from it

LIMITS = (
    "The log shows that nothing was taken out or changed. That signers are people rests on confirmed\n"
    "email addresses and, where done, on an outsider's random sample."
)
# The state of a signature that a promise or a proof is about, by the reason of its revocation.
FATES = {
    None: "the signature counts",
    1: "the signature was revoked, as withdrawn by its signer",
    2: "the signature was revoked, as a duplicate",
    3: "the signature was revoked, as automated or fake",
    4: "the signature was revoked, for another reason",
}  # fmt: skip
REVOCATION = (
    "A revocation is the operator's word. If it is wrong, keep your file and this copy, and say so in public."
)
NEEDS_OPENSSL = (
    "signatures are checked by the program openssl, version 3.0 or newer, and {}. Install it (or put it on the"
    " PATH), or open check.html, which needs no other program."
)


class Wrong(Exception):
    """It was checked and does not hold. The text is a sentence for people."""


class Unchecked(Exception):
    """It could not be checked. The text gives the reason."""


# ---------------------------------------------------------------------------------------------------------------
# The whole check, in the order of docs/log-format.md, "Bundle".

Read = Callable[[str], Optional[bytes]]
Part = TypeVar("Part")


def check(read: Read, given: argparse.Namespace) -> dict[str, Any]:
    """Return the result as one JSON object. Raise Unchecked if something that was given cannot be read.

    Everything is read before anything is judged. So a file that cannot be read is never reported as a forgery, nor a
    forgery as a file that cannot be read.
    """
    trusted = Trusted(
        None if given.log is None else known_key(given.log, "--log", NOTE),
        [known_key(witness, "--witness", COSIGNATURE) for witness in given.witness],
        given.at,
    )
    copy = read_copy(read)
    kept = read_kept(given)
    result: dict[str, Any] = {
        "ok": False, "sentence": "", "problems": [], "origin": None, "size": None, "root": None,
        "signed": 0, "counted": 0, "withdrawn": 0, "invalidated": 0, "closed": False, "manifests": [],
        "shown": 0, "matched": 0, "sample": None, "witnesses": [], "quorum": None,
        "checkpoints": [], "promises": [], "proofs": [], "log_key": None,
        "title": None, "organiser": None, "checked": given.at,
    }  # fmt: skip
    with collect_wrong(result["problems"]):
        _check(read, copy, kept, trusted, result)
    result["ok"] = not result["problems"]
    result["sentence"] = sentence(result)
    return result


def _check(read: Read, copy: Copy, kept: list[Kept], trusted: Trusted, result: dict[str, Any]) -> None:
    problems: list[str] = result["problems"]

    # Step 1: the keys to believe, and the checkpoint that they signed. Steps 1 to 3 end the check if they fail,
    # because the later steps depend on them.
    policy = parse_policy(copy.policy)
    ours = open_checkpoint(copy.checkpoint, policy)
    report_signers(policy, ours, trusted.log, result)

    # Step 2: the entries are those that were signed.
    entries = joined_entries(copy.entries, ours.size)
    levels = hash_levels(entries)
    if root_of(levels, ours.size) != ours.root:
        raise Wrong("The entries are not those that the checkpoint was signed over.")

    # Step 3: their order is valid, so that they can be counted.
    tally = count(entries)
    result.update(signed=tally.signed, withdrawn=tally.reasons[1], invalidated=sum(tally.reasons[2:]))
    result.update(counted=tally.signed - sum(tally.reasons), closed=tally.closed)
    result["manifests"] = [{"index": index, "sha256": sha} for index, sha in tally.manifests]

    # Step 4: the texts that were signed. The last one is in force.
    terms: dict[str, dict[str, Any]] = {}
    hashes = list(dict.fromkeys(sha for _, sha in tally.manifests))
    for sha in hashes[:MOST_MANIFESTS]:
        with collect_wrong(problems):
            terms[sha] = terms_of(read("manifests/%s.json" % sha), sha, ours.origin, policy)
    if len(hashes) > MOST_MANIFESTS:
        problems.append(f"The log names {len(hashes):,} manifests, of which {MOST_MANIFESTS:,} were read.")
    if hashes and hashes[-1] in terms:
        result.update(title=title_of(terms[hashes[-1]]), organiser=organiser_of(terms[hashes[-1]]))

    # Step 5: the shown records, and how they were chosen.
    shown = check_records(read("records.jsonl") or b"", entries, tally, terms, result)
    sample = read("sample.json")
    if sample is not None:
        with collect_wrong(problems, "sample.json: "):
            result["sample"] = check_sample(sample, ours, tally, shown)

    # Steps 6 to 8: checkpoints, promises and proofs from elsewhere.
    newest = max([-1, *cosigned_by(copy.checkpoint, trusted.witnesses)])
    check_kept(kept, (trusted.at, newest), policy, ours, levels, terms, tally.why, result)


class Trusted(NamedTuple):
    """What the person checking knows: the log's key, witnesses to believe, and the time (Unix, seconds)."""

    log: Key | None
    witnesses: list[Key]
    at: int


class Copy(NamedTuple):
    """The parts of a copy without which there is nothing to check. `entries` is the file, or the tiles in order."""

    policy: bytes
    checkpoint: bytes
    entries: tuple[str, list[bytes]]


class Kept(NamedTuple):
    """A file that somebody kept: its name, what it was given as, and the notes or the proof in it."""

    name: str
    kind: str
    found: list[bytes]


def known_key(vkey: str, option: str, kind: int) -> Key:
    """Parse the key of an option. Raise Unchecked, since a key that was mistyped says nothing about the copy."""
    try:
        return parse_vkey(vkey, kind)
    except Wrong as wrong:
        raise Unchecked("the key given with %s cannot be used. %s" % (option, wrong)) from None


def read_copy(read: Read) -> Copy:
    """Read the parts that every check needs. Raise Unchecked if one is missing."""
    checkpoint, policy = required(read, "checkpoint"), required(read, "policy")
    size = 0
    with suppress(Wrong):  # a checkpoint that cannot be read is reported later
        size = peek(checkpoint).size
    return Copy(policy, checkpoint, read_entries(read, size))


def read_kept(given: argparse.Namespace) -> list[Kept]:
    """Read the files of the options. Raise Unchecked if one cannot be read or holds nothing of its kind."""
    kept = [Kept(name, "checkpoint", notes_in(name, CHECKPOINT_LINES, peek)) for name in given.checkpoint]
    kept += [Kept(name, "promise", notes_in(name, PROMISE_LINES, parse_promise)) for name in given.promise]
    for name in given.proof:
        data = read_file(name)
        try:
            parse_proof(data)
        except Wrong as wrong:
            why = str(wrong)
            raise Unchecked("%s holds no proof. %s" % (name, why[:1].upper() + why[1:])) from None
        kept.append(Kept(name, "proof", [data]))
    return kept


@contextmanager
def collect_wrong(problems: list[str], where: str = "") -> Iterator[None]:
    """Add a Wrong that is raised inside to the problems, and let the check continue."""
    try:
        yield
    except Wrong as wrong:
        problems.append(where + str(wrong))


def sentence(result: dict[str, Any]) -> str:
    """Return the result in one line, which names the petition, its organiser and the day."""
    if not result["ok"]:
        return "NOT OK: %s: %s" % (subject(result), result["problems"][0])
    kinds = [("confirmed", result["signed"])]
    kinds += [(key, result[key]) for key in ("withdrawn", "invalidated") if result[key]]
    split = ", ".join(f"{number:,} {key}" for key, number in kinds)
    parts = ["%s (%s)" % (some(result["counted"], "signature counts", "signatures count"), split)]
    if result["shown"] or result["sample"]:
        parts.append(f"{result['matched']:,} shown and matched")
    if result["manifests"]:
        parts.append("the text is manifest %s" % short(result["manifests"][-1]["sha256"]))
    days: dict[str, list[str]] = {}
    for witness in result["witnesses"]:
        days.setdefault(day(witness["time"]), []).append(witness["name"])
    seen = " and ".join("%s on %s" % (listed(names), when) for when, names in days.items())
    parts.append("witnessed by " + seen if seen else "no witness is required")
    return "OK: %s: %s." % (subject(result), "; ".join(parts))


def subject(result: dict[str, Any]) -> str:
    """Return what was checked and when. Without a signed text, the log's own name must do."""
    name = "a log" if result["origin"] is None else "the log %s" % result["origin"]
    if result["title"]:
        name = "the petition “%s”" % result["title"]
        name += " by %s" % result["organiser"] if result["organiser"] else ""
    return "%s, checked on %s" % (name, day(result["checked"]))


# ---------------------------------------------------------------------------------------------------------------
# Step 1: notes, keys, the policy, the checkpoint.


class Key(NamedTuple):
    """A public Ed25519 key with its name."""

    name: str
    kind: int
    public: bytes
    key_id: bytes


class Policy(NamedTuple):
    """The keys of logs and witnesses to believe, and the groups of witnesses. The quorum names one of these."""

    logs: list[Key]
    witnesses: dict[str, Key]
    groups: dict[str, tuple[int, list[str]]]
    quorum: str


class Checkpoint(NamedTuple):
    """A checkpoint, the vkeys of the log that signed it, and the times at which witnesses of the policy cosigned it."""

    origin: str
    size: int
    root: bytes
    signers: list[str]
    cosigned: dict[str, int]


KINDS = {
    1: "Ed25519, which signs notes", 2: "ECDSA", 4: "Ed25519, which cosigns", 5: "RFC 6962", 6: "ML-DSA-44, which cosigns"
}  # fmt: skip


def parse_vkey(vkey: str, kind: int) -> Key:
    """Parse a key `name+key id+base64`: c2sp.org/signed-note "Verifier keys". Base64 may contain more + signs."""
    name, _, rest = vkey.partition("+")
    key_id, _, data = rest.partition("+")
    raw = from_base64(data.encode("utf-8", "replace"))
    if not is_name(name) or not raw:
        raise Wrong("%s is not a key. It should read name+key id+base64." % printable(vkey[:80]))
    made = sha256(name.encode() + b"\n" + raw).digest()[:4]
    if made.hex() != key_id:
        raise Wrong("The key of %s does not fit its key id." % printable(name))
    if raw[0] != kind or len(raw) != 33:
        wanted, found = KINDS[kind], KINDS.get(raw[0], "unknown here")
        raise Wrong(
            "The key of %s is of kind 0x%02x (%s), not 0x%02x (%s)."
            % (printable(name), raw[0], found, kind, wanted)
        )
    return Key(name, kind, raw[1:], made)


def vkey_of(key: Key) -> str:
    data = base64.b64encode(bytes([key.kind]) + key.public).decode()
    return "%s+%s+%s" % (key.name, key.key_id.hex(), data)


def parse_policy(data: bytes) -> Policy:
    """Parse a policy: log, witness and group lines and one quorum line. Names must be defined before they are used.

    c2sp.org/tlog-policy.
    """
    if len(data) > LONGEST_NOTE or re.search(rb"[^\t\n\x20-\x7e\x80-\xff]", data) or not data.endswith(b"\n"):
        raise Wrong("The policy is too long, is cut off, or holds control characters.")
    policy = Policy([], {}, {}, "")
    for number, line in enumerate(data.split(b"\n"), start=1):
        words = [word.decode("utf-8", "surrogateescape") for word in line.split()]
        if words and not words[0].startswith("#"):
            try:
                policy = with_line(policy, words[0], words[1:])
            except Wrong as wrong:
                raise Wrong("Line %d of the policy: %s." % (number, str(wrong).rstrip("."))) from None
    if not policy.quorum:
        raise Wrong("The policy has no quorum line. A policy that requires no witness says `quorum none`.")
    return policy


def with_line(policy: Policy, what: str, words: list[str]) -> Policy:
    """Return the policy with one more line added. The line is given as its first word and the others."""

    def new_key(vkey: str, kind: int, known: Iterable[Key]) -> Key:
        parsed = parse_vkey(vkey, kind)
        if parsed.public in [key.public for key in known]:
            raise Wrong("a key is given twice")
        return parsed

    defined = [*policy.witnesses, *policy.groups]
    if what in ("witness", "group") and words and words[0] in [*defined, "none"]:
        raise Wrong("a name is given twice")
    if what == "log" and len(words) in (1, 2):
        policy.logs.append(new_key(words[0], NOTE, policy.logs))
    elif what == "witness" and len(words) in (2, 3):
        policy.witnesses[words[0]] = new_key(words[1], COSIGNATURE, policy.witnesses.values())
    elif what == "group" and len(words) > 2:
        members = words[2:]
        grouped = [member for _, others in policy.groups.values() for member in others]
        if not set(members) <= set(defined) - set(grouped) or len(set(members)) != len(members):
            raise Wrong("a member is not defined, or in a group already")
        enough = {"any": "1", "all": str(len(members))}.get(words[1], words[1])
        if not re.fullmatch("[1-9][0-9]{0,5}", enough) or int(enough) > len(members):
            raise Wrong("the group's threshold cannot be")
        policy.groups[words[0]] = (int(enough), members)
    elif what == "quorum" and len(words) == 1 and not policy.quorum:
        if words[0] not in [*defined, "none"]:
            raise Wrong("the quorum is not defined")
        policy = policy._replace(quorum=words[0])
    else:
        raise Wrong("this is not a line of log, witness, group or quorum")
    return policy


def satisfied(policy: Policy, cosigned: dict[str, int]) -> bool:
    """Return whether the quorum is met: c2sp.org/tlog-policy "What is a policy"."""
    seen = set(cosigned)
    for name, (threshold, members) in policy.groups.items():  # the members of a group are defined before it
        if sum(member in seen for member in members) >= threshold:
            seen.add(name)
    return policy.quorum == "none" or policy.quorum in seen


Signatures = List[Tuple[str, bytes, bytes]]  # name, key id, signature
SIGNATURE_LINE = re.compile(rb"\xe2\x80\x94 ([^ +\n]+) ([A-Za-z0-9+/]+=*)")  # em dash, name, base64


def split_note(note: bytes) -> tuple[bytes, Signatures]:
    """Split a note at its last empty line into the text and the signatures: c2sp.org/signed-note "Format"."""
    if len(note) > LONGEST_NOTE or re.search(rb"[\x00-\x09\x0b-\x1f]", note):
        raise Wrong("A note is too long, or holds control characters.")
    try:
        note.decode()
    except UnicodeDecodeError:
        raise Wrong("A note is not written in UTF-8.") from None
    end = note.rfind(b"\n\n") + 1
    lines = note[end + 1 :].split(b"\n")
    if not end or lines.pop() != b"" or not 0 < len(lines) <= MOST_SIGNATURES:
        raise Wrong("A note is text, an empty line and signature lines, and this is not.")
    signatures = []
    for line in lines:
        found = SIGNATURE_LINE.fullmatch(line)
        raw = from_base64(found[2]) if found else b""
        if found is None or not is_name(found[1].decode()) or len(raw) < 5:
            raise Wrong("A signature line of a note is damaged.")
        signatures.append((found[1].decode(), raw[:4], raw[4:]))
    return note[:end], signatures


def verified(text: bytes, signatures: Signatures, keys: list[Key]) -> list[tuple[Key, int]]:
    """Return the keys that signed, each with the time of its cosignature, or 0.

    Raise Wrong if any signature line of one of these keys is invalid.
    """
    found = []
    for name, key_id, signature in signatures:
        for key in keys:
            if (key.name, key.key_id) != (name, key_id):
                continue
            message, at = text, 0
            if key.kind == COSIGNATURE:  # c2sp.org/tlog-cosignature "Ed25519 signed message"
                at = int.from_bytes(signature[:8], "big")
                message, signature = b"cosignature/v1\ntime %d\n%b" % (at, text), signature[8:]
            if len(signature) != 64 or at > MOST or not ed25519(key.public, message, signature):
                raise Wrong("The signature of %s does not fit the text that it signs." % printable(name))
            found.append((key, at))
    return found


def peek(note: bytes) -> Checkpoint:
    """Parse a checkpoint without verifying it: origin, size and root. c2sp.org/tlog-checkpoint."""
    lines = split_note(note)[0].decode().split("\n")
    if len(lines) != 4 or lines[3] or not is_name(lines[0]):
        raise Wrong("A checkpoint has three lines: origin, size and root. This one does not.")
    origin, size, root = lines[0], number_of(lines[1]), from_base64(lines[2].encode())
    if len(root) != 32 or (size == 0 and root != sha256().digest()):
        raise Wrong("A checkpoint's root is damaged.")
    return Checkpoint(origin, size, root, [], {})


def open_checkpoint(note: bytes, policy: Policy, witnesses: bool = True) -> Checkpoint:
    """Open a checkpoint that a log of the policy has signed, whose name is the origin."""
    origin, size, root, _, _ = peek(note)
    text, signatures = split_note(note)
    signed = verified(text, signatures, policy.logs + (list(policy.witnesses.values()) if witnesses else []))
    signers = [
        vkey_of(log) for log in policy.logs if log.name == origin and log in [key for key, _ in signed]
    ]
    if not signers:
        raise Wrong("No log of the policy has signed this checkpoint of %s." % printable(origin))
    cosigned = {}
    for name, witness in policy.witnesses.items():
        times = [at for key, at in signed if key == witness]
        if times:
            cosigned[name] = max(times)
    return Checkpoint(origin, size, root, signers, cosigned)


def report_signers(policy: Policy, ours: Checkpoint, log: Key | None, result: dict[str, Any]) -> None:
    result.update(origin=printable(ours.origin), size=ours.size, root=ours.root.hex())
    wanted = vkey_of(log) if log else None
    result["log_key"] = wanted if wanted in ours.signers else ours.signers[0]
    for name, at in ours.cosigned.items():
        key = printable(vkey_of(policy.witnesses[name]))
        result["witnesses"].append({"name": printable(name), "time": at, "key": key})
    result["quorum"] = None if policy.quorum == "none" else satisfied(policy, ours.cosigned)
    if result["quorum"] is False:
        result["problems"].append(
            "Too few of the witnesses that the policy requires have cosigned the checkpoint."
        )
    if wanted and wanted != result["log_key"]:
        result["problems"].append("The log is signed by another key than the one that you gave with --log.")


def ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether openssl accepts the signature (RFC 8032).

    If it does not, test openssl with a known good signature first: an old openssl must not make a log look false.
    """
    if openssl_accepts(public, message, signature):
        return True
    # RFC 8032 §7.1, test 2. An openssl that refuses this signature cannot verify Ed25519.
    known = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )  # fmt: skip
    if not openssl_accepts(*(bytes.fromhex(text) for text in known)):
        raise Unchecked(NEEDS_OPENSSL.format("the one here is too old or does not work"))
    return False


def openssl_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    spki = bytes.fromhex("302a300506032b6570032100") + public  # RFC 8410 §4
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("key.der", "message", "signature")]
        for path, data in zip(paths, (spki, message, signature)):
            with open(path, "wb") as file:
                file.write(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", paths[0]]
        command += ["-rawin", "-in", paths[1], "-sigfile", paths[2]]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL, timeout=60)  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            raise Unchecked(NEEDS_OPENSSL.format("it could not be run here")) from None
    return done.returncode == 0 and b"Verified Successfully" in done.stdout


# ---------------------------------------------------------------------------------------------------------------
# Step 2: the entries and the tree over them (RFC 6962 §2.1).


def read_entries(read: Read, size: int) -> tuple[str, list[bytes]]:
    """Return the file of a bundle with all entries, or the tiles of a mirror; with the path of the last file.

    Reading ends at the first damaged tile. Raise Unchecked if a file is missing.
    """
    whole = read("entries")
    if whole is not None:
        return "entries", [whole]
    if size > MOST_ENTRIES:
        raise Unchecked(f"this log says that it has {size:,} entries. That is more than can be checked here.")
    tiles: list[bytes] = []
    path = ""
    for index in range((size + 255) // 256):
        width = min(256, size - index * 256)
        groups = re.findall("...", str(index).zfill(-(-len(str(index)) // 3) * 3))
        path = "tile/entries/" + "/".join(["x" + group for group in groups[:-1]] + groups[-1:])
        data = read("%s.p/%d" % (path, width)) if width < 256 else None
        if data is None:  # a partial tile may be deleted once the full one exists: c2sp.org/tlog-tiles
            data = required(read, path)
        tiles.append(data)
        if not is_tile(data, width):
            break
    return path, tiles


def is_tile(data: bytes, width: int) -> bool:
    """Return whether a tile has entries of 34 bytes, each after its length: those of this width, or all 256."""
    lengths = data[0 :: ENTRY + 2] + data[1 :: ENTRY + 2]
    whole = len(data) // (ENTRY + 2)
    return len(data) in (width * 36, 256 * 36) and lengths == bytes(whole) + bytes([ENTRY]) * whole


def joined_entries(files: tuple[str, list[bytes]], size: int) -> bytes:
    """Return all entries, joined. Raise Wrong if they are not as many as the checkpoint says."""
    path, parts = files
    if path == "entries":
        if len(parts[0]) != size * ENTRY:
            raise Wrong(
                "The checkpoint is over %s of 34 bytes; here are %s."
                % (some(size, "entry", "entries"), some(len(parts[0]), "byte", "bytes"))
            )
        return parts[0]
    joined = []
    for index, data in enumerate(parts):
        width = min(256, size - index * 256)
        if not is_tile(data, width):
            raise Wrong(
                "%s does not hold %s of 34 bytes, each after its length."
                % (path, some(width, "entry", "entries"))
            )
        joined += [data[at + 2 : at + 36] for at in range(0, width * 36, 36)]
    return b"".join(joined)


def hash_levels(entries: bytes) -> list[bytes]:
    """Return the hashes of each level of the tree, joined: the leaves first, then the nodes over each full pair."""
    levels = [b"".join([sha256(b"\0" + entries[at : at + 34]).digest() for at in range(0, len(entries), 34)])]
    while len(levels[-1]) > 32:
        below = levels[-1]
        pairs = range(0, len(below) - 63, 64)
        levels.append(b"".join([sha256(b"\1" + below[at : at + 64]).digest() for at in pairs]))
    return levels


def root_of(levels: list[bytes], size: int) -> bytes:
    """Return the root over the first `size` leaves.

    These leaves are a row of full subtrees, one for each bit of `size`. Join them from right to left.
    """
    root = b""
    for level in range(size.bit_length()):  # the smallest subtree is the rightmost
        if size >> level & 1:
            at = ((size >> level) - 1) * 32
            left = levels[level][at : at + 32]
            root = sha256(b"\1" + left + root).digest() if root else left
    return root or sha256().digest()


# ---------------------------------------------------------------------------------------------------------------
# Step 3: order and count. docs/log-format.md "Entries", "Reasons".


class Tally(NamedTuple):
    """The counts of the entries. `kinds` has one byte for each entry: its type, or REVOKED for a revoked signature.

    `why` has the reason of each revocation, by the index of the revoked entry.
    """

    signed: int
    reasons: list[int]
    closed: bool
    manifests: list[tuple[int, str]]
    kinds: bytearray
    why: dict[int, int]


REVOKED = 255


def count(entries: bytes) -> Tally:
    kinds, reasons, manifests, closed = bytearray(entries[1::34]), [0] * 5, [], False
    commitments: set[bytes] = set()
    why: dict[int, int] = {}
    for index, version in enumerate(entries[0::34]):
        kind = kinds[index]
        if version != 1 or kind > CLOSE:
            raise Wrong(f"Entry {index:,} is of a kind that no log has.")
        if (index == 0) != (kind == OPEN):
            raise Wrong(f"Entry {index:,}: a log is opened by its first entry, and only once.")
        if closed and kind != REVOKE:
            raise Wrong(f"Entry {index:,}: after a log was closed only revocations may follow.")
        body = entries[index * 34 + 2 : index * 34 + 34]
        if kind == SIGN:
            if body in commitments:
                first = next(at for at in range(index) if entries[at * 34 : at * 34 + 34] == b"\1\1" + body)
                raise Wrong(
                    f"Entry {index:,}: its commitment is that of entry {first:,}, and each may be in the log only once."
                )
            commitments.add(body)
            continue
        if kind == REVOKE:
            target, reason = struct.unpack(">QB23x", body)
            if not 1 <= reason <= 4 or any(body[9:]):
                raise Wrong(f"Entry {index:,}: a revocation has a reason from 1 to 4, and ends in zeros.")
            if target >= index or kinds[target] != SIGN:
                raise Wrong(
                    f"Entry {index:,} revokes something that is not an earlier signature, or was already revoked."
                )
            kinds[target], why[target] = REVOKED, reason
            reasons[reason] += 1
        elif kind == CLOSE:
            if any(body):
                raise Wrong(f"Entry {index:,}: what closes a log holds nothing but zeros.")
            closed = True
        else:
            manifests.append((index, body.hex()))
    return Tally(len(commitments), reasons, closed, manifests, kinds, why)


# ---------------------------------------------------------------------------------------------------------------
# Steps 4 and 5: manifests, records, the sample.


def terms_of(data: bytes | None, sha: str, origin: str, policy: Policy) -> dict[str, Any]:
    """Return a manifest's terms. Raise Wrong unless its hash is the one in the log and it names this log."""
    name = short(sha)
    if data is None:
        raise Wrong("The manifest %s, which the log names, is missing." % name)
    if sha256(data).hexdigest() != sha:
        raise Wrong("The manifest %s was changed: its hash differs." % name)
    manifest: Any = None
    with collect_wrong([]):
        manifest = from_json(data)
    terms = manifest.get("terms") if isinstance(manifest, dict) else None
    log = terms.get("log") if isinstance(terms, dict) else None
    if not isinstance(terms, dict) or not isinstance(log, dict):
        raise Wrong("The manifest %s is not JSON with terms that name a log." % name)
    if log.get("origin") != origin or log.get("key") not in [vkey_of(key) for key in policy.logs]:
        raise Wrong("The manifest %s names another log, or another key of it." % name)
    return terms


def title_of(terms: dict[str, Any]) -> str | None:
    """Return the title in the first lines of the signed text: docs/log-format.md "The check"."""
    text = terms.get("text")
    found = TITLE.match(text) if isinstance(text, str) else None
    title = one_line(found[1]) if found else ""
    return title[1:-1].strip() or None if re.fullmatch('"[^"]+"', title) else title or None


def organiser_of(terms: dict[str, Any]) -> str | None:
    name = terms.get("organiser")
    return one_line(name) or None if isinstance(name, str) else None


TITLE = re.compile(
    r"---[ \t\r]*\n(?:(?!---|title[ \t]*:)[^\n]*\n)*title[ \t]*:((?:[ \t\r][^\n]*)?(?:\n[ \t][^\n]*)*)"
)
LONGEST_NAME = 200


def one_line(text: str) -> str:
    line = " ".join(re.split("[ \t\r\n]+", text)).strip(" ")
    return printable(line if len(line) <= LONGEST_NAME else line[:LONGEST_NAME] + "…")


def check_records(
    data: bytes, entries: bytes, tally: Tally, terms: dict[str, dict[str, Any]], result: dict[str, Any]
) -> list[int]:
    """Return the indexes of the records that match. The others become problems."""
    lines = [line for line in data.split(b"\n") if line]
    matched: dict[int, None] = {}
    for number, line in enumerate(lines, start=1):
        with collect_wrong(result["problems"], f"The record in line {number:,}: "):
            index = check_record(line, entries, tally, terms)
            if index in matched:
                raise Wrong(f"the record of entry {index:,} appears twice.")
            matched[index] = None
    result.update(shown=len(lines), matched=len(matched))
    return list(matched)


def check_record(line: bytes, entries: bytes, tally: Tally, terms: dict[str, dict[str, Any]]) -> int:
    """Return the index of the sign entry that commits to this record."""
    record = from_json(line) if len(line) <= LONGEST_RECORD else None
    if not isinstance(record, dict) or set(record) != {"index", "manifest", "fields"}:
        raise Wrong("this is not a record. A record has an index, a manifest and fields.")
    index, manifest, fields = record["index"], record["manifest"], record["fields"]
    if (
        type(index) is not int
        or not 0 <= index < len(tally.kinds)
        or tally.kinds[index] not in (SIGN, REVOKED)
    ):
        raise Wrong("the log has no signature where this record says.")
    if tally.kinds[index] == REVOKED:
        raise Wrong(f"the signature of entry {index:,} was revoked, so nobody may be shown its record.")
    if not isinstance(manifest, str) or manifest not in terms:
        raise Wrong("it is of a manifest that the log does not name, or that is not here.")
    order = terms[manifest].get("fields")
    if not isinstance(order, list) or not order or not all(isinstance(name, str) for name in order):
        raise Wrong("its manifest names no fields.")
    if not isinstance(fields, dict) or sorted(fields) != sorted(order):
        raise Wrong("its fields are not those of its manifest.")
    digests = b"".join([digest_of(fields[name]) for name in order])
    made = sha256(b"petition/1 commit\n" + bytes.fromhex(manifest) + digests).digest()
    if made != entries[index * 34 + 2 : index * 34 + 34]:
        raise Wrong(f"the record is not the one that was signed as entry {index:,}.")
    return int(index)


def digest_of(field: Any) -> bytes:
    """Return the digest of a field: given if it is closed, computed if it is open. "Token, seed, commitment"."""
    if isinstance(field, dict) and set(field) == {"digest"} and is_hex(field["digest"], 64):
        return bytes.fromhex(field["digest"])
    if isinstance(field, dict) and set(field) == {"value", "salt"} and isinstance(field["value"], str):
        if is_hex(field["salt"], 32):
            return sha256(b"\2" + bytes.fromhex(field["salt"]) + field["value"].encode()).digest()
    raise Wrong("a field is neither open, with value and salt, nor closed, with a digest.")


def check_sample(data: bytes, ours: Checkpoint, tally: Tally, shown: list[int]) -> dict[str, Any]:
    """Draw the sample again: the signatures with the smallest hashes over root, seed and index."""
    sample = from_json(data)
    known = {"seed", "wanted", "of", "size", "root", "indexes"}
    if not isinstance(sample, dict) or set(sample) - {"unopened"} != known:
        raise Wrong("this is not a description of a sample.")
    seed, wanted, unopened = sample["seed"], sample["wanted"], sample.get("unopened", [])
    if not isinstance(seed, str) or not all(is_indexes([sample[key]]) for key in ("wanted", "of", "size")):
        raise Wrong("a sample has a seed and a number that was wanted.")
    if len(seed) > MOST_SEED:
        raise Wrong("the seed of a sample has at most %d characters." % MOST_SEED)
    whole = [index for index, kind in enumerate(tally.kinds) if kind == SIGN]
    if (sample["size"], sample["root"], sample["of"]) != (ours.size, ours.root.hex(), len(whole)):
        raise Wrong("the sample was drawn from another state of the log.")
    start = sha256(b"petition/1 sample\n" + ours.root + unicodedata.normalize("NFC", seed).encode() + b"\n")

    def rank(index: int) -> bytes:
        hasher = start.copy()
        hasher.update(index.to_bytes(8, "big"))
        return hasher.digest()

    chosen = sorted(heapq.nsmallest(wanted, whole, key=rank))
    if not is_indexes(sample["indexes"]) or sample["indexes"] != chosen:
        raise Wrong("the records were not chosen as the seed says.")
    if not isinstance(unopened, list) or not all(is_indexes([index]) for index in unopened):
        raise Wrong("the list of unopened records is not a list of entries.")
    if not set(unopened) <= set(chosen) - set(shown):
        raise Wrong("a record listed as unopened is not in the sample, or is shown.")
    missing = len(set(chosen) - set(shown) - set(unopened))
    if missing:
        raise Wrong("%s of the sample not shown." % some(missing, "record is", "records are"))
    return {"seed": printable(seed), "wanted": wanted, "chosen": len(chosen), "unopened": len(set(unopened))}


# ---------------------------------------------------------------------------------------------------------------
# Steps 6 to 8: checkpoints, promises and proofs from elsewhere.

CHECKPOINT_LINES = re.compile("(0|[1-9][0-9]*)\n[A-Za-z0-9+/]{43}=")
PROMISE_LINES = re.compile("[A-Za-z0-9+/]{43}=\ninclude-by (0|[1-9][0-9]*)")
KIND_OF = {CHECKPOINT_LINES: "checkpoint", PROMISE_LINES: "promise"}


def notes_in(name: str, middle: Pattern[str], parse: Callable[[bytes], object]) -> list[bytes]:
    """Return every note in a file whose second and third line match `middle` and that `parse` accepts.

    The file may be a saved email, and the note may be quoted or indented. Raise Unchecked if there is none.
    """
    data = read_file(name)
    texts = [text_of(data)]
    with suppress(Exception):  # the parser can fail on a hostile email; then no more parts are read
        for part in email.message_from_bytes(data).walk():
            payload = None if part.is_multipart() else part.get_payload(decode=True)
            texts.append(text_of(payload, part.get_content_charset()) if isinstance(payload, bytes) else "")
    found: dict[bytes, None] = {}
    for text in texts:
        # Remove the tags of an email's HTML part. They are around a note's lines, never inside them.
        lines = [
            re.sub("<[^<>]*>", "", line).strip("> \t\u00a0|") for line in re.split("\r\n|\r|\n", text)
        ] + [""]
        for at in range(len(lines) - 4):
            if middle.fullmatch(lines[at + 1] + "\n" + lines[at + 2]) and not lines[at + 3]:
                note = note_at(lines, at)
                with suppress(Wrong, UnicodeEncodeError):  # it looks like a note, but is none
                    parse(note.encode())
                    found[note.encode()] = None
    if not found:
        raise Unchecked("%s holds no %s. Was it saved whole?" % (name, KIND_OF[middle]))
    return list(found)[:MOST_FOUND]


def note_at(lines: list[str], at: int) -> str:
    """Return the note that begins at a line, with the signature lines that follow it."""
    note, end = lines[at : at + 4], at + 4
    while end < len(lines) and lines[end].startswith("—"):
        for several in (1, 2):  # an email program may have broken a line in two
            line = " ".join(lines[end : end + several])
            if SIGNATURE_LINE.fullmatch(line.encode("utf-8", "replace")):
                break
        else:
            break  # another line that begins with a dash
        note.append(line)
        end += several
    return "".join(line + "\n" for line in note)


def text_of(data: bytes, charset: str | None = None) -> str:
    """Decode a file or a part of an email. Characters that cannot be decoded are replaced."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        charset = "utf-16"
    with suppress(LookupError, ValueError):  # an unknown charset, or one that is not a text encoding
        return data.decode(charset or "utf-8", "replace").lstrip("\ufeff")
    return data.decode("utf-8", "replace")


def check_kept(
    kept: list[Kept],
    times: tuple[int, int],
    policy: Policy,
    ours: Checkpoint,
    levels: list[bytes],
    terms: dict[str, dict[str, Any]],
    why: dict[int, int],
    result: dict[str, Any],
) -> None:
    """Compare what was kept. `times`: now, and when a trusted witness last saw this copy."""
    for name, kind, found in kept:
        if kind == "checkpoint":
            check_checkpoints(name, found, policy, ours, levels, result)
        for note in found if kind == "promise" else []:
            with collect_wrong(result["problems"], name + ": "):
                check_promise(note, ours, levels[0], terms, times, why, result)
        for proof in found if kind == "proof" else []:
            with collect_wrong(result["problems"], name + ": "):
                check_proof(proof, policy, ours, levels, why, result)


def check_checkpoints(
    name: str,
    notes: list[bytes],
    policy: Policy,
    ours: Checkpoint,
    levels: list[bytes],
    result: dict[str, Any],
) -> None:
    """Step 6: compare the checkpoints in a file that this log has signed. If there is none, report the first one."""
    opened: list[Checkpoint] = []
    wrongs: list[str] = []
    for note in [note for note in notes if note.startswith(ours.origin.encode() + b"\n")] or notes[:1]:
        with collect_wrong(wrongs, name + ": "):
            opened.append(open_checkpoint(note, policy, witnesses=False))
    if not opened:
        result["problems"].append(wrongs[0])
    for theirs in opened:
        with collect_wrong(result["problems"], name + ": "):
            check_older(theirs, ours, levels, result)


def check_older(theirs: Checkpoint, ours: Checkpoint, levels: list[bytes], result: dict[str, Any]) -> None:
    """Raise Wrong unless the tree of the other checkpoint is the beginning of this one."""
    if theirs.origin != ours.origin:
        raise Wrong("this is a checkpoint of another log.")
    if not set(theirs.signers) & set(ours.signers):  # evidence neither for nor against this copy
        raise Wrong(
            f"this checkpoint of {some(theirs.size, 'entry', 'entries')} is signed by another key of the policy than this copy. Ask"
            " which of the two is the log's."
        )
    holds = theirs.size <= ours.size and root_of(levels, theirs.size) == theirs.root
    result["checkpoints"].append({"size": theirs.size, "consistent": holds})
    if theirs.size > ours.size:
        raise Wrong(
            f"this copy is older than what was seen before: it has {some(ours.size, 'entry', 'entries')}, not {theirs.size:,}."
        )
    if not holds:
        raise Wrong(
            f"the log was changed: its first {some(theirs.size, 'entry is not the one that was', 'entries are not those that were')} seen before."
        )


def parse_promise(note: bytes) -> tuple[str, bytes, int]:
    """Return the name of a promise's key, the leaf hash and the time, not verified."""
    lines = split_note(note)[0].decode().split("\n")
    if (
        len(lines) != 4
        or lines[3]
        or not is_name(lines[0])
        or not PROMISE_LINES.fullmatch("\n".join(lines[1:3]))
    ):
        raise Wrong("A promise has three lines: its key's name, a hash and a time. This one does not.")
    leaf = from_base64(lines[1].encode())
    if not lines[0].endswith("/promise") or len(leaf) != 32:
        raise Wrong("This is not a promise.")
    return lines[0], leaf, number_of(lines[2][len("include-by ") :])


def check_promise(
    note: bytes,
    ours: Checkpoint,
    leaves: bytes,
    terms: dict[str, dict[str, Any]],
    times: tuple[int, int],
    why: dict[int, int],
    result: dict[str, Any],
) -> None:
    """Step 7: docs/log-format.md "Promise". `times`: now, and when a trusted witness last saw this copy."""
    text, signatures = split_note(note)
    name, wanted, include_by = parse_promise(note)
    believed = set()
    for term in terms.values():
        with collect_wrong([]):  # skip a key that cannot be read
            believed.add(parse_vkey(str(term["log"].get("promise_key")), NOTE))
    if name != ours.origin + "/promise":
        raise Wrong("this is a promise of another log.")
    if not verified(text, signatures, [key for key in believed if key.name == name]):
        raise Wrong("the promise is not signed by the key that the manifest names for promises.")
    offset = leaves.find(wanted)
    while offset % 32 and offset > 0:  # found across two hashes: search further
        offset = leaves.find(wanted, offset + 1)
    now, newest = times
    late = "broken" if include_by <= newest else "overdue"
    state = "kept" if offset >= 0 else "waiting" if include_by > now else late
    result["promises"].append({"include_by": include_by, "state": state, "revoked": why.get(offset // 32)})
    if state == "broken":
        raise Wrong(
            "the operator broke its word: it promised an entry by %s that is not in the log."
            % day(include_by - 1)
        )
    if state == "overdue":
        raise Wrong(
            "The promise of an entry by %s is not kept in this copy, which may be old. Fetch a newer copy from the"
            " petition's own site." % day(include_by - 1)
        )


def cosigned_by(checkpoint: bytes, witnesses: list[Key]) -> list[int]:
    """Return the times at which the witnesses of --witness cosigned the checkpoint. They need not be in the policy."""
    text, signatures = split_note(checkpoint)
    times = []
    for key in witnesses:
        for line in signatures:
            with collect_wrong([]):  # ignore an invalid line: it proves nothing
                times += [at for _, at in verified(text, [line], [key])]
    return times


def parse_proof(data: bytes) -> tuple[int, list[bytes], bytes]:
    """Return a proof's index, its path and its checkpoint, not verified: c2sp.org/tlog-proof "Format"."""
    head, empty, note = data.partition(b"\n\n")
    lines = head.split(b"\n")
    if lines.pop(0) != b"c2sp.org/tlog-proof@v1" or len(data) > 2 * LONGEST_NOTE:
        raise Wrong("this is not a proof file.")
    if lines and lines[0].startswith(b"extra "):
        from_base64(lines.pop(0)[6:])  # it is not authenticated, so it is not used
    if not empty or not lines or not lines[0].startswith(b"index ") or len(lines) > 64:
        raise Wrong("this proof file is damaged.")
    path = [from_base64(line) for line in lines[1:]]
    if any(len(step) != 32 for step in path):
        raise Wrong("this proof file is damaged.")
    peek(note)
    return number_of(lines[0][6:].decode("ascii", "replace")), path, note


def check_proof(
    data: bytes,
    policy: Policy,
    ours: Checkpoint,
    levels: list[bytes],
    why: dict[int, int],
    result: dict[str, Any],
) -> None:
    """Step 8: c2sp.org/tlog-proof. Check it for our entry at its index. Its checkpoint is checked as in step 6."""
    index, path, note = parse_proof(data)
    proven = index
    theirs = open_checkpoint(note, policy)
    # Ours continues from it, so its own witnesses need not be a quorum.
    check_older(theirs, ours, levels, result)
    root, last = levels[0][index * 32 : index * 32 + 32], theirs.size - 1
    if index > last:
        raise Wrong("this proof is of an entry that its checkpoint does not have.")
    for step in path:  # RFC 9162 §2.1.3.2
        if last == 0:
            raise Wrong("this proof is longer than the tree is high.")
        if index & 1 or index == last:
            root = sha256(b"\1" + step + root).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            root = sha256(b"\1" + root + step).digest()
        index, last = index >> 1, last >> 1
    if last or root != theirs.root:
        raise Wrong("this proof does not lead from the entry to the root of its checkpoint.")
    result["proofs"].append({"index": proven, "revoked": why.get(proven)})


# ---------------------------------------------------------------------------------------------------------------
# Encoding: every number, hash and name has exactly one valid form.


def from_base64(text: bytes) -> bytes:
    """Decode canonical base64, RFC 4648 §4. Raise Wrong for any other form."""
    try:
        data = binascii.a2b_base64(text)
    except binascii.Error:
        data = b""
    if base64.b64encode(data) != text:
        raise Wrong("This base64 is damaged.")
    return data


def number_of(text: str) -> int:
    if not re.fullmatch("0|[1-9][0-9]{0,18}", text) or int(text) > MOST:
        raise Wrong("A number is written in plain digits, without leading zeros, and is below 2^63.")
    return int(text)


def from_json(data: bytes) -> Any:
    """Parse JSON that every parser reads alike: docs/log-format.md "Bundle". Raise Wrong for any other."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a name appears twice")
        return dict(pairs)

    def integer(digits: str) -> int:
        if len(digits.lstrip("-")) > 18:
            raise ValueError("too many digits")
        return int(digits)

    def nested(value: Any, room: int) -> None:
        if isinstance(value, (dict, list)):
            if not room:
                raise ValueError("nested too deeply")
            for inner in value.values() if isinstance(value, dict) else value:
                nested(inner, room - 1)

    try:
        value = json.loads(
            data.decode("utf-8"), parse_constant=refuse, object_pairs_hook=unique, parse_int=integer
        )
        nested(value, 100)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on half a character
    except (ValueError, RecursionError):
        raise Wrong("this is not readable as JSON in UTF-8.") from None
    return value


def is_name(name: str) -> bool:
    """Return whether a key name is valid, by c2sp.org/signed-note: not empty, no spaces, no plus, valid UTF-8."""
    return bool(name) and not any(
        c.isspace() or c < " " or c == "+" or "\ud800" <= c <= "\udfff" for c in name
    )


def is_hex(text: Any, length: int) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{%d}" % length, text) is not None


def is_indexes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(type(i) is int and i >= 0 for i in value)
        and value == sorted(set(value))
    )


def printable(text: str) -> str:
    """Replace control and direction characters in text from the copy, which could falsify the output of a terminal."""
    # Names in a policy can be any bytes.
    text = HALVES.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return UNPRINTABLE.sub("\ufffd", text)


# Controls, direction marks, private use, noncharacters, and ranges in which nothing is assigned. All checkers have the
# same list, whatever Unicode their computer knows. Not U+200C and U+200D, which join letters in Persian, Hindi and
# emoji. Not the tags of flags, and no other character that is too new to be known.
UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\uf8ff\ufdd0-\ufdef\ufeff\ufff0-\ufffb\ufffe\uffff"
    r"\U0001d173-\U0001d17a\U0001fffe\U0001ffff\U0002fffe\U0002ffff"
    r"\U0003fffe-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U0010ffff]"
)
HALVES = re.compile(
    r"[\ud800-\udc7f\udd00-\udfff]"
)  # of pairs, and not the bytes of a name that is not UTF-8


def short(sha: str) -> str:
    return "%s…%s" % (sha[:8], sha[-4:])


def listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def some(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


MONTHS = "January February March April May June July August September October November December".split()


def day(posix: int) -> str:
    if posix >= 253402300800:  # the year 10000
        return "second %d" % posix
    date = datetime.fromtimestamp(posix, timezone.utc)
    return "%d %s %d" % (date.day, MONTHS[date.month - 1], date.year)


# ---------------------------------------------------------------------------------------------------------------
# Files and the command line.


LIMITS_OF = {
    "README.txt": 1 << 16, "checkpoint": 1 << 16, "policy": 1 << 16, "entries": MOST_ENTRIES * ENTRY, "records.jsonl": 1 << 30,
    "sample.json": 32 << 20, "verify.py": 1 << 22, "check.html": 1 << 22,
}  # fmt: skip
MOST_MANIFEST, MOST_MANIFESTS = 1 << 20, 1000
# The most bytes that deflate may make of one: records of few characters reach 30, a zip bomb reaches 1,000.
MOST_GROWTH = 200


def limit_of(name: str) -> int | None:
    """Return the most bytes of a bundle's file; None if no bundle has a file of that name."""
    return MOST_MANIFEST if re.fullmatch(r"manifests/[0-9a-f]{64}\.json", name) else LIMITS_OF.get(name)


def reader(bundle: str) -> Read:
    """Return a function that reads a file of the bundle by its name; it returns None if there is no such file."""
    if os.path.isdir(bundle):
        return folder_reader(log_in(bundle))
    try:
        with open(bundle, "rb") as opened:
            refuse_other_files(bundle, opened.read(64))
            members = zip_members(opened, bundle)
    except OSError as error:
        raise Unchecked("%s cannot be read (%s)." % (bundle, error.strerror)) from None
    except (struct.error, ValueError):
        raise Unchecked("%s is cut off or damaged. Fetch the bundle again." % bundle) from None
    for name in ("checkpoint", "policy", "entries"):
        required(members.get, name)

    def from_zip(name: str) -> bytes | None:
        if name not in members:
            return None
        member = members[name]
        with open(bundle, "rb") as file:
            file.seek(member.start)
            data = file.read(member.packed)
        try:
            if member.method == 8:
                inflate = zlib.decompressobj(-zlib.MAX_WBITS)
                data = inflate.decompress(data, member.size + 1)
                if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
                    data = b""
        except zlib.error:
            data = b""
        if len(data) != member.size or zlib.crc32(data) != member.crc:
            raise Unchecked("%s in %s is damaged." % (name, bundle))
        return data

    return from_zip


def folder_reader(folder: str) -> Read:
    """Return a function that reads an unzipped bundle, or a mirror in tile layout."""

    def from_folder(name: str) -> bytes | None:
        path, limit = os.path.join(folder, *name.split("/")), limit_of(name)
        if not os.path.isfile(path):
            return None
        # A tile that is too long is cut, and then found to be damaged.
        return read_file(path, limit) if limit else read_file(path, 256 * (ENTRY + 2) + 1, cut=True)

    return from_folder


def log_in(folder: str) -> str:
    """Return the folder with the log inside a mirror, which may hold several, or inside a folder around a bundle."""
    if os.path.isfile(os.path.join(folder, "checkpoint")):
        return folder
    with suppress(OSError):
        inside = [
            os.path.join(folder, name, *log) for name in sorted(os.listdir(folder)) for log in ([], ["log"])
        ]
        logs = [path for path in inside if os.path.isfile(os.path.join(path, "checkpoint"))]
        if len(logs) > 1:
            raise Unchecked("%s holds several logs: name one, such as %s." % (folder, logs[0]))
        return logs[0] if logs else folder
    return folder


def refuse_other_files(bundle: str, head: bytes) -> None:
    """Raise Unchecked for a file that is not a bundle, with what it is."""
    if head.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
        raise Unchecked("%s is still encrypted. Open it with age and your key first." % bundle)
    if head.startswith(b"c2sp.org/tlog-proof@"):
        raise Unchecked(
            "%s is the proof of one entry. Name it after --proof, together with the log." % bundle
        )
    if not head.startswith(b"PK"):
        raise Unchecked(
            "%s is not a bundle. Name a saved email after --checkpoint, together with the log." % bundle
        )


class Member(NamedTuple):
    """A file in a zip: the offset of its bytes, and what the zip states about them."""

    start: int
    method: int
    crc: int
    packed: int
    size: int
    encrypted: int


# Extra fields for times and owners, which change no name and no content: APPNOTE.TXT 4.5.2, 4.6.1. Other programs write
# them, when a bundle is packed again.
HARMLESS = {0x000A, 0x5455, 0x5855, 0x7855, 0x7875}
# Files that the file managers of macOS and Windows add.
ADDED = re.compile(r"__MACOSX/.*|(.*/)?(\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.DOTALL)
# Names that unpacking may put elsewhere than they say, such as __MACOSX/../policy.
ASTRAY = re.compile(r"(^|/)(\.\.?(/|\Z)|/)|^\Z|[\\\0]")
MOST_LISTED = 4096
PACKED = (
    " Fetch the bundle again as it was made; or unpack this zip into an empty folder, and check that folder."
)


def zip_members(file: BinaryIO, bundle: str) -> dict[str, Member]:
    """Return the files of a zip. Raise Unchecked unless every reader finds the same: APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16.

    The files follow each other without a gap, then comes the one list of them, then its end. There are no comments, no
    ZIP64, and no extra fields that could change a name or a content.
    """
    damaged = Unchecked("%s is cut off or damaged. Fetch the bundle again." % bundle)
    unlike = Unchecked("%s is a zip that not every program reads alike.%s" % (bundle, PACKED))
    end = file.seek(0, 2) - 22
    file.seek(max(end, 0))
    magic, _, _, here, count, length, start, comment = struct.unpack("<4sHHHHLLH", file.read(22))
    if magic != b"PK\5\6":
        raise damaged
    if comment or here != count or start + length != end or count > MOST_LISTED:
        raise unlike
    file.seek(start)
    listed, at, headers = file.read(length), 0, []
    members: dict[str, Member] = {}
    for _ in range(count):
        head = struct.unpack_from("<4sHHHHHHLLLHHHHHLL", listed, at)
        magic, _, _, flags, method, _, _, crc, packed, size, named, extra, comment, _, _, _, offset = head
        raw = listed[at + 46 : at + 46 + named]
        at += 46 + named + extra
        name = raw.decode("latin-1")
        if (
            magic != b"PK\1\2"
            or comment
            or ASTRAY.search(name)
            or not harmless(listed[at - extra : at], extra)
        ):
            raise unlike
        if name in members:
            raise Unchecked("%s holds two files of one name. Fetch the bundle again." % bundle)
        members[name] = Member(offset + 30 + named, method, crc, packed, size, flags & 0x2041)
        headers.append((offset, raw, name))
    if at != length or not headers:
        raise unlike
    at = 0
    for offset, raw, name in sorted(headers):
        if offset != at:
            raise unlike
        extra = header_agrees(file, offset, raw, members[name])
        if extra is None:
            raise unlike
        members[name] = members[name]._replace(start=members[name].start + extra)
        at = file.tell()
    if at != start:
        raise unlike
    members = bundled(members)
    for name, member in members.items():
        check_member(name, member, bundle)
    return members


def harmless(extras: bytes, length: int) -> bool:
    """Return whether these are whole extra fields that hold only times and owners: APPNOTE.TXT 4.5.1."""
    at = 0
    while at + 4 <= len(extras):
        kind, size = struct.unpack_from("<HH", extras, at)
        if kind not in HARMLESS:
            return False
        at += 4 + size
    return at == length


def bundled(members: dict[str, Member]) -> dict[str, Member]:
    """Return the members without folders, what file managers add, and one outer folder."""
    found = {
        name: member for name, member in members.items()
        if not (name.endswith("/") and not member.size) and not ADDED.fullmatch(name)
    }  # fmt: skip
    outer = {name.partition("/")[0] for name in found if "/" in name}
    if "checkpoint" not in found and len(outer) == 1 and all("/" in name for name in found):
        return {name.partition("/")[2]: member for name, member in found.items()}
    return found


def check_member(name: str, member: Member, bundle: str) -> None:
    limit = limit_of(name)
    if limit is None:
        raise Unchecked("%s holds %s, a file that no bundle has.%s" % (bundle, printable(name[:80]), PACKED))
    if member.encrypted or member.method not in (0, 8):
        raise Unchecked(
            "%s in %s is encrypted, or packed in a way that not every program reads.%s"
            % (name, bundle, PACKED)
        )
    if member.size > limit or member.size > max(member.packed, 64) * MOST_GROWTH:
        raise Unchecked("%s in %s is larger than the limit. It was not unpacked." % (name, bundle))


def header_agrees(file: BinaryIO, at: int, name: bytes, member: Member) -> int | None:
    """Return the length of the extra fields in a member's own header, or None if it does not agree with the list.

    If it does, `file` is then at the end of the member.
    """
    file.seek(at)
    magic, _, flags, method, _, _, crc, packed, size, named, extra = struct.unpack(
        "<4sHHHHHLLLHH", file.read(30)
    )
    stated = (member.crc, member.packed, member.size)
    if magic != b"PK\3\4" or named != len(name) or file.read(named) != name:
        return None
    if not harmless(file.read(extra), extra) or flags & 0x2041 != member.encrypted:
        return None
    follow = flags & 8  # the sizes follow the bytes, as written by a program that writes to a pipe
    if method != member.method or (crc, packed, size) != ((0, 0, 0) if follow else stated):
        return None
    file.seek(member.packed, 1)
    if follow and file.read(16) != struct.pack("<4sLLL", b"PK\7\x08", *stated):
        return None
    return int(extra)


def required(read: Callable[[str], Part | None], name: str) -> Part:
    """Return what `read` has of this name. Raise Unchecked if it has nothing."""
    data = read(name)
    if data is None:
        raise Unchecked("the file %s is missing, so there is nothing to check." % name)
    return data


def read_file(path: str, limit: int = MOST_KEPT, cut: bool = False) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise Unchecked("%s cannot be read (%s)." % (path, reason)) from None
    if len(data) > limit and not cut:
        raise Unchecked("%s is longer than the limit, so it was not read to its end." % path)
    return data


REPEATED = (
    (
        "--checkpoint",
        "FILE",
        "a file that holds a checkpoint that was kept elsewhere, such as a saved email",
    ),
    ("--promise", "FILE", "a file that holds a promise that was kept elsewhere, such as a saved email"),
    ("--proof", "FILE", "a .tlog-proof"),
    ("--witness", "VKEY", "a witness that you trust; its cosignature dates this copy, for promises"),
)


def posix(text: str) -> int:
    """Return a time, or raise ValueError: no option says when before 1970."""
    if int(text) < 0:
        raise ValueError
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Check a copy of a petition's public log.",
        allow_abbrev=False,  # as in `sabal verify`: no later option may change what half a word means
    )
    here = os.path.dirname(os.path.abspath(__file__))
    parser.add_argument(
        "copy", nargs="?", default=here, help="a bundle or a folder (default: the folder of this file)"
    )
    for name, what, words in REPEATED:
        parser.add_argument(name, metavar=what, action="append", default=[], help=words + "; may be repeated")
    parser.add_argument(
        "--log", metavar="VKEY", help="the log's key as you know it, from the petition's page"
    )
    parser.add_argument(
        "--at",
        metavar="POSIX",
        type=posix,
        default=int(time.time()),
        help="Unix time (seconds) to use instead of now",
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON object")
    given = parser.parse_args()
    for stream in (sys.stdout, sys.stderr):
        # A file or a pipe gets UTF-8. A console may be unable to show a character. Do not fail for that.
        if stream is not None and hasattr(stream, "reconfigure"):
            encoding = {} if stream.isatty() else {"encoding": "utf-8"}
            stream.reconfigure(errors="backslashreplace", **encoding)
    try:
        return run(given)
    except Unchecked as unchecked:
        print("NOT CHECKED: %s" % printable(str(unchecked)), file=sys.stderr)
    except Exception as error:  # never exit with 1, which means that the copy is wrong
        reason = printable("%s: %s" % (type(error).__name__, error))
        print("NOT CHECKED: this program failed (%s)." % reason, file=sys.stderr)
    return 2


def run(given: argparse.Namespace) -> int:
    """Check the copy and print the result. Return the exit code."""
    result = check(reader(given.copy), given)
    try:
        show(result, given.json)
        sys.stdout.flush()  # notice a closed pipe here; at exit the interpreter would print an error
    except OSError as error:
        # Discard the rest of the output, so that the interpreter does not write it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        # After a broken pipe the reader has what it wanted: `verify.py b.zip | head -1`.
        if not isinstance(error, BrokenPipeError):
            raise Unchecked("the result could not be written (%s)." % error.strerror) from None
    return 0 if result["ok"] else 1


def show(result: dict[str, Any], as_json: bool) -> None:
    """Print the result: the sentence, further findings, and the keys of the log and its witnesses."""
    if as_json:
        print(json.dumps(result))
        return
    print(printable(result["sentence"]))
    for problem in result["problems"][1:20]:
        print("  also: " + printable(problem))
    if result["closed"]:
        print("  The petition is closed.")
    if result["sample"]:
        seed, lost = result["sample"]["seed"], result["sample"]["unopened"]
        print(
            f"  The seed “{seed}” chooses {some(result['sample']['chosen'], 'signature', 'signatures')}; {lost:,} could not be opened."
        )
    for older in result["checkpoints"]:
        agrees = "agrees" if older["consistent"] else "does not agree"
        print(f"  A checkpoint of {some(older['size'], 'entry', 'entries')} {agrees} with this copy.")
    for promise in result["promises"]:
        fate = "; " + FATES[promise["revoked"]] if promise["state"] == "kept" else ""
        print("  The promise for %s: %s%s." % (day(promise["include_by"] - 1), promise["state"], fate))
    for proof in result["proofs"]:
        print(f"  Entry {proof['index']:,} is in the log; {FATES[proof['revoked']]}.")
    if any(one["revoked"] for one in result["promises"] + result["proofs"]):
        print("  " + REVOCATION)
    if result["ok"]:
        print(LIMITS)
    print("The log's key, to compare with the petition's page: " + printable(result["log_key"] or "unknown"))
    if result["witnesses"]:
        keys = ", ".join(witness["key"] for witness in result["witnesses"])
        print("The witnesses' keys, to compare in the same way: " + keys)


if __name__ == "__main__":
    sys.exit(main())

"""Inputs of every kind, and what each checker must say of them: it holds, it is wrong, or it was not checked."""
# ruff: noqa: E501 - a table with one case a line

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import tlog
from carried import bundles, kept_files, zips
from carried.bundles import CAROL, COSIGNED, ORIGIN, WITNESSES, Files, email_with

HOLDS, WRONG, UNCHECKED = 0, 1, 2
LOG = bundles.log(300, revoke=True, amend=True, quorum="two", cosigners=("first", "second"))
LATER = bundles.log(310, revoke=True, amend=True)
GOOD = bundles.files(LOG)
ZIP = bundles.zipped(GOOD)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9
PROOF = LOG.proof(5)
OTHER = kept_files.by(kept_files.OTHER, 3)
EVES = tlog.Promise(ORIGIN, b"x" * 32, 5).sign(tlog.promise_key(ORIGIN, b"e" * 32))
OF_ANOTHER = tlog.Promise("other.example/a/log", b"x" * 32, 5).sign(
    tlog.promise_key("other.example/a/log", b"e" * 32)
)


@dataclass(frozen=True)
class Case:
    """A copy (a zip's bytes, or files by their path in a folder), kept files by option, further options, the result.

    `says` is in what both programs say. A case with options other than kept files is not for the page.
    """

    copy: bytes | Files
    code: int
    kept: Sequence[tuple[str, bytes]] = ()
    options: Sequence[str] = ()
    says: str = ""
    name: str = field(default="bundle.zip")


def tiled(log: bundles.Log = LOG, under: str = "") -> Files:
    """Return a log's files in the layout of a mirror."""
    files = {name: data for name, data in bundles.files(log).items() if name != "entries"}
    for tile in tlog.new_bundles(0, len(log.entries)):
        first = tile.index * 256
        files[tile.path] = tlog.encode_bundle(log.entries[first : first + tile.width])
    return {under + name: data for name, data in files.items()}


def without(files: Files, name: str) -> Files:
    return {key: data for key, data in files.items() if key != name}


def vkey(kind: int, length: int = 32, name: str = ORIGIN) -> str:
    data = bytes([kind]) + bytes(length)
    key_id = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4].hex()
    return f"{name}+{key_id}+{base64.b64encode(data).decode()}"


FORGED = {**GOOD, "entries": GOOD["entries"][:-1] + b"\xff"}
MANIFEST = next(name for name in GOOD if name.startswith("manifests/"))
TILES = tiled()

COPIES = {
    "a bundle": Case(ZIP, HOLDS, says="37"),
    "a folder": Case(GOOD, HOLDS),
    "a folder with other files": Case({**GOOD, "notes.txt": b"x", ".DS_Store": b"x"}, HOLDS),
    "a folder around the folder": Case({f"trees/{name}": data for name, data in GOOD.items()}, HOLDS),
    "two folders": Case({f"{at}/{name}": data for at in "ab" for name, data in GOOD.items()}, UNCHECKED, says="several logs"),
    "a mirror": Case(TILES, HOLDS),
    "a mirror of one log": Case(tiled(under="log/"), HOLDS),
    "a mirror's root": Case(tiled(under="trees/log/"), HOLDS),
    "two mirrors": Case({**tiled(under="a/log/"), **tiled(under="b/log/")}, UNCHECKED, says="several logs"),
    "nothing": Case(b"", UNCHECKED),
    "an empty folder": Case({"x/y": b""}, UNCHECKED, says="missing"),
    "a picture": Case(PNG, UNCHECKED, says="is not a bundle", name="picture.png"),
    "a picture named .zip": Case(PNG, UNCHECKED),
    "text": Case(b"Dear Suzie\n", UNCHECKED, says="is not a bundle", name="letter.txt"),
    "JSON of another kind": Case(b'{"ok": true}\n', UNCHECKED, says="is not a bundle", name="a.json"),
    "an email": Case(email_with(LOG.checkpoint(), "plain"), UNCHECKED, says="is not a bundle", name="a.eml"),
    "a proof": Case(PROOF, UNCHECKED, says="is the proof of one entry", name="a.tlog-proof"),
    "a sealed bundle": Case(b"age-encryption.org/v1\n-> X25519 x\n", UNCHECKED, says="encrypted", name="a.zip.age"),
    "a sealed bundle named .zip": Case(b"age-encryption.org/v1\n-> X25519 x\n", UNCHECKED, says="encrypted"),
    "an armored one": Case(b"-----BEGIN AGE ENCRYPTED FILE-----\n", UNCHECKED, says="encrypted"),
    "a bundle named .age": Case(ZIP, HOLDS, name="bundle.zip.age"),
    "cut short": Case(ZIP[:-30], UNCHECKED, says="cut off"),
    "half": Case(ZIP[: len(ZIP) // 2], UNCHECKED, says="cut off"),
    "random": Case(b"PK" + PNG, UNCHECKED),
    "another zip": Case(bundles.zipped({"word/document.xml": b"x"}), UNCHECKED, says="a file that no bundle has"),
    "a zip of nothing": Case(zips.end(0, 0, 0), UNCHECKED),
    "a damaged member": Case(ZIP.replace(b"quorum two", b"quorum twp"), UNCHECKED, says="damaged"),
    **{f"zip: {name}": Case(data, UNCHECKED) for name, data in zips.strange(GOOD).items() if name != "two lists"},
    **{f"packed again: {name}": Case(data, HOLDS) for name, data in zips.packed_again(GOOD).items()},
    **{f"bomb: {name}": Case(data, UNCHECKED, says="larger than the limit") for name, data in zips.bombs(GOOD).items()},
    **{f"no {name} in the zip": Case(bundles.zipped(without(GOOD, name)), UNCHECKED) for name in
       ("checkpoint", "policy", "entries")},
    **{f"no {name} in the folder": Case(without(GOOD, name), UNCHECKED) for name in ("checkpoint", "policy", "entries")},
    "no checkpoint that can be read, and no entries": Case(
        bundles.zipped({"checkpoint": b"x", "policy": GOOD["policy"]}), UNCHECKED),
    "a missing manifest": Case(without(GOOD, MANIFEST), WRONG),
    "a missing tile": Case(without(TILES, "tile/entries/000"), UNCHECKED, says="tile/entries/000"),
    "a missing last tile": Case(without(TILES, "tile/entries/001.p/44"), UNCHECKED, says="tile/entries/001"),
    "a full tile for a partial one": Case(
        {**without(TILES, "tile/entries/001.p/44"), "tile/entries/001": TILES["tile/entries/001.p/44"]
         + tlog.encode_bundle([bytes(34)] * 212)}, HOLDS),
    "a tile that is too short": Case({**TILES, "tile/entries/000": TILES["tile/entries/000"][:-1]}, WRONG),
    "a tile that is too long": Case({**TILES, "tile/entries/000": TILES["tile/entries/000"] * 2}, WRONG),
    "a full tile under the name of a partial one": Case(
        {**TILES, "tile/entries/001.p/44": TILES["tile/entries/001.p/44"] + tlog.encode_bundle([bytes(34)] * 212)}, HOLDS),
    "a changed tile": Case({**TILES, "tile/entries/000": TILES["tile/entries/000"].replace(b"\1\1", b"\1\2", 1)}, WRONG),
    "a damaged tile before a missing one": Case(
        {**without(TILES, "tile/entries/001.p/44"), "tile/entries/000": b"x"}, WRONG),
    "a checkpoint of more entries than can be checked": Case(
        {**GOOD, "checkpoint": bundles.signed(tlog.Checkpoint(ORIGIN, 2**40, bytes(32)))}, WRONG),
    "that without a file of entries": Case(
        {**without(GOOD, "entries"), "checkpoint": bundles.signed(tlog.Checkpoint(ORIGIN, 2**40, bytes(32)))}, UNCHECKED),
    "a forged entry": Case(bundles.zipped(FORGED), WRONG),
    "an entry less": Case({**GOOD, "entries": GOOD["entries"][:-34]}, WRONG),
    "half an entry more": Case({**GOOD, "entries": GOOD["entries"] + b"x"}, WRONG),
    "no entry": Case({**GOOD, "entries": b""}, WRONG),
    "an empty checkpoint": Case({**GOOD, "checkpoint": b""}, WRONG),
    "a picture as checkpoint": Case({**GOOD, "checkpoint": PNG}, WRONG),
    "an empty policy": Case({**GOOD, "policy": b""}, WRONG),
    "a policy of another log": Case({**GOOD, "policy": f"log {kept_files.OTHER.verifier}\nquorum none\n".encode()}, WRONG),
    "a policy with a key of another kind": Case(
        {**GOOD, "policy": f"log {CAROL.verifier}\nwitness a {vkey(6, 1312, 'w')}\nquorum none\n".encode()}, WRONG, says="0x06"),
    "too few witnesses": Case({**GOOD, "checkpoint": LOG.checkpoint(cosigners=("third",))}, WRONG, says="Too few"),
    "another log's checkpoint": Case({**GOOD, "checkpoint": OTHER}, WRONG),
    "a policy that is too long": Case({**GOOD, "policy": GOOD["policy"] + b"#" * 65_536 + b"\n"}, UNCHECKED),
    "a manifest that is too long": Case({**GOOD, MANIFEST: bytes(1 << 21)}, UNCHECKED),
    "a manifest of a mirror that is too long": Case({**TILES, MANIFEST: bytes(1 << 21)}, UNCHECKED),
    "records of JSON of another kind": Case({**GOOD, "records.jsonl": b"[1]\n"}, WRONG),
    "a sample of JSON of another kind": Case({**GOOD, "sample.json": b"{}"}, WRONG),
}  # fmt: skip


def kept(
    option: str, data: bytes, code: int, says: str = "", copy: bytes | Files = ZIP, more: Sequence[str] = ()
) -> Case:
    return Case(copy, code, ((option, data),), more, says)


DAMAGED = LOG.checkpoint(9).replace(b"\n9\n", b"\n99999999999999999999\n")
NO_FILES = {
    "nothing": b"", "a picture": PNG, "text": b"Dear Suzie\n", "JSON": b'{"size": 3}\n', "a zip": ZIP,
    "an empty email": b"From: a@example.org\n\n", "zeros": bytes(99), "a number that no log has": DAMAGED,
    "a name that no log has": LOG.checkpoint(9).replace(ORIGIN.encode(), b"a +b", 1),
    "a root that is no hash": LOG.checkpoint(9)[: LOG.checkpoint(9).index(b"\n9\n") + 3] + b"A" * 42 + b"B=\n\n\xe2\x80\x94 x AAAAAAA=\n",
    "no signature": LOG.checkpoint(9).partition(b"\n\n")[0] + b"\n\n",
}  # fmt: skip
KEPT = {
    **{f"{option}: {name}": kept(option, data, UNCHECKED, f"holds no {option}")
       for option in ("checkpoint", "promise", "proof") for name, data in NO_FILES.items()},
    **{f"{name}, and a forged copy": kept("proof", data, UNCHECKED, "holds no proof", bundles.zipped(FORGED))
       for name, data in NO_FILES.items()},
    "a checkpoint": kept("checkpoint", LOG.checkpoint(9), HOLDS),
    "an older copy": kept("checkpoint", LATER.checkpoint(), WRONG, "older"),
    "a checkpoint of another log": kept("checkpoint", OTHER, WRONG),
    "a checkpoint of an unknown key": kept("checkpoint", kept_files.by(kept_files.EVE, 3), WRONG),
    "a checkpoint and a forged copy": kept("checkpoint", LOG.checkpoint(9), WRONG, "", bundles.zipped(FORGED)),
    "a promise": kept("promise", LOG.promise(5, 9), HOLDS),
    "an overdue promise": kept("promise", LATER.promise(309, 9), WRONG, "may be old"),
    "a promise of an unknown key": kept("promise", EVES, WRONG, "not signed by the key"),
    "a promise of another log": kept("promise", OF_ANOTHER, WRONG),
    "a proof": kept("proof", PROOF, HOLDS),
    "a proof of another entry": kept("proof", PROOF.replace(b"index 5", b"index 6"), WRONG),
    "a proof of no entry": kept("proof", PROOF.replace(b"index 5", b"index 999"), WRONG),
    "a proof that is too long": kept("proof", PROOF.replace(b"index 5\n", b"index 5\n" + tlog.wire.to_base64(bytes(32)) + b"\n"), WRONG),
    "a proof of another log": kept("proof", PROOF.partition(b"\n\n")[0] + b"\n\n" + OTHER, WRONG),
    "a proof without its checkpoint": kept("proof", PROOF.partition(b"\n\n")[0], UNCHECKED, "holds no proof"),
    "a proof with half a hash": kept("proof", PROOF.replace(b"index 5\n", b"index 5\nAAAA\n"), UNCHECKED, "holds no proof"),
    "a proof without an index": kept("proof", PROOF.replace(b"index 5\n", b""), UNCHECKED, "holds no proof"),
    "a proof with a strange index": kept("proof", PROOF.replace(b"index 5", b"index 05"), UNCHECKED, "holds no proof"),
    "a proof of another version": kept("proof", PROOF.replace(b"@v1", b"@v2"), UNCHECKED, "holds no proof"),
    "a proof with CRLF": kept("proof", PROOF.replace(b"\n", b"\r\n"), UNCHECKED, "holds no proof"),
    "a proof with 64 hashes": kept("proof", PROOF.replace(b"index 5\n", b"index 5\n" + (tlog.wire.to_base64(bytes(32)) + b"\n") * 64), UNCHECKED, "holds no proof"),
    "a huge file": kept("checkpoint", LOG.checkpoint(9) + bytes(16 << 20), UNCHECKED),
}  # fmt: skip

WITNESS = str(WITNESSES["first"].verifier)
OPTIONS = {
    "the log's key": kept("checkpoint", LOG.checkpoint(9), HOLDS, more=("--log", str(CAROL.verifier))),
    "another key": Case(ZIP, WRONG, options=("--log", str(kept_files.EVE.verifier)), says="another key than"),
    "the witness's key for the log's": Case(ZIP, UNCHECKED, options=("--log", WITNESS), says="--log"),
    "the log's key for the witness's": Case(ZIP, UNCHECKED, options=("--witness", str(CAROL.verifier)), says="--witness"),
    **{f"{option} {name}": Case(ZIP, UNCHECKED, options=(option, value), says=option)
       for option in ("--log", "--witness") for name, value in {
           "empty" if option == "--witness" else "a name": "" if option == "--witness" else "Carol",
           "garbage": "garbage", "a changed key": WITNESS[:-1] + "A", "ECDSA": vkey(2, 91), "ML-DSA": vkey(6, 1312),
           "half a key": vkey(1, 16)}.items()},
    "an unknown witness": Case(ZIP, HOLDS, options=("--witness", str(WITNESSES["third"].verifier))),
    "a garbled key and a forged copy": Case(bundles.zipped(FORGED), UNCHECKED, options=("--log", "garbage"), says="--log"),
    "a time": Case(ZIP, HOLDS, options=("--at", "0")),
    "a distant time": Case(ZIP, HOLDS, options=("--at", str(2**62))),
    **{f"the time {at}": Case(ZIP, UNCHECKED, options=("--at", at)) for at in ("-1", "noon", "1.5", "")},
    # An empty shell variable: nothing was compared, and `sabal verify` and `verify.py` said OK.
    "no key after --log": Case(ZIP, UNCHECKED, options=("--log", ""), says="--log"),
    **{f"nothing after {option}": Case(ZIP, UNCHECKED, options=(option, ""))
       for option in ("--checkpoint", "--promise", "--proof")},
    "an unknown option": Case(ZIP, UNCHECKED, options=("--trust",)),
    "half an option": Case(ZIP, UNCHECKED, options=("--js",)),
    "a file that is missing": Case(ZIP, UNCHECKED, options=("--checkpoint", "nowhere")),
    "a folder as a file": Case(ZIP, UNCHECKED, options=("--proof", ".")),
    "a promise that waits": kept("promise", LATER.promise(309, 99), HOLDS, more=("--at", "98")),
    "a broken promise": kept("promise", LATER.promise(309, COSIGNED), WRONG,
                             more=("--at", str(COSIGNED), "--witness", WITNESS)),
}  # fmt: skip
CASES = {**COPIES, **KEPT, **OPTIONS}

LONG = "나무 " * 300
TEXTS = [
    "---\ntitle: Keep the orchard\nsummary: x\n---\n", "---\nsummary: x\n  more\ntitle: \"In quotes\"\n---\n",
    "---\r\ntitle: CRLF\r\n---\r\n", "---\ntitle: Two\n  lines\n\tand more\nsummary: x\n---\n", "---\ntitle :  a : b \n---\n",
    "---\ntitle:\n  below\n---\n", "---\ntitle: \n---\n", "---\nsummary: x\n---\ntitle: too late\n", "title: no line above\n", "",
    "---\ntitle: " + LONG + "\n---\n", "---\ntitle: Non\u00a0! 👩\u200d🌾 نمی\u200cخواهیم\n---\n", "---\ntitle: \u202egnihtyna\x1b[2J\u2028\n---\n",
    '---\ntitle: "a" or "b"\n---\n', "---\nsubtitle: x\ntitle: y\n---\n", "---\ntitle: a\u2028b\x0bc\n---", "---\n" * 9 + "title: x\n",
]  # fmt: skip

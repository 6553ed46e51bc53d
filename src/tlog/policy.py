"""Policies: the trusted logs, the trusted witnesses, and the quorum. c2sp.org/tlog-policy."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Self

from tlog import checkpoint
from tlog.errors import Malformed, Unproven
from tlog.keys import Kind, Verifier
from tlog.note import Signature

NONE = "none"
MAX_BYTES = 1_000_000

_FOREIGN = re.compile(rb"[^\t\n\x20-\x7e\x80-\xff]")
_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class Group(NamedTuple):
    """A group of witnesses. It cosigns if at least `threshold` of its members (witnesses or groups) do."""

    threshold: int
    members: tuple[str, ...]


class Policy(NamedTuple):
    """Logs, named witnesses, groups in the order of definition, and the name of the quorum."""

    logs: tuple[Verifier, ...]
    witnesses: dict[str, Verifier]
    groups: dict[str, Group]
    quorum: str
    urls: dict[str, str]
    """The URLs by vkey, for the keys that have one."""

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Parse a policy file. Raises Malformed with the number of the line. c2sp.org/tlog-policy "Policy file syntax".

        Names are opaque bytes. Bytes that are not UTF-8 become lone surrogates.
        """
        reader = _Reader()
        for number, words in _lines(data):
            try:
                reader.read(words)
            except Malformed as error:
                raise Malformed(f"Line {number} of the policy: {error}") from None
        if reader.quorum is None:
            raise Malformed(
                "The policy has no quorum line. A policy that requires no witness says `quorum none`."
            )
        return cls(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum, reader.urls)

    def satisfied_by(self, cosignatures: Iterable[Signature]) -> bool:
        """Return whether these verified cosignatures are a quorum. c2sp.org/tlog-policy "What is a policy"."""
        signed = {(signature.name, signature.key_id) for signature in cosignatures}
        seen = {name for name, key in self.witnesses.items() if (key.name, key.key_id) in signed}
        for name, group in self.groups.items():  # members are defined before their group
            if sum(member in seen for member in group.members) >= group.threshold:
                seen.add(name)
        return self.quorum == NONE or self.quorum in seen

    def open(self, note: bytes, logs: Iterable[Verifier] = ()) -> checkpoint.OpenedCheckpoint:
        """Verify a checkpoint of one of the policy's logs or of `logs`, with its quorum, and return it.

        Raises Malformed or Unproven. c2sp.org/tlog-proof "Verifying a tlog proof", steps 2 and 3.
        """
        opened = checkpoint.open(note, [*self.logs, *logs], self.witnesses.values())
        if not self.satisfied_by(opened.note.verified):
            raise Unproven("Too few of the policy's witnesses have cosigned this checkpoint.")
        return opened


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and words of each line without comments. c2sp.org/tlog-policy "Structure", "Character set"."""
    if len(data) > MAX_BYTES or _FOREIGN.search(data):
        raise Malformed(
            "A policy is shorter than a megabyte, and holds no control character but tab and newline."
        )
    if not data.endswith(b"\n"):
        raise Malformed("The policy's last line does not end in a newline. Is all of it there?")
    for number, line in enumerate(data.split(b"\n"), start=1):
        words = [word.decode(errors="surrogateescape") for word in line.split()]
        if words and not words[0].startswith("#"):
            yield number, words


class _Reader:
    """The definitions that were read so far."""

    def __init__(self) -> None:
        self.logs: list[Verifier] = []
        self.witnesses: dict[str, Verifier] = {}
        self.groups: dict[str, Group] = {}
        self.quorum: str | None = None
        self.urls: dict[str, str] = {}
        self._log_keys: set[bytes] = set()
        self._witness_keys: set[bytes] = set()
        self._members: set[str] = set()

    def read(self, words: list[str]) -> None:
        """Read the definition in one line. c2sp.org/tlog-policy "Policy file syntax and structure"."""
        match words:
            case ["log", vkey, *url] if len(url) <= 1:
                self.logs.append(self._key(vkey, url, Kind.NOTE, self._log_keys))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._define(name)
                self.witnesses[name] = self._key(vkey, url, Kind.COSIGNATURE, self._witness_keys)
            case ["group", name, threshold, *members] if members:
                self._define(name)
                self.groups[name] = self._group(threshold, members)
            case ["quorum", name]:
                if self.quorum is not None:
                    raise Malformed("There is a second quorum.")
                if name != NONE:
                    self._refer(name)
                self.quorum = name
            case _:
                raise Malformed("This is not a line of log, witness, group or quorum.")

    def _key(self, vkey: str, url: list[str], kind: Kind, known: set[bytes]) -> Verifier:
        """Return a key of this kind that was not given before. c2sp.org/tlog-policy "Public key…"."""
        key = Verifier.parse(vkey)
        if key.kind != kind:
            raise Malformed(f"The key of {key.name} is not of type 0x{kind:02x}, as it should be here.")
        if key.public in known:
            raise Malformed(f"The key of {key.name} was given before.")
        known.add(key.public)
        if url:
            self.urls[vkey] = url[0]
        return key

    def _group(self, threshold: str, members: list[str]) -> Group:
        """Return the group. c2sp.org/tlog-policy "Defining a witness group"."""
        for member in members:
            self._refer(member)
            if member in self._members:
                raise Malformed(f"{_printable(member)} is already a member, here or of another group.")
            self._members.add(member)
        if threshold in ("any", "all"):
            return Group(1 if threshold == "any" else len(members), tuple(members))
        if not _COUNT.fullmatch(threshold) or int(threshold) > len(members):
            raise Malformed("A group's threshold is `any`, `all`, or a number from 1 to that of its members.")
        return Group(int(threshold), tuple(members))

    def _define(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise Malformed(f"The name {_printable(name)} is taken.")

    def _refer(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise Malformed(f"{_printable(name)} was not defined before.")


def _printable(name: str) -> str:
    """Return the name without lone surrogates, so that it can be printed."""
    return name.encode(errors="surrogateescape").decode(errors="replace")

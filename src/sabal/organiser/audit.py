"""Propose revocations by the patterns in opened records. docs/delivery.md "Audit the opened records"."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sabal.counted import counted
from sabal.organiser.patterns import MAILBOX, PATTERNS, PatternGroup
from sabal.records.export import Opened
from sabal.records.revocations import Revocation
from tlog.entry import Reason

ENOUGH_KINDS = 2
"""How many kinds of signs a signature needs. Each alone can have an innocent cause; two kinds seldom share one."""
EXAMPLES = 5
PROPOSABLE = tuple(key for key in PATTERNS if key != MAILBOX.key)


def propose(groups: Iterable[PatternGroup], also: Collection[str] = ()) -> tuple[Revocation, ...]:
    """Return the proposed revocations.

    They are the later signatures of one mailbox, the signatures with signs of two kinds, and all signatures of the
    patterns in `also`.
    """
    duplicates: set[int] = set()
    signs: dict[int, dict[str, str]] = defaultdict(dict)
    kinds: dict[int, set[str]] = defaultdict(set)
    requested: set[int] = set()
    for group in groups:
        if group.pattern == MAILBOX:
            duplicates.update(group.indexes[1:])
            continue
        for index in group.indexes:
            signs[index][group.pattern.key] = group.pattern.why
            kinds[index].add(group.pattern.kind)
        if group.pattern.key in also:
            requested.update(group.indexes)
    automated = requested | {index for index, found in kinds.items() if len(found) >= ENOUGH_KINDS}
    return tuple(
        Revocation(index, Reason.DUPLICATE, MAILBOX.why)
        if index in duplicates
        else Revocation(index, Reason.FAKE, f"looks like: {'; '.join(signs[index].values())}")
        for index in sorted(duplicates | automated)
    )


def summary(groups: Sequence[PatternGroup], looked_at: int, proposed: Sequence[Revocation]) -> Iterator[str]:
    """Yield lines for a terminal: the findings by pattern, with the indexes of examples and without names."""
    yield f"{counted(looked_at, 'record was', 'records were')} looked at."
    for key, pattern in PATTERNS.items():
        found = [group for group in groups if group.pattern.key == key]
        if found:
            number = len({index for group in found for index in group.indexes})
            parts = f" in {len(found):,} groups" if len(found) > 1 else ""
            yield f"{number:>7,}  {key:<8} {pattern.title}{parts}: {_examples(found)}"
    if not groups:
        yield "Nothing looks unusual. The proposal is empty."
        return
    yield "What looks like a pattern may be chance: a school, a family, a password manager."
    duplicates = sum(one.reason == Reason.DUPLICATE for one in proposed)
    automated = len(proposed) - duplicates
    yield (
        f"Proposed: {duplicates:,} as duplicates, of which the first one stays; {automated:,} as looking automated,"
        " where signs of two kinds meet or --also names the pattern."
    )


def details(groups: Iterable[PatternGroup], records: Mapping[int, Opened]) -> Iterator[str]:
    """Yield every signature of every group, with its name and email address in clear text."""
    for group in groups:
        yield f"{group.pattern.title}:"
        for index in group.indexes:
            shown = (records[index].fields[name] for name in ("name", "email", "place", "day"))
            yield f"{index:>9}  {' · '.join(shown)}"


def _examples(found: Sequence[PatternGroup]) -> str:
    """Return the first indexes of the largest group."""
    largest = max(found, key=lambda group: len(group.indexes)).indexes
    return ", ".join(map(str, largest[:EXAMPLES])) + (", …" if len(largest) > EXAMPLES else "")

"""What an organiser may propose after looking through the opened records. docs/delivery.md."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sabal.organiser.patterns import MAILBOX, PATTERNS, Group
from sabal.records.export import Opened
from sabal.records.revocations import Revocation
from tlog.entry import Reason

ENOUGH_KINDS = 2
"""Signs of so many different kinds on one signature: each alone has an innocent cause, two seldom the same one."""
EXAMPLES = 5
PROPOSABLE = tuple(key for key in PATTERNS if key != MAILBOX.key)


def propose(groups: Iterable[Group], also: Collection[str] = ()) -> tuple[Revocation, ...]:
    """Later signatures of a mailbox, and what two kinds of signs meet on; and all of the patterns named in `also`."""
    duplicates: set[int] = set()
    signs: dict[int, dict[str, str]] = defaultdict(dict)
    kinds: dict[int, set[str]] = defaultdict(set)
    asked: set[int] = set()
    for group in groups:
        if group.pattern == MAILBOX:
            duplicates.update(group.indexes[1:])
            continue
        for index in group.indexes:
            signs[index][group.pattern.key] = group.pattern.why
            kinds[index].add(group.pattern.kind)
        if group.pattern.key in also:
            asked.update(group.indexes)
    automated = asked | {index for index, found in kinds.items() if len(found) >= ENOUGH_KINDS}
    return tuple(
        Revocation(index, Reason.DUPLICATE, MAILBOX.why)
        if index in duplicates
        else Revocation(index, Reason.FAKE, f"looks like: {'; '.join(signs[index].values())}")
        for index in sorted(duplicates | automated)
    )


def summary(groups: Sequence[Group], looked_at: int, proposed: Sequence[Revocation]) -> Iterator[str]:
    """Lines for a terminal: what was found, by pattern, with examples by index and nobody's name."""
    yield f"{looked_at:,} records were looked at."
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


def details(groups: Iterable[Group], records: Mapping[int, Opened]) -> Iterator[str]:
    """Every signature of every group, with the name and address in clear."""
    for group in groups:
        yield f"{group.pattern.title}:"
        for index in group.indexes:
            shown = (records[index].fields[name] for name in ("name", "email", "place", "day"))
            yield f"{index:>9}  {' · '.join(shown)}"


def _examples(found: Sequence[Group]) -> str:
    """The beginning of the largest group."""
    largest = max(found, key=lambda group: len(group.indexes)).indexes
    return ", ".join(map(str, largest[:EXAMPLES])) + (", …" if len(largest) > EXAMPLES else "")

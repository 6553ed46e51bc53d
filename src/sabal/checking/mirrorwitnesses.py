"""The witnesses of a mirror's log: whether they are those that the copy knows, and whether enough of them have signed.

A house that swaps them swaps those who would notice. That is said, loudly and once; the copy goes on, since what is in
it holds by the log's own key.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import tlog
from sabal.checking.copy import CannotCheck, LogCopy
from sabal.checking.report import plain
from sabal.public import put_if_changed
from tlog import Policy, Verifier

PATIENCE = timedelta(days=1)
"""A witness may be away for so long before a mirror speaks up."""

_MOST_SAID = 20


class Watched(NamedTuple):
    """The policy's lines of witnesses, and what there is to say of them: sentences, or empty."""

    lines: tuple[str, ...]
    changed: str
    missing: str = ""
    lasting: bool = False  # whether they have been missing for longer than PATIENCE


def watch(
    copy: LogCopy,
    key: Verifier,
    here: Path,
    state: dict[str, Any],
    now: datetime,
) -> Watched:
    """Compare what is served with what `state` has noted; a policy that held until now is kept.

    The caller notes what is served once that is sure to be said. Raises CannotCheck where what was noted is damaged.
    """
    policy = Policy.parse(copy.policy)
    lines = _lines(policy)
    known = state["witnesses"] = _noted(state, here) or lines
    changed = _said(known, lines, _keep(here, lines, now)) if known != lines else ""
    if _is_enough(policy, copy.checkpoint, key):
        state.pop("unwitnessed_since", None)
        return Watched(tuple(lines), changed)
    since = _since(state, now)
    state["unwitnessed_since"] = since.isoformat()
    missing = "too few of the policy's witnesses have cosigned this checkpoint"
    if now - since > PATIENCE:
        return Watched(tuple(lines), changed, f"{missing}, since {since:%Y-%m-%d %H:%M} UTC", True)
    return Watched(tuple(lines), changed, missing)


def _lines(policy: Policy) -> list[str]:
    """The witnesses with their keys, the groups and the quorum: where witnesses are reached is no matter."""
    groups = (
        f"group {name} {group.threshold} {' '.join(sorted(group.members))}"
        for name, group in policy.groups.items()
    )
    lines = [
        *sorted(f"witness {name} {key}" for name, key in policy.witnesses.items()),
        *sorted(groups),
        f"quorum {policy.quorum}",
    ]
    return [line.encode(errors="surrogateescape").decode(errors="backslashreplace") for line in lines]


def _noted(state: dict[str, Any], here: Path) -> list[str] | None:
    """What earlier runs knew; of copies that are older than this note, what their policy says."""
    if "witnesses" in state:
        known = state["witnesses"]
        if not isinstance(known, list) or not all(isinstance(line, str) for line in known):
            raise _damaged(here.parent / "mirror.json")
        return list(known)
    return _kept(here / "policy")


def _kept(path: Path) -> list[str] | None:
    try:
        return _lines(Policy.parse(path.read_bytes()))
    except FileNotFoundError:
        return None
    except tlog.TlogError:
        raise _damaged(path) from None


def _damaged(path: Path) -> CannotCheck:
    return CannotCheck(f"{path} is damaged. Start again in another folder, and keep this one.")


def _keep(here: Path, lines: list[str], now: datetime) -> Path | None:
    """Put the policy that held until now beside the copy; None where a run that was cut short has done so."""
    path = here / "policy"
    if not path.is_file() or _kept(path) == lines:
        return None
    old = here / f"policy-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.txt"
    put_if_changed(old, path.read_bytes())
    return old


def _said(known: list[str], lines: list[str], kept: Path | None) -> str:
    """One line, with the keys of both."""
    before = [line for line in known if line not in lines]
    after = [line for line in lines if line not in known]
    where = f"{kept.name} holds the earlier policy" if kept else "a policy-….txt holds the earlier policy"
    return (
        f"THE WITNESSES CHANGED. Before: {_list(before)}. Now: {_list(after)}. The log was copied all the same,"
        f" and {where}. Ask the site why, and tell others."
    )


def _list(lines: list[str]) -> str:
    more = [f"and {len(lines) - _MOST_SAID:,} more lines"] if len(lines) > _MOST_SAID else []
    return plain("; ".join([*lines[:_MOST_SAID], *more])) or "nothing that is not there still"


def _is_enough(policy: Policy, note: bytes, key: Verifier) -> bool:
    try:
        return policy.satisfied_by(tlog.checkpoint.open(note, [key], policy.witnesses.values()).note.verified)
    except tlog.TlogError:
        return False


def _since(state: dict[str, Any], now: datetime) -> datetime:
    """Since when no run has found enough of them."""
    try:
        return datetime.fromisoformat(state["unwitnessed_since"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return now.astimezone(UTC)

"""Compare the witnesses of a mirror's log with those of earlier runs, and check that enough of them have cosigned.

A site that exchanges its witnesses exchanges those that would notice a fork. A change is reported once, with both sets
of keys. The copy continues, because its content is valid by the log's own key.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import tlog
from sabal.checking.copy import CannotCheck, LogCopy
from sabal.checking.report import plain
from sabal.counted import counted
from sabal.public import put_if_changed
from tlog import Policy, Verifier

PATIENCE = timedelta(days=1)
"""How long too few cosignatures are normal, before they are reported as lasting."""

_MOST_LINES = 20


class WitnessState(NamedTuple):
    """The policy's lines about witnesses, and the result of the comparison."""

    lines: tuple[str, ...]
    changed: str  # a sentence, or empty
    missing: str = ""  # part of a sentence, or empty
    lasting: bool = False  # whether they have been missing for longer than PATIENCE


def compare_witnesses(
    copy: LogCopy,
    key: Verifier,
    log_folder: Path,
    state: dict[str, Any],
    now: datetime,
) -> WitnessState:
    """Compare the served policy with the witnesses in `state`. If they differ, store the earlier policy.

    The caller updates `state["witnesses"]` after everything else has succeeded, so that no change goes unreported.
    Raise `CannotCheck` if the stored state is damaged.
    """
    policy = Policy.parse(copy.policy)
    lines = _lines(policy)
    known = state["witnesses"] = _known_lines(state, log_folder) or lines
    changed = (
        _change_sentence(known, lines, _store_old_policy(log_folder, lines, now)) if known != lines else ""
    )
    if _is_enough(policy, copy.checkpoint, key):
        state.pop("unwitnessed_since", None)
        return WitnessState(tuple(lines), changed)
    since = _since(state, now)
    state["unwitnessed_since"] = since.isoformat()
    missing = "too few of the policy's witnesses have cosigned this checkpoint"
    if now - since > PATIENCE:
        return WitnessState(tuple(lines), changed, f"{missing}, since {since:%Y-%m-%d %H:%M} UTC", True)
    return WitnessState(tuple(lines), changed, missing)


def _lines(policy: Policy) -> list[str]:
    """Return the witnesses with their keys, the groups and the quorum. The addresses of witnesses are left out."""
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


def _known_lines(state: dict[str, Any], log_folder: Path) -> list[str] | None:
    """Return the lines of the last run. If its state has none, because it is older, take them from its policy."""
    if "witnesses" in state:
        known = state["witnesses"]
        if not isinstance(known, list) or not all(isinstance(line, str) for line in known):
            raise _damaged(log_folder.parent / "mirror.json")
        return list(known)
    return _stored_lines(log_folder / "policy")


def _stored_lines(path: Path) -> list[str] | None:
    try:
        return _lines(Policy.parse(path.read_bytes()))
    except FileNotFoundError:
        return None
    except tlog.TlogError:
        raise _damaged(path) from None


def _damaged(path: Path) -> CannotCheck:
    return CannotCheck(f"{path} is damaged. Start again in another folder, and keep this one.")


def _store_old_policy(log_folder: Path, lines: list[str], now: datetime) -> Path | None:
    """Store the earlier policy beside the copy, and return its path; None if an interrupted run already did."""
    path = log_folder / "policy"
    if not path.is_file() or _stored_lines(path) == lines:
        return None
    old = log_folder / f"policy-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.txt"
    put_if_changed(old, path.read_bytes())
    return old


def _change_sentence(known: list[str], lines: list[str], old_policy: Path | None) -> str:
    """Return one line with the keys of both sets of witnesses."""
    before = [line for line in known if line not in lines]
    after = [line for line in lines if line not in known]
    where = (
        f"{old_policy.name} holds the earlier policy"
        if old_policy
        else "a policy-….txt holds the earlier policy"
    )
    return (
        f"THE WITNESSES CHANGED. Before: {_joined(before)}. Now: {_joined(after)}. The log was copied all the same,"
        f" and {where}. Ask the site why, and tell others."
    )


def _joined(lines: list[str]) -> str:
    more = [f"and {counted(len(lines) - _MOST_LINES, 'more line')}"] if len(lines) > _MOST_LINES else []
    return plain("; ".join([*lines[:_MOST_LINES], *more])) or "no other lines"


def _is_enough(policy: Policy, note: bytes, key: Verifier) -> bool:
    try:
        return policy.satisfied_by(tlog.checkpoint.open(note, [key], policy.witnesses.values()).note.verified)
    except tlog.TlogError:
        return False


def _since(state: dict[str, Any], now: datetime) -> datetime:
    """Return the time since when every run found too few cosignatures."""
    try:
        return datetime.fromisoformat(state["unwitnessed_since"]).astimezone(UTC)
    except (KeyError, ValueError, TypeError):
        return now.astimezone(UTC)

"""What the operator gives, so that restored logs can adopt it: copies, files with checkpoints, petition folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sabal.checking.copy import CannotCheck
from sabal.checking.finding import MOST_BYTES, checkpoints_in
from sabal.checking.reading import logs_in, read
from sabal.ledger.adopt import PublishedLog, SeenCheckpoint
from sabal.petitions import folder
from sabal.refusal import Refusal
from tlog import TlogError


@dataclass(frozen=True)
class Given:
    """The logs, checkpoints and petition folders that the operator gave."""

    logs: tuple[PublishedLog, ...] = ()
    checkpoints: tuple[SeenCheckpoint, ...] = ()
    folders: tuple[dict[str, str], ...] = ()  # the files of petition folders, from which manifests were made
    never_shown: bool = False  # the operator confirms that no checkpoint of this log was published
    nothing_lost: bool = False  # the operator confirms that the database lost nothing when it was moved


def gather(
    copies: Sequence[str],
    files: Sequence[Path],
    folders: Sequence[Path],
    *,
    never_shown: bool = False,
    nothing_lost: bool = False,
) -> Given:
    """Read logs (a mirror's folder or a URL), files with checkpoints, and petition folders. Nothing is verified yet.

    Raises CannotCheck and FolderError.
    """
    found = [PublishedLog(where, read(where)) for copy in copies for where in _each_log(copy)]
    seen = [SeenCheckpoint(str(path), note) for path in files for note in _checkpoints_in(path)]
    read_folders = tuple(folder.read(path) for path in folders)
    return Given(tuple(found), tuple(seen), read_folders, never_shown, nothing_lost)


def refuse_foreign(given: Given, origins: set[str], slug: str | None) -> None:
    """Raise Refusal for a file or copy without a checkpoint of a log of this server."""
    found: dict[str, set[str]] = {}
    for one in (*(published.seen for published in given.logs), *given.checkpoints):
        try:
            found.setdefault(one.where, set()).add(one.origin)
        except TlogError as error:
            raise Refusal(
                f"{one.where} has no checkpoint that can be read. {error} Give another copy."
            ) from None
    for where, theirs in found.items():
        if not theirs & origins:
            of = f"not of {slug}'s" if slug else "which no petition here has"
            raise Refusal(f"{where} is of the log {', '.join(sorted(theirs))}, {of}. Leave it out.")


def _each_log(copy: str) -> list[str]:
    return [copy] if "://" in copy else [str(path) for path in logs_in(Path(copy))]


def _checkpoints_in(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            found = checkpoints_in(file.read(MOST_BYTES))
    except OSError as error:
        raise CannotCheck(f"{path} cannot be read: {error.strerror}.") from None
    if not found:
        raise CannotCheck(f"{path} holds no checkpoint. Was it saved whole?")
    return found

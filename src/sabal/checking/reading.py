"""Read a copy of a log from a web address, a folder or a bundle."""

from pathlib import Path

from sabal.checking.bundle import LIMITS, copy_of, read_bundle
from sabal.checking.copy import MOST_MANIFEST, MOST_MANIFESTS, CannotCheck, LogCopy, Progress
from sabal.checking.tiled import read_tiled
from sabal.checking.web import read_url

_AGE = (b"age-encryption.org/", b"-----BEGIN AGE")
_PROOF = b"c2sp.org/tlog-proof@"


def read(what: str, progress: Progress = lambda done, of: None) -> LogCopy:
    """Read the log at a web address, in a folder or in a bundle. Raise `CannotCheck` if it fails."""
    if "://" in what:
        return read_url(what, progress)
    if not what:  # Path("") would be the folder that one is in
        raise CannotCheck(
            "Nothing was named. Give the https:// address of a petition, a bundle, or a folder with a log."
        )
    path = Path(what)
    try:
        if path.is_dir():
            logs = logs_in(path)
            if len(logs) > 1:
                raise CannotCheck(f"{what} holds several logs: name one, such as {logs[0]}.")
            if (path / "petition.toml").is_file() and not (logs[0] / "checkpoint").is_file():
                raise CannotCheck(
                    f"{what} is a petition folder, which holds no log. Give the petition's https:// address, or a"
                    " bundle."
                )
            return read_folder(logs[0], progress)
        with path.open("rb") as file:
            head = file.read(64)
            _refuse_other_files(path, head)
            file.seek(0)
            return read_bundle(file)
    except FileNotFoundError:
        raise CannotCheck(
            f"There is no {what}. Give the https:// address of a petition, a bundle, or a folder with a log."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no name of a file"
        raise CannotCheck(f"{what} cannot be read: {reason}.") from None


def logs_in(folder: Path) -> list[Path]:
    """Return the logs inside a mirror, which may hold several, or inside a folder around an unzipped bundle.

    For any other folder, return the folder itself.
    """
    if not folder.is_dir() or (folder / "checkpoint").is_file():
        return [folder]
    found = {path.parent for pattern in ("*", "*/log") for path in folder.glob(f"{pattern}/checkpoint")}
    return sorted(found) or [folder]


def read_folder(folder: Path, progress: Progress = lambda done, of: None) -> LogCopy:
    """Read a log folder, a mirror, or an unzipped bundle. Raise `CannotCheck` and `OSError`."""

    def get(path: str, limit: int) -> bytes | None:
        file_path = folder / path
        if not file_path.is_file():
            return None
        with file_path.open("rb") as file:
            return file.read(limit + 1)

    if (folder / "entries").is_file():
        return copy_of(_unzipped(folder))
    return read_tiled(get, progress)


def _unzipped(folder: Path) -> dict[str, bytes]:
    """Read the files of a bundle from this folder. Other files in it are ignored."""
    manifests = sorted((folder / "manifests").glob("*.json"))[:MOST_MANIFESTS]
    names = {name: LIMITS[name] for name in LIMITS if (folder / name).is_file()}
    names |= {f"manifests/{path.name}": MOST_MANIFEST for path in manifests if path.is_file()}
    files = {}
    for name, limit in names.items():
        with (folder / name).open("rb") as file:
            files[name] = file.read(limit + 1)
        if len(files[name]) > limit:
            raise CannotCheck(f"The file `{name}` is longer than the limit, so it was not read to its end.")
    return files


def _refuse_other_files(path: Path, head: bytes) -> None:
    """Raise `CannotCheck` for a file that is not a bundle, with the right command for its kind."""
    if head.startswith(_AGE):
        opened = path.with_suffix("").name if path.suffix == ".age" else "bundle.zip"
        raise CannotCheck(
            f"{path} is encrypted. Open it first: sabal open {path} --identity KEYFILE --out {opened} (or, with age"
            f" 1.3 or newer, age -d -i KEYFILE -o {opened} {path}); then: sabal verify {opened}"
        )
    if head.startswith(_PROOF):
        raise CannotCheck(
            f"{path} is the proof of one entry. Check it together with its log: sabal verify ADDRESS --proof {path}"
        )
    if not head.startswith(b"PK"):
        raise CannotCheck(
            f"{path} is not a bundle. Check a saved email together with its log: sabal verify ADDRESS --checkpoint"
            f" {path}"
        )

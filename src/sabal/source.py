"""Where the source of this server can be had: at SABAL_SOURCE_URL, or from the site itself, as an archive.

The archive has the files of the program as they are installed, changes included, and none of the server's own: no
data, no settings, no keys.
"""

import gzip
import io
import tarfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path

from sabal import settings

ARCHIVE = "/source.tar.gz"
_PACKAGE = Path(__file__).parent
_ROOT = _PACKAGE.parents[1]  # of a checkout
_PACKAGES = ("agefile", "sabal", "tlog")
_KINDS = {".css", ".html", ".js", ".md", ".mo", ".po", ".py", ".svg", ".toml", ".txt", ".typ", ".typed"}
"""What the packages consist of. A file of another kind in their folders, such as a key, is somebody else's."""
_OF_CHECKOUT = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements-node.lock",
    "requirements.lock",
    "script/messages",
    "script/organiser-page",
    "script/setup",
)
_OF_WHEEL = ("licenses/LICENSE", "METADATA")


def source_url() -> str:
    """Return SABAL_SOURCE_URL, or the path of the archive on this site."""
    return settings.SOURCE_URL if settings.SOURCE_URL.startswith(("https://", "http://")) else ARCHIVE


@cache
def archive() -> bytes:
    """Return the source of this program as a gzipped tar file, the same bytes for the same source."""
    name = f"sabal-{_version()}"
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for inside, path in sorted(_files()):
            data = path.read_bytes()
            about = tarfile.TarInfo(f"{name}/{inside}")  # of nobody, from 1970
            about.size, about.mode = len(data), 0o644
            tar.addfile(about, io.BytesIO(data))
    return gzip.compress(held.getvalue(), 9, mtime=0)


def _files() -> Iterator[tuple[str, Path]]:
    """Yield the name in the archive and the path of each file."""
    for package in _PACKAGES:
        folder = _PACKAGE.parent / package
        for path in folder.rglob("*"):
            if _is_source(path, folder):
                yield f"src/{path.relative_to(_PACKAGE.parent).as_posix()}", path
    if (_ROOT / "pyproject.toml").is_file():
        yield from ((name, _ROOT / name) for name in _OF_CHECKOUT if (_ROOT / name).is_file())
        yield from ((path.relative_to(_ROOT).as_posix(), path) for path in _of_organiser_page())
        return
    try:
        installed = distribution("sabal")
    except PackageNotFoundError:
        return
    for file in installed.files or ():
        for name in _OF_WHEEL:
            path = Path(str(file.locate()))
            if file.as_posix().endswith(f".dist-info/{name}") and path.is_file():
                yield Path(name).name, path


def _of_organiser_page() -> Iterator[Path]:
    """Yield the source of organiser.html, without the packages that its build installs."""
    for path in (_ROOT / "organiser-page").rglob("*"):
        if path.is_file() and "node_modules" not in path.parts:
            yield path


def _is_source(path: Path, package: Path) -> bool:
    inside = path.relative_to(package)
    if path.suffix not in _KINDS or path.is_symlink() or not path.is_file():
        return False
    if any(part.startswith(".") or part == "__pycache__" for part in inside.parts):
        return False
    data = settings.DATA.resolve()
    return not (data.is_relative_to(package) and path.resolve().is_relative_to(data))


def _version() -> str:
    try:
        return version("sabal")
    except PackageNotFoundError:
        return "source"

"""Typeset a paper: a process of its own with an empty folder, 20 seconds and 512 MB. At most two at a time."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib import resources
from pathlib import Path

from sabal.dossier.languages import font_folders, part, words_in
from sabal.dossier.paper import Paper
from sabal.refusal import Refusal

SECONDS = 20  # of the processor
LONGEST = 60.0  # seconds by the clock, where others need the processor too
MEMORY = 512 * 1024 * 1024
WAIT = 30.0  # seconds for a place
_places = threading.BoundedSemaphore(2)


def typeset(paper: Paper) -> bytes:
    """Return the PDF of a paper: tagged, PDF/UA-1 and PDF/A-2a. The same paper gives the same bytes. Raises Refusal."""
    return _made(paper, "pdf")


def picture(paper: Paper) -> bytes:
    """Return its first page as a PNG, for a look at it. Raises Refusal."""
    return _made(paper, "png")


def can_print(language: str) -> bool:
    """Return whether the fonts that come with Sabal have every character of the words in one of `LANGUAGES`."""
    words = {"words": sorted(words_in(language).texts.values())}
    try:
        _made(Paper("sample", words | {"part": part(language)}), "pdf", exact=True)
    except Refusal:
        return False
    return True


def _made(paper: Paper, form: str, *, exact: bool = False) -> bytes:
    if not _places.acquire(timeout=WAIT):
        raise Refusal("Other PDFs are being made. Try again in a moment.")
    try:
        with tempfile.TemporaryDirectory(prefix="sabal-paper-") as root:
            return _run(paper, form, root, exact)
    finally:
        _places.release()


def _run(paper: Paper, form: str, root: str, exact: bool) -> bytes:
    """Run compiler.py. `form` is "pdf" or "png"; `exact`: with our fonts alone, and no character is replaced."""
    request = {
        "source": source_of(paper.template),
        "data": json.dumps(paper.data),
        "format": form,
        "exact": exact,
        "root": root,
        "fonts": font_folders(),
        "cpu_seconds": SECONDS,
        "memory": MEMORY,
    }
    command = [sys.executable, "-I", str(Path(__file__).with_name("compiler.py"))]
    # Threads of their own would need memory for each core of the machine.
    environment = {"RAYON_NUM_THREADS": "1", "PATH": os.environ.get("PATH", "")}
    try:
        done = subprocess.run(  # noqa: S603 - our own file
            command,
            input=json.dumps(request).encode(),
            capture_output=True,
            cwd=root,
            env=environment,
            timeout=LONGEST,
            check=True,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise Refusal(
            "The PDF could not be made. Try again. If it fails again, tell the operator of this server, who can run"
            " `sabal doctor`."
        ) from error
    return done.stdout


@cache
def source_of(template: str) -> str:
    """Return the source of a template, after what all papers share."""
    folder = resources.files("sabal.dossier") / "templates"
    names = (template,) if template == "sample" else ("paper", template)
    return "\n".join((folder / f"{name}.typ").read_text(encoding="utf-8") for name in names)

"""Make one PDF with typst, alone in a process: a request as JSON on stdin, the file on stdout.

`typesetting.py` starts this file, and nothing of Sabal is loaded here. What people wrote is data of our templates, and
never source. The limits are for the case that typst or a font has a fault.
"""

import contextlib
import ctypes
import json
import os
import re
import sys
from typing import Any

STANDARDS: Any = ["ua-1", "a-2a"]
LACKING = re.compile(r'the text `"((?:[^"`\\]|\\u\{[0-9a-f]+\}|\\.)+)"` could not be displayed')
REPLACEMENT = "\ufffd"
PPI = 80.0  # of a picture of the first page
TRIES = 6  # each error names some of the characters that no font has
NEW_USER, NEW_NETWORK = 0x10000000, 0x40000000  # clone(2)


def main() -> None:
    """Read a request (`typesetting._run` says what is in it), and write the file."""
    request = json.load(sys.stdin.buffer)
    _leave_network()
    _limit(request["cpu_seconds"], request["memory"])
    sys.stdout.buffer.write(_compiled(request))


def _compiled(request: dict[str, Any]) -> bytes:
    """Return the PDF, or the first page as PNG.

    A character that the fonts of Sabal lack is printed with those of the system, or else replaced.
    """
    import typst

    source, data = request["source"].encode(), request["data"]
    fonts = typst.Fonts(include_system_fonts=False, font_paths=request["fonts"])
    for attempt in range(TRIES):
        try:
            made = typst.compile(
                source,
                root=request["root"],
                font_paths=fonts,
                format=request["format"],
                ppi=PPI,
                sys_inputs={"data": data},
                pdf_standards=STANDARDS if request["format"] == "pdf" else [],
                timestamp=0,
                package_path=request["root"],
                package_cache_path=request["root"],
            )
            return bytes(made[0] if isinstance(made, list) else made)
        except typst.TypstError as error:
            lacking = _lacking(f"{error.message}\n{error.diagnostic}")
            if not lacking or request["exact"] or attempt == TRIES - 1:
                raise
            if attempt == 0:
                fonts = typst.Fonts(include_system_fonts=True, font_paths=request["fonts"])
            else:
                data = _without(data, lacking)
    raise AssertionError("unreachable")


def _lacking(error: str) -> set[str]:
    """Return the characters that no font has, by the words of typst."""
    found: set[str] = set()
    for text in LACKING.findall(error):
        found |= set(re.sub(r"\\u\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), text))
    return found


def _without(data: str, lacking: set[str]) -> str:
    """Return the data with these characters replaced. JSON has most of them as escapes."""

    def walk(value: Any) -> Any:
        if isinstance(value, str):
            return "".join(REPLACEMENT if c in lacking else c for c in value)
        if isinstance(value, list):
            return [walk(one) for one in value]
        return {key: walk(one) for key, one in value.items()} if isinstance(value, dict) else value

    return json.dumps(walk(json.loads(data)))


def _leave_network() -> None:
    """Move to a network without a device, where Linux lets us. Templates fetch nothing; this is a second wall."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).unshare(NEW_USER | NEW_NETWORK)


def _limit(cpu_seconds: int, memory: int) -> None:
    """Limit the time and the memory (bytes) of this process, and the size of a file. Windows has no such limits."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS does not know it
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


if __name__ == "__main__":
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    main()

"""Logging: one line an event, on standard error, as JSON or plain. Types and places are logged, no personal data.

The text of an exception never goes in: addresses stand in texts, and request paths hold tokens.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from sabal import settings

_QUIET = ("asyncio", "django", "granian", "_granian")


class _Line(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text = f"{text}: {where(record.exc_info[1])}"
        if settings.DEV:
            return f"{record.levelname.lower()}: {text}"
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "level": record.levelname.lower(),
            "room": record.name,
            "event": text,
        }
        return json.dumps(event, ensure_ascii=False)


class _NoTexts(logging.Filter):
    """Libraries put request lines and exception texts into their messages: of theirs only place and type are kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.split(".")[0] in _QUIET and record.levelno < logging.CRITICAL:
            record.msg, record.args = f"{record.name} reported a problem", ()
            record.exc_text = None
        return True


def set_up(level: int = logging.INFO) -> None:
    """Send everything to standard error in our form. Called once in each process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(_NoTexts())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("django.request").setLevel(
        logging.ERROR
    )  # a form with mistakes (422) is nothing to report


def where(error: BaseException) -> str:
    """Type, file and line of an error. Never its text: addresses and names stand in texts."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}"

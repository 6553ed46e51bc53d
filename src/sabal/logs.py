"""Logging: one line an event, on standard error, as JSON or plain, without personal data.

Of an exception only type, file and line are logged. Its text may contain addresses, and a request path may contain a
token.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from sabal import settings

_QUIET = ("asyncio", "django", "granian", "_granian", "fido2", "allauth", "django_tasks", "django_tasks_db")


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
            "package": record.name,
            "event": text,
        }
        return json.dumps(event, ensure_ascii=False)


class _NoTexts(logging.Filter):
    """Remove the messages of libraries, which may contain request lines and exception texts. Keep type and line."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.split(".")[0] in _QUIET and record.levelno < logging.CRITICAL:
            record.msg, record.args = f"{record.name} reported a problem", ()
            record.exc_text = None
        return True


def set_up(level: int = logging.INFO) -> None:
    """Send all log messages to standard error in our format. Call this once in each process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line())
    handler.addFilter(_NoTexts())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("django.request").setLevel(logging.ERROR)  # not for a form with mistakes (422)


def where(error: BaseException) -> str:
    """Return type, file and line of an error, without its text, which may contain addresses and names."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} at {frames[-1].filename}:{frames[-1].lineno}"

"""Check copies of one log and assert which problems are found."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from checking import made
from sabal.checking.check import check
from sabal.checking.copy import CannotCheck, LogCopy
from sabal.checking.kept import Kept
from sabal.checking.reading import read
from sabal.checking.report import Report
from tlog.entry import Sign

LOG = made.log(40, amend=20)
LONG = made.log(600, amend=300)  # three bundles
COPY = LOG.copy()
NOW = made.WITNESSED + 100
SIGN = Sign(b"s" * 32).encode()


def checked(copy: LogCopy, **kept: Sequence[bytes]) -> Report:
    report = check(copy, now=NOW, kept=Kept(**kept))
    json.dumps(report.as_json())
    assert report.ok == report.sentence.startswith("OK: ") and all(map(str.isprintable, report.lines()))
    return report


def wrong(log: made.Made | LogCopy, *sentences: str, **kept: Sequence[bytes]) -> Report:
    """Assert that the check finds exactly these problems, each given by some of its words."""
    report = checked(log if isinstance(log, LogCopy) else log.copy(), **kept)
    assert len(report.problems) == len(sentences), report.problems
    for problem, sentence in zip(report.problems, sentences, strict=True):
        assert sentence in problem and problem[0].isupper() and problem[-1] == "."
    return report


def with_checkpoint(copy: LogCopy, checkpoint: bytes) -> LogCopy:
    return replace(copy, checkpoint=checkpoint)


def refused(what: str) -> str:
    """Assert that reading is refused, and return the sentence."""
    with pytest.raises(CannotCheck) as error:
        read(what)
    sentence = str(error.value)
    assert sentence.isprintable()
    return sentence

"""Print as JSON what the page shares with the Python code: names, limits and tables, so that both give the same."""

import json
import sys

from sabal import keyfile, spreadsheet, typed
from sabal.mail.address import GOOGLE
from sabal.mail.providers import OTHER, PROVIDERS
from sabal.organiser import audit, files, patterns, promised, sample, signers
from sabal.records import export, revocations
from sabal.records.record import RECORD_FIELDS


def wide() -> list[list[int]]:
    """Return the first and the last code point of each range of characters that count twice in a passphrase."""
    ranges: list[list[int]] = []
    for code in range(sys.maxunicode + 1):
        if keyfile.passphrase_length(chr(code)) == 2:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return ranges


shared = {
    "recordFields": RECORD_FIELDS,
    "columns": list(signers.COLUMNS),
    "formulaBeginnings": spreadsheet.BEGINNINGS,
    "exports": {
        "FORMAT": export.FORMAT,
        "OLD_FORMAT": export.OLD_FORMAT,
        "MOST_HEADER": files.MOST_HEADER,
        "MOST_LINE": files.MOST_LINE,
    },
    "revocationFormat": revocations.FORMAT,
    "limits": {
        name: getattr(patterns, name)
        for name in ("SAME_NAME", "SAME_NAME_SHARE", "IN_A_ROW", "OF_A_DOMAIN", "BURST", "BURST_TIMES")
    }
    | {"ENOUGH_KINDS": audit.ENOUGH_KINDS},
    "patterns": {key: {"kind": one.kind, "why": one.why} for key, one in patterns.PATTERNS.items()},
    "promised": {
        "SAMPLE": promised.SAMPLE,
        "NAMES": promised.NAMES,
        "RECIPIENTS": promised.RECIPIENTS,
        "AUDITOR": promised.AUDITOR,
        "LEAST_SEED": sample.LEAST_SEED,
        "MOST_SEED": sample.MOST_SEED,
        "USUAL_NUMBER": sample.USUAL_NUMBER,
    },
    "passphrase": {"LEAST_PASSPHRASE": keyfile.LEAST_PASSPHRASE, "wide": wide()},
    "google": sorted(GOOGLE),
    "largeDomains": sorted(
        domain for name, domains in PROVIDERS.items() if name != OTHER for domain in domains
    ),
    # Of each letter only where it differs from its lower case, which browsers know.
    "casefold": {
        letter: letter.casefold()
        for letter in map(chr, range(sys.maxunicode + 1))
        if letter.casefold() != letter.lower()
    },
    "around": typed.AROUND,
    "withinAddress": {chr(code): plain or "" for code, plain in typed.WITHIN_ADDRESS.items()},
}
json.dump(shared, sys.stdout, ensure_ascii=True, indent=1)

"""Make rows as signing writes them, without signing: for the floor of the database and for filling a server."""

import os
import secrets
from collections.abc import Iterator, Sequence

from sabal.mail.ids import email_id
from sabal.signing.buckets import Buckets, bucket_of

Row = tuple[object, ...]
SEALED_BYTES = 2_683  # one record of 1,024 bytes for one post-quantum recipient
PAYLOAD_BYTES = 400
MAILBOX_BYTES = 32
EMAIL_BYTES = 150
SPACE = 1 << 63
DAY = 20_781

PENDING = (
    "token_hash", "petition_id", "version_id", "pepper_epoch", "dedupe_tag", "commitment", "w", "sealed_id",
    "pending_payload", "mailbox", "held", "expires",
)  # fmt: skip
SEALED = ("id", "petition_id", "body")
EMAIL = ("id", "petition_id", "kind", "mail_key", "sealed", "network")
SIGNATURE = (
    "token_hash", "petition_id", "version_id", "pepper_epoch", "dedupe_tag", "commitment", "w", "sealed_id", "mailbox",
)  # fmt: skip
WAITING = ("petition_id", "commitment", "bucket")
LOG_INDEX = ("petition_id", "commitment", "idx")


def pending(number: int) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows of that many unconfirmed signatures: pending, sealed record, email."""
    ids = [secrets.randbits(63) for _ in range(number)]
    waiting: list[Row] = [
        (
            os.urandom(32),
            1,
            1,
            1,
            os.urandom(16),
            os.urandom(32),
            os.urandom(32),
            i,
            os.urandom(PAYLOAD_BYTES),
            os.urandom(MAILBOX_BYTES),
            0,
            DAY,
        )
        for i in ids
    ]
    sealed: list[Row] = [(i, 1, os.urandom(SEALED_BYTES)) for i in ids]
    emails: list[Row] = [(email_id(0, DAY), 1, 1, DAY, os.urandom(EMAIL_BYTES), 0) for _ in ids]
    return waiting, sealed, emails


def confirmed(waiting: Sequence[Row], buckets: Buckets | None = None) -> tuple[list[Row], list[Row]]:
    """Return the rows that these pending rows become when they are confirmed: signatures, and waiting for the log."""
    signatures: list[Row] = [(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[9]) for r in waiting]
    buckets = buckets or Buckets(bytes(32))
    return signatures, [(r[1], r[5], buckets.seal_waiting(r[5], bucket_of("KR", "ko"))) for r in waiting]


def waiting(
    number: int, petition_id: int, buckets: Buckets, chunk: int = 2_000
) -> Iterator[tuple[list[Row], list[Row]]]:
    """Yield rows of confirmed signatures that wait for the log, without records. Keys are random, as in use."""
    for start in range(0, number, chunk):
        asked, _, _ = pending(min(chunk, number - start))
        yield confirmed([(r[0], petition_id, *r[2:]) for r in asked], buckets)


def counted(
    number: int, petition_id: int, chunk: int = 2_000
) -> Iterator[tuple[list[Row], list[Row], list[Row]]]:
    """Yield rows of counted signatures, their records and their log indexes.

    Keys ascend, which makes inserting fast, with random steps.
    """
    step = SPACE // number
    for start in range(0, number, chunk):
        marks = [i * step + secrets.randbelow(step) for i in range(start, min(start + chunk, number))]
        keys = [mark.to_bytes(8, "big") for mark in marks]
        signatures: list[Row] = [
            (
                key + os.urandom(24),
                petition_id,
                1,
                1,
                key + os.urandom(8),
                key + os.urandom(24),
                os.urandom(32),
                m,
                os.urandom(MAILBOX_BYTES),
            )
            for key, m in zip(keys, marks, strict=True)
        ]
        noise = os.urandom(SEALED_BYTES + chunk)
        sealed: list[Row] = [(m, petition_id, noise[i : i + SEALED_BYTES]) for i, m in enumerate(marks)]
        indexes: list[Row] = [(petition_id, row[5], at) for at, row in enumerate(signatures, start + 1)]
        yield signatures, sealed, indexes

"""The tables that signers write to. They have no serial ids and no times: rows are in the order of random keys."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- Signatures that are not confirmed yet. Only the emailed link opens `pending_payload` and `mailbox`. `expires` is a
-- day number (days since 1970): a week from signing, moved to a week from the email's acceptance.
-- owner: the token hash of the signature that the same address had when the tags of its epoch were deleted.
CREATE TABLE signing_pending (
    token_hash BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    pepper_epoch INTEGER NOT NULL,
    dedupe_tag BLOB,
    commitment BLOB NOT NULL,
    w BLOB NOT NULL,
    sealed_id BIGINT NOT NULL,
    pending_payload BLOB NOT NULL,
    mailbox BLOB NOT NULL,
    held SMALLINT NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL,
    owner BLOB
) WITHOUT ROWID;
-- sign: the number of pending rows of an address; confirm: the other rows of the tag
CREATE INDEX signing_pending_dedupe_tag ON signing_pending (petition_id, pepper_epoch, dedupe_tag);

-- Confirmed signatures. A row changes only when its tag is removed at the end of an epoch, and its w at the end of the
-- petition. `mailbox`: the hash in the mailing lists, sealed under the link (pending_payload.py), so that withdrawing
-- ends updates.
-- late: the token hash is replaced by the one that only withdrawing looks up (late.py).
CREATE TABLE signing_signature (
    token_hash BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    pepper_epoch INTEGER NOT NULL,
    dedupe_tag BLOB,
    commitment BLOB NOT NULL,
    w BLOB NOT NULL,
    sealed_id BIGINT NOT NULL,
    display VARCHAR(800),
    mailbox BLOB,
    late BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
-- confirm: one signature for each address, petition and epoch; the first wins
CREATE UNIQUE INDEX signing_signature_dedupe_tag ON signing_signature (petition_id, pepper_epoch, dedupe_tag);
-- count: names that open petitions show
CREATE INDEX signing_signature_shown ON signing_signature (petition_id, commitment) WHERE display IS NOT NULL;

-- Confirmed signatures that are not in the log yet. held: the reason why it counts later, or 0; `held_until` is a day
-- number (since 1970). bucket: country and language, sealed (buckets.py).
CREATE TABLE signing_waiting (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    held SMALLINT NOT NULL DEFAULT 0,
    held_until INTEGER,
    bucket BLOB,
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;

-- The index of every sign entry of the log, by its commitment.
CREATE TABLE signing_log_index (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;

-- One row for each transaction that put entries into the log, from index `first` on: the day (since 1970) under which
-- they are counted and, sealed (buckets.py), the country and language of each, so that it can leave the sums. What is
-- revoked is deleted from it; all of it when the petition is finalised.
CREATE TABLE signing_counted (
    petition_id BIGINT NOT NULL,
    first BIGINT NOT NULL,
    day INTEGER NOT NULL,
    buckets BLOB,
    PRIMARY KEY (petition_id, first)
);
-- postgresql: ALTER TABLE signing_counted ALTER COLUMN buckets SET STORAGE EXTERNAL

-- Further links to a signature, made when the same address signs again. `counted_on` is the day of the batch after the
-- click, as for a new signature, so that the link shows its page for as long as a new one does.
CREATE TABLE signing_access (
    token_hash BLOB NOT NULL PRIMARY KEY,
    signature_hash BLOB NOT NULL,
    petition_id BIGINT NOT NULL,
    counted_on INTEGER,
    mailbox BLOB,
    late BOOLEAN NOT NULL DEFAULT FALSE
) WITHOUT ROWID;
-- count: links that no batch has followed yet
CREATE INDEX signing_access_new ON signing_access (petition_id) WHERE counted_on IS NULL;
-- withdraw: every link of a signature is deleted with it
CREATE INDEX signing_access_signature ON signing_access (signature_hash);

-- The sealed records, in a table of their own because they are large; their ids are random.
CREATE TABLE signing_sealed (
    id INTEGER NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    body BLOB NOT NULL
);
-- postgresql: ALTER TABLE signing_sealed ALTER COLUMN body SET STORAGE EXTERNAL

-- One row for each petition whose newest export waits for its code. due: the day number after which the records of
-- entries below `size` are deleted; NULL until the code was accepted.
CREATE TABLE signing_drain (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    proof VARCHAR(64) NOT NULL,
    due INTEGER
);

-- The commitments of withdrawn and invalidated signatures. revoked: 1 if the revocation is in the log.
CREATE TABLE signing_withdrawal (
    commitment BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    reason SMALLINT NOT NULL,
    revoked SMALLINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- count: withdrawals that wait for a batch
CREATE INDEX signing_withdrawal_waiting ON signing_withdrawal (petition_id, commitment) WHERE revoked = 0;

-- Addresses that answered "not me": a keyed hash for each petition.
CREATE TABLE signing_suppression (
    hash BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL
) WITHOUT ROWID;

-- The signatures that count, by day of the batch, by country and by language, each by itself; never two of them
-- combined. The numbers of each kind sum up to confirmed - withdrawn - invalidated. Items of their own (buckets.py): ''
-- not known; '-' a negative number, signatures that left when their country and language were no longer known.
CREATE TABLE signing_bucket (
    petition_id BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    item VARCHAR(32) NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (petition_id, kind, item)
) WITHOUT ROWID;

-- One row for each petition, written by the count alone. The published numbers change when a whole batch is in the log.
-- countries_at, countries_left: when published_countries was made (Unix time, seconds), and how many signatures had been
-- withdrawn or invalidated by then.
CREATE TABLE signing_total (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    confirmed BIGINT NOT NULL DEFAULT 0,
    withdrawn BIGINT NOT NULL DEFAULT 0,
    invalidated BIGINT NOT NULL DEFAULT 0,
    published_confirmed BIGINT NOT NULL DEFAULT 0,
    published_withdrawn BIGINT NOT NULL DEFAULT 0,
    published_invalidated BIGINT NOT NULL DEFAULT 0,
    published_countries TEXT NOT NULL DEFAULT '[]',
    published_names TEXT NOT NULL DEFAULT '[]',
    published_no_longer_known BIGINT NOT NULL DEFAULT 0,
    countries_at BIGINT NOT NULL DEFAULT 0,
    countries_left BIGINT NOT NULL DEFAULT 0,
    batch_at BIGINT NOT NULL DEFAULT 0
);
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]

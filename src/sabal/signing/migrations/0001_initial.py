"""The tables a crowd writes to. No serial ids and no times: rows lie in the order of random keys."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- Asked for, not yet confirmed. `pending_payload` and `mailbox` open with the mailed link alone; `expires` is a day number
-- (days since 1970): a week from signing, moved to a week from the email's acceptance.
-- owner: the token hash of the signature that the same mailbox had when the tags of its epoch went.
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
-- sign: how many emails wait for this mailbox; confirm: the other rows of the tag
CREATE INDEX signing_pending_dedupe_tag ON signing_pending (petition_id, pepper_epoch, dedupe_tag);

-- Confirmed; the row never changes, but for what is taken out of it at an epoch's end and at the petition's.
-- `mailbox`: the hash in the mailing lists, sealed to the link (record.py), so that withdrawing ends updates.
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
    mailbox BLOB
) WITHOUT ROWID;
-- confirm: one signature for each mailbox, petition and epoch; the first wins
CREATE UNIQUE INDEX signing_signature_dedupe_tag ON signing_signature (petition_id, pepper_epoch, dedupe_tag);
-- count: names that open petitions show
CREATE INDEX signing_signature_shown ON signing_signature (petition_id, commitment) WHERE display IS NOT NULL;

-- Confirmed, and not in the log yet. held: why it counts later, or 0; `held_until` is a day number (since 1970).
-- country and language go into the sums when it is counted, and are nowhere else.
CREATE TABLE signing_waiting (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    held SMALLINT NOT NULL DEFAULT 0,
    held_until INTEGER,
    country VARCHAR(2),
    language VARCHAR(16),
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;

-- Every sign entry of the log, by what it says: its index.
CREATE TABLE signing_log_index (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;

-- Further links that lead to the same signature: the same mailbox asked again. `counted_on` is the day of the batch
-- after the click, as for a new signature, so that the link shows its page as long as a new one would.
CREATE TABLE signing_access (
    token_hash BLOB NOT NULL PRIMARY KEY,
    signature_hash BLOB NOT NULL,
    petition_id BIGINT NOT NULL,
    counted_on INTEGER,
    mailbox BLOB
) WITHOUT ROWID;
-- count: links that no batch has followed yet
CREATE INDEX signing_access_new ON signing_access (petition_id) WHERE counted_on IS NULL;
-- withdraw: every link of a signature goes with it
CREATE INDEX signing_access_signature ON signing_access (signature_hash);

-- The sealed records, apart: fat rows under a random id.
CREATE TABLE signing_sealed (
    id INTEGER NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    body BLOB NOT NULL
);
-- postgresql: ALTER TABLE signing_sealed ALTER COLUMN body SET STORAGE EXTERNAL

-- One row a petition whose newest export waits for its code. due: a day number, after which the records of entries
-- below `size` go; NULL until the code came.
CREATE TABLE signing_drain (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    proof VARCHAR(64) NOT NULL,
    due INTEGER
);

-- What stays of a withdrawn or invalidated signature: C. revoked: 1 when its revocation is in the log.
CREATE TABLE signing_withdrawal (
    commitment BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    reason SMALLINT NOT NULL,
    revoked SMALLINT NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- count: withdrawals that wait for a batch
CREATE INDEX signing_withdrawal_waiting ON signing_withdrawal (petition_id, commitment) WHERE revoked = 0;

-- Mailboxes that answered "not me": a keyed hash for each petition.
CREATE TABLE signing_suppression (
    hash BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL
) WITHOUT ROWID;

-- Gross numbers by day of the batch, by country, by language; never crossed.
CREATE TABLE signing_bucket (
    petition_id BIGINT NOT NULL,
    kind VARCHAR(8) NOT NULL,
    item VARCHAR(16) NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (petition_id, kind, item)
) WITHOUT ROWID;

-- One row a petition, written by the count alone. What is shown moves when a whole batch is in.
CREATE TABLE signing_total (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    confirmed BIGINT NOT NULL DEFAULT 0,
    withdrawn BIGINT NOT NULL DEFAULT 0,
    invalidated BIGINT NOT NULL DEFAULT 0,
    shown_confirmed BIGINT NOT NULL DEFAULT 0,
    shown_withdrawn BIGINT NOT NULL DEFAULT 0,
    shown_invalidated BIGINT NOT NULL DEFAULT 0,
    shown_countries TEXT NOT NULL DEFAULT '[]',
    shown_names TEXT NOT NULL DEFAULT '[]',
    countries_day INTEGER NOT NULL DEFAULT 0,
    batch_at BIGINT NOT NULL DEFAULT 0
);
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]

"""The tables a crowd writes to. No serial ids and no times: rows lie in the order of random keys."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- Asked for, not yet confirmed. `carry` and `mailbox` open with the mailed link alone; `expires` is a day number (days
-- since 1970): a week from signing, moved to a week from the letter's acceptance.
CREATE TABLE signing_pending (
    token_hash BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    era INTEGER NOT NULL,
    tag BLOB,
    commitment BLOB NOT NULL,
    w BLOB NOT NULL,
    sealed_id BIGINT NOT NULL,
    carry BLOB NOT NULL,
    mailbox BLOB NOT NULL,
    held SMALLINT NOT NULL DEFAULT 0,
    expires INTEGER NOT NULL
) WITHOUT ROWID;
-- sign: how many letters wait for this mailbox; confirm: the other rows of the tag
CREATE INDEX signing_pending_tag ON signing_pending (petition_id, era, tag);

-- Confirmed. state: 1 waits for a batch, 2 counted. `held_until` and `counted_on` are day numbers.
-- `mailbox`: the hash in the mailing lists, sealed to the link (record.py), so that withdrawing ends updates.
CREATE TABLE signing_signature (
    token_hash BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    era INTEGER NOT NULL,
    tag BLOB,
    state SMALLINT NOT NULL,
    held SMALLINT NOT NULL DEFAULT 0,
    held_until INTEGER,
    counted_on INTEGER,
    commitment BLOB NOT NULL,
    w BLOB NOT NULL,
    sealed_id BIGINT NOT NULL,
    country VARCHAR(2),
    language VARCHAR(16),
    display VARCHAR(800),
    mailbox BLOB
) WITHOUT ROWID;
-- confirm: one signature for each mailbox, petition and era; the first wins
CREATE UNIQUE INDEX signing_signature_tag ON signing_signature (petition_id, era, tag);
-- count: what waits, in the order of C, which is the order of nothing
CREATE INDEX signing_signature_waiting ON signing_signature (petition_id, commitment) WHERE state = 1;

-- count: names that open petitions show
CREATE INDEX signing_signature_shown ON signing_signature (petition_id, commitment) WHERE display IS NOT NULL;

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

-- What stays of a withdrawn or invalidated signature: C. state: 1 never counted, 2 counted, 3 its withdrawal counted.
CREATE TABLE signing_withdrawal (
    commitment BLOB NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL,
    version_id BIGINT NOT NULL,
    state SMALLINT NOT NULL,
    reason SMALLINT NOT NULL,
    country VARCHAR(2),
    language VARCHAR(16)
) WITHOUT ROWID;
-- count: withdrawals that wait for a batch
CREATE INDEX signing_withdrawal_waiting ON signing_withdrawal (petition_id, commitment) WHERE state < 3;

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

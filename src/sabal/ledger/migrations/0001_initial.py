"""The tables of the public log. They hold no secret: their data is published, or will be with the next batch."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- One row for each log. size, compact_range: the tree of all sequenced entries (tlog.Frontier). reached: the last
-- commitment that the current batch has taken, empty between batches. signed: the newest checkpoint; published: the one
-- on pages and in files, with its witnesses. batch: the number of checkpoints signed after the first. written_in: the
-- identity of the database in which the log may continue (Database.identity).
CREATE TABLE ledger_log (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    compact_range BLOB NOT NULL,
    manifest_hash BLOB NOT NULL,
    closed BOOLEAN NOT NULL,
    reached BLOB NOT NULL,
    signed BLOB NOT NULL,
    signed_size BIGINT NOT NULL,
    published BLOB NOT NULL,
    published_size BIGINT NOT NULL,
    batch INTEGER NOT NULL,
    witnesses TEXT NOT NULL,
    written_in TEXT NOT NULL DEFAULT ''
);

-- The entries, 256 in a row as in the served bundles.
CREATE TABLE ledger_bundle (
    petition_id INTEGER NOT NULL,
    number BIGINT NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (petition_id, number)
);
-- postgresql: ALTER TABLE ledger_bundle ALTER COLUMN entries SET STORAGE EXTERNAL

-- The size of each signed checkpoint, and its day (in days since 1970).
CREATE TABLE ledger_batch (
    petition_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    size BIGINT NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (petition_id, number)
);
-- receipt: the batch of an entry
CREATE INDEX ledger_batch_size ON ledger_batch (petition_id, size);
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]

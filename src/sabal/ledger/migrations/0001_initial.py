"""The public log's tables. Nothing in them is secret: they hold what the log shows, and what it is about to show."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- One row a log. size, edge: the tree of all that is sequenced (tlog.Frontier). reached: C up to which the batch under
-- way has come, empty between batches. signed: the newest checkpoint of ours; published: the one that is shown, with its
-- witnesses. batch: how many checkpoints were signed after the first.
CREATE TABLE ledger_log (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    edge BLOB NOT NULL,
    manifest_hash BLOB NOT NULL,
    closed BOOLEAN NOT NULL,
    reached BLOB NOT NULL,
    signed BLOB NOT NULL,
    signed_size BIGINT NOT NULL,
    published BLOB NOT NULL,
    published_size BIGINT NOT NULL,
    batch INTEGER NOT NULL,
    witnesses TEXT NOT NULL
);

-- The entries, 256 to a row as in the bundles that are served.
CREATE TABLE ledger_bundle (
    petition_id INTEGER NOT NULL,
    number BIGINT NOT NULL,
    entries BLOB NOT NULL,
    PRIMARY KEY (petition_id, number)
);
-- postgresql: ALTER TABLE ledger_bundle ALTER COLUMN entries SET STORAGE EXTERNAL

-- Where each checkpoint of ours ended, and its day (since 1970).
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

"""The bundles that anyone can download, because a letter names them."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- What a bundle is made of, besides the entries: so each machine can make its file, and after a restore again.
-- until: the last day (in days since 1970) that a letter names.
CREATE TABLE ledger_offer (
    petition_id INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    checkpoint BLOB NOT NULL,
    policy BLOB NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (petition_id, sha256)
);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_batch_totals")]
    operations = [hot_tables.create(SQL)]

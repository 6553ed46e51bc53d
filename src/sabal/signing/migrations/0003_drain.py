"""What must be shown before sealed records are deleted that the organiser fetched."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- One row a petition whose newest export waits for its code. due: a day number, after which the records of entries
-- below `size` go; NULL until the code came.
CREATE TABLE signing_drain (
    petition_id INTEGER NOT NULL PRIMARY KEY,
    size BIGINT NOT NULL,
    proof VARCHAR(64) NOT NULL,
    due INTEGER
);
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0002_idx")]
    operations = [hot_tables.create(SQL)]

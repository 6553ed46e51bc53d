"""The words in addresses that organisers chose, and how many forms came with each."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- The forms that came from an address with this word, which an organiser chose: a number without a time.
CREATE TABLE signing_source (
    petition_id INTEGER NOT NULL,
    word TEXT NOT NULL,
    n BIGINT NOT NULL,
    counted SMALLINT NOT NULL,
    PRIMARY KEY (petition_id, word)
) WITHOUT ROWID;
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0003_growth")]
    operations = [hot_tables.create(SQL)]

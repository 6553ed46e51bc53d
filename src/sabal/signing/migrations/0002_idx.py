"""Where a signature stands in the public log."""

from django.db import migrations

from sabal import hot_tables

SQL = """
ALTER TABLE signing_signature ADD COLUMN idx BIGINT;
ALTER TABLE signing_withdrawal ADD COLUMN idx BIGINT;
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0001_initial")]
    operations = [hot_tables.create(SQL)]

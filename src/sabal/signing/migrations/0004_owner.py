"""Whose a pending signature turned out to be, kept for the click: a link that nobody opened must not tell before."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- owner: the token hash of the signature that the same mailbox had when the tags of its era went
ALTER TABLE signing_pending ADD COLUMN owner BLOB;
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0003_drain")]
    operations = [hot_tables.create(SQL)]

"""Keys that the server needs, each wrapped under the server key, which is never in the database."""

from django.db import migrations

from sabal import hot_tables

SQL = """
CREATE TABLE keys_key (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    wrapped BLOB NOT NULL
);
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]

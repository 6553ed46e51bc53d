"""The rules that moderators give a petition."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- One row for each petition whose moderators changed anything. revision grows with each change: public processes look
-- at it every second. strictness: by what the pressure of a network is multiplied.
CREATE TABLE limits_petition (
    petition_id BIGINT NOT NULL PRIMARY KEY,
    revision INTEGER NOT NULL,
    strictness DOUBLE PRECISION NOT NULL
);

-- Email domains and networks that are allowed, held or refused. A network is never that of one person alone.
CREATE TABLE limits_rule (
    petition_id BIGINT NOT NULL,
    kind VARCHAR(7) NOT NULL,
    value VARCHAR(253) NOT NULL,
    effect VARCHAR(6) NOT NULL,
    PRIMARY KEY (petition_id, kind, value)
) WITHOUT ROWID;
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]

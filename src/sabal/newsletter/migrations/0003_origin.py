"""Where a subscription comes from, files of addresses that are imported and exported, and who left when."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- since: the day of the consent (since 1970). NULL if it is not known, as for all updates about petitions, and for what was
-- ticked with a signature of a guarded petition: the day would be that of the signature.
-- origin: 0 asked for on this site, -1 ticked with a signature, else the import.
ALTER TABLE newsletter_subscription ADD COLUMN since INTEGER;
ALTER TABLE newsletter_subscription ADD COLUMN origin BIGINT NOT NULL DEFAULT 0;

-- A file of addresses that an organisation imports into its newsletter, or exports. kind, state: newsletter/transfers.py.
-- place, consented, consent (the version of the sentence): the proof of consent. numbers: JSON.
CREATE TABLE newsletter_transfer (
    id INTEGER NOT NULL PRIMARY KEY,
    organisation VARCHAR(60) NOT NULL,
    user_id BIGINT NOT NULL,
    kind SMALLINT NOT NULL,
    state SMALLINT NOT NULL,
    day INTEGER NOT NULL,
    file VARCHAR(200) NOT NULL DEFAULT '',
    language VARCHAR(16) NOT NULL DEFAULT '',
    place TEXT NOT NULL DEFAULT '',
    consented INTEGER,
    consent VARCHAR(16) NOT NULL DEFAULT '',
    done BIGINT NOT NULL DEFAULT 0,
    total BIGINT NOT NULL DEFAULT 0,
    numbers TEXT NOT NULL DEFAULT '{}',
    stop SMALLINT NOT NULL DEFAULT 0
);

-- How many left a newsletter, by the day of their consent, the day on which they left, and why (newsletter/growth.py).
CREATE TABLE newsletter_ended (
    organisation VARCHAR(60) NOT NULL,
    since INTEGER NOT NULL,
    day INTEGER NOT NULL,
    why SMALLINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (organisation, since, day, why)
) WITHOUT ROWID;
"""


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0002_suppression")]
    operations = [hot_tables.create(SQL)]

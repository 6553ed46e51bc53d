"""What waits for the log, and where its entries stand, in tables of their own: a signature's row never changes."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- Confirmed, and not in the log yet. held: why it counts later, or 0; `held_until` is a day number (since 1970).
-- country and language go into the sums when it is counted, and are nowhere else.
CREATE TABLE signing_waiting (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    held SMALLINT NOT NULL DEFAULT 0,
    held_until INTEGER,
    country VARCHAR(2),
    language VARCHAR(16),
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;
INSERT INTO signing_waiting (petition_id, commitment, held, held_until, country, language)
    SELECT petition_id, commitment, held, held_until, country, language FROM signing_signature WHERE state = 1;
INSERT INTO signing_waiting (petition_id, commitment, country, language)
    SELECT petition_id, commitment, country, language FROM signing_withdrawal WHERE state = 1;

-- Every sign entry of the log, by what it says: its index, and the day on which it was counted.
CREATE TABLE signing_place (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    idx BIGINT NOT NULL,
    counted_on INTEGER,
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;
INSERT INTO signing_place (petition_id, commitment, idx, counted_on)
    SELECT petition_id, commitment, idx, counted_on FROM signing_signature WHERE idx IS NOT NULL;
INSERT INTO signing_place (petition_id, commitment, idx)
    SELECT petition_id, commitment, idx FROM signing_withdrawal WHERE idx IS NOT NULL;

DROP INDEX signing_signature_waiting;
ALTER TABLE signing_signature DROP COLUMN state;
ALTER TABLE signing_signature DROP COLUMN held;
ALTER TABLE signing_signature DROP COLUMN held_until;
ALTER TABLE signing_signature DROP COLUMN counted_on;
ALTER TABLE signing_signature DROP COLUMN country;
ALTER TABLE signing_signature DROP COLUMN language;
ALTER TABLE signing_signature DROP COLUMN idx;

-- revoked: 1 when its revocation is in the log
ALTER TABLE signing_withdrawal ADD COLUMN revoked SMALLINT NOT NULL DEFAULT 0;
UPDATE signing_withdrawal SET revoked = 1 WHERE state = 3;
DROP INDEX signing_withdrawal_waiting;
ALTER TABLE signing_withdrawal DROP COLUMN state;
ALTER TABLE signing_withdrawal DROP COLUMN country;
ALTER TABLE signing_withdrawal DROP COLUMN language;
ALTER TABLE signing_withdrawal DROP COLUMN idx;
-- count: withdrawals that wait for a batch
CREATE INDEX signing_withdrawal_waiting ON signing_withdrawal (petition_id, commitment) WHERE revoked = 0;
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0004_owner")]
    operations = [hot_tables.create(SQL)]

"""What waits for the log, and where its entries stand, in tables of their own: a signature's row never changes."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from sabal import hot_tables
from tlog.entry import ENTRY_BYTES, Type

MAKE = """
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

-- Every sign entry of the log, by what it says: its index.
CREATE TABLE signing_place (
    petition_id BIGINT NOT NULL,
    commitment BLOB NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (petition_id, commitment)
) WITHOUT ROWID;
"""

DROP = """
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
-- PostgreSQL leaves what was in a dropped column where it lies; an expression for another has it write the rows anew.
-- postgresql: ALTER TABLE signing_signature ALTER COLUMN commitment TYPE BYTEA USING commitment || ''::BYTEA
-- postgresql: ALTER TABLE signing_withdrawal ALTER COLUMN commitment TYPE BYTEA USING commitment || ''::BYTEA
"""


def place_entries(_apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """By the log itself: it knows also of entries whose signature is gone, or was never here."""
    insert = (
        "INSERT INTO signing_place (petition_id, commitment, idx) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
    )
    with editor.connection.cursor() as reading, editor.connection.cursor() as writing:
        reading.execute("SELECT petition_id, number FROM ledger_bundle ORDER BY petition_id, number")
        for petition_id, number in reading.fetchall():
            reading.execute(
                "SELECT entries FROM ledger_bundle WHERE petition_id = %s AND number = %s",
                (petition_id, number),
            )
            held = bytes(reading.fetchone()[0])
            entries = [held[at : at + ENTRY_BYTES] for at in range(0, len(held), ENTRY_BYTES)]
            places = [
                (petition_id, one[2:], 256 * number + at)
                for at, one in enumerate(entries)
                if one[1] == Type.SIGN
            ]
            writing.executemany(insert, places)


class Migration(migrations.Migration):
    dependencies = [("signing", "0004_owner"), ("ledger", "0002_read_only")]
    operations = [
        hot_tables.create(MAKE),
        migrations.RunPython(place_entries, migrations.RunPython.noop),
        hot_tables.create(DROP),
    ]

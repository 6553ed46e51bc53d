"""What is kept for the one reminder to a person who did not confirm."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- reminder: the body of the email that asked to confirm, sealed under the mail key of the day `reminder_key`, while its
-- reminder waits. remind_on: its day (since 1970); it stays when it was sent. All three are empty in a petition that
-- sends no reminders (signing/reminder.py).
ALTER TABLE signing_pending ADD COLUMN reminder BLOB;
ALTER TABLE signing_pending ADD COLUMN reminder_key INTEGER;
ALTER TABLE signing_pending ADD COLUMN remind_on INTEGER;
-- remind: those whose day has come
CREATE INDEX signing_pending_reminder ON signing_pending (remind_on) WHERE reminder IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0004_sources")]
    operations = [hot_tables.create(SQL)]

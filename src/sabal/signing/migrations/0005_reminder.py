"""The body of an email that is sent once more to people who did not confirm."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- reminder: the body of the email that asked to confirm, encrypted under the mail key of the day reminder_mail_day (since
-- 1970), until its reminder is sent or dropped. remind_on: the day (since 1970) on which the reminder enters the outbox;
-- NULL from then on. reminder_mail_day stays: no other form of this address gets a reminder. All three are NULL if the
-- form announced no reminder (signing/reminder.py).
ALTER TABLE signing_pending ADD COLUMN reminder BLOB;
ALTER TABLE signing_pending ADD COLUMN reminder_mail_day INTEGER;
ALTER TABLE signing_pending ADD COLUMN remind_on INTEGER;
-- queue_due: rows whose day has come; forget and mail_days: all that have a body
CREATE INDEX signing_pending_reminder ON signing_pending (remind_on) WHERE reminder IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0004_sources")]
    operations = [hot_tables.create(SQL)]

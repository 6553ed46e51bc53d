"""The language of a translator, and the petition of a line in the history: its address can change and be used again."""

from typing import Any

from django.db import migrations, models


def note_petitions(apps: Any, _editor: object) -> None:
    entries, petitions = apps.get_model("accounts", "AuditEntry"), apps.get_model("petitions", "Petition")
    for number, slug in petitions.objects.values_list("pk", "slug"):
        entries.objects.filter(petition=slug).update(petition_number=number)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_owner_since"), ("petitions", "0001_initial")]

    operations = [
        migrations.AddField(
            "membership", "language", models.CharField(blank=True, default="", max_length=20)
        ),
        migrations.AddField(
            "invitation", "language", models.CharField(blank=True, default="", max_length=20)
        ),
        migrations.AddField(
            "auditentry", "petition_number", models.BigIntegerField(db_index=True, null=True)
        ),
        migrations.RunPython(note_petitions, migrations.RunPython.noop),
    ]

"""Since when a person has a role: a second owner who agrees to a new key must have been one before."""

import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_identity")]

    operations = [
        migrations.AddField("membership", "since", models.DateTimeField(default=django.utils.timezone.now)),
    ]

"""An organisation's identity: names and imprint by language, logo and colour."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField("organisation", "names", models.JSONField(blank=True, default=dict)),
        migrations.AddField("organisation", "imprint", models.JSONField(blank=True, default=dict)),
        migrations.AddField("organisation", "accent", models.CharField(blank=True, default="", max_length=7)),
        migrations.AddField("organisation", "logo", models.BinaryField(blank=True, default=b"")),
        migrations.AddField("organisation", "logo_width", models.PositiveIntegerField(default=0)),
        migrations.AddField("organisation", "logo_height", models.PositiveIntegerField(default=0)),
    ]

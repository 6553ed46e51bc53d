from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("petitions", "0003_progress"),
    ]

    operations = [
        migrations.AddField(
            model_name="petition",
            name="given_away",
            field=models.BooleanField(default=False),
        ),
    ]

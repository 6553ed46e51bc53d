from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("petitions", "0002_ending"),
    ]

    operations = [
        migrations.AddField(
            model_name="petition",
            name="progress",
            field=models.PositiveIntegerField(default=0),
        ),
    ]

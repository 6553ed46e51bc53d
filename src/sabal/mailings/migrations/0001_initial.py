"""Create the tables of mailings, their texts and their tests."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("petitions", "0003_progress"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Newsletter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("organisation", models.CharField(max_length=60, unique=True)),
                ("how_often", models.JSONField(blank=True, default=dict)),
                ("reply_to", models.EmailField(blank=True, default="", max_length=254)),
            ],
        ),
        migrations.CreateModel(
            name="Mailing",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("organisation", models.CharField(max_length=60)),
                ("occasion", models.CharField(blank=True, default="", max_length=60)),
                ("readers", models.JSONField(blank=True, default=list)),
                ("fallback", models.CharField(max_length=16)),
                ("archived", models.BooleanField(default=True)),
                ("number", models.PositiveIntegerField(null=True)),
                ("revision", models.PositiveIntegerField(default=1)),
                ("made_at", models.BigIntegerField()),
                ("planned_for", models.BigIntegerField(null=True)),
                ("zone", models.CharField(blank=True, default="", max_length=40)),
                ("begun_at", models.BigIntegerField(null=True)),
                ("queue_after", models.BinaryField(default=b"")),
                ("queued", models.PositiveIntegerField(default=0)),
                ("queued_at", models.BigIntegerField(null=True)),
                ("paused_at", models.BigIntegerField(null=True)),
                ("cancelled_at", models.BigIntegerField(null=True)),
                ("ended_at", models.BigIntegerField(null=True)),
                ("forgotten_at", models.BigIntegerField(null=True)),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "petition",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="petitions.petition",
                    ),
                ),
                (
                    "sent_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MailingTest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("asked_at", models.BigIntegerField()),
                ("ended_at", models.BigIntegerField(null=True)),
                ("refusal", models.TextField(blank=True, default="")),
                (
                    "mailing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tests",
                        to="mailings.mailing",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MailingText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("language", models.CharField(max_length=16)),
                ("subject", models.CharField(max_length=200)),
                ("body", models.TextField()),
                ("digest", models.CharField(db_index=True, max_length=32)),
                (
                    "mailing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="texts",
                        to="mailings.mailing",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="mailing",
            constraint=models.UniqueConstraint(
                condition=models.Q(("occasion", ""), _negated=True),
                fields=("petition", "occasion"),
                name="one_mailing_of_an_occasion",
            ),
        ),
        migrations.AddConstraint(
            model_name="mailing",
            constraint=models.UniqueConstraint(
                fields=("organisation", "number"), name="one_newsletter_of_a_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="mailingtext",
            constraint=models.UniqueConstraint(
                fields=("mailing", "language"), name="one_text_of_a_mailing_in_a_language"
            ),
        ),
    ]

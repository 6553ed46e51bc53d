"""The organisation to which the people in a petition's lists subscribed, if another one has the petition now."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def note_owners(apps: StateApps, _: BaseDatabaseSchemaEditor) -> None:
    """Read from the history which organisation published a petition that another one has now.

    If it was amended since it was given away, its key may be of the new one, and nothing is noted.
    """
    entries = apps.get_model("accounts", "AuditEntry").objects.order_by("pk")
    organisations = apps.get_model("accounts", "Organisation").objects
    for owned in apps.get_model("accounts", "Ownership").objects.select_related("petition"):
        petition = owned.petition
        about = entries.filter(petition_number=petition.pk)
        published = about.filter(what="published").exclude(organisation="").first()
        if petition.state == "draft" or not petition.organisation or published is None:
            continue
        first = organisations.filter(key=published.organisation).exclude(pk=owned.organisation_id).first()
        given = about.filter(what="assigned", pk__gt=published.pk).first()
        if first is None or given is None or about.filter(what="amended", pk__gt=given.pk).exists():
            continue
        apps.get_model("accounts", "ListOwner").objects.get_or_create(
            petition=petition, key=petition.organisation, defaults={"organisation": first}
        )
        petition.given_away = True
        petition.save(update_fields=["given_away"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_language_and_petition"),
        ("petitions", "0004_given_away"),
    ]

    operations = [
        migrations.CreateModel(
            name="ListOwner",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=60)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="list_owners",
                        to="accounts.organisation",
                    ),
                ),
                (
                    "petition",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="petitions.petition"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("petition", "key"), name="one_owner_of_a_petitions_lists")
                ],
            },
        ),
        migrations.RunPython(note_owners, migrations.RunPython.noop),
    ]

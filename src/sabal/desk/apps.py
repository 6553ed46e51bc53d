"""The Django app of the desk."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Configure `sabal.desk`: what happens when a person adds a second factor, and when a draft is saved."""

    name = "sabal.desk"

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added
        from django.db.models.signals import post_save

        from sabal.desk import revisions
        from sabal.desk.signing_in import remember_second_factor
        from sabal.petitions.models import Petition

        authenticator_added.connect(remember_second_factor)
        post_save.connect(revisions.keep, sender=Petition)

"""The Django app of the desk."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """Configure `sabal.desk`: what happens when a person adds a second factor."""

    name = "sabal.desk"

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added

        from sabal.desk.signing_in import remember_second_factor

        authenticator_added.connect(remember_second_factor)

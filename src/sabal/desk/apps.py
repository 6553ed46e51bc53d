"""The Django app of the desk: templates, style and script."""

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """`sabal.desk`, with the acts that it asked the worker for."""

    name = "sabal.desk"

    def ready(self) -> None:
        from allauth.mfa.signals import authenticator_added

        from sabal.desk.signing_in import remember_second_factor

        authenticator_added.connect(remember_second_factor)

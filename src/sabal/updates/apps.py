"""Django's description of this app."""

from django.apps import AppConfig


class UpdatesConfig(AppConfig):
    """Public posts about petitions."""

    name = "sabal.updates"
    label = "updates"

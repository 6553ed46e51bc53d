"""The Django application of what was gathered elsewhere."""

from django.apps import AppConfig


class ElsewhereConfig(AppConfig):
    """Names the tables `elsewhere_…`."""

    name = "sabal.elsewhere"
    label = "elsewhere"

"""Django's description of this app."""

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    """Recipients' contacts, and what is sent to them."""

    name = "sabal.delivery"
    label = "delivery"

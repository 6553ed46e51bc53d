"""The Django app of the people who work here."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """`sabal.accounts`, with the label that its tables begin with."""

    name = "sabal.accounts"
    label = "accounts"

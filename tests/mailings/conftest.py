"""Fixtures: SMTP servers with different behaviour, as for other emails."""

from mail.conftest import sink

__all__ = ["sink"]

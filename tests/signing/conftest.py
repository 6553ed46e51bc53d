"""Fixtures: an SMTP server, as for the tests of email."""

from mail.conftest import sink

__all__ = ["sink"]

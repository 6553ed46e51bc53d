"""The WSGI application of the desk, which granian runs in one process with a few threads."""

import os

import django
from django.core.handlers.wsgi import WSGIHandler

from sabal import logs, private, settings
from sabal.desk import secret

NICENESS = 10  # a page of the desk may take a little longer, but signing must not wait for it


def make() -> WSGIHandler:
    """Return the application, and note where the desk is, for commands that are typed in another shell."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sabal.desk.settings")
    logs.set_up()
    secret.refuse_without()
    os.nice(NICENESS)
    django.setup(set_prefix=False)
    private.replace(settings.DESK_AT, [f"{settings.DESK_URL}\n".encode("ascii", "replace")])
    return WSGIHandler()


application = make()

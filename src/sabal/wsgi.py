"""Django as a WSGI application: behind the front door, and nowhere else."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sabal.settings")

application = get_wsgi_application()

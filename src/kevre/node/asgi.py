"""What the web server runs: Django, over the way of this process."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kevre.node.settings")

application = get_asgi_application()

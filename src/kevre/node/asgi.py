"""What the web server runs: Django, over the way of this process."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application

from kevre.node.lean import lean
from kevre.node.pool import pooled

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kevre.node.settings")

application = pooled(lean(get_asgi_application()))

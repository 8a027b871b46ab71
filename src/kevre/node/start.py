"""Starting: Django made usable outside a web server.

Modules that use the registry can only be imported after this, so commands import them late.
"""

from __future__ import annotations

import os

import django

from kevre.node.config import Config, load


def ready() -> Config:
    """Set Django up; give the configuration."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "kevre.node.settings"
    django.setup()
    return load()

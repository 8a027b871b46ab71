"""Starting: Django made usable outside a web server.

Modules that use the registry can only be imported after this, so commands import them late.
"""

from __future__ import annotations

import os

import django

from kevre.model.errors import Conflict
from kevre.node.config import Config, load

# Stands in a home from the first file that a restore moves until all is in place.
RESTORING = "restoring"


def ready(*, for_restore: bool = False) -> Config:
    """Set Django up; give the configuration.

    Args:
        for_restore: the home may hold a part of an interrupted restore.

    Raises:
        Conflict: it does, and may not.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "kevre.node.settings"
    django.setup()
    config = load()
    if (config.home / RESTORING).exists() and not for_restore:
        raise Conflict(
            "restore.interrupted",
            "a restore was interrupted: registry and readings may not belong together",
            hint="run the same kevre restore again",
        )
    return config

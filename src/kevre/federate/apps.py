"""The Django app of this room."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FederateConfig(AppConfig):
    """Registers the nouns of `federate`."""

    name = "kevre.federate"
    label = "federate"
    verbose_name = _("Federation")
    default_auto_field = "django.db.models.BigAutoField"

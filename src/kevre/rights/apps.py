"""The Django app of this room."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate, pre_save
from django.utils.translation import gettext_lazy as _


class RightsConfig(AppConfig):
    """Registers the nouns of `rights`."""

    name = "kevre.rights"
    label = "rights"
    verbose_name = _("Rights")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Keep the database's law around every change of its tables, and sessions spare."""
        from allauth.usersessions.models import UserSession

        from kevre.rights import law, session

        pre_save.connect(session.spare, sender=UserSession)
        pre_migrate.connect(law.lift, sender=self)
        post_migrate.connect(law.lay, sender=self)

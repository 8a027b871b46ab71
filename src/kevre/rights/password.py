"""The strength of a password: how many guesses it resists, not which signs are in it."""

from __future__ import annotations

import re

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kevre.places.territory import Territory

# zxcvbn's scale is 0 to 4; 3 is beyond ten to the eighth guesses.
LEAST_SCORE = 3
# What zxcvbn takes; what follows adds nothing to a strong one.
_MOST_SIGNS = 72
# Those of the node's surroundings, the widest first: names of places are guessed early.
_MOST_PLACES = 2_000
WEAK = _("This password is guessed too easily. Use several words that do not belong together.")


class StrengthValidator:
    """Refuses a password that a patient machine would guess; one of Django's validators."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Hold that a password resists; what is known of the person helps those who guess.

        Raises:
            ValidationError: it does not.
        """
        from zxcvbn import zxcvbn

        places = Territory.objects.order_by("path").values_list("slug", flat=True)[:_MOST_PLACES]
        own = re.split(r"[@.+_-]", getattr(user, "email", ""))
        known = [*own, "".join(own), "kevre", *places]
        found = zxcvbn(password[:_MOST_SIGNS], user_inputs=[one for one in known if one])
        if found["score"] < LEAST_SCORE:
            raise ValidationError(WEAK, code="password_weak")

    def get_help_text(self) -> str:
        """Say what helps, before a password is chosen."""
        return gettext("Several words that do not belong together are strong and easily kept.")

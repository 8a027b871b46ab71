"""Filters that write numbers and days for the language of the page, and data for a script."""

from __future__ import annotations

import json
from datetime import date, datetime

from babel.numbers import format_decimal
from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from kevre.web import words
from kevre.web.visit import locale

register = template.Library()


@register.filter
def energy(value_wh: float) -> str:
    """Write an energy given in Wh."""
    return words.quantity_text(value_wh, "Wh", locale())


@register.filter
def power(value_w: float) -> str:
    """Write a power given in W."""
    return words.quantity_text(value_w, "W", locale())


@register.filter
def quantity(value: float, unit: str) -> str:
    """Write a value with its unit."""
    return words.quantity_text(value, unit, locale())


@register.filter
def whole(value: int) -> str:
    """Write a whole number."""
    return str(format_decimal(value, locale=locale()))


@register.filter
def day(value: date) -> str:
    """Write a day short."""
    return words.day_text(value, locale())


@register.filter
def ago(value: datetime) -> str:
    """Say how long ago it was."""
    return words.ago_text(value, timezone.now(), locale())


@register.filter
def as_json(value: object) -> str:
    """Write a value as JSON, for an attribute that a script reads; it is escaped like any text."""
    return json.dumps(value, cls=DjangoJSONEncoder)

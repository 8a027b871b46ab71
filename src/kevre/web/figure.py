"""Key figures: one number with its label and what must be said beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.utils.translation import gettext, ngettext

from kevre.analyse.day import Days
from kevre.analyse.load import Comparison, week_before, year_to_date
from kevre.web import words

_YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as it stands on the page; `key` names the colour of its flow."""

    label: str
    value: str
    notes: tuple[str, ...] = ()
    key: str = ""


def day_figure(days: Days, label: str, today: date, locale: str, key: str) -> Figure | None:
    """Show the newest day that is wholly known, and the same weekday a week before."""
    last = last_whole_day(days, today)
    if last is None:
        return None
    pair = np.array([last])
    day: date = last.astype(object)
    is_yesterday = day == today - timedelta(days=1)
    when = gettext("yesterday") if is_yesterday else words.day_text(day, locale)
    # Translators: a flow and a day, such as "Consumption, yesterday".
    name = gettext("%(flow)s, %(day)s") % {"flow": label, "day": when}
    week = Comparison(float(days.on(pair)[0]), float(np.nan_to_num(days.on(pair - 7)[0])), 1, 1)
    note = change_text(week, gettext("%(change)s on the same day a week before"), locale)
    return Figure(name, words.quantity_text(week.recent_wh, "Wh", locale), note, key)


def week_figure(days: Days, label: str, today: date, locale: str, key: str) -> Figure | None:
    """Show the last seven days known, beside the seven before."""
    last = last_whole_day(days, today)
    if last is None:
        return None
    total_wh, known = days.total(last - np.arange(7))
    name = gettext("%(flow)s over 7 days") % {"flow": label}
    notes = change_text(week_before(days, last), gettext("%(change)s on the 7 days before"), locale)
    return Figure(
        name, words.quantity_text(total_wh, "Wh", locale), (*notes, *_lacking(known, 7)), key
    )


def year_figure(
    days: Days, label: str, today: date, locale: str, key: str, area_m2: int | None = None
) -> Figure | None:
    """Show the last 365 days, per square metre too, and this year beside the last."""
    last = last_whole_day(days, today)
    if last is None:
        return None
    total_wh, known = days.total(last - np.arange(_YEAR_DAYS))
    notes = list(_lacking(known, _YEAR_DAYS))
    if area_m2 and known > 0.9 * _YEAR_DAYS:
        notes.append(
            gettext("%(energy)s per m² and year")
            % {"energy": words.quantity_text(total_wh / area_m2, "Wh", locale)}
        )
    since = gettext("%(change)s since 1 January, on the same days a year before")
    notes.extend(change_text(year_to_date(days, last), since, locale))
    name = gettext("%(flow)s over 12 months") % {"flow": label}
    return Figure(name, words.quantity_text(total_wh, "Wh", locale), tuple(notes), key)


def last_whole_day(days: Days, today: date) -> np.datetime64 | None:
    """Give the newest day before today that is wholly known."""
    return days.before(np.datetime64(today, "D")).last_known()


def change_text(comparison: Comparison, sentence: str, locale: str) -> tuple[str, ...]:
    """Say a change in a sentence; nothing where too little is known to say it."""
    if comparison.change is None:
        return ()
    return (sentence % {"change": words.percent_text(comparison.change, locale, signed=True)},)


def _lacking(known: int, of: int) -> tuple[str, ...]:
    if known >= of:
        return ()
    sentence = ngettext(
        "%(known)s day known out of %(of)s", "%(known)s days known out of %(of)s", known
    )
    return (sentence % {"known": known, "of": of},)

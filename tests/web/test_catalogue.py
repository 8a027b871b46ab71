import re

import pytest

from kevre.web import catalogue

PLACE = re.compile(r"%\([a-z_]+\)s|\{[a-z_]+\}")


def test_french_is_complete():
    assert catalogue.missing("fr") == ()


@pytest.mark.parametrize("language", ["fr", "br"])
def test_a_translation_keeps_the_places_of_its_message(language):
    for message in catalogue.read(language):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple | list) else [message.id]
        strings = message.string if isinstance(message.string, tuple | list) else [message.string]
        wanted = set(PLACE.findall(ids[-1]))
        for string in strings:
            assert not string or set(PLACE.findall(string)) <= wanted | set(
                PLACE.findall(ids[0])
            ), message.id


def test_what_breton_lacks_is_said_in_french():
    from django.utils import translation

    lacking = next(
        message
        for message in catalogue.read("fr")
        if isinstance(message.id, str)
        and message.id
        and message.id in catalogue.missing("br")
        and "%" not in message.id
    )

    with translation.override("br"):
        assert translation.gettext(lacking.id) == lacking.string


def test_a_plural_that_breton_lacks_is_said_in_french_too():
    from django.utils import translation

    lacking = next(
        message
        for message in catalogue.read("fr")
        if isinstance(message.id, tuple | list) and message.id[0] in catalogue.missing("br")
    )

    with translation.override("br"):
        assert translation.ngettext(*lacking.id, 2) == lacking.string[1]

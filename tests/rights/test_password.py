import pytest
from django.core.exceptions import ValidationError
from tests import registry

from kevre.rights.models import Account
from kevre.rights.password import StrengthValidator

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def town():
    return registry.commune()


@pytest.mark.parametrize(
    "guessed",
    ["password12345", "azertyuiop", "qwertyuiop!", "lorient2026", "aaaaaaaaaaaaaa", "Kevre2026!"],
)
def test_what_is_guessed_easily_is_refused(guessed):
    with pytest.raises(ValidationError):
        StrengthValidator().validate(guessed)


def test_words_that_do_not_belong_together_pass():
    StrengthValidator().validate("tournesol granit balise onze")


def test_the_own_address_is_no_password():
    person = Account(email="camille.guivarch@foyer.example")

    with pytest.raises(ValidationError):
        StrengthValidator().validate("camilleguivarch", person)


def test_a_long_text_does_not_keep_the_node_busy():
    with pytest.raises(ValidationError):
        StrengthValidator().validate("a" * 100_000)

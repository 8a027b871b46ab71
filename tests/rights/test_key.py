from datetime import UTC, datetime

import pytest
from tests import registry

from kevre.model.errors import Refused
from kevre.rights import key

pytestmark = [pytest.mark.django_db, pytest.mark.registry]


def issued():
    point = registry.series(registry.site()).point
    return key.issue("pi-school", [point])


def test_a_key_is_found_by_its_secret():
    made, secret = issued()

    assert key.find(secret) == made


def test_the_secret_is_stored_nowhere():
    made, secret = issued()

    assert secret not in {str(value) for value in vars(made).values()}


@pytest.mark.parametrize(
    "change",
    [lambda s: s[:-1], lambda s: s + "x", lambda s: "", lambda s: "a_b_c", lambda s: s.upper()],
)
def test_any_other_secret_is_refused(change):
    _, secret = issued()

    with pytest.raises(Refused):
        key.find(change(secret))


def test_a_revoked_key_is_refused():
    made, secret = issued()
    made.revoked_at = datetime.now(UTC)
    made.save()

    with pytest.raises(Refused):
        key.find(secret)

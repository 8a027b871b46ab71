from datetime import UTC, datetime, timedelta

import pytest
from tests import registry

from kevre.model.errors import Refused, Unavailable
from kevre.rights import key
from kevre.rights.rate import Rate

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


NOW = datetime(2026, 7, 24, 10, tzinfo=UTC)


def test_a_short_key_has_the_form_that_emonhub_takes():
    point = registry.series(registry.site()).point

    made, secret = key.issue("emonpi", [point], is_short=True)

    assert len(secret) == 32
    assert set(secret) <= set("0123456789abcdef")
    assert key.find(secret) == made
    with pytest.raises(Refused):
        key.find("0" * 32)


def test_a_rotated_key_is_good_until_its_moment_and_its_successor_at_once():
    made, secret = issued()

    new, successor = key.rotate(made, NOW + timedelta(hours=1))

    assert key.find(secret, NOW + timedelta(minutes=59)) == made
    assert key.find(successor, NOW) == new
    assert new.lineage == made.name
    assert list(new.points.all()) == list(made.points.all())
    with pytest.raises(Refused):
        key.find(secret, NOW + timedelta(hours=1))


def test_a_key_revoked_is_refused_at_once():
    made, secret = issued()
    key.find(secret)

    key.revoke(made, NOW)

    with pytest.raises(Refused):
        key.find(secret)


def test_the_last_use_of_a_key_is_told():
    made, secret = issued()

    key.find(secret, NOW)

    made.refresh_from_db()
    assert made.last_used_at == NOW


def test_a_key_sends_as_often_as_it_may_and_says_when_again():
    made, _ = issued()
    made.per_minute = 2
    rate = Rate()
    rate.check(made, 1_000)
    rate.check(made, 1_001)

    with pytest.raises(Unavailable) as refused:
        rate.check(made, 1_002)

    assert refused.value.retry_after_s == 18
    rate.check(made, 1_020)

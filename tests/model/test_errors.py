from kevre.model.errors import Conflict, KevreError, Malformed, Missing, Refused, Unavailable

FAMILIES = [Malformed, Refused, Missing, Conflict, Unavailable]


def test_each_family_has_its_own_status_and_exit_code():
    assert len({family.http_status for family in FAMILIES}) == 5
    assert sorted(family.exit_code for family in FAMILIES) == [2, 3, 4, 5, 6]


def test_an_error_reads_as_place_message_remedy():
    error = Malformed(
        "tic.checksum", "the checksum does not match", where="line 3", hint="check the wiring"
    )

    assert str(error) == "line 3: the checksum does not match (check the wiring)"
    assert isinstance(error, KevreError)


def test_an_unavailable_service_says_how_long_to_wait():
    assert Unavailable("x", "later", retry_after_s=7).retry_after_s == 7

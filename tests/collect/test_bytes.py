"""What readings take on the wire, as the bench measures it."""

import pytest
from bench import wire


@pytest.mark.slow
def test_readings_take_no_more_bytes_than_promised():
    found = {figure.name: figure for figure in wire.figures()}

    assert {name for name, figure in found.items() if figure.met is False} == set()
    assert found["opening it again"].value < found["opening a connection"].value

"""What all tests share: a node home of their own, and the folder of real samples."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says more of the machine than of the code.
settings.register_profile("kevre", deadline=None)
settings.load_profile("kevre")

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def samples():
    """The folder of real samples; without it the test is skipped, and says so."""
    if not SAMPLES.is_dir():
        pytest.skip(f"REAL SAMPLES ABSENT: no folder {SAMPLES.name!r} beside the checkout")
    return SAMPLES


@pytest.fixture(scope="session", autouse=True)
def node_home(django_test_environment):
    """Set the node's home up as `kevre init` does, but for the registry; remove it at the end."""
    from django.core.management import call_command

    call_command("collectstatic", verbosity=0, interactive=False)
    yield
    shutil.rmtree(os.environ["KEVRE_HOME"], ignore_errors=True)


@pytest.fixture(autouse=True)
def log_may_go(_django_db_marker, request):
    """Let the access log of a test that commits go by a purge, as the database asks for."""
    yield
    marker = request.node.get_closest_marker("django_db")
    if marker is not None and marker.kwargs.get("transaction"):
        from kevre.rights.models import AccessPurge, AccessRecord

        # Here, while the purge is there: the flush empties tables in no order.
        ever = datetime(9999, 1, 1, tzinfo=UTC)
        AccessPurge.objects.create(at=ever, until=ever)
        AccessRecord.objects.all().delete()

"""The API, asked what its own description allows and what it forbids, as several roles.

The seed stands: the same questions each time. Schemathesis makes them and looks at the answers.
"""

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests import applying, registry

from kevre.model.step import Resolution
from kevre.places.models import Series
from kevre.rights import consent, key
from kevre.rights.models import Account, Application, Grant, Membership, Role

pytestmark = [
    pytest.mark.django_db,
    # A long answer is made for the asynchronous server; asked through WSGI it comes all the same.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators"),
]
ROLES = ("guest", "citizen", "operator", "application", "service", "stranger", "writer")
EXAMPLES = 12
THERE = {"/series/": Series, "/grants/": Grant, "/applications/": Application}
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture
def headers(school, way):
    """How each role says who it is."""
    owner = registry.party("Someone", "person")
    home = registry.site("home", "home", owner)
    registry.series(home, prm="09876543210124")
    registry.grant(school)
    citizen = Account.objects.create_user("home@x.example")
    Membership.objects.create(account=citizen, party=owner)
    operator = Account.objects.create_user("root@x.example", is_superuser=True)
    developer = Account.objects.create_user("dev@x.example")
    Role.objects.create(account=developer, kind="researcher", territory=registry.commune())
    told = {"guest": {}, "stranger": {"Authorization": "Bearer nothing"}}
    for kind, role in (("person", "application"), ("service", "service")):
        asking = applying.registered(kind, developer)
        choice = consent.Choice(Resolution.DAY, 30, "en")
        consent.give(citizen, asking, list(consent.sites(citizen)), choice, timezone.now())
        account = citizen if kind == "person" else None
        told[role] = {"Authorization": f"Bearer {applying.token(asking, account)}"}
    told["citizen"], told["operator"] = session(citizen), session(operator)
    point = registry.series(school, prm="09876543210125").point
    told["writer"] = {"Authorization": f"Bearer {key.issue('pi', [point], per_minute=0)[1]}"}
    return told


def session(account):
    client = Client()
    client.force_login(account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}


@pytest.fixture
def operations():
    """What the description names, as it is served."""
    served = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    return [one.ok() for one in served.get_all_operations()]


def aim(case):
    """Let every other question about one thing be about one that is there."""
    key = case.path_parameters.get("key")
    if isinstance(key, int) and key % 2:
        model = next(model for name, model in THERE.items() if name in case.path)
        case.path_parameters["key"] = model.objects.latest("pk").pk


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
@pytest.mark.parametrize("role", ROLES)
def test_every_answer_is_as_described(headers, operations, role, mode):
    for operation in operations:
        if mode is GenerationMode.NEGATIVE and not (operation.query or operation.body):
            continue  # there is nothing to get wrong

        @seed(1)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case):
            aim(case)
            answer = case.call(headers=headers[role] | {"Accept-Encoding": "identity"})
            case.validate_response(answer, checks=CHECKS)

        ask()


def test_the_fuzz_reaches_what_a_token_reads(headers, operations):
    """Otherwise all answers could be refusals."""
    client = Client()
    asked = {"Authorization": headers["service"]["Authorization"]}
    series = client.get("/api/v1/series", headers=asked).json()["series"]

    assert len(operations) >= 13
    assert {one["site"] for one in series} == {"school", "home"}

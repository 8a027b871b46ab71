"""OAuth 2 for applications: tokens, their end, and what they are good for.

RFC 6749 with PKCE, RFC 7009 (revocation), RFC 7662 (introspection), RFC 8414 (metadata). The
machinery is allauth's; the consent screen is a page of `web`.
"""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from allauth.idp.oidc import views
from allauth.idp.oidc.adapter import DefaultOIDCAdapter
from allauth.idp.oidc.models import Token
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from kevre.api import problem
from kevre.model.errors import Unavailable
from kevre.model.step import Resolution
from kevre.rights import application as applications
from kevre.rights import consent, spent
from kevre.rights.grant import Grant
from kevre.rights.rate import Rate

_PER_MINUTE = 60
# Checking a secret is made to take time: who asks too often waits.
RATE = Rate()


class Adapter(DefaultOIDCAdapter):  # type: ignore[misc]  # allauth has no types
    """Tells what a token is good for: not what it says, but what the grants behind it say."""

    def populate_introspection_response(self, *, response: dict[str, Any], token: Token) -> None:
        """Add the grants that the token may use at this moment."""
        found = applications.of_client(token.client_id)
        keys = consent.grants(found, token.user) if found else frozenset()
        grants = Grant.objects.filter(pk__in=keys).select_related("site").order_by("pk")
        response["grants"] = [
            {
                "id": one.pk,
                "site": one.site.slug,
                "path_prefix": one.path_prefix,
                "finest": one.finest,
                "until": one.valid_until.isoformat() if one.valid_until else None,
            }
            for one in grants
        ]


def metadata(request: HttpRequest) -> HttpResponse:
    """Say where everything is (RFC 8414)."""
    del request
    base = settings.CONFIG.base_url.rstrip("/")
    answer = JsonResponse(
        {
            "issuer": base,
            "authorization_endpoint": f"{base}/oauth/authorize",
            "token_endpoint": f"{base}{reverse('oauth-token')}",
            "revocation_endpoint": f"{base}{reverse('oauth-revoke')}",
            "introspection_endpoint": f"{base}{reverse('oauth-introspect')}",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none",
            ],
            "scopes_supported": [applications.scope(one) for one in Resolution],
        }
    )
    answer["Access-Control-Allow-Origin"] = "*"
    return answer


@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Give tokens for a code, a refresh token or a service's secret."""
    secret = request.POST.get("refresh_token", "")
    found = spent.alive(secret) if secret else None
    answer = _counted(request, views.token)
    if found is not None and answer.status_code == HTTPStatus.OK:
        spent.note(found, timezone.now())
    elif secret and answer.status_code == HTTPStatus.BAD_REQUEST:
        spent.shown_again(Adapter().hash_token(secret))
    return answer


@csrf_exempt
def revoke(request: HttpRequest) -> HttpResponse:
    """End a token."""
    return _counted(request, views.revoke)


@csrf_exempt
def introspect(request: HttpRequest) -> HttpResponse:
    """Tell an application what its token is good for."""
    return _counted(request, views.introspect)


def _counted(request: HttpRequest, view: Any) -> HttpResponse:
    try:
        RATE.count(f"oauth {request.META.get('REMOTE_ADDR')}", _PER_MINUTE, int(time.time()))
    except Unavailable as error:
        return problem.answer(error)
    answer: HttpResponse = view(request)
    answer["Cache-Control"] = "no-store"
    return answer

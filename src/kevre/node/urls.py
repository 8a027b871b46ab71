"""Every address of the node, room by room."""

from __future__ import annotations

from allauth.account.decorators import secure_admin_login
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from kevre.api import oauth, uplink
from kevre.api.routes import api
from kevre.federate.bindings import https
from kevre.formats import word
from kevre.node import absent
from kevre.node.health import healthz
from kevre.web import live, problem

# Its own form knows neither lockout nor passkeys.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path(".well-known/oauth-authorization-server", oauth.metadata),
    path("oauth/token", oauth.token, name="oauth-token"),
    path("oauth/revoke", oauth.revoke, name="oauth-revoke"),
    path("oauth/introspect", oauth.introspect, name="oauth-introspect"),
    path(".well-known/kevre", https.well_known),
    path("federation/v1/", include("kevre.federate.routes")),
    path(word.PATH.removeprefix("/"), uplink.post, name="up"),
    path(word.PAIR_PATH.removeprefix("/"), uplink.pair, name="up-pair"),
    path("", include("kevre.api.entrance")),
    path("live/site/<slug:slug>/", live.site, name="live-site"),
    *i18n_patterns(
        path("account/", include("allauth.urls")),
        path("", include("kevre.web.routes")),
        prefix_default_language=True,
    ),
    # Last, so that it is the one that is named: a provider knows one address, in no language.
    path("account/", include("allauth.socialaccount.providers.openid_connect.urls")),
]

handler400 = problem.handler400
handler403 = problem.handler403
handler404 = absent.handler404
handler500 = problem.handler500

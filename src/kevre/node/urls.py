"""Every address of the node, room by room."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from kevre.api import uplink
from kevre.api.routes import api
from kevre.federate.bindings import https
from kevre.formats import word
from kevre.node.health import healthz
from kevre.web import live, problem

urlpatterns = [
    path("healthz", healthz),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path(".well-known/kevre", https.well_known),
    path("federation/v1/", include("kevre.federate.routes")),
    path(word.PATH.removeprefix("/"), uplink.post, name="up"),
    path(word.PAIR_PATH.removeprefix("/"), uplink.pair, name="up-pair"),
    path("live/site/<slug:slug>/", live.site, name="live-site"),
    *i18n_patterns(
        path("account/", include("allauth.urls")),
        path("", include("kevre.web.routes")),
        prefix_default_language=True,
    ),
]

handler400 = problem.handler400
handler403 = problem.handler403
handler404 = problem.handler404
handler500 = problem.handler500

"""Every path of API v1."""

from __future__ import annotations

import kevre
from kevre.api import access, application, grant, problem, reading, series, site, who
from kevre.api.description import Api

api = Api(
    title="Kevre",
    version=f"1 (Kevre {kevre.__version__})",
    urls_namespace="api-1",
    openapi_url="/openapi.json",
    docs_url=None,
    description=(
        "Readings of a territory. Times are UTC, interval readings are stamped at the start of "
        "their interval, `null` is never 0. Writing needs a key, which can only write the series "
        "of its own metering points. Reading needs a grant; public sites are granted to everyone. "
        "Errors are RFC 9457 problem documents."
    ),
)
problem.install(api)
api.add_router("/readings", reading.router, tags=["readings"])
api.add_router("/sites", site.router, tags=["sites"])
api.add_router("/series", series.router, tags=["series"])
api.add_router("/grants", grant.router, tags=["grants"])
api.add_router("/accesses", access.router, tags=["access log"])
api.add_router("/applications", application.router, tags=["applications"])
api.add_router("/who", who.router, tags=["who"])

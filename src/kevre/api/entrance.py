"""The addresses of the entrances of other software, where that software looks for them."""

from __future__ import annotations

from django.urls import include, path, re_path

from kevre.api import emoncms, influx, prometheus

# The ending chooses a format in emoncms; these answer alike whichever is asked for.
_EMONCMS = [
    re_path(r"^input/post(?:\.json)?/?$", emoncms.post),
    re_path(r"^input/post/(?P<node>[^/]{1,64}?)(?:\.json)?$", emoncms.post),
    re_path(r"^input/bulk(?:\.json)?/?$", emoncms.bulk),
    re_path(r"^input/get(?:\.json)?/?$", emoncms.get),
    re_path(r"^input/get/(?P<node>[^/]{1,64}?)(?:\.json)?$", emoncms.get),
    re_path(r"^input/get/(?P<node>[^/]{1,64})/(?P<name>[^/]{1,200}?)(?:\.json)?$", emoncms.get),
    re_path(r"^feed/list(?:\.json)?$", emoncms.feeds),
    re_path(r"^user/getuuid(?:\.json)?$", emoncms.identity),
]
urlpatterns = [
    *_EMONCMS,
    # Where emoncms is commonly installed; devices have this beginning built in.
    path("emoncms/", include(_EMONCMS)),
    path("write", influx.write_v1),
    path("query", influx.query),
    path("ping", influx.ping),
    path("health", influx.health),
    path("api/v2/write", influx.write_v2),
    path("api/prometheus/write", prometheus.write),
]

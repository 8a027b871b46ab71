"""The table of all pages: path, function, name.

It stands below the language (`/fr/…`). What is live stands beside it in `node.urls`: numbers
need no language.
"""

from django.urls import path

from kevre.web import (
    about,
    acting,
    application,
    collector,
    consent,
    export,
    federation,
    kiosk,
    people,
    quarantine,
    security,
    series,
    site,
    source,
    territory,
    tray,
)

app_name = "web"

urlpatterns = [
    path("", territory.home, name="home"),
    path("territory/<slug:slug>/", territory.page, name="territory"),
    path("site/<slug:slug>/", site.page, name="site"),
    path("site/<slug:slug>/hall/", kiosk.page, name="kiosk"),
    path("series/<int:pk>/", series.page, name="series"),
    path("series/<int:pk>/csv", export.csv, name="series_csv"),
    path("collectors/", collector.fleet, name="collectors"),
    path("collectors/<int:pk>/", collector.page, name="collector"),
    path("tray/", tray.page, name="tray"),
    path("quarantine/", quarantine.page, name="quarantine"),
    path("security/", security.page, name="security"),
    path("applications/", application.fleet, name="applications"),
    path("applications/<int:pk>/", application.page, name="application"),
    path("oauth/authorize", consent.page, name="oauth_authorize"),
    path("support/end/", acting.end, name="acting-end"),
    path("people/", people.fleet, name="people"),
    path("people/<int:pk>/", people.page, name="person"),
    path("federation/", federation.page, name="federation"),
    path("sources/", source.page, name="sources"),
    path("about/", about.page, name="about"),
    path("about/privacy/", about.privacy, name="privacy"),
    path("about/accessibility/", about.accessibility, name="accessibility"),
]

"""Every path of the HTTPS binding, below `/federation/v1/`."""

from django.urls import path

from kevre.federate.bindings import copies, https

urlpatterns = [
    path("series", https.series),
    path("grants", https.grants),
    path("subscriptions", https.subscriptions),
    path("subscriptions/<slug:handle>/acknowledgement", https.acknowledgement),
    path("subscriptions/<slug:handle>/feed", https.feed),
    path("subscriptions/<slug:handle>/receipts", https.receipts),
    path("copies", copies.copies),
    path("copies/<int:number>/pieces", copies.named),
    path("copies/<int:number>/closing", copies.closing),
    path("copies/pieces/<slug:digest>", copies.piece),
]

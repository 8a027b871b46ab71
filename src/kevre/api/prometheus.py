"""The remote write of Prometheus: what it scrapes of meters, through the gate."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from kevre.api import body, intake
from kevre.formats import remotewrite
from kevre.model.errors import KevreError, Malformed, Refused, Unavailable


@csrf_exempt
@require_POST
def write(request: HttpRequest) -> HttpResponse:
    """Keep the samples of one request; durable before the answer.

    Status 4xx tells Prometheus to give these samples up, 5xx to send them again.
    """
    now_s = int(time.time())
    try:
        _check_version(request)
        key = intake.admitted(intake.shown(request), now_s)
        posted = remotewrite.read(body.whole(request))
        done = intake.receive(key, posted, "prometheus", now_s)
    except KevreError as error:
        return _refusal(error)
    if not done.receipt.quarantined:
        return HttpResponse(status=204)
    first = done.receipt.quarantined[0]
    text = f"{len(done.receipt.quarantined)} not kept, the first: {first.message}"
    return HttpResponse(text, "text/plain; charset=utf-8", status=400)


def _check_version(request: HttpRequest) -> None:
    is_first = request.headers.get("X-Prometheus-Remote-Write-Version", "0.1.0").startswith("0.1")
    is_other = "io.prometheus.write.v2" in request.headers.get("Content-Type", "")
    if is_other or not is_first or request.headers.get("Content-Encoding", "") != "snappy":
        raise Malformed("remotewrite.version", "this takes remote write 1.0 packed by Snappy")


def _refusal(error: KevreError) -> HttpResponse:
    status = int(error.http_status)
    if isinstance(error, Refused) and error.code == "key.refused":
        status = 401
    elif isinstance(error, Malformed):
        status = 415 if error.code == "remotewrite.version" else 400
    answer = HttpResponse(error.message, "text/plain; charset=utf-8", status=status)
    if isinstance(error, Unavailable):
        answer["Retry-After"] = str(error.retry_after_s)
    return answer

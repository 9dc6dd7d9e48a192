from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from examples.delivery.tariff import ZONES
from examples.trail import hop


@require_GET
def zone(request: HttpRequest, city: str) -> HttpResponse:
    hop("rest", "shop", f"GET {request.path}", "delivery")
    if city not in ZONES:
        raise Http404
    return HttpResponse(ZONES[city].model_dump_json(), content_type="application/json")

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from examples.contracts.shop_http import NewOrder, OrderReceipt
from examples.shop.orders import place_order
from examples.trail import hop


@csrf_exempt
@require_POST
def new_order(request: HttpRequest) -> HttpResponse:
    """The same contract that the client constructs validates its request here."""
    try:
        new = NewOrder.model_validate_json(request.body)
    except ValidationError as error:
        return HttpResponse(error.json(include_url=False), content_type="application/json", status=400)
    hop("rest", "customer", new, "shop")
    order = place_order(new)
    receipt = OrderReceipt(order_id=order.pk, days=order.days)
    return HttpResponse(receipt.model_dump_json(), content_type="application/json", status=201)

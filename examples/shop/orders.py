"""What the shop does when somebody orders: a REST call, an event, a call and a command, in the right places."""

from __future__ import annotations

from django.db import transaction

from examples.contracts.delivery import BookCourier, QuoteDelivery, Zone
from examples.contracts.shop import OrderPlaced
from examples.contracts.shop_http import NewOrder
from examples.shop.models import Order
from examples.trail import hop
from services_communication.call import send_call, send_command
from services_communication.publisher import publish_aggregate_event
from services_communication.rest_api import get


def place_order(new: NewOrder) -> Order:
    # Before the transaction: no database lock is held while the network is waited for.
    zone = get(f"api/zones/{new.city}", response_model=Zone)
    hop("rest", "delivery", zone, "shop")

    # The order, the event about it and the question about its price: all of them, or none.
    with transaction.atomic():
        order = Order.objects.create(city=new.city, total=new.total, days=zone.days)
        placed = OrderPlaced(order_id=order.pk, city=new.city, total=new.total)
        publish_aggregate_event(placed)
        order.quote_call = send_call(QuoteDelivery(city=new.city, total=new.total), reply_to="shop")
        order.save(update_fields=["quote_call"])
        hop("event", "shop", placed, "outbox")

    # After the commit: a command leaves at once, and nothing can take it back. An hour later nobody needs the courier.
    send_command(BookCourier(order_id=order.pk, phone=new.phone), timeout=3600)
    return order

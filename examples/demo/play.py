"""The play: a customer orders, a stranger sends a message that does not fit, and then we look what has arrived."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from examples.contracts.shop import OrderPlaced
from examples.contracts.shop_http import NewOrder, OrderReceipt
from examples.delivery.models import Courier, Parcel
from examples.delivery.tariff import ZONES, quote
from examples.demo.watch import DeadLetters, wait_until
from examples.shop.models import Order
from examples.trail import hop
from services_communication import broker
from services_communication.errors import CommunicationError
from services_communication.message import Message
from services_communication.rest_api import RestClient

NEW_ORDER = NewOrder(city="skd", phone="901234567", total=Decimal(120))
BAD_BODY = b'{"payload": {"city": "skd", "total": "120"}}'
BAD_REASON = "invalid: Field required at payload.orderId"


@dataclass(frozen=True)
class Expectation:
    kind: str
    what: str
    arrived: Callable[[], bool]


def play(dead_letters: DeadLetters, seconds: float) -> int:
    """The exit code: 0 only when everything has arrived within `seconds`."""
    deadline = time.monotonic() + seconds
    receipt = order()
    send_bad_message()
    arrived = [(expected, wait_until(expected.arrived, deadline)) for expected in expectations(receipt, dead_letters)]
    return report(arrived)


def order() -> OrderReceipt | None:
    """The contract that the shop's view validates its request with is what we construct here."""
    try:
        with RestClient(os.environ["SHOP_URL"]) as shop:
            receipt = shop.post("api/orders", json=NEW_ORDER, response_model=OrderReceipt)
    except CommunicationError as error:
        hop("rest", "shop", f"{type(error).__name__}: {error}", "customer")
        return None
    hop("rest", "shop", receipt, "customer")
    return receipt


def send_bad_message() -> None:
    """With the contract it could not even be constructed; so this comes from one who knows only the address."""
    address = OrderPlaced.__contract__.address
    hop("event", "stranger", BAD_BODY.decode(), "delivery")
    broker.publisher().publish([Message(address.exchange, address.routing_key, BAD_BODY)]).result()


def expectations(receipt: OrderReceipt | None, dead_letters: DeadLetters) -> list[Expectation]:
    zone, price = ZONES[NEW_ORDER.city], quote(NEW_ORDER.city, NEW_ORDER.total).price
    order_id = receipt.order_id if receipt else 0
    orders = Order.objects.filter(pk=order_id)
    parcels = Parcel.objects.using("delivery").filter(order_id=order_id, city=zone.city, ordered_at__isnull=False)
    couriers = Courier.objects.using("delivery").filter(order_id=order_id, phone=NEW_ORDER.phone)

    def bad_message_was_put_aside() -> bool:
        found = BAD_REASON in dead_letters()
        if found:
            hop("dead", "delivery", BAD_REASON, f"{os.environ['DELIVERY_QUEUE']}.dead")
        return found

    return [
        Expectation(
            "rest",
            f"the shop has learnt from the delivery service that {zone.name} takes {zone.days} days",
            lambda: receipt is not None and receipt.days == zone.days,
        ),
        Expectation("event", "the delivery service has a parcel for the order", parcels.exists),
        Expectation("command", f"the delivery service has booked a courier, phone {NEW_ORDER.phone}", couriers.exists),
        Expectation(
            "call", f"the shop knows the delivery's price, {price}", orders.filter(delivery_price=price).exists
        ),
        Expectation(
            "dead",
            "the message that does not fit is in the dead-letter queue, with its reason",
            bad_message_was_put_aside,
        ),
    ]


def report(arrived: list[tuple[Expectation, bool]]) -> int:
    print("\nSummary")
    for expected, found in arrived:
        print(f"{_mark(found)} {expected.kind:<8} {expected.what}")
    missing = [expected.kind for expected, found in arrived if not found]
    print(f"\nMissing: {', '.join(missing)}" if missing else "\nEverything arrived.", flush=True)
    return 1 if missing else 0


def _mark(found: bool) -> str:
    text = "ok      " if found else "MISSING "
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    return f"\033[{32 if found else 31}m{text}\033[0m"

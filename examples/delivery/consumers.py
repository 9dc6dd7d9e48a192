"""One handler for each kind of contract. Each runs in a transaction, and once for each message.

The second parameter is for those who want it: what is known about the message beside its payload.
"""

from __future__ import annotations

from examples.contracts.delivery import BookCourier, Quote, QuoteDelivery
from examples.contracts.shop import OrderPlaced
from examples.delivery import tariff
from examples.delivery.models import Courier, Parcel
from examples.trail import hop
from services_communication.consumer import MessageContext, message_router


@message_router.consumer(OrderPlaced)
def prepare_parcel(event: OrderPlaced, context: MessageContext) -> None:
    """An event: the shop says what happened, and we decide what that means for us."""
    hop("event", "shop", event, "delivery")
    Parcel.objects.create(order_id=event.order_id, city=event.city, ordered_at=context.time)


@message_router.consumer(BookCourier)
def book_courier(command: BookCourier, context: MessageContext) -> None:
    """A command: we do as we are told. One that came after its deadline would not be handed to us."""
    hop("command", "shop", command, "delivery")
    Courier.objects.create(order_id=command.order_id, phone=command.phone, needed_until=context.expired_time)


@message_router.consumer(QuoteDelivery)
def quote_delivery(call: QuoteDelivery) -> Quote:
    """A call: what we return is the reply, and leaves when the transaction commits."""
    hop("call", "shop", call, "delivery")
    return tariff.quote(call.city, call.total)

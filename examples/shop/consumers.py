from __future__ import annotations

from examples.contracts.delivery import Quote, QuoteDelivery
from examples.shop.models import Order
from examples.trail import hop
from services_communication.consumer import MessageContext, message_router


@message_router.response_consumer(QuoteDelivery, reply_to="shop")
def on_quote(quote: Quote, context: MessageContext) -> None:
    """A reply: the call's id tells which question it answers."""
    hop("reply", "delivery", quote, "shop")
    Order.objects.filter(quote_call=context.call_id).update(delivery_price=quote.price)

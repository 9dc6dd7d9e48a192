"""What the delivery service can be told and asked."""

from __future__ import annotations

from decimal import Decimal

from services_communication.contracts import CallModel, CommandModel, PayloadModel


class BookCourier(CommandModel, service="delivery", command_name="book-courier", owner="delivery"):
    """Send somebody to fetch an order from the shop."""

    order_id: int
    phone: str


class Quote(PayloadModel):
    """What a delivery costs."""

    price: Decimal
    insured: bool


class QuoteDelivery(CallModel[Quote], service="delivery", method_name="quote", owner="delivery"):
    """What does the delivery of an order cost?"""

    city: str
    total: Decimal


class Zone(PayloadModel, resource="zones", owner="delivery"):
    """GET api/zones/<city>"""

    city: str
    name: str
    days: int

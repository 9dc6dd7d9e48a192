"""What the shop tells the world, and what its HTTP interface takes and gives."""

from __future__ import annotations

from decimal import Decimal

from services_communication.contracts import EventModel, PayloadModel


class OrderPlaced(EventModel, aggregate="order", event_type="placed", key="order_id"):
    """A customer has placed an order. Events of one order keep their order: that is what the key is for."""

    order_id: int
    city: str
    total: Decimal


class NewOrder(PayloadModel):
    """POST api/orders"""

    city: str
    phone: str
    total: Decimal


class OrderReceipt(PayloadModel):
    """The answer to it."""

    order_id: int
    days: int

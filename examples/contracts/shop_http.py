"""What the shop's HTTP interface takes and gives. Apart from its events: who only reads those does not import this."""

from __future__ import annotations

from decimal import Decimal

from services_communication.contracts import PayloadModel


class NewOrder(PayloadModel, resource="orders", owner="shop"):
    """POST api/orders"""

    city: str
    phone: str
    total: Decimal


class OrderReceipt(PayloadModel, resource="orders/receipt", owner="shop"):
    """The answer to it."""

    order_id: int
    days: int

"""What the shop tells the world."""

from __future__ import annotations

from decimal import Decimal

from services_communication.contracts import EventModel


class OrderPlaced(EventModel, aggregate="order", event_type="placed", key="order_id", owner="shop"):
    """A customer has placed an order. Events of one order keep their order: that is what the key is for."""

    order_id: int
    city: str
    total: Decimal

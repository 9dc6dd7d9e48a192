from __future__ import annotations

from decimal import Decimal

from services_communication.contracts import EventModel


class OrderPlaced(EventModel, aggregate="order", event_type="placed", owner="shop"):
    order_id: int
    city: str
    total: Decimal

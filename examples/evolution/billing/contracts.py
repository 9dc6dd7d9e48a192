"""What billing reads of the shop's event: not the city, not the currency."""

from __future__ import annotations

from decimal import Decimal

from services_communication.contracts import EventModel


class OrderPlaced(EventModel, aggregate="order", event_type="placed", version=2, owner="shop"):
    order_id: int
    total: Decimal

from __future__ import annotations

from decimal import Decimal
from typing import Any

from services_communication.contracts import EventModel


class OrderPlaced(EventModel, aggregate="order", event_type="placed", version=2, owner="shop"):
    order_id: int
    city: str
    total: Decimal
    currency: str


@OrderPlaced.upcast(1)
def with_currency(payload: dict[str, Any]) -> dict[str, Any]:
    """Before version 2 there was one currency."""
    return {**payload, "currency": "UZS"}

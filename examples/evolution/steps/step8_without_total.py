from __future__ import annotations

from typing import Any

from pydantic import Field

from services_communication.contracts import EventModel


class OrderPlaced(EventModel, aggregate="order", event_type="placed", version=2, owner="shop"):
    order_id: int = Field(ge=1)
    currency: str
    note: str | None = None


@OrderPlaced.upcast(1)
def with_currency(payload: dict[str, Any]) -> dict[str, Any]:
    """Before version 2 there was one currency."""
    return {**payload, "currency": "UZS"}

"""About 300 bytes on the wire: a usual event."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal

from benchmarks.project import EXCHANGE, ROUTING_KEY
from services_communication.contracts import EventModel, PayloadModel


class Address(PayloadModel):
    street_name: str
    city_code: str


class UserUpdated(EventModel, aggregate=EXCHANGE, event_type=ROUTING_KEY, key="user_id"):
    user_id: int
    first_name: str
    registered_at: datetime
    balance: Decimal
    address: Address | None = None


def event(number: int) -> UserUpdated:
    return UserUpdated(
        user_id=number,
        first_name="Sarvar",
        registered_at=datetime(2023, 6, 2, 10, 58, 58, 340174, tzinfo=UTC),
        balance=Decimal("1250.50"),
        address=Address(street_name="Amir Temur avenue 107", city_code="TAS"),
    )


def new_id() -> str:
    return str(uuid.uuid4())

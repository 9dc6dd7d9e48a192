"""A service with every kind of contract on both sides, and most of what a schema can hold."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.asyncapi import export


class Street(PayloadModel):
    name: str
    number: int | None = None


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


class Bicycle(PayloadModel):
    kind: Literal["bicycle"]


class Car(PayloadModel):
    kind: Literal["car"]
    plate: str


class Branch(PayloadModel):
    leaves: int
    branches: tuple[Branch, ...] = ()


class Price(PayloadModel):
    amount: Decimal
    street: Street


def placed(**keywords: Any) -> type[EventModel]:
    class OrderPlaced(EventModel, aggregate="order", event_type="placed", key="order_id", **keywords):
        """A customer has placed an order."""

        order_id: int
        street: Street | None = None

    return OrderPlaced


def rich() -> dict[str, Any]:
    class Built(EventModel, aggregate="build ü", event_type="done.all", unroutable_ok=True):
        level: Level = Level.LOW
        vehicle: Annotated[Bicycle | Car, Field(discriminator="kind")]
        pair: tuple[int, str]
        root: Branch
        street: Annotated[Street, Field(description="Where it stands")] = Street(name="here")
        numbers: dict[str, list[Decimal]]

    class Build(CommandModel, service="builder"):
        street: Street

    class Ask(CallModel[Price], service="prices", method_name="ask"):
        street: Street

    class Count(CallModel[list[Street] | None], service="builder", method_name="count"):
        level: Level

    return export(
        "builder",
        sent=[Built, Ask],
        received=[Build, Count, placed()],
        reply_to=[(Ask, "builder-replies")],
        queue="builder",
        bindings=[("builder", ""), ("builder", "count"), ("order", "placed")],
        exchange_types={"order": "direct"},
        version="2.1.0",
        description="It builds.",
    )

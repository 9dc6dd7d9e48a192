"""Small AsyncAPI documents to change: a producer, a consumer, and a service that answers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.asyncapi import export
from tests.asyncapi.rich import Street, placed

Change = Callable[[dict[str, Any]], None]


def producer() -> dict[str, Any]:
    return export("shop", sent=[placed()])


def consumer() -> dict[str, Any]:
    return export("delivery", received=[placed()], queue="delivery", bindings=[("order", "placed")])


def answering() -> dict[str, Any]:
    class Quote(PayloadModel):
        price: int

    class Ask(CallModel[Quote], service="delivery", method_name="ask"):
        street: Street

    class Book(CommandModel, service="delivery", command_name="book"):
        street: Street

    class Delivered(EventModel, aggregate="parcel", event_type="delivered"):
        parcel_id: int

    return export("delivery", sent=[Delivered], received=[Ask, Book], queue="delivery")


def changed(document: dict[str, Any], *edits: tuple[str, Any]) -> dict[str, Any]:
    """A copy in which each place holds the value; ``...`` removes what is there."""
    made = copy.deepcopy(document)
    for place, value in edits:
        *path, last = (name.replace("~1", "/") for name in place.split("/"))
        node: Any = made
        for name in path:
            node = node[int(name) if isinstance(node, list) else name]
        if value is ...:
            del node[last]
        else:
            node[last] = value
    return made

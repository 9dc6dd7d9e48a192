from __future__ import annotations

from services_communication.consumer import message_router

from .contracts import OrderPlaced


@message_router.consumer(OrderPlaced, atomic=False)
def on_order(event: OrderPlaced) -> None:
    print(f"handled: {event!r}")

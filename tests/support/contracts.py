"""A service of its own within the tests' process: its contracts alone are registered, its router is the one asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from types import ModuleType

from services_communication.consumer import MessageRouter
from services_communication.contracts import (
    CallModel,
    CommandModel,
    EventModel,
    PayloadModel,
    registry,
    resources,
)

ROUTER = "tests_router_of_one_service"


@contextmanager
def nothing_declared() -> Iterator[None]:
    """What was registered before is back afterwards, and what was added is gone."""
    with registry.isolated(), resources.isolated():
        yield


@contextmanager
def router() -> Iterator[MessageRouter]:
    """A router that MESSAGE_CONSUMER can name, as ``ROUTER + ".router"``."""
    module = ModuleType(ROUTER)
    made = MessageRouter()
    module.router = made  # type: ignore[attr-defined]  # a module takes any name
    sys.modules[ROUTER] = module
    try:
        yield made
    finally:
        del sys.modules[ROUTER]


def declare_shop(shop: MessageRouter) -> None:
    """A contract of each kind, its own and others', and handlers of some."""

    class OrderPlaced(EventModel, aggregate="order", event_type="placed", key="order_id", owner="shop"):
        """A customer has placed an order."""

        order_id: int

    class SendSms(CommandModel, service="sms", command_name="send"):
        phone: str

    class Reserve(CommandModel, service="shop"):
        sku: str

    class UserUpdated(EventModel, aggregate="user", event_type="update.base", owner="users"):
        user_id: int

    class Zone(PayloadModel, resource="zones/all", owner="delivery"):
        name: str

    class GetQuote(CallModel[Decimal], service="pricing", method_name="quote"):
        product_id: int

    @shop.consumer(UserUpdated)
    def on_user(event: UserUpdated) -> None: ...

    @shop.consumer(Reserve)
    def reserve(command: Reserve) -> None: ...

    @shop.response_consumer(GetQuote, reply_to="shop-replies")
    def quoted(price: Decimal) -> None: ...

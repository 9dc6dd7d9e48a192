"""What this service is: its contracts and handlers, as every command sees them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import override_settings

from services_communication.consumer.router import MessageRouter
from services_communication.contracts import CallModel, CommandModel, EventModel
from services_communication.errors import ConfigurationError
from services_communication.management.service import Service, this_service
from tests.support.contracts import nothing_declared

router = MessageRouter()
PLACE = f"{__name__}.router"


def described(**settings: Any) -> Service:
    values = {"APP_ID": "shop", "BROKER_CONNECTION_URL": "memory://shop", "MESSAGE_CONSUMER": PLACE, **settings}
    with override_settings(MICROSERVICES_COMMUNICATION_SETTINGS=values):
        return this_service()


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No handler, and no contract of other test modules."""
    monkeypatch.setitem(globals(), "router", MessageRouter())
    with nothing_declared():
        yield


class Contracts:
    """Declared anew for each test, and forgotten after it."""

    def __init__(self) -> None:
        class Placed(EventModel, aggregate="order", event_type="placed"): ...

        class Delivered(EventModel, aggregate="parcel", event_type="delivered", owner="delivery"): ...

        class Order(CommandModel, service="shop", command_name="order"): ...

        class Book(CommandModel, service="delivery", command_name="book"): ...

        class Quote(CallModel[int], service="delivery", method_name="quote"): ...

        class Stock(CallModel[int], service="shop", method_name="stock"): ...

        self.placed, self.delivered, self.order = Placed, Delivered, Order
        self.book, self.quote, self.stock = Book, Quote, Stock


def own(found: tuple[type, ...]) -> set[str]:
    """Other modules' contracts may be there as well."""
    return {contract.__name__ for contract in found if contract.__module__ == __name__}


def test_it_sends_its_events_and_the_commands_and_calls_of_others() -> None:
    Contracts()
    assert own(described().sent) == {"Placed", "Book", "Quote"}


def test_it_receives_what_it_has_handlers_for() -> None:
    contracts = Contracts()

    @router.consumer(contracts.delivered)
    def on_delivered(event: EventModel) -> None: ...

    @router.consumer("shop", "order")
    def on_order(routing_key: str, body: Any) -> None: ...

    @router.consumer("order")
    def on_any(routing_key: str, body: Any) -> None: ...

    @router.consumer()
    def on_rest(routing_key: str, body: Any) -> None: ...

    service = described(QUEUE="shop", EXCHANGES=[("order", "direct")], BINDS=["order"], QUEUE_TYPE="classic")

    assert own(service.received) == {"Delivered", "Order", "Placed"}
    assert [
        (handled.handler.rpartition(".")[2], handled.typed, own(handled.contracts)) for handled in service.handled
    ] == [
        ("on_delivered", True, {"Delivered"}),
        ("on_order", False, {"Order"}),
        ("on_any", False, {"Placed"}),
        ("on_rest", False, set()),
    ]
    assert (service.name, service.queue, service.queue_type) == ("shop", "shop", "classic")
    assert service.exchanges == (("order", "direct"),)
    assert service.bindings == (("order", "#"), ("parcel", "delivered"))


def test_replies_are_no_calls_that_it_receives() -> None:
    contracts = Contracts()

    @router.response_consumer(contracts.quote, reply_to="shop-replies")
    def on_quote(price: int) -> None: ...

    @router.response_consumer(contracts.stock, reply_to="shop-replies")
    def on_stock(pieces: int) -> None: ...

    service = described(QUEUE="shop")

    assert own(service.received) == set()
    assert service.reply_to == ((contracts.quote, "shop-replies"), (contracts.stock, "shop-replies"))
    assert own(service.sent) == {"Placed", "Book", "Quote", "Stock"}


def test_without_a_queue_nothing_is_bound() -> None:
    contracts = Contracts()

    @router.consumer(contracts.delivered)
    def on_delivered(event: EventModel) -> None: ...

    assert described().bindings == ()


def test_whose_a_contract_is() -> None:
    contracts = Contracts()
    owners = [described().owner_of(contract) for contract in (contracts.placed, contracts.delivered, contracts.book)]
    assert owners == ["shop", "delivery", "delivery"]


def test_its_asyncapi_document() -> None:
    contracts = Contracts()

    @router.response_consumer(contracts.quote, reply_to="shop-replies")
    def on_quote(price: int) -> None: ...

    document = described(QUEUE="shop").asyncapi("3.2.1")

    assert document["info"] == {"title": "shop", "version": "3.2.1"}
    assert {"send.event.order.placed", "send.command.delivery.book", "send.call.delivery.quote"} <= set(
        document["operations"]
    )
    assert document["channels"]["reply.delivery.quote"]["bindings"]["amqp"]["exchange"]["name"] == "shop-replies"


@pytest.mark.parametrize(
    ("place", "words"), [("nowhere.router", "MESSAGE_CONSUMER: "), (f"{__name__}.Any", "is not a MessageRouter")]
)
def test_a_router_that_is_none(place: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        described(MESSAGE_CONSUMER=place)

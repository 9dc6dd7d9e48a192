"""A service as an AsyncAPI 3.0 document."""

from __future__ import annotations

import json
import types
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from jsonschema import Draft7Validator
from pydantic import Field

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.asyncapi import export
from services_communication.contracts.codec import (
    call_body,
    command_body,
    encode_event,
    encode_model,
    encode_reply,
    response_body,
)
from services_communication.contracts.schema import canonical
from services_communication.errors import ContractDefinitionError

OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "asyncapi"
ENVELOPES = Path(__file__).resolve().parents[2] / "schemas" / "envelopes"


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
    """A service with every kind of contract on both sides, and most of what a schema can hold."""

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


def test_an_event_that_is_sent() -> None:
    """Channel, operation and message, with the bindings of AMQP 0.3.0 in each."""
    document = export("shop", sent=[placed()])

    assert document["asyncapi"] == "3.0.0"
    assert document["info"] == {"title": "shop", "version": "1.0.0"}
    assert document["channels"] == {
        "order.placed": {
            "address": "placed",
            "bindings": {
                "amqp": {
                    "is": "routingKey",
                    "exchange": {"name": "order", "type": "topic", "durable": True, "autoDelete": False},
                    "bindingVersion": "0.3.0",
                }
            },
            "messages": {"OrderPlaced.v1": {"$ref": "#/components/messages/OrderPlaced.v1"}},
        }
    }
    assert document["operations"] == {
        "send.event.order.placed": {
            "action": "send",
            "channel": {"$ref": "#/channels/order.placed"},
            "messages": [{"$ref": "#/channels/order.placed/messages/OrderPlaced.v1"}],
            "bindings": {
                "amqp": {"deliveryMode": 2, "mandatory": True, "timestamp": True, "bindingVersion": "0.3.0"},
            },
        }
    }
    message = document["components"]["messages"]["OrderPlaced.v1"]
    assert message["name"] == "OrderPlaced"
    assert message["description"] == "A customer has placed an order."
    assert message["contentType"] == "application/json"
    assert message["correlationId"] == {"location": "$message.header#/correlation_id"}
    assert message["bindings"] == {"amqp": {"messageType": "placed", "bindingVersion": "0.3.0"}}
    assert message["headers"]["properties"]["contract-version"]["const"] == 1
    assert message["headers"]["required"] == ["contract-version"]
    assert "traceparent" in message["headers"]["properties"]
    assert message["x-contract"] == {
        "kind": "event",
        "address": {"aggregate": "order", "event_type": "placed"},
        "version": 1,
        "key": "order_id",
    }


def test_what_is_sent_is_strict_and_what_is_received_is_not() -> None:
    """The writer emits every field and no other; the reader needs what has no default, and ignores the rest."""
    sent = export("shop", sent=[placed()])["components"]["schemas"]["OrderPlaced.v1"]
    received = export("shop", received=[placed()])["components"]["schemas"]["OrderPlaced.v1"]

    assert (sent["required"], sent["additionalProperties"]) == (["orderId", "street"], False)
    assert received["required"] == ["orderId"]
    assert "additionalProperties" not in received


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("event", {"eventId": 5, "event_time": "2023-06-02T10:58:58+00:00", "more": 1, "payload": {"orderId": 1}}),
        ("event", {"eventId": None, "eventTime": None, "payload": {"orderId": 1, "more": 1}}),
        ("command", {"orderId": 1, "meta": {"expiredTime": None}}),
        ("command", {"orderId": 1}),
        ("call", {"id": 7, "meta": {"replyTo": "shop"}, "data": {"orderId": 1}}),
        ("reply", {"id": 7, "data": 5}),
    ],
)
def test_bodies_that_are_read_fit_what_is_received(kind: str, body: dict[str, Any]) -> None:
    """The schemas say no less than the tolerant reader takes."""

    class Order(CommandModel, service="shop", command_name="order"):
        order_id: int

    class Ask(CallModel[int], service="shop", method_name="ask"):
        order_id: int

    document = export("shop", sent=[Ask]) if kind == "reply" else export("shop", received=[placed(), Order, Ask])
    name = {"event": "OrderPlaced.v1", "command": "Order.v1", "call": "Ask.v1", "reply": "Ask.v1.reply"}[kind]

    validator(document, name).validate(body)


def test_bodies_that_are_written_fit_what_is_sent() -> None:
    """Byte for byte as the library writes them, with and without a deadline."""

    class Order(CommandModel, service="builder"):
        street: Street

    class Ask(CallModel[Price], service="prices", method_name="ask"):
        street: Street

    class Answer(CallModel[Price], service="shop", method_name="answer"):
        street: Street

    document = export("shop", sent=[placed(), Order, Ask], received=[Answer])
    street, now, call = Street(name="Ш"), datetime(2023, 6, 2, tzinfo=UTC), "5f0c3a0e-8a57-4c1b-9a6e-2f3d5b8f1a11"
    order, ask = encode_model(Order(street=street)), encode_model(Ask(street=street))
    price = encode_reply(Answer, Price(amount=Decimal("1.50"), street=street))

    validator(document, "OrderPlaced.v1").validate(
        json.loads(encode_event(placed()(order_id=1), event_id=call, event_time=now))
    )
    for deadline in (None, now):
        validator(document, "Order.v1").validate(json.loads(command_body(order, deadline)))
        validator(document, "Ask.v1").validate(json.loads(call_body(ask, call, "shop", now, deadline)))
    validator(document, "Answer.v1.reply").validate(json.loads(response_body(price, call, now)))


def test_the_written_envelopes_are_those_of_the_shared_schemas() -> None:
    """Same keys, same required keys, same patterns as schemas/envelopes/, which is what bytes are held to."""

    class Order(CommandModel, service="shop", command_name="order"):
        order_id: int

    class Ask(CallModel[int], service="prices", method_name="ask"):
        order_id: int

    class Answer(CallModel[int], service="shop", method_name="answer"):
        order_id: int

    components = export("shop", sent=[placed(), Order, Ask], received=[Answer])["components"]
    payloads = {name: message["payload"] for name, message in components["messages"].items()}
    written = {
        "event": payloads["OrderPlaced.v1"],
        "call": payloads["Ask.v1"],
        "response": payloads["Answer.v1.reply"],
    }
    for kind, payload in written.items():
        assert shape(payload) == shape(json.loads((ENVELOPES / f"{kind}.json").read_text())), kind
    meta = components["schemas"]["Order.v1"]["properties"]["meta"]
    assert shape(meta) == shape(json.loads((ENVELOPES / "command.json").read_text())["properties"]["meta"])


def test_the_address_of_an_event_is_a_constant_of_its_body() -> None:
    properties = export("shop", sent=[placed()])["components"]["messages"]["OrderPlaced.v1"]["payload"]["properties"]
    assert properties["eventType"] == {"const": "placed", "type": "string"}
    assert properties["aggregate"] == {"const": "order", "type": "string"}


def test_a_call_that_is_asked() -> None:
    """The address of the reply is in the call; the exchange that this service names there is in the channel."""

    class Ask(CallModel[Price], service="prices", method_name="ask"):
        street: Street

    document = export("shop", sent=[Ask], reply_to=[(Ask, "shop")], queue="shop")

    operation = document["operations"]["send.call.prices.ask"]
    assert operation["reply"] == {
        "address": {"location": "$message.payload#/meta/replyTo"},
        "channel": {"$ref": "#/channels/reply.prices.ask"},
        "messages": [{"$ref": "#/channels/reply.prices.ask/messages/Ask.v1.reply"}],
    }
    channel = document["channels"]["reply.prices.ask"]
    assert channel["address"] is None
    assert channel["x-routing-key"] == "call-response.prices.ask"
    assert channel["bindings"]["amqp"]["exchange"]["name"] == "shop"
    assert set(document["channels"]["queue.shop"]["messages"]) == {"Ask.v1.reply"}
    reply = document["components"]["messages"]["Ask.v1.reply"]
    assert reply["payload"]["properties"]["data"] == {"$ref": "#/components/schemas/Price"}
    assert reply["correlationId"] == {"location": "$message.payload#/id"}


def test_a_call_that_is_answered() -> None:
    """What is received is read, and what is replied is written: the same model in two forms."""

    class Ask(CallModel[Price], service="shop", method_name="ask"):
        street: Street

    document = export("shop", received=[Ask], queue="shop")

    assert document["operations"]["receive.call.shop.ask"]["bindings"] == {
        "amqp": {"ack": True, "bindingVersion": "0.3.0"}
    }
    assert "name" not in document["channels"]["reply.shop.ask"]["bindings"]["amqp"]["exchange"]
    schemas = document["components"]["schemas"]
    assert schemas.keys() == {"Ask.v1", "Price", "Street.sent", "Street.received"}
    assert schemas["Street.sent"]["required"] == ["name", "number"]
    assert schemas["Street.received"]["required"] == ["name"]
    assert schemas["Price"]["properties"]["street"] == {"$ref": "#/components/schemas/Street.sent"}
    assert schemas["Ask.v1"]["properties"]["street"] == {"$ref": "#/components/schemas/Street.received"}


def test_the_queue_is_a_channel_of_what_arrives() -> None:
    document = export("shop", received=[placed()], queue="shop", queue_type="classic", bindings=[("order", "placed")])

    assert document["channels"]["queue.shop"] == {
        "address": "shop",
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": {"name": "shop", "durable": True, "exclusive": False, "autoDelete": False},
                "bindingVersion": "0.3.0",
                "x-queue-type": "classic",
                "x-bindings": [{"exchange": "order", "routingKey": "placed"}],
            }
        },
        "messages": {"OrderPlaced.v1": {"$ref": "#/components/messages/OrderPlaced.v1"}},
    }


def test_a_service_that_receives_nothing_has_no_queue() -> None:
    assert set(export("shop", sent=[placed()], queue="shop")["channels"]) == {"order.placed"}


def test_versions_are_messages_of_one_channel() -> None:
    """Also where the class of each version has the same name."""
    document = export("shop", sent=[placed(), placed(version=2)])

    assert set(document["channels"]["order.placed"]["messages"]) == {"OrderPlaced.v1", "OrderPlaced.v2"}
    assert [one["$ref"] for one in document["operations"]["send.event.order.placed"]["messages"]] == [
        "#/channels/order.placed/messages/OrderPlaced.v1",
        "#/channels/order.placed/messages/OrderPlaced.v2",
    ]
    versions = {
        name: message["headers"]["properties"]["contract-version"]["const"]
        for name, message in document["components"]["messages"].items()
    }
    assert versions == {"OrderPlaced.v1": 1, "OrderPlaced.v2": 2}


def test_an_event_on_both_sides_is_two_messages() -> None:
    contract = placed()
    document = export("shop", sent=[contract], received=[contract])

    assert set(document["components"]["messages"]) == {"OrderPlaced.v1.sent", "OrderPlaced.v1.received"}
    assert [one["$ref"] for one in document["operations"]["receive.event.order.placed"]["messages"]] == [
        "#/channels/order.placed/messages/OrderPlaced.v1.received"
    ]


def test_the_type_of_an_exchange_is_that_of_the_settings() -> None:
    document = export("shop", sent=[placed()], exchange_types={"order": "fanout"})
    assert document["channels"]["order.placed"]["bindings"]["amqp"]["exchange"]["type"] == "fanout"


def test_an_event_without_subscribers_is_not_mandatory() -> None:
    operation = export("shop", sent=[placed(unroutable_ok=True)])["operations"]["send.event.order.placed"]
    assert operation["bindings"]["amqp"]["mandatory"] is False


def test_a_model_that_two_contracts_share_is_one_component() -> None:
    class OrderMoved(EventModel, aggregate="order", event_type="moved"):
        street: Street

    schemas = export("shop", sent=[placed(), OrderMoved])["components"]["schemas"]
    assert schemas.keys() == {"OrderMoved.v1", "OrderPlaced.v1", "Street"}


def test_equal_models_of_one_name_are_one_component() -> None:
    def street() -> type[PayloadModel]:
        return types.new_class("Street", (PayloadModel,), exec_body=lambda body: body.update(house(str)))

    first, second = street(), street()

    class Moved(EventModel, aggregate="order", event_type="moved"):
        old: first  # type: ignore[valid-type]  # made above
        new: second  # type: ignore[valid-type]  # made above

    assert export("shop", sent=[Moved])["components"]["schemas"].keys() == {"Moved.v1", "Street"}


@pytest.mark.parametrize("together", [True, False])
def test_models_of_one_name_that_differ_are_refused(together: bool) -> None:
    """The text names both classes, whether they stand in one contract or in two."""

    class Holder:
        class Street(PayloadModel):
            house: str

    class Moved(EventModel, aggregate="order", event_type="moved"):
        new: Holder.Street
        old: Street | None = None

    class Closed(EventModel, aggregate="street", event_type="closed"):
        street: Holder.Street

    contracts = [Moved] if together else [Closed, placed()]
    with pytest.raises(
        ContractDefinitionError, match="models named 'Street' that differ .* rename one of them"
    ) as caught:
        export("shop", sent=contracts)
    assert f"{__name__}.Street and " in str(caught.value)
    assert Holder.Street.__qualname__ in str(caught.value)


def test_contracts_of_one_name_and_version_are_refused() -> None:
    class Shop:
        class Opened(EventModel, aggregate="shop", event_type="opened"): ...

    class Door:
        class Opened(EventModel, aggregate="door", event_type="opened"): ...

    with pytest.raises(ContractDefinitionError, match=r"Door\.Opened and .*Shop\.Opened: .*rename one of them"):
        export("shop", sent=[Shop.Opened, Door.Opened])


def test_addresses_that_look_alike_have_channels_of_their_own() -> None:
    class First(EventModel, aggregate="a.b", event_type="c"): ...

    class Second(EventModel, aggregate="a", event_type="b.c"): ...

    channels = export("shop", sent=[First, Second])["channels"]
    found = {
        (channel["bindings"]["amqp"]["exchange"]["name"], channel["address"]): key for key, channel in channels.items()
    }
    assert found == {("a", "b.c"): "a.b.c", ("a.b", "c"): "a.b.c-2"}


def test_schemas_are_in_the_dialect_of_the_parser() -> None:
    """Draft-07: tuples are items, a reference has no neighbours, and every reference leads to a component."""
    schemas = rich()["components"]["schemas"]
    properties = schemas["Built.v1"]["properties"]

    assert properties["pair"]["items"] == [{"type": "integer"}, {"type": "string"}]
    assert "prefixItems" not in properties["pair"]
    assert properties["street"]["allOf"] == [{"$ref": "#/components/schemas/Street.sent"}]
    assert properties["street"]["description"] == "Where it stands"
    assert "discriminator" not in properties["vehicle"]
    assert schemas["Branch"]["properties"]["branches"]["items"] == {"$ref": "#/components/schemas/Branch"}
    assert [path for path in references(rich()) if resolve(rich(), path) is None] == []


def test_the_bytes_do_not_depend_on_the_order_of_arguments() -> None:
    class OrderMoved(EventModel, aggregate="order", event_type="moved"):
        street: Street

    contracts = [placed(), OrderMoved]
    bindings = [("order", "placed"), ("order", "moved")]
    there = export("shop", sent=contracts, received=contracts, queue="shop", bindings=bindings)
    back = export("shop", sent=contracts[::-1], received=contracts[::-1], queue="shop", bindings=bindings[::-1])

    assert canonical(there) == canonical(back)


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official schemas of shared/testdata/asyncapi are not here")
def test_the_official_schemas_accept_it() -> None:
    """The meta-schema of 3.0.0, and the AMQP bindings 0.3.0 at every place where one stands."""
    document = rich()

    official("meta-schemas/3.0.0.json").validate(document)
    counted = {"channel": 0, "operation": 0, "message": 0}
    for kind, owners in (
        ("channel", document["channels"]),
        ("operation", document["operations"]),
        ("message", document["components"]["messages"]),
    ):
        for owner in owners.values():
            official(f"bindings/amqp/0.3.0/{kind}.json").validate(owner["bindings"]["amqp"])
            counted[kind] += 1
    assert counted == {"channel": 8, "operation": 5, "message": 7}


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="the official schemas of shared/testdata/asyncapi are not here")
@pytest.mark.parametrize(
    "broken", ["channels/order.placed/bindings/amqp/is", "operations/receive.event.order.placed/action"]
)
def test_the_official_schemas_would_complain(broken: str) -> None:
    """They look into channels, their bindings and operations."""
    document = rich()
    *path, last = broken.split("/")
    node = document
    for name in path:
        node = node[name]
    node[last] = "broken"

    with pytest.raises(jsonschema.ValidationError):
        official("meta-schemas/3.0.0.json").validate(document)


def official(name: str) -> Draft7Validator:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT7

    schemas = json.loads((OFFICIAL / "meta-schemas/3.0.0.json").read_text())["definitions"]
    store = Registry().with_resources((uri, Resource(schema, DRAFT7)) for uri, schema in schemas.items())
    return Draft7Validator(json.loads((OFFICIAL / name).read_text()), registry=store)


def validator(document: dict[str, Any], message: str) -> Draft7Validator:
    payload = document["components"]["messages"][message]["payload"]
    schema = {**document, "allOf": [payload]}
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)


def shape(schema: Any) -> Any:
    """Without descriptions and constants, and without what the contract says."""
    if isinstance(schema, dict):
        dropped = {"$schema", "title", "description", "const", "minLength"}
        return {
            key: ... if key in ("payload", "data") else sorted(value) if key == "required" else shape(value)
            for key, value in schema.items()
            if key not in dropped
        }
    return schema


def house(kind: type) -> dict[str, Any]:
    return {"__module__": __name__, "__annotations__": {"house": kind}}


def references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [path for item in value.values() for path in references(item)]
    return [path for item in value for path in references(item)] if isinstance(value, list) else []


def resolve(document: Any, path: str) -> Any:
    for name in path.removeprefix("#/").split("/"):
        document = document.get(name) if isinstance(document, dict) else None
    return document

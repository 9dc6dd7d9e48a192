"""A service as an AsyncAPI 3.0 document: channels, operations and messages."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from jsonschema import Draft7Validator

from services_communication.contracts import CallModel, EventModel
from services_communication.contracts.asyncapi import export
from services_communication.contracts.schema import canonical
from tests.asyncapi.rich import Price, Street, placed, rich

OFFICIAL = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "asyncapi"


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


def test_addresses_that_look_alike_have_channels_of_their_own() -> None:
    class First(EventModel, aggregate="a.b", event_type="c"): ...

    class Second(EventModel, aggregate="a", event_type="b.c"): ...

    channels = export("shop", sent=[First, Second])["channels"]
    found = {
        (channel["bindings"]["amqp"]["exchange"]["name"], channel["address"]): key for key, channel in channels.items()
    }
    assert found == {("a", "b.c"): "a.b.c", ("a.b", "c"): "a.b.c-2"}


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

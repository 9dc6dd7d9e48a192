"""The schemas of an AsyncAPI document: whole bodies, and each model once."""

from __future__ import annotations

import json
import types
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

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
from services_communication.errors import ContractDefinitionError
from tests.asyncapi.rich import Price, Street, placed, rich

ENVELOPES = Path(__file__).resolve().parents[2] / "schemas" / "envelopes"


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
        ContractDefinitionError, match=r"models named 'Street' that differ .* rename one of them"
    ) as caught:
        export("shop", sent=contracts)
    assert f"{Street.__module__}.Street and " in str(caught.value)
    assert Holder.Street.__qualname__ in str(caught.value)


def test_contracts_of_one_name_and_version_are_refused() -> None:
    class Shop:
        class Opened(EventModel, aggregate="shop", event_type="opened"): ...

    class Door:
        class Opened(EventModel, aggregate="door", event_type="opened"): ...

    with pytest.raises(ContractDefinitionError, match=r"Door\.Opened and .*Shop\.Opened: .*rename one of them"):
        export("shop", sent=[Shop.Opened, Door.Opened])


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

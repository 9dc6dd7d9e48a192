"""What schemas become: classes, names, types, defaults."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.codec import decode_event, encode_event

ORDER: dict[str, Any] = {
    "title": "order-created event",
    "description": "An order was placed.",
    "x-contract": {
        "kind": "event",
        "address": {"aggregate": "codegen-shop", "event_type": "order.created"},
        "version": 3,
        "key": "orderId",
    },
    "type": "object",
    "properties": {
        "orderId": {"type": "integer"},
        "placedAt": {"type": "string", "format": "date-time"},
        "total": {"type": "string", "format": "decimal"},
        "address": {"$ref": "parts/address.json"},
        "state": {"enum": ["new", "paid"], "default": "new"},
        "note": {"type": ["string", "null"]},
    },
    "required": ["orderId", "placedAt", "total", "address"],
    "additionalProperties": False,
}
ADDRESS = {
    "title": "Address",
    "type": "object",
    "properties": {"streetName": {"type": "string", "minLength": 1}, "city_code": {"type": "string"}},
    "required": ["streetName", "city_code"],
}


def test_event(workshop: Any, check_types: Callable[..., str]) -> None:
    """An event schema with a part in another file becomes typed classes that survive the codec and mypy --strict."""
    workshop.write("order.created.v3.json", ORDER)
    workshop.write("parts/address.json", ADDRESS)
    assert workshop.generate() == 0
    package = workshop.load()
    assert package.__all__ == ["Address", "OrderCreatedEvent"]
    event = package.OrderCreatedEvent
    assert issubclass(event, EventModel)
    assert event.__doc__ == "An order was placed."
    assert (event.__contract__.version, event.__contract__.key) == (3, "order_id")
    assert str(event.__contract__.address) == "event 'codegen-shop' 'order.created'"
    assert event.__module__.endswith(".order_created_v3")
    assert not issubclass(package.Address, EventModel)
    now = datetime.now(UTC)
    value = event(
        order_id=1,
        placed_at=now,
        total=Decimal("1.50"),
        address=package.Address(street_name="Main", city_code="T"),
    )
    body = encode_event(value, event_id="1", event_time=now)
    assert json.loads(body)["payload"]["address"] == {"streetName": "Main", "city_code": "T"}
    assert decode_event(event, body).payload == value
    use = workshop.package.parent / "use.py"
    use.write_text(
        f"from datetime import datetime, UTC\nfrom decimal import Decimal\n"
        f"from {workshop.package.name} import Address, OrderCreatedEvent\n"
        f"value = OrderCreatedEvent(order_id=1, placed_at=datetime.now(UTC), total=Decimal(1),\n"
        f"    address=Address(street_name='x', city_code='y'))\nvalue.total.quantize(Decimal(1))\n"
        f"OrderCreatedEvent(order_id='1')  # type: ignore[arg-type,call-arg]\n"
    )
    assert check_types(workshop.package, use) == ""


def test_command_and_call(workshop: Any, check_types: Callable[..., str]) -> None:
    """Commands and calls get their addresses; a call's reply comes from a $ref, a title or another file."""
    command = {"kind": "command", "address": {"service": "codegen-sms", "commandName": "send"}}
    workshop.write("send.json", {"x-contract": command, "type": "object", "properties": {}})
    quote = {"Quote": {"type": "object", "properties": {"amount": {"type": "integer"}}}}
    replies = {"ref": {"$ref": "#/$defs/Quote"}, "title": {"title": "Quote"}, "file": {"$ref": "answer.json"}}
    for name, reply in replies.items():
        call = {"kind": "call", "address": {"service": "codegen-pricing", "method_name": name}, "reply": reply}
        schema = {"x-contract": call, "type": "object", "properties": {"product": {"type": "integer"}}, "$defs": quote}
        workshop.write(f"by_{name}.json", schema)
    workshop.write("answer.json", {"type": "array", "items": {"type": "integer"}})
    assert workshop.generate() == 0
    package = workshop.load()
    assert issubclass(package.Send, CommandModel)
    assert package.Send.__contract__.address.routing_key == "send"
    assert issubclass(package.ByRef, CallModel)
    assert package.ByRef.__reply__.__name__ == "Quote"
    assert package.ByTitle.__reply__.__name__ == "Quote"
    assert list(package.ByRef.model_fields) == ["product"]
    assert package.ByFile.__reply__ == list[int]
    assert check_types(workshop.package) == ""


def test_rule_for_plain_documents(workshop: Any) -> None:
    """Options give an address to documents without x-contract; documents that others refer to stay payloads."""
    fixed = {"type": "object", "properties": {"type": {"const": "car.sold"}, "part": {"$ref": "../part.json"}}}
    workshop.write("car/sold.json", fixed)
    workshop.write("part.json", ADDRESS | {"title": "Part"})
    rule = ("--kind", "event", "--aggregate", "codegen-cars")
    for template, expected in {
        "{stem}": "sold",
        "{path}.v1": "car.sold.v1",
        "{field:type}": "car.sold",
        "fixed": "fixed",
    }.items():
        assert workshop.generate(*rule, "--event-type", template) == 0
        assert f'aggregate="codegen-cars", event_type="{expected}"' in workshop.text("car_sold.py")
    assert "class Part(PayloadModel):" in workshop.text("part.py")
    command = ("--kind", "command", "--service", "codegen-cars")
    assert workshop.generate(*command) == 0
    assert 'class Sold(CommandModel, service="codegen-cars", command_name="sold")' in workshop.text("car_sold.py")
    assert workshop.generate() == 0
    assert "class Sold(PayloadModel):" in workshop.text("car_sold.py")


@pytest.mark.parametrize(
    ("schema", "wire", "value", "constructed"),
    [
        (
            {"type": "string", "format": "date-time"},
            "2024-01-02T03:04:05Z",
            datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
            1,
        ),
        ({"type": "string", "format": "date"}, "2024-01-02", date(2024, 1, 2), 1),
        ({"type": "string", "format": "duration"}, "PT90M", timedelta(minutes=90), 0),
        (
            {"type": "string", "format": "uuid"},
            "12345678-1234-5678-1234-567812345678",
            UUID("12345678-1234-5678-1234-567812345678"),
            1,
        ),
        ({"type": "string", "format": "decimal"}, "1.50", Decimal("1.50"), 1),
        ({"type": "number", "format": "decimal"}, 1.5, 1.5, 1),
        ({"type": "string", "format": "base64url"}, "aGVsbG8=", b"hello", 0),
        ({"type": "string", "format": "uri"}, "https://example.org", "https://example.org", 1),
        ({"type": "string", "format": "email"}, "a@b.c", "a@b.c", 1),
        ({"type": "string", "format": "password"}, "secret", "secret", 1),
        ({"enum": ["a", "b"]}, "b", "b", 1),
        ({"type": "integer", "minimum": -1}, -1, -1, 1),
        ({"type": "array", "items": {"type": "string"}}, ["x"], ["x"], 1),
        ({"type": "array", "items": {"enum": ["x"]}}, [], [], 1),
        ({"type": "array", "items": {"type": "string", "format": "date"}}, ["2024-01-02"], [date(2024, 1, 2)], 1),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": 1}, 1),
    ],
)
def test_types_and_defaults(
    workshop: Any, check_types: Callable[..., str], schema: Any, wire: Any, value: Any, constructed: int
) -> None:
    """A value is read into its Python type and written as it was; a default has that type too, for mypy as well."""
    thing = workshop.build(
        {"properties": {"given": schema, "preset": schema | {"default": wire}}, "required": ["given"]}
    )
    read = thing.model_validate_json(json.dumps({"given": wire}))
    assert read.given == read.preset == value
    assert type(read.preset) is type(value)
    if constructed:
        assert json.loads(read.model_dump_json())["given"] == wire
    assert thing.model_validate_json(read.model_dump_json()) == read
    assert check_types(workshop.package) == ""


def test_default_of_an_object(workshop: Any, check_types: Callable[..., str]) -> None:
    """The default of a nested object is an instance of its class, and so are those in a list."""
    part = {"type": "object", "properties": {"at": {"type": "string", "format": "date"}}}
    thing = workshop.build(
        {
            "$defs": {"Part": part},
            "properties": {
                "one": {"$ref": "#/$defs/Part", "default": {"at": "2024-01-02"}},
                "many": {"type": "array", "items": {"$ref": "#/$defs/Part"}, "default": [{"at": "2024-01-02"}]},
            },
        }
    )
    assert thing().one.at == date(2024, 1, 2)
    assert thing().many == [thing().one]
    assert check_types(workshop.package) == ""


def test_names(workshop: Any, check_types: Callable[..., str]) -> None:
    """Wire names that Python cannot or must not use get another name, and travel under their own."""
    names = [
        "class",
        "schema",
        "modelDump",
        "orderingKey",
        "_x",
        "__class__",
        "@type",
        "user_id",
        "HTTPUrl",
        "line1Address",
    ]
    names += ["int", "list", "date", "Field", "payloadModel", "eventModel", "any", "self", "if", "None", "a b", "1st"]
    properties: dict[str, Any] = {name: {"type": "string"} for name in names}
    for name in ("date", "Field", "payloadModel", "eventModel", "any"):
        properties[name] = {"type": "object", "properties": {"x": {"type": "string", "format": "date"}}}
    wire = {name: {"x": "2024-01-02"} if properties[name]["type"] == "object" else "v" for name in names}
    thing = workshop.build(
        {"properties": properties, "required": names}, "--kind", "event", "--aggregate", "codegen-names"
    )
    read = thing.model_validate_json(json.dumps(wire))
    assert json.loads(read.model_dump_json()) == wire
    assert type(read)(**{name: getattr(read, name) for name in thing.model_fields}) == read
    assert read.user_id == "v"
    assert check_types(workshop.package) == ""


def test_alias_only_where_needed(workshop: Any) -> None:
    """There is no alias where the contracts' own spelling rule gives the wire name."""
    workshop.build({"properties": {"userId": {"type": "integer"}, "user_name": {"type": "string"}}})
    text = workshop.text("thing.py")
    assert "    user_id: int | None = None\n" in text
    assert '    user_name: Annotated[str | None, Field(alias="user_name")] = None\n' in text


def test_readers_are_tolerant(workshop: Any) -> None:
    """additionalProperties false is not taken over, at any depth: writers may add fields."""
    closed = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    thing = workshop.build({"properties": {"part": closed}, "required": ["part"], "additionalProperties": False})
    assert thing.model_validate_json('{"part": {"a": 1, "b": 2}, "c": 3}').part.a == 1
    with pytest.raises(ValidationError):
        thing.model_validate_json('{"part": {"a": "1"}}')


def test_recursion(workshop: Any, check_types: Callable[..., str]) -> None:
    """Trees, schemas of two files that refer to one another, and free JSON values can be read."""
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
    workshop.write("tree.json", {"$ref": "#/$defs/Tree", "$defs": {"Tree": tree}})
    for name, other in (("left", "right"), ("right", "left")):
        workshop.write(f"{name}.json", {"type": "object", "properties": {other: {"$ref": f"{other}.json"}}})
    free = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/Free"}}]}
    workshop.write(
        "free.json",
        {"title": "Holder", "type": "object", "properties": {"v": {"$ref": "#/$defs/Free"}}, "$defs": {"Free": free}},
    )
    assert workshop.generate() == 0
    package = workshop.load()
    assert package.__all__ == ["Holder", "Left", "Right", "Tree"]
    assert package.Tree.model_validate_json('{"children": [{"children": []}]}').children[0].children == []
    assert isinstance(package.Left.model_validate_json('{"right": {"left": {}}}').right.left, package.Left)
    assert package.Holder.model_validate_json('{"v": ["a", ["b"]]}').model_dump_json() == '{"v":["a",["b"]]}'
    assert check_types(workshop.package) == ""


def test_call_whose_reply_comes_later(workshop: Any) -> None:
    """A call that stands before its reply in the alphabet, and whose reply refers back to it, can be imported."""
    reply = {"type": "object", "properties": {"asked": {"$ref": "#"}}}
    call = {
        "kind": "call",
        "address": {"service": "codegen-back", "method_name": "ask"},
        "reply": {"$ref": "#/$defs/Zeta"},
    }
    thing = workshop.build({"x-contract": call, "properties": {"q": {"type": "string"}}, "$defs": {"Zeta": reply}})
    assert issubclass(thing.__reply__, PayloadModel)


def test_inheritance(workshop: Any) -> None:
    """allOf with a reference makes a subclass, and an event may be one."""
    workshop.write("base_part.json", ADDRESS | {"title": "Part"})
    thing = workshop.build(
        {"allOf": [{"$ref": "base_part.json"}, {"type": "object", "properties": {"z": {"type": "string"}}}]},
        "--kind",
        "event",
        "--aggregate",
        "codegen-heirs",
    )
    assert issubclass(thing, EventModel)
    assert {"street_name", "city_code", "z"} == set(thing.model_fields)


def test_local_identities(workshop: Any) -> None:
    """A reference relative to an absolute $id means the document of the directory that has that $id."""
    identity = "https://schemas.example/a/v1/"
    workshop.write("links.json", {"$id": f"{identity}deep/links", "type": "array", "items": {"type": "string"}})
    thing = workshop.build({"$id": f"{identity}thing", "properties": {"links": {"$ref": "deep/links"}}})
    assert thing.model_validate_json('{"links": ["a"]}').links == ["a"]


@pytest.mark.parametrize(
    "draft", ["http://json-schema.org/draft-04/schema#", "http://json-schema.org/draft-07/schema#"]
)
def test_older_drafts(workshop: Any, draft: str) -> None:
    """definitions, tuples and boolean bounds of older drafts are read."""
    thing = workshop.build(
        {
            "$schema": draft,
            "definitions": {"my size": {"type": "integer", "minimum": 0}},
            "properties": {"size": {"$ref": "#/definitions/my%20size"}, "pair": {"items": [{"type": "string"}, True]}},
            "required": ["size"],
        }
    )
    with pytest.raises(ValidationError):
        thing.model_validate_json('{"size": -1}')

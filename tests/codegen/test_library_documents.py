"""The documents that makecontracts writes: what their ``x-contract`` says, and what lies beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from services_communication.contracts import PayloadModel
from services_communication.contracts.registry import resources
from services_communication.contracts.schema import EXTENSION, document

EMPTY = {"type": "object", "properties": {}}
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOWN = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
DECIMAL = {"type": ["number", "string"], "format": "decimal"}


def contract(kind: str, address: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {}, EXTENSION: {"kind": kind, "address": address, **more}}


def call(reply: dict[str, Any], **schema: Any) -> dict[str, Any]:
    named = contract("call", {"service": "codegen-calls", "method_name": "ask"}, reply=reply)
    return {**named, "title": "Ask", **schema}


def a_property(schema: Any) -> dict[str, Any]:
    return {"title": "Thing", "type": "object", "properties": {"a": schema}, "required": ["a"]}


def test_owner_and_subscribers(workshop: Any) -> None:
    """Each kind takes its owner over; an event that may have no subscriber says so."""
    event = {"aggregate": "codegen-own", "event_type": "x"}
    workshop.write("a.json", contract("event", event, owner="shop", unroutable_ok=True))
    workshop.write("b.json", contract("command", {"service": "codegen-own", "command_name": "x"}, owner="shop"))
    asked = {"service": "codegen-own", "method_name": "y"}
    workshop.write("c.json", contract("call", asked, owner="shop", reply={"type": "integer"}))
    workshop.write("d.json", contract("event", {"aggregate": "codegen-own", "event_type": "y"}))
    assert workshop.generate() == 0
    package = workshop.load()
    assert [package.A.__contract__.owner, package.B.__contract__.owner, package.C.__contract__.owner] == ["shop"] * 3
    assert package.A.__contract__.unroutable_ok
    assert package.D.__contract__.owner is None
    assert not package.D.__contract__.unroutable_ok


def test_resource(workshop: Any, check_types: Callable[..., str]) -> None:
    """A REST payload has its resource, version and owner, and stands in the registry of resources."""
    zone = contract("rest", {"resource": "codegen/zones"}, version=2, owner="delivery")
    zone["properties"] = {"zoneId": {"type": "integer"}}
    workshop.write("zone.json", {"title": "Zone", **zone})
    assert workshop.generate() == 0
    zone_class = workshop.load().Zone
    try:
        assert 'class Zone(PayloadModel, resource="codegen/zones", version=2, owner="delivery"):' in workshop.text(
            "zone.py"
        )
        assert zone_class in set(resources)
        assert list(zone_class.model_fields) == ["zone_id"]
    finally:
        resources.discard(zone_class)
    assert check_types(workshop.package) == ""


@pytest.mark.parametrize(
    ("extension", "text"),
    [
        ({"kind": "rest", "address": {}}, "x-contract.address.resource"),
        ({"kind": "rest", "address": {"resource": "a//b"}}, "cannot be used"),
        ({"kind": "rest", "address": {"resource": "a"}, "key": "x"}, "x-contract.key"),
        ({"kind": "rest", "address": {"resource": "a"}, "unroutable_ok": True}, "belongs to events only"),
        ({"kind": "rest", "address": {"resource": "a"}, "owner": 1}, "x-contract.owner"),
        ({"kind": "rest", "address": {"resource": "a"}, "owner": "../b"}, "cannot be used"),
        ({"kind": "payload", "owner": "a"}, "x-contract.owner"),
        ({"address": {"resource": "a"}}, "x-contract.kind"),
    ],
    ids=str,
)
def test_refused(workshop: Any, capsys: pytest.CaptureFixture[str], extension: dict[str, Any], text: str) -> None:
    """A wrong x-contract is one line that says what is wrong."""
    workshop.write("thing.json", {**EMPTY, EXTENSION: extension})
    assert workshop.generate() == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert text in said


def test_resources_that_collide(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Two documents for one resource in one version are refused."""
    workshop.write("a.json", contract("rest", {"resource": "zones"}))
    workshop.write("b.json", contract("rest", {"resource": "zones"}))
    assert workshop.generate() == 1
    assert "a.json and b.json: both are the rest 'zones' in version 1" in capsys.readouterr().err


def test_versions_side_by_side(workshop: Any, check_types: Callable[..., str]) -> None:
    """The newest version of a contract has the name of its class; a former one is exported with its version."""
    address = {"aggregate": "codegen-versions", "event_type": "x"}
    for version, name in ((1, "old"), (2, "new")):
        schema = {**contract("event", address, version=version), "title": "Moved", "required": [name]}
        workshop.write(f"moved.v{version}.json", schema | {"properties": {name: {"type": "integer"}}})
    assert workshop.generate() == 0
    package = workshop.load()
    assert package.__all__ == ["Moved", "MovedV1"]
    assert list(package.Moved.model_fields) == ["new"]
    assert list(package.MovedV1.model_fields) == ["old"]
    assert (package.Moved.__contract__.version, package.MovedV1.__contract__.version) == (2, 1)
    assert document(package.MovedV1)["title"] == "Moved"
    assert check_types(workshop.package) == ""


def test_document_without_an_address(workshop: Any) -> None:
    """The library writes an x-contract without a kind for a plain payload."""

    class CodegenPlain(PayloadModel):
        amount: Decimal

    workshop.write("plain.json", document(CodegenPlain))
    assert workshop.generate() == 0
    assert document(workshop.load().CodegenPlain) == document(CodegenPlain)


def test_reply_and_request_share_a_class(workshop: Any, check_types: Callable[..., str]) -> None:
    """A definition that the reply and the request have alike is one class; the reply is called as its title says."""
    reply = {"title": "Answer", **EMPTY, "properties": {"at": {"$ref": "#/$defs/City"}}, "$defs": {"City": CITY}}
    workshop.write(
        "ask.json",
        call(reply, properties={"near": {"$ref": "#/$defs/City"}}, required=["near"], **{"$defs": {"City": CITY}}),
    )
    assert workshop.generate() == 0
    ask = workshop.load().Ask
    assert ask.__reply__.__name__ == "Answer"
    near = ask.model_fields["near"].annotation
    assert near.__name__ == "City"
    assert ask.__reply__(at=near(city="T")).at.city == "T"
    assert check_types(workshop.package) == ""


def test_reply_with_another_class_of_the_name(workshop: Any, check_types: Callable[..., str]) -> None:
    """Of two different definitions of one name, the reply's gets the first free number: no field changes its type."""
    reply = {"title": "Answer", **EMPTY, "properties": {"at": {"$ref": "#/$defs/City"}}, "$defs": {"City": TOWN}}
    own = {"City": CITY, "City2": EMPTY}
    workshop.write("ask.json", call(reply, properties={"near": {"$ref": "#/$defs/City"}}, **{"$defs": own}))
    assert workshop.generate() == 0
    text = workshop.text("ask.py")
    assert "class City(PayloadModel):\n    city: str\n" in text
    assert "class City3(PayloadModel):\n    town: str\n" in text
    assert "    at: City3 | None = None\n" in text
    assert "    near: City | None = None\n" in text
    assert check_types(workshop.package) == ""


def test_reply_whose_parts_differ(workshop: Any) -> None:
    """Definitions that read alike are two classes when they refer to definitions that differ."""
    holder = {"type": "object", "properties": {"at": {"$ref": "#/$defs/City"}}, "required": ["at"]}
    reply = {"type": "array", "items": {"$ref": "#/$defs/Holder"}, "$defs": {"Holder": holder, "City": TOWN}}
    own = {"Holder": holder, "City": CITY}
    workshop.write("ask.json", call(reply, properties={"a": {"$ref": "#/$defs/Holder"}}, **{"$defs": own}))
    assert workshop.generate() == 0
    text = workshop.text("ask.py")
    assert "class Holder(PayloadModel):\n    at: City\n" in text
    assert "class Holder2(PayloadModel):\n    at: City2\n" in text
    assert "class Ask(CallModel[list[Holder2]]," in text


def test_reply_that_holds_itself_or_is_called_as_the_call(workshop: Any) -> None:
    """A recursive reply is one class; a reply cannot have the name of its call."""
    tree = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Tree"}}}
    workshop.write("ask.json", call({"title": "Tree", **tree, "$defs": {"Tree": tree}}))
    assert workshop.generate() == 0
    assert workshop.text("ask.py").count("class Tree") == 1
    assert "class Ask(CallModel[Tree]," in workshop.text("ask.py")
    workshop.write("ask.json", call({"title": "Ask", **CITY}))
    assert workshop.generate() == 0
    assert "class Ask(CallModel[Ask2]," in workshop.text("ask.py")


def test_reply_that_leads_elsewhere(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A reply with definitions of its own cannot mean those of the call, so a reference to them is refused."""
    reply = {"type": "array", "items": {"$ref": "#/$defs/City"}, "$defs": {"Town": TOWN}}
    workshop.write("ask.json", call(reply, **{"$defs": {"City": CITY}}))
    assert workshop.generate() == 1
    assert "ask.json: #/x-contract/reply: $ref leads to '#/$defs/City'" in capsys.readouterr().err


def test_inline_reply_of_an_older_document(workshop: Any) -> None:
    """A reply without definitions of its own refers to those of the call."""
    reply = {"title": "Answer", "type": "object", "properties": {"at": {"$ref": "#/$defs/City"}}, "required": ["at"]}
    workshop.write("ask.json", call(reply, **{"$defs": {"City": CITY}}))
    assert workshop.generate() == 0
    assert "class Answer(PayloadModel):\n    at: City\n" in workshop.text("ask.py")


def test_what_is_for_others(workshop: Any) -> None:
    """What only those read who compare documents changes nothing in the package."""
    address = {"aggregate": "codegen-others", "event_type": "x"}
    workshop.write("thing.json", contract("event", address))
    assert workshop.generate() == 0
    plain = workshop.text("thing.py")
    evil = {"customTypePath": "os.system", "type": "evil"}
    workshop.write(
        "thing.json", contract("event", address, writer=evil, reply_writer=evil, revisions=[evil], else_=evil)
    )
    assert workshop.generate() == 0
    assert workshop.text("thing.py") == plain


def test_files_beside_the_documents(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Lock, waivers, examples, the AsyncAPI document and what is read of others are skipped, each with a note."""
    workshop.write("shop/thing.json", EMPTY)
    workshop.write("shop/contracts.lock.json", {"events/a.json": "0" * 64})
    workshop.write("shop/waivers.json", "[]")
    workshop.write("shop/asyncapi.json", {"asyncapi": "3.0.0"})
    workshop.write("shop/thing.examples.json", "[")
    workshop.write("shop/needs/other/events/thing.json", "{")
    assert workshop.generate() == 0
    assert workshop.load().__all__ == ["Thing"]
    assert capsys.readouterr().err.splitlines() == [
        "services-codegen: shop/needs: what is read of other contracts; skipped",
        "services-codegen: shop/asyncapi.json: an AsyncAPI document is not read; skipped",
        "services-codegen: shop/contracts.lock.json: the list of the documents is not read; skipped",
        "services-codegen: shop/thing.examples.json: a list of examples is not read; skipped",
        "services-codegen: shop/waivers.json: the list of accepted breaks is not read; skipped",
    ]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (DECIMAL | {"exclusiveMinimum": 0}, ['"0.01"', "1", "1.5"], ['"0"', "0", '"x"']),
        (
            DECIMAL | {"multipleOf": 0.01, "exclusiveMaximum": 1000, "exclusiveMinimum": -1000},
            ['"999.99"'],
            ["1000", '"0.001"'],
        ),
        (DECIMAL | {"multipleOf": 0.05}, ['"0.15"', "0.15"], ['"0.16"']),
        (DECIMAL | {"maximum": 0.1}, ['"0.1"'], ['"0.10000000000000000001"']),
        ({"anyOf": [DECIMAL | {"minimum": 1}, {"type": "null"}]}, ["null", '"1"'], ['"0.9"']),
        ({"type": ["number", "string", "null"], "format": "decimal"}, ["null", '"1"'], ["true"]),
        ({"type": "object", "propertyNames": {"format": "date"}}, ['{"2024-01-02": 1}'], ['{"x": 1}']),
        ({"type": "object", "maxProperties": 1}, ['{"a": 1}'], ['{"a": 1, "b": 2}']),
        (
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
            ['[1, "a"]'],
            ["[1]", '["a", 1]', '[1, "a", 1]'],
        ),
        (
            {"type": ["object", "null"], "properties": {"b": DECIMAL | {"minimum": 1}}},
            ["null", '{"b": "1"}'],
            ['{"b": "0"}'],
        ),
    ],
    ids=str,
)
def test_rules_are_enforced(
    workshop: Any,
    capsys: pytest.CaptureFixture[str],
    schema: Any,
    good: list[str],
    bad: list[str],
) -> None:
    """The generated class takes what its schema takes, refuses what that refuses, and no note is needed."""
    workshop.write("thing.json", a_property(schema))
    assert workshop.generate() == 0
    assert capsys.readouterr().err == ""
    thing = workshop.load().Thing
    for value in good:
        assert thing.model_validate_json(f'{{"a": {value}}}')
    for value in bad:
        with pytest.raises(ValidationError):
            thing.model_validate_json(f'{{"a": {value}}}')


@pytest.mark.parametrize(
    ("schema", "notes"),
    [
        ({"type": "string", "format": "email", "contentEncoding": "x"}, ["contentEncoding", "format"]),
        ({"type": "array", "items": {"type": "object"}, "uniqueItems": True}, ["uniqueItems"]),
        ({"type": "array", "contains": {"type": "integer"}}, ["contains"]),
        ({"type": "string", "format": "date", "pattern": "^2"}, ["pattern"]),
        ({"type": "string", "not": {"const": "x"}}, ["not"]),
        ({"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 1}, ["prefixItems"]),
        ({"type": "object", "properties": {"b": {}}, "additionalProperties": False}, ["additionalProperties"]),
        ({"enum": [1.5, {"x": 1}]}, ["enum"]),
        ({"const": [1]}, ["const"]),
        ({"minLength": 3}, ["minLength"]),
        ({"type": "array", "items": [{"type": "string"}]}, ["items"]),
        ({"allOf": [{"type": "object", "properties": {"b": {}}, "minProperties": 1}]}, []),
    ],
    ids=str,
)
def test_rules_that_are_lost_are_named(
    workshop: Any, capsys: pytest.CaptureFixture[str], schema: Any, notes: list[str]
) -> None:
    """What a class does not enforce is said, with the file and the place."""
    workshop.write("thing.json", a_property(schema))
    assert workshop.generate() == 0
    expected = [f"services-codegen: thing.json: #/properties/a: {keyword} is not enforced" for keyword in notes]
    if "allOf" in schema:
        expected = ["services-codegen: thing.json: #/properties/a/allOf/0: minProperties is not enforced"]
    assert capsys.readouterr().err.splitlines() == expected


def test_alternatives_are_named(workshop: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """oneOf is read as anyOf, and a discriminator that no field answers to is not used."""
    choice = {"oneOf": [{"type": "integer"}, {"type": "string"}], "discriminator": {"propertyName": "kind"}}
    workshop.write("thing.json", a_property(choice))
    assert workshop.generate() == 0
    assert capsys.readouterr().err.splitlines() == [
        "services-codegen: thing.json: #/properties/a: discriminator is not enforced",
        "services-codegen: thing.json: #/properties/a: oneOf is read as anyOf",
    ]


def test_an_object_in_a_field_is_annotated_too(workshop: Any) -> None:
    """Objects without a name of their own keep their rules and descriptions."""
    inner = {
        "type": "object",
        "description": "Inner.",
        "properties": {"b": DECIMAL | {"minimum": 1, "description": "B."}},
    }
    workshop.write("thing.json", a_property({"type": "array", "items": inner}))
    assert workshop.generate() == 0
    schema = document(workshop.load().Thing)
    (definition,) = schema["$defs"].values()
    assert definition["description"] == "Inner."
    assert json.dumps(definition["properties"]["b"]["anyOf"][0]["minimum"]) == "1"
    assert definition["properties"]["b"]["description"] == "B."

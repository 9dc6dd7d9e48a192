"""Declaring a contract: what is accepted, and how a mistake is reported when the class is made."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest
from pydantic import PrivateAttr, ValidationError

from services_communication.contracts import (
    Address,
    AddressedModel,
    CallModel,
    CommandModel,
    EventModel,
    PayloadModel,
    registry,
)
from services_communication.contracts.codec import encode_model
from services_communication.errors import CommunicationError, ContractDefinitionError

Item = TypeVar("Item")


class Later(PayloadModel):
    node: Node


class Node(PayloadModel):
    name: str
    children: list[Node] = []  # noqa: RUF012  pydantic copies it


class Page(PayloadModel, Generic[Item]):
    page_number: int
    first_item: Item


class Quote(PayloadModel):
    amount: int


def test_an_event_knows_its_address_version_and_key() -> None:
    """aggregate is the exchange, event_type the routing key; version is 1 unless declared."""

    class Renamed(EventModel, aggregate="declared", event_type="update.name", version=3, key="user_id"):
        user_id: int

    info = Renamed.__contract__
    assert info.address == Address("event", "declared", "update.name")
    assert (info.version, info.key, info.unroutable_ok) == (3, "user_id", False)
    assert registry.find(Address("event", "declared", "update.name")) is Renamed


def test_a_command_without_a_name_has_the_empty_routing_key() -> None:
    """DESIGN §4: exchange = service, routing key = command name, '' when none."""

    class Send(CommandModel, service="declared"):
        text: str

    assert Send.__contract__.address == Address("command", "declared", "")


def test_a_call_knows_its_reply_and_where_replies_go() -> None:
    """A reply's routing key is call-response.<service>.<method>."""

    class GetQuote(CallModel[Quote], service="pricing", method_name="quote"):
        product_id: int

    assert GetQuote.__contract__.address == Address("call", "pricing", "quote")
    assert GetQuote.__reply__ is Quote
    assert GetQuote.response_routing_key() == "call-response.pricing.quote"


def test_a_call_may_reply_with_nothing() -> None:
    """CallModel[None] is a call whose reply says only that it was carried out."""

    class Touch(CallModel[None], service="pricing", method_name="touch"):
        product_id: int

    assert Touch.__contract__.address == Address("call", "pricing", "touch")
    assert Touch.__reply__ in (None, type(None))


def test_versions_stand_side_by_side_and_the_newest_is_found() -> None:
    """An address may be held by one class per version."""

    class One(EventModel, aggregate="versions", event_type="made", version=1):
        a: int

    class Two(EventModel, aggregate="versions", event_type="made", version=2):
        a: int

    address = Address("event", "versions", "made")
    assert registry.find(address) is Two
    assert registry.find(address, 1) is One
    assert registry.find(address, 3) is None
    assert sorted(registry.versions(address)) == [1, 2]


def test_one_address_may_belong_to_one_contract_of_each_kind() -> None:
    """The kind is part of the address."""

    class Event(EventModel, aggregate="kinds", event_type="x"):
        a: int

    class Command(CommandModel, service="kinds", command_name="x"):
        a: int

    assert set(registry.at("kinds", "x")) == {Event, Command}


def test_an_abstract_base_has_fields_and_no_address() -> None:
    """abstract=True is not inherited: each subclass declares an address of its own."""

    class Base(EventModel, abstract=True):
        user_id: int

    class Made(Base, aggregate="abstract", event_type="made", key="user_id"):
        name: str

    assert not hasattr(Base, "__contract__")
    assert list(Made.model_fields) == ["user_id", "name"]
    with pytest.raises(ContractDefinitionError, match=r"Broken: aggregate= is missing.*abstract=True"):
        type("Broken", (Base,), {})


def test_abstract_commands_and_calls_have_no_address() -> None:
    """abstract=True works for every kind."""

    class Command(CommandModel, abstract=True):
        a: int

    class Call(CallModel[Quote], abstract=True):
        a: int

    class Get(Call, service="abstract", method_name="get"):
        b: int

    assert not hasattr(Command, "__contract__")
    assert not hasattr(Call, "__contract__")
    assert Get.__reply__ is Quote


def _event(name: str, base: type[Any] = EventModel, fields: dict[str, Any] | None = None, **keywords: Any) -> type[Any]:
    namespace = {"__annotations__": fields or {"user_id": int}, "__module__": __name__, "__qualname__": name}
    return type(base)(name, (base,), namespace, **keywords)


MISTAKES: list[tuple[type[Any], dict[str, Any], str]] = [
    (EventModel, {}, "aggregate= is missing"),
    (EventModel, {"aggregate": "", "event_type": "x"}, "aggregate= is missing"),
    (EventModel, {"aggregate": 5, "event_type": "x"}, "aggregate= is missing"),
    (EventModel, {"aggregate": "wrong"}, "event_type= is missing"),
    (EventModel, {"event_type": "x"}, "aggregate= is missing"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "key": "order_id"}, "key='order_id' is no field"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "key": "userId"}, "its fields are user_id"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "version": 0}, "version=0 must be a whole number from 1"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "version": True}, "version=True"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "version": "1"}, "version='1'"),
    (EventModel, {"aggregate": "wrong", "event_type": "update.*"}, "stand in bindings"),
    (EventModel, {"aggregate": "wrong", "event_type": "#"}, "stand in bindings"),
    (EventModel, {"aggregate": "amq.topic", "event_type": "x"}, "'amq.'"),
    (EventModel, {"aggregate": "ж" * 128, "event_type": "x"}, "256 bytes; AMQP allows 255"),
    (EventModel, {"aggregate": "wrong", "event_type": "x" * 256}, "256 bytes; AMQP allows 255"),
    (EventModel, {"aggregate": "wrong", "event_type": "\ud800"}, "lone surrogate"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "service": "y"}, "unknown class keyword 'service'"),
    (EventModel, {"aggregate": "wrong", "event_type": "x", "agregate": "y"}, "known are aggregate, event_type"),
    (CommandModel, {}, "service= is missing"),
    (CommandModel, {"service": "wrong", "command_name": None}, "command_name=None must be a string"),
    (CommandModel, {"service": "wrong", "command_name": 5}, "command_name=5 must be a string"),
    (CommandModel, {"service": "wrong", "aggregate": "y"}, "unknown class keyword 'aggregate'"),
    (CommandModel, {"service": "amq.direct"}, "'amq.'"),
    (CallModel[Quote], {"service": "wrong"}, "method_name= is missing"),
    (CallModel[Quote], {"method_name": "x"}, "service= is missing"),
    (CallModel[Quote], {"service": "wrong", "method_name": "x", "event_type": "y"}, "unknown class keyword"),
    (CallModel, {"service": "wrong", "method_name": "x"}, r"the reply is missing; write class Broken"),
]


@pytest.mark.parametrize(
    ("base", "keywords", "text"), MISTAKES, ids=[f"{m[2][:30]}-{n}" for n, m in enumerate(MISTAKES)]
)
def test_a_mistake_fails_when_the_class_is_made(base: type[Any], keywords: dict[str, Any], text: str) -> None:
    """The error is a ContractDefinitionError whose text has the class's full name and what is wrong."""
    with pytest.raises(ContractDefinitionError) as caught:
        _event("Broken", base, **keywords)
    assert f"{__name__}.Broken" in str(caught.value)
    assert text in str(caught.value)
    assert all(contract.__name__ != "Broken" for contract in registry)


def test_a_definition_error_is_a_communication_error_and_a_type_error() -> None:
    """Both trees can be caught."""
    assert issubclass(ContractDefinitionError, CommunicationError)
    assert issubclass(ContractDefinitionError, TypeError)


def test_an_address_and_version_is_taken_once() -> None:
    """The message names both classes and the two ways out."""
    _event("First", aggregate="taken", event_type="x")
    with pytest.raises(ContractDefinitionError) as caught:
        _event("Second", aggregate="taken", event_type="x")
    for part in (f"{__name__}.Second", f"{__name__}.First", "version 1", "raise version="):
        assert part in str(caught.value)


def test_a_module_may_be_reloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same class from the same module again replaces the older object, as an autoreloader needs."""
    (tmp_path / "reloaded_contracts.py").write_text(
        "from services_communication.contracts import EventModel\n"
        "class Made(EventModel, aggregate='reloaded', event_type='made'):\n    a: int\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("reloaded_contracts")
    first = module.Made
    importlib.reload(module)
    assert module.Made is not first
    assert registry.find(Address("event", "reloaded", "made")) is module.Made
    del sys.modules["reloaded_contracts"]


@pytest.mark.parametrize("fields", [("user_id", "userId"), ("user_id", "user__id"), ("line1", "line_1"), ("aB", "a_b")])
@pytest.mark.parametrize("base", [PayloadModel, EventModel])
def test_fields_that_are_one_on_the_wire_are_refused(base: type[Any], fields: tuple[str, str]) -> None:
    """A camelCase collision would let one field overwrite the other; it names the class and both fields."""
    keywords = {} if base is PayloadModel else {"aggregate": "collide", "event_type": "x"}
    with pytest.raises(ContractDefinitionError) as caught:
        _event("Broken", base, dict.fromkeys(fields, int), **keywords)
    for part in ("Broken", repr(fields[0]), repr(fields[1]), "rename"):
        assert part in str(caught.value)


def test_a_collision_with_an_inherited_field_is_refused() -> None:
    """The base's fields count too."""

    class Base(PayloadModel):
        user_id: int

    with pytest.raises(ContractDefinitionError, match="rename"):
        _event("Broken", Base, {"userId": int})


def test_a_command_has_no_field_meta() -> None:
    """A command's arguments share an object with ``meta``; an event's payload does not."""
    with pytest.raises(ContractDefinitionError, match=r"Broken: field 'meta' collides"):
        _event("Broken", CommandModel, {"meta": int}, service="wrong")
    assert _event("Fine", EventModel, {"meta": int}, aggregate="meta", event_type="x")(meta=1).meta == 1


def test_the_bases_themselves_have_no_address() -> None:
    """Only a declared contract can be published."""
    for base in (AddressedModel, EventModel, CommandModel, CallModel, CallModel[Quote]):
        assert not hasattr(base, "__contract__")


def test_forward_references_and_recursion() -> None:
    """A model may name one that is written below it, and itself."""
    later = Later.model_validate_json('{"node":{"name":"a","children":[{"name":"b"}]}}')
    assert later == Later(node=Node(name="a", children=[Node(name="b")]))
    assert encode_model(later) == b'{"node":{"name":"a","children":[{"name":"b","children":[]}]}}'
    with pytest.raises(ValidationError, match="NUL"):
        Later.model_validate_json('{"node":{"name":"a","children":[{"name":"\\u0000"}]}}')


def test_generic_payloads() -> None:
    """A generic payload is as strict as any other."""
    assert encode_model(Page[Node](page_number=1, first_item=Node(name="a"))) == (
        b'{"pageNumber":1,"firstItem":{"name":"a","children":[]}}'
    )
    with pytest.raises(ValidationError):
        Page[int].model_validate_json('{"pageNumber":1,"firstItem":"5"}')


def test_awkward_field_names_work() -> None:
    """type, id and class_ are ordinary fields; those that hide a method of pydantic's work with its warning."""

    class Awkward(EventModel, aggregate="awkward", event_type="x", key="id"):
        type: str
        id: int
        class_: str
        model_name: str = ""

    assert encode_model(Awkward(type="t", id=1, class_="c")) == b'{"type":"t","id":1,"class_":"c","modelName":""}'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        hiding = _event("Hiding", EventModel, {"copy": int, "json": str}, aggregate="awkward", event_type="y")
    assert encode_model(hiding(copy=1, json="{}")) == b'{"copy":1,"json":"{}"}'


def test_private_attributes_do_not_travel() -> None:
    """A name with an underscore before it is the program's own."""

    class Keeping(EventModel, aggregate="private", event_type="x"):
        a: int
        _seen: int = PrivateAttr(default=7)

    assert Keeping(a=1)._seen == 7
    assert encode_model(Keeping(a=1)) == b'{"a":1}'


def test_a_class_with_500_fields() -> None:
    """Size alone is no mistake."""
    wide = _event("Wide", EventModel, {f"field_{n}x": int for n in range(500)}, aggregate="wide", event_type="x")
    assert encode_model(wide(**{f"field_{n}x": n for n in range(500)})).startswith(b'{"field0x":0,"field1x":1,')


def test_the_ordering_key_is_aggregate_and_key() -> None:
    """Without key= there is no order; a key's value beyond the column's width is cut."""

    class Keyed(EventModel, aggregate="ordering", event_type="keyed", key="user_id"):
        user_id: int | str

    class Free(EventModel, aggregate="ordering", event_type="free"):
        user_id: int

    assert Keyed(user_id=5).ordering_key == "ordering:5"
    assert Free(user_id=5).ordering_key == ""
    assert len(Keyed(user_id="x" * 500).ordering_key) == 255

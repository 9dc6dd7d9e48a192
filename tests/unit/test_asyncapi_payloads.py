"""A change of what stands in a message of an AsyncAPI document: which side it breaks, and where."""

from __future__ import annotations

from typing import Any

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.asyncapi import diff, export
from services_communication.contracts.finding import Finding
from tests.asyncapi.documents import changed, producer

pytest.importorskip("jsonschema_rs")

PAYLOAD = "components/messages/OrderPlaced.v1/payload"


class Line(PayloadModel):
    article: int
    note: str | None = None


class Shorter(PayloadModel):
    article: int


class Longer(PayloadModel):
    article: int
    note: str | None = None
    price: int


Shorter.__name__ = Longer.__name__ = "Line"  # the same model in other releases


def event(**fields: Any) -> type[EventModel]:
    """One release of the contract. A field is its type, or a pair of type and default."""
    types = {name: kind[0] if isinstance(kind, tuple) else kind for name, kind in fields.items()}
    defaults = {name: kind[1] for name, kind in fields.items() if isinstance(kind, tuple)}
    body = {"__module__": __name__, "__annotations__": {"order_id": int, **types}, **defaults}
    return type(EventModel)("OrderPlaced", (EventModel,), body, aggregate="order", event_type="placed")


def sent(**fields: Any) -> dict[str, Any]:
    return export("shop", sent=[event(**fields)])


def received(**fields: Any) -> dict[str, Any]:
    return export("shop", received=[event(**fields)])


def errors(old: Any, new: Any) -> list[Finding]:
    return [finding for finding in diff(old, new) if finding.level == "error"]


def test_a_field_more_breaks_who_reads_it_only() -> None:
    """A writer may add it: old readers ignore it. A reader that requires it rejects what old writers send."""
    assert errors(sent(), sent(email=str)) == []
    assert errors(received(), received(email=str)) != []


def test_a_field_less_breaks_who_sent_it_only() -> None:
    assert [finding.rule for finding in errors(sent(email=str), sent())] == ["required-removed"]
    assert errors(received(email=str), received()) == []


def test_an_optional_field_breaks_nobody() -> None:
    new = received(email=(str | None, None))
    assert errors(received(), new) == []
    assert errors(new, received()) == []


def test_a_break_has_its_place_and_its_change() -> None:
    """The pointer leads into the new document, to the schema in its components where the field is or was."""
    found = errors(received(), received(email=str))

    assert [(one.rule, one.pointer) for one in found] == [
        ("required-added", "/components/schemas/OrderPlaced.v1/properties/email")
    ]
    assert found[0].sentence.startswith("OrderPlaced version 1: ")
    assert "payload.email" in found[0].sentence
    assert found[0].change is not None
    assert found[0].change.direction == "backward"
    assert set(found[0].change.witness["payload"]) == {"orderId"}
    assert found[0].hint


def test_a_break_of_what_is_sent_has_its_place_and_its_change() -> None:
    def book(*fields: str) -> dict[str, Any]:
        body = {"__module__": __name__, "__annotations__": dict.fromkeys(fields, int)}
        made = type(CommandModel)("Book", (CommandModel,), body, service="delivery", command_name="book")
        return export("shop", sent=[made])

    found = errors(book("order_id", "floor"), book("order_id"))

    assert [(one.rule, one.pointer) for one in found] == [
        ("required-removed", "/components/schemas/Book.v1/properties/floor")
    ]
    assert found[0].change is not None
    assert found[0].change.direction == "forward"
    assert errors(book("order_id"), book("order_id", "floor")) == []


def test_a_model_inside_a_payload() -> None:
    assert errors(received(line=Line), received(line=Longer)) != []
    assert errors(received(line=Line), received(line=Shorter)) == []
    assert errors(sent(line=Line), sent(line=Shorter)) != []
    assert errors(sent(line=Line), sent(line=Longer)) == []


def test_a_type_that_changes_breaks_both_sides() -> None:
    assert errors(sent(total=int), sent(total=str)) != []
    assert errors(received(total=int), received(total=str)) != []


def test_tuples_and_choices_are_judged() -> None:
    """What was translated into AsyncAPI's dialect is translated back."""
    assert errors(received(pair=tuple[int, str]), received(pair=tuple[int, int])) != []
    assert errors(received(pair=tuple[int, int]), received(pair=tuple[int, int] | None)) == []


def test_both_sides_of_a_call() -> None:
    """Who answers reads the call and writes the reply; who asks does the opposite."""

    def ask(reply: type[PayloadModel], asked: type[PayloadModel]) -> type[CallModel[Any]]:
        class Ask(CallModel[reply], service="delivery", method_name="ask"):  # type: ignore[valid-type]  # a parameter
            line: asked  # type: ignore[valid-type]  # as above

        return Ask

    def differs(old: type[CallModel[Any]], new: type[CallModel[Any]]) -> tuple[bool, bool]:
        """Whether it breaks who is asked by, and who asks, this service."""
        answering = errors(export("delivery", received=[old]), export("delivery", received=[new]))
        asking = errors(export("shop", sent=[old]), export("shop", sent=[new]))
        return bool(answering), bool(asking)

    assert differs(ask(Line, Line), ask(Line, Line)) == (False, False)
    assert differs(ask(Line, Line), ask(Longer, Line)) == (False, True)
    assert differs(ask(Line, Line), ask(Shorter, Line)) == (True, False)
    assert differs(ask(Line, Line), ask(Line, Longer)) == (True, False)
    assert differs(ask(Line, Line), ask(Line, Shorter)) == (False, True)


def test_headers_are_judged_like_payloads() -> None:
    place = "components/messages/OrderPlaced.v1/headers"
    new = changed(received(), (f"{place}/required", ["tenant"]), (f"{place}/properties/tenant", {"type": "string"}))
    found = errors(received(), new)
    assert found != []
    assert found[0].sentence.startswith("the headers of OrderPlaced version 1: ")


def test_who_writes_is_not_known_without_operations() -> None:
    """Then both directions must hold."""
    without = [changed(sent(**fields), ("operations", {})) for fields in ({}, {"email": str})]
    assert errors(*without) != []
    assert errors(*reversed(without)) != []


def test_the_envelope_of_a_payload_counts() -> None:
    new = changed(producer(), (f"{PAYLOAD}/properties/eventId", {"type": "integer"}))
    assert errors(producer(), new) != []


def test_words_in_a_schema_mean_nothing() -> None:
    new = changed(producer(), (f"{PAYLOAD}/properties/eventId/description", "Its id"), (f"{PAYLOAD}/title", "Body"))
    assert errors(producer(), new) == []


def test_a_schema_of_another_format_is_not_judged() -> None:
    """It may stay as it is; when it changes, somebody must look."""
    avro = {"schemaFormat": "application/vnd.apache.avro;version=1.9.0", "schema": {"type": "record", "fields": []}}
    old = changed(producer(), (PAYLOAD, avro))

    assert errors(old, old) == []
    assert [one.rule for one in errors(old, changed(old, (f"{PAYLOAD}/schema/type", "enum")))] == ["schema-not-judged"]


@pytest.mark.parametrize(
    "schema",
    [{"type": 17}, {"pattern": "("}, {"required": "x"}, {"properties": 5}, {"enum": 5}, {"allOf": {}}, {"$ref": 5}],
)
def test_a_keyword_that_holds_what_it_must_not(schema: Any) -> None:
    found = errors(producer(), changed(producer(), (PAYLOAD, schema)))
    assert [(one.rule, one.pointer) for one in found] == [("document-unreadable", f"/{PAYLOAD}")]


def test_a_json_schema_in_a_named_format_is_judged() -> None:
    def named(kind: str) -> dict[str, Any]:
        schema = {"schemaFormat": "application/schema+json;version=draft-07", "schema": {"type": kind}}
        return changed(producer(), (PAYLOAD, schema))

    assert errors(named("string"), named("string")) == []
    assert errors(named("string"), named("integer")) != []
    assert errors(named("number"), named("integer")) == []

"""AsyncAPI documents that were broken by hand: a finding with its place, never a traceback."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services_communication.contracts.asyncapi import diff
from tests.asyncapi.documents import answering, changed, producer

PAYLOAD = "components/messages/OrderPlaced.v1/payload"
SCHEMA = "components/schemas/OrderPlaced.v1"
CIRCLE = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}


@pytest.mark.parametrize("document", [None, 5, "asyncapi: 3.0.0", [], {}, {"asyncapi": 3.0}, {"asyncapi": "2.6.0"}])
def test_what_is_no_asyncapi_3_document(document: Any) -> None:
    """Either side is told, and which of them it is."""
    assert [(one.level, one.rule) for one in diff(document, producer())] == [("error", "document-unreadable")]
    assert [(one.level, one.rule) for one in diff(producer(), document)] == [("error", "document-unreadable")]
    sentences = sorted(one.sentence[:20] for one in diff(document, document))
    assert sentences == ["the new document can", "the old document can"]


@pytest.mark.parametrize(
    ("place", "value", "pointer", "words"),
    [
        ("channels", [], "/channels", "it must be an object, not a list"),
        ("channels/order.placed", "placed", "/channels/order.placed", "an object, not a text"),
        ("channels/order.placed/address", 5, "/channels/order.placed/address", "a text, not a number"),
        (
            "channels/order.placed/bindings/amqp/exchange",
            "x",
            "/channels/order.placed/bindings/amqp/exchange",
            "object",
        ),
        ("channels/order.placed", {"$ref": "#/nothing"}, "/channels/order.placed", "'#/nothing' leads to nothing"),
        ("channels/order.placed", {"$ref": "other.json"}, "/channels/order.placed", "leads out of the document"),
        ("channels/order.placed", {"$ref": "#/channels/order.placed"}, "/channels/order.placed", "leads in a circle"),
        ("operations/send.event.order.placed/action", "shout", "/operations/send.event.order.placed/action", "'send'"),
        ("operations/send.event.order.placed/channel", ..., "/operations/send.event.order.placed/channel", "channel"),
        ("operations/send.event.order.placed/messages", {}, "/operations/send.event.order.placed/messages", "a list"),
        ("components/messages/OrderPlaced.v1", True, "/components/messages/OrderPlaced.v1", "object, not a boolean"),
        (PAYLOAD, 7, f"/{PAYLOAD}", "a schema is an object or a boolean, not a number"),
        (PAYLOAD, {"$ref": "#/nothing"}, f"/{PAYLOAD}", "'#/nothing' leads to nothing"),
        (f"{PAYLOAD}/properties/payload/$ref", "#/components/schemas/Gone", f"/{PAYLOAD}", "leads to nothing"),
        (PAYLOAD, {"schemaFormat": 5, "schema": {}}, f"/{PAYLOAD}/schemaFormat", "a text, not a number"),
        (f"{SCHEMA}/properties/orderId", "integer", f"/{SCHEMA}", "a text stands below it at properties/orderId"),
    ],
)
def test_where_it_is_broken(place: str, value: Any, pointer: str, words: str) -> None:
    found = diff(producer(), changed(producer(), (place, value)))

    assert [(one.level, one.rule, one.pointer) for one in found] == [("error", "document-unreadable", pointer)]
    assert found[0].sentence.startswith("the new document cannot be judged: ")
    assert words in found[0].sentence


@pytest.mark.parametrize("start", ["#/components/schemas/A", "#/components/schemas/B"])
def test_schemas_that_are_only_references_to_each_other(start: str) -> None:
    for payload in ({"$ref": start}, {"type": "object", "properties": {"a": {"$ref": start}}}):
        broken = changed(producer(), ("components/schemas", CIRCLE), (PAYLOAD, payload))
        assert [one.rule for one in diff(producer(), broken)] == ["document-unreadable"]


def test_a_document_without_bottom() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"type": "array", "items": deep}
    broken = producer()
    broken["components"]["messages"]["OrderPlaced.v1"]["payload"] = deep
    assert [one.rule for one in diff(producer(), broken)] == ["document-unreadable"]


def test_keys_that_are_no_texts() -> None:
    """YAML has them."""
    broken = producer()
    broken["channels"] = {5: broken["channels"]["order.placed"]}
    assert [one.rule for one in diff(producer(), broken)] == ["document-unreadable"]


JUNK = st.sampled_from([None, 0, "", "x", [], [None], {}, {"$ref": "#"}, {"$ref": 5}, {"$ref": "#/channels"}, True])


@given(st.data())
def test_junk_anywhere_is_no_traceback(data: st.DataObject) -> None:
    """Outside schemas, any value of the document may be replaced by any other."""
    document = answering_document()
    node: Any = document
    for _ in range(data.draw(st.integers(0, 6))):
        keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
        keys = [key for key in keys if key not in ("payload", "headers", "schemas")]
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or data.draw(st.booleans()):
            node[key] = data.draw(JUNK)
            break
        node = node[key]

    for finding in [*diff(answering_document(), document), *diff(document, answering_document())]:
        assert finding.sentence


@cache
def answering_text() -> str:
    return json.dumps(answering())


def answering_document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(answering_text())
    return made

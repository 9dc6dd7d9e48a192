"""What a change of an AsyncAPI document means to others: channels, operations, bindings, and hand-broken documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts import EventModel
from services_communication.contracts.asyncapi import diff, export
from tests.asyncapi.documents import answering, changed, consumer, producer
from tests.asyncapi.rich import placed, rich

EXAMPLES = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "asyncapi" / "examples"
EXCHANGE = "channels/order.placed/bindings/amqp/exchange"
QUEUE = "channels/queue.delivery/bindings/amqp"
OPERATION = "operations/receive.call.delivery.ask"


def rules(old: Any, new: Any, level: str | None = "error") -> list[str]:
    return [finding.rule for finding in diff(old, new) if level in (None, finding.level)]


@pytest.mark.parametrize("make", [producer, consumer, answering, rich])
def test_a_document_does_not_differ_from_itself(make: Callable[[], dict[str, Any]]) -> None:
    assert diff(make(), make()) == []


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples of shared/testdata/asyncapi are not here")
def test_the_official_examples_do_not_differ_from_themselves() -> None:
    """Of any protocol, with traits, servers, foreign schemas and references out of the document."""
    yaml = pytest.importorskip("yaml")
    paths = sorted(EXAMPLES.glob("*.yml"))
    assert len(paths) == 10
    for path in paths:
        document = yaml.safe_load(path.read_text())
        assert diff(document, document) == [], path.name


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("info/version", "2.0.0"),
        ("info/title", "another"),
        ("info/description", "It sells."),
        ("id", "urn:shop"),
        ("channels/order.placed/title", "Orders"),
        ("channels/order.placed/tags", [{"name": "orders"}]),
        ("operations/send.event.order.placed/summary", "Says so"),
        ("components/messages/OrderPlaced.v1/description", "Somebody bought."),
        ("components/messages/OrderPlaced.v1/tags", ...),
        ("components/messages/OrderPlaced.v1/examples", [{"payload": {}}]),
        ("components/messages/OrderPlaced.v1/x-contract", ...),
        ("channels/order.placed/x-routing-key", "other"),
        ("components/schemas/Unused", {"type": "string"}),
    ],
)
def test_words_mean_nothing(place: str, value: Any) -> None:
    assert diff(producer(), changed(producer(), (place, value))) == []


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        (f"{EXCHANGE}/type", "fanout", "exchange-type-changed"),
        (f"{EXCHANGE}/durable", False, "exchange-durable-changed"),
        (f"{EXCHANGE}/autoDelete", True, "exchange-auto-delete-changed"),
        (f"{EXCHANGE}/name", "orders", "exchange-name-changed"),
        (f"{EXCHANGE}/vhost", "other", "exchange-vhost-changed"),
        ("channels/order.placed/address", "placed.base", "routing-key-changed"),
        ("components/messages/OrderPlaced.v1/contentType", "text/json", "content-type-changed"),
        ("components/messages/OrderPlaced.v1/correlationId/location", "$message.payload#/id", "correlation-id-moved"),
        ("components/messages/OrderPlaced.v1/correlationId", ..., "correlation-id-moved"),
    ],
)
def test_what_breaks_who_reads(place: str, value: Any, rule: str) -> None:
    """One error, at the place of the change."""
    found = diff(producer(), changed(producer(), (place, value)))

    assert [(one.level, one.rule) for one in found] == [("error", rule)]
    assert found[0].file == "asyncapi.json"
    assert f"/{place}".startswith(found[0].pointer) or found[0].pointer.startswith(f"/{place}")


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        (f"{QUEUE}/queue/durable", False, "queue-durable-changed"),
        (f"{QUEUE}/queue/exclusive", True, "queue-exclusive-changed"),
        (f"{QUEUE}/queue/autoDelete", True, "queue-auto-delete-changed"),
        (f"{QUEUE}/queue/name", "deliveries", "queue-name-changed"),
        (f"{QUEUE}/x-queue-type", "classic", "queue-type-changed"),
    ],
)
def test_a_queue_cannot_be_changed_in_place(place: str, value: Any, rule: str) -> None:
    found = diff(consumer(), changed(consumer(), (place, value)))

    assert [(one.level, one.rule, one.pointer) for one in found] == [("error", rule, f"/{place}")]
    assert "another name" in found[0].hint


def test_what_the_queue_is_bound_to_is_told_by_the_channels() -> None:
    """A pattern in BINDS is an extension of ours; who sends is not touched by it."""
    assert diff(consumer(), changed(consumer(), (f"{QUEUE}/x-bindings", []))) == []


def test_what_was_not_stated_before_is_no_break() -> None:
    former = changed(producer(), (f"{EXCHANGE}/durable", ...), (f"{EXCHANGE}/type", ...))
    assert rules(former, producer(), None) == ["exchange-durable-changed", "exchange-type-changed"]
    assert rules(former, producer()) == []


def test_the_default_virtual_host_may_be_named() -> None:
    assert diff(producer(), changed(producer(), (f"{EXCHANGE}/vhost", "/"))) == []


def test_an_address_that_no_exchange_routes() -> None:
    """Of another protocol, an address is just that."""
    former = changed(producer(), ("channels/order.placed/bindings", ...))
    assert rules(former, changed(former, ("channels/order.placed/address", "orders"))) == ["address-changed"]


def test_bindings_of_another_protocol_are_not_judged() -> None:
    new = changed(producer(), ("channels/order.placed/bindings/kafka", {"partitions": 3}))
    assert rules(producer(), new, None) == ["bindings-changed"]
    assert rules(producer(), new) == []


def test_a_queue_instead_of_an_exchange() -> None:
    binding = {"is": "queue", "queue": {"name": "orders"}}
    new = changed(producer(), ("channels/order.placed/bindings/amqp", binding))
    assert rules(producer(), new) == ["channel-kind-changed"]


def test_a_channel_that_is_gone() -> None:
    """Its operation and its message are gone with it, and are not told again."""
    two = export("shop", sent=[placed(), moved()])
    found = diff(two, producer())
    assert [(one.rule, one.pointer) for one in found] == [("channel-removed", "/channels/order.moved")]


def test_a_channel_that_is_new() -> None:
    two = export("shop", sent=[placed(), moved()])
    assert rules(producer(), two, None) == ["channel-added"]
    assert rules(producer(), two) == []


def test_the_keys_of_channels_operations_and_messages_mean_nothing() -> None:
    """They are matched by exchange and routing key, by action, and by name and version."""
    text = json.dumps(answering(), sort_keys=True)
    text = re.sub(
        r'(?<=channels/)[^/"]+|"(?!reply"|x-contract")[^"]+(?=": {"(?:address|action)")', r"\g<0>-renamed", text
    )
    text = text.replace("Ask.v1", "Asked").replace("Book.v1", "Booked").replace("schemas/Street", "schemas/Road")
    renamed = json.loads(text.replace('"Street"', '"Road"'))
    for section in ("channels", "operations"):
        assert set(renamed[section]) == {f"{key}-renamed" for key in answering()[section]}

    assert diff(answering(), renamed) == []


def test_an_operation_that_is_gone() -> None:
    """The service sends an event and consumes it, too; then it does not any more."""
    contract = placed()
    both, one = export("shop", sent=[contract], received=[contract]), export("shop", sent=[contract])

    assert rules(both, one) == ["operation-removed"]
    assert rules(one, both) == []
    assert rules(one, both, "info") == ["message-added", "operation-added"]


def test_an_operation_that_goes_the_other_way() -> None:
    sending = changed(producer(), ("operations/send.event.order.placed/action", "receive"))
    assert rules(producer(), sending) == ["operation-action-changed"]


def test_a_version_that_is_gone() -> None:
    """Its readers get nothing more; that another version is there does not help them."""
    first, second, both = (
        export("shop", sent=versions) for versions in ([placed()], [placed(version=2)], [placed(), placed(version=2)])
    )
    assert rules(both, second) == ["message-removed"]
    assert rules(first, both, None) == ["message-added"]
    assert rules(first, second) == ["message-removed"]


def test_a_version_that_is_up_cast() -> None:
    """Version 1 has no handler of its own any more, but it is read all the same."""
    first = export("delivery", received=[placed()])
    new = placed(version=2)
    assert rules(first, export("delivery", received=[new])) == ["message-removed"]

    new.upcast(1)(lambda payload: payload)
    found = diff(first, export("delivery", received=[new]))

    assert [(one.level, one.rule) for one in found] == [("info", "message-added"), ("info", "message-upcast")]


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        ((f"{OPERATION}/reply/address/location", "$message.header#/reply_to"), "reply-address-changed"),
        ((f"{OPERATION}/reply", ...), "reply-removed"),
        ((f"{OPERATION}/reply/channel/$ref", "#/channels/delivery.book"), "reply-channel-changed"),
    ],
)
def test_where_a_reply_goes(edit: tuple[str, Any], rule: str) -> None:
    new = changed(answering(), edit)
    if rule == "reply-channel-changed":
        new = changed(new, (f"{OPERATION}/reply/messages", [{"$ref": "#/components/messages/Ask.v1.reply"}]))
    assert rules(answering(), new) == [rule]


def test_a_reply_that_is_new() -> None:
    former = changed(answering(), (f"{OPERATION}/reply", ...))
    assert rules(former, answering()) == []
    assert "reply-added" in rules(former, answering(), "info")


def test_messages_that_do_not_survive_a_restart() -> None:
    new = changed(producer(), ("operations/send.event.order.placed/bindings/amqp/deliveryMode", 1))
    assert rules(producer(), new, "warning") == ["delivery-mode-changed"]
    assert rules(producer(), new) == []


def test_servers() -> None:
    """They are matched by host and protocol; what is left, by key."""
    server = {"host": "broker.example.org", "protocol": "amqp"}
    old = changed(producer(), ("servers", {"production": server}))

    assert diff(old, changed(old, ("servers", {"live": server}))) == []
    assert rules(old, changed(old, ("servers/production/host", "other.example.org"))) == ["server-host-changed"]
    assert rules(old, changed(old, ("servers/production/protocol", "amqps"))) == ["server-protocol-changed"]
    assert rules(old, changed(old, ("servers", {}))) == ["server-removed"]
    assert rules(producer(), old, None) == ["server-added"]


def test_errors_come_first() -> None:
    new = changed(
        producer(),
        (f"{EXCHANGE}/type", "fanout"),
        ("operations/send.event.order.placed/bindings/amqp/mandatory", False),
        ("operations/send.event.order.placed/bindings/amqp/deliveryMode", 1),
    )
    assert [one.level for one in diff(producer(), new)] == ["error", "warning", "info"]


def test_the_file_is_named_as_asked() -> None:
    new = changed(producer(), (f"{EXCHANGE}/type", "fanout"))
    assert {one.file for one in diff(producer(), new, file="shop/asyncapi.json")} == {"shop/asyncapi.json"}


def moved() -> type[EventModel]:
    class OrderMoved(EventModel, aggregate="order", event_type="moved"):
        order_id: int

    return OrderMoved

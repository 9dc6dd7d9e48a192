"""The publisher and the subscriber against what other services and administrators do at the broker."""

from __future__ import annotations

import contextlib
import decimal
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from services_communication.message import Message
from services_communication.testing.consuming import Collector, wait_until
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp import AmqpPublisher, AmqpSubscriber
from services_communication.transport.protocol import Confirmed, Receipt, Refused, Subscription, Topology
from tests.integration import amqp

PATIENCE = 60


@pytest.fixture
def name(amqp_url: str) -> Iterator[str]:
    """Of an exchange and a queue, which are deleted after the test."""
    name = f"publisher.{uuid.uuid4()}"
    yield name
    amqp.delete_queues(amqp_url, name)
    amqp.delete_exchanges(amqp_url, name)


@pytest.fixture
def publish(amqp_url: str, name: str) -> Iterator[Callable[..., list[Receipt]]]:
    """publish("a", "b", …) sends messages with these ids to the exchange, at once, and waits for their receipts."""
    publisher = AmqpPublisher(BrokerAddress.from_url(amqp_url))

    def send(*ids: str, **changes: Any) -> list[Receipt]:
        messages = [
            Message(**{"exchange": name, "routing_key": "k", "body": b"{}", **changes}, message_id=i) for i in ids
        ]
        return publisher.publish(messages).result(PATIENCE)

    yield send
    publisher.close()


Publish = Callable[..., list[Receipt]]


def listen(url: str, name: str, kind: str) -> None:
    """An exchange of this type, and a queue that gets what is published to it."""
    with amqp.channel(url) as channel:
        channel.exchange_declare(name, exchange_type=kind, durable=True)
        channel.queue_declare(name, durable=True)
        channel.queue_bind(name, name, routing_key="#")


def test_a_time_before_1970_has_no_place_in_a_frame(amqp_url: str, name: str, publish: Publish) -> None:
    """It is sent as 1970, the earliest; it and what is behind it are confirmed."""
    listen(amqp_url, name, "topic")
    early = datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC)
    assert publish("early", timestamp=early) == [Confirmed()]
    assert publish("first", timestamp=datetime(1, 1, 1, tzinfo=UTC)) == [Confirmed()]
    assert publish("now", timestamp=datetime(2023, 6, 2, tzinfo=UTC)) == [Confirmed()]
    assert publish("none") == [Confirmed()]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    expected = [("early", epoch), ("first", epoch), ("now", datetime(2023, 6, 2, tzinfo=UTC)), ("none", None)]
    assert [(message.message_id, message.timestamp) for message in amqp.drain(amqp_url, name)] == expected


def test_an_exchange_of_another_type_is_used_as_it_is(
    amqp_url: str, name: str, publish: Publish, caplog: pytest.LogCaptureFixture
) -> None:
    """With one warning, however often it is published to."""
    listen(amqp_url, name, "fanout")
    assert publish("a", "b") == [Confirmed(), Confirmed()]
    assert publish("c") == [Confirmed()]
    assert [message.message_id for message in amqp.drain(amqp_url, name)] == ["a", "b", "c"]
    warnings = [record for record in caplog.records if "is used as it is" in record.getMessage()]
    assert len(warnings) == 1
    assert name in warnings[0].getMessage()


def test_an_exchange_that_was_deleted_is_declared_again(amqp_url: str, name: str, publish: Publish) -> None:
    """At most one message is refused for it."""
    listen(amqp_url, name, "topic")
    assert publish("a") == [Confirmed()]
    amqp.delete_exchanges(amqp_url, name)
    (receipt,) = publish("b", mandatory=False)
    assert isinstance(receipt, Confirmed | Refused)
    assert publish("c", mandatory=False) == [Confirmed()]
    listen(amqp_url, name, "topic")
    assert publish("d") == [Confirmed()]
    assert [message.message_id for message in amqp.drain(amqp_url, name)] == ["a", "d"]


def test_a_batch_outlasts_the_deletion_of_its_exchange(amqp_url: str, name: str, publish: Publish) -> None:
    """At most one of it is refused; the exchange is there again at its end."""
    listen(amqp_url, name, "topic")
    assert publish("a") == [Confirmed()]
    amqp.delete_exchanges(amqp_url, name)
    receipts = publish(*map(str, range(20)), mandatory=False)
    assert sum(isinstance(receipt, Refused) for receipt in receipts) <= 1
    assert sum(receipt == Confirmed() for receipt in receipts) >= 19
    assert publish("b", mandatory=False) == [Confirmed()]


@contextlib.contextmanager
def consuming(url: str, topology: Topology, collector: Collector) -> Iterator[None]:
    """A subscriber in a thread, whose queue is there."""
    subscriber = AmqpSubscriber(BrokerAddress.from_url(url), Subscription(topology))
    thread = threading.Thread(target=subscriber.subscribe, args=(collector,))
    thread.start()
    try:
        wait_until(lambda: amqp.depth(url, topology.queue) == 0, "the queue is there and bound")
        yield
    finally:
        subscriber.close()
        thread.join(PATIENCE)


NOT_UTF8 = b"\xff\xfe\xc3"
# What pika lets a producer write, and RabbitMQ takes, that is no plain text.
ODD: dict[str, dict[str, Any]] = {
    "header name": {"headers": {NOT_UTF8: "x", "fine": "y"}},
    "empty header name": {"headers": {"": "x", b"": b"y"}},
    "long header name": {"headers": {"ж" * 127: 1}},
    "colliding header names": {"headers": {b"a\xff": "x", b"a\xfe": "y", "a": "z"}},
    "header value": {"headers": {"x": NOT_UTF8, "x-attempt": NOT_UTF8, "x-original-exchange": NOT_UTF8}},
    "header types": {
        "headers": {"a": [1, {"b": None}], "d": decimal.Decimal("1.5"), "e": datetime(1990, 1, 1, tzinfo=UTC)}
    },
    "counters": {"headers": {"x-attempt": -(2**63), "x-deferrals": 2**63 - 1, "x-delivery-count": "x"}},
    "message id": {"message_id": NOT_UTF8},
    "all texts": dict.fromkeys(
        ("type", "app_id", "correlation_id", "content_type", "content_encoding", "reply_to", "cluster_id"), NOT_UTF8
    ),
    "timestamp": {"timestamp": 2**64 - 1},
    "priority": {"priority": 255},
    "nothing": {},
}


@pytest.mark.parametrize("properties", ODD.values(), ids=ODD)
def test_odd_properties_of_other_producers_are_read(
    amqp_url: str, name: str, properties: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The session goes on: each message comes once, and so does what is behind it."""
    collector = Collector()
    with consuming(amqp_url, Topology(name, queue_type="classic"), collector):
        amqp.publish(amqp_url, "", name, b"odd", **properties)
        amqp.publish(amqp_url, "", name, b"plain", message_id="plain")
        wait_until(lambda: len(collector.deliveries) >= 2, "both are handled")
    bodies = [(delivery.message.body, delivery.redelivered) for delivery in collector.deliveries]
    assert bodies == [(b"odd", False), (b"plain", False)]
    assert amqp.depth(amqp_url, name) == 0
    odd = collector.deliveries[0]
    assert all(isinstance(text, str) for text in (odd.exchange, odd.routing_key, odd.message.message_id))
    assert odd.attempt >= 1
    assert odd.deferrals >= 0
    assert odd.delivery_count == 0
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


@pytest.mark.parametrize("queue_type", ["quorum", "classic"])
def test_a_count_of_deliveries_is_the_brokers(amqp_url: str, name: str, queue_type: str) -> None:
    """A message that is delivered first has been delivered never, whatever its headers say: a producer claims it, or
    it was put aside as crashed with the count of that time and a person has moved it back."""
    collector = Collector()
    with consuming(amqp_url, Topology(name, queue_type=queue_type), collector):
        amqp.publish(amqp_url, "", name, b"claimed", headers={"x-delivery-count": 50})
        wait_until(lambda: collector.deliveries, "it is handled")
    assert [delivery.delivery_count for delivery in collector.deliveries] == [0]


def test_a_routing_key_that_is_not_utf8_is_read(amqp_url: str, name: str) -> None:
    """What is no ASCII of it is left out, so it has no exact handler; the session goes on."""
    collector = Collector()
    topology = Topology(name, queue_type="classic", exchanges=((name, "topic"),), bindings=((name, "#"),))
    with consuming(amqp_url, topology, collector):
        amqp.publish(amqp_url, name, b"made\xff", b"odd")  # type: ignore[arg-type]  # pika writes bytes as they are
        amqp.publish(amqp_url, name, "made", b"plain")
        wait_until(lambda: len(collector.deliveries) >= 2, "both are handled")
    assert [(delivery.message.body, delivery.routing_key) for delivery in collector.deliveries] == [
        (b"odd", "made"),
        (b"plain", "made"),
    ]

"""The scenarios of publishing; ``conformance`` has the whole suite."""

# ruff: noqa: S101, PLR2004  scenarios are tests
from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from services_communication.message import Message
from services_communication.testing.consuming import Collector, consuming
from services_communication.testing.hooks import TransportHooks
from services_communication.transport.protocol import Confirmed, Receipt, Refused, Returned, Topology

# Brokers in memory are known to get these wrong ("a.#" matches "a"; "a.*" does not match "a.b.c").
PATTERNS = ("#", "*", "a", "a.*", "a.#", "*.b", "#.b", "a.*.c", "a.#.c", "*.#")
KEYS = {
    "a": {"#", "*", "a", "a.#", "*.#"},
    "b": {"#", "*", "#.b", "*.#"},
    "a.b": {"#", "a.*", "a.#", "*.b", "#.b", "*.#"},
    "a.b.c": {"#", "a.#", "a.*.c", "a.#.c", "*.#"},
    "a.c": {"#", "a.*", "a.#", "a.#.c", "*.#"},
    "a.x.y.c": {"#", "a.#", "a.#.c", "*.#"},
    "x.y.b": {"#", "#.b", "*.#"},
    "a..c": {"#", "a.#", "a.*.c", "a.#.c", "*.#"},
    "": {"#"},
}


class PublishingConformance(TransportHooks):
    """Publisher and routing."""

    def test_a_message_arrives_as_it_was_sent(self) -> None:
        """Bytes, properties and headers of every allowed type."""
        self.declare(self.topology)
        message = self.message(
            b'{"name": "\xc3\xa9", "nul": "\\u0000"}',
            type="made.update",
            app_id="conformance",
            correlation_id="c-1",
            timestamp=datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC),
            headers={"text": "é", "number": -(2**40), "small": 7, "yes": True, "no": False, "bytes": b"\x00\xff"},
        )
        self.sent(message)
        collector = Collector()
        with consuming(self.make_subscriber(self.subscription()), collector):
            (delivery,) = collector.wait_for(1)
        received = delivery.message
        assert received == replace(message, mandatory=received.mandatory)
        assert {name: type(value) for name, value in received.headers.items()} == {
            name: type(value) for name, value in message.headers.items()
        }
        assert (delivery.queue, delivery.redelivered, delivery.delivery_count) == (self.topology.queue, False, 0)
        assert (delivery.attempt, delivery.deferrals) == (1, 0)
        assert (delivery.exchange, delivery.routing_key) == (self.exchange, "made.update")

    def test_receipts_stand_in_the_order_of_their_messages(self) -> None:
        """What has no queue is Returned when it is mandatory and Confirmed when it is not; its neighbours go on."""
        self.topology = replace(self.topology, bindings=((self.exchange, "bound"),))
        self.declare(self.topology)
        kinds = [("bound", True), ("unbound", True), ("unbound", False), ("bound", False), ("unbound", True)] * 5
        messages = [self.message(str(i).encode(), key, mandatory=m) for i, (key, m) in enumerate(kinds)]
        receipts = self.send(*messages)
        expected = [Returned if key == "unbound" and mandatory else Confirmed for key, mandatory in kinds]
        assert [type(receipt) for receipt in receipts] == expected
        bound = [message.body for message in messages if message.routing_key == "bound"]
        assert [message.body for message in self.drain(self.topology.queue)] == bound

    def test_one_message_id_may_be_published_twice(self) -> None:
        """A repeated publish is the caller's decision; the id stays as it is."""
        self.declare(self.topology)
        message = self.message()
        self.sent(message, message)
        self.sent(message)
        assert [found.message_id for found in self.drain(self.topology.queue)] == [message.message_id] * 3

    def test_publishing_nothing_is_fine(self) -> None:
        assert self.send() == []

    def test_a_topic_exchange_routes_by_words(self) -> None:
        """``*`` is one word, ``#`` is any number, none included."""
        for pattern in PATTERNS:
            self.declare(self._bound_by(pattern))
        for key, expected in KEYS.items():
            self.sent(self.message(key.encode(), key))
            assert {p for p in PATTERNS if self.drain(self._bound_by(p).queue)} == expected, key

    def _bound_by(self, pattern: str) -> Topology:
        number = PATTERNS.index(pattern)
        bindings = ((self.exchange, pattern),)
        return replace(self.topology, queue=f"{self.topology.queue}.{number}", bindings=bindings, retry_delays=())

    def test_two_bindings_that_match_make_one_copy(self) -> None:
        self.topology = replace(self.topology, bindings=((self.exchange, "#"), (self.exchange, "made.*")))
        self.declare(self.topology)
        self.sent(self.message())
        assert len(self.drain(self.topology.queue)) == 1

    def test_a_direct_exchange_routes_by_the_whole_key(self) -> None:
        """A ``#`` in its bindings is a letter like any other."""
        self._with_exchange("direct", "made.update", "#")
        receipts = self.send(*[self.message(routing_key=key) for key in ("made.update", "made", "made.*")])
        assert [type(receipt) for receipt in receipts] == [Confirmed, Returned, Returned]

    def test_a_fanout_exchange_routes_everything(self) -> None:
        self._with_exchange("fanout", "ignored")
        self.sent(*[self.message(routing_key=key) for key in ("made.update", "", "ignored")])
        assert len(self.drain(self.topology.queue)) == 3

    def _with_exchange(self, kind: str, *patterns: str) -> None:
        bindings = tuple((self.exchange, pattern) for pattern in patterns)
        self.topology = replace(self.topology, exchanges=((self.exchange, kind),), bindings=bindings)
        self.declare(self.topology)

    def test_an_exchange_that_is_missing_harms_nothing_else(self) -> None:
        """Its message is not confirmed; those before, beside and after it are."""
        self.declare(self.topology)
        missing = replace(self.message(), exchange=f"{self.exchange}.missing")
        self.sent(self.message(b"0"))
        receipts = self.send(self.message(b"1"), missing, self.message(b"2"))
        assert [isinstance(receipt, Confirmed) for receipt in receipts] == [True, False, True]
        assert isinstance(receipts[1], Returned | Refused)
        self.sent(self.message(b"3"))
        # A transport that must send some again to find the culprit may make copies, but loses none.
        assert {message.body for message in self.drain(self.topology.queue)} == {b"0", b"1", b"2", b"3"}

    def test_order_is_kept(self) -> None:
        """Batches that are in flight at the same time included."""
        self.declare(self.topology)
        messages = [self.message(str(number).encode()) for number in range(600)]
        batches: Sequence[list[Message]] = [messages[:250], messages[250:500], messages[500:]]
        for future in [self.publisher.publish(batch) for batch in batches]:
            assert set(future.result(60)) == {Confirmed()}
        collector = Collector()
        with consuming(self.make_subscriber(self.subscription(prefetch=100)), collector):
            collector.wait_for(600)
        assert collector.bodies == [message.body for message in messages]

    def test_threads_share_a_publisher(self) -> None:
        self.declare(self.topology)
        receipts: list[list[Receipt]] = []

        def publish(thread: int) -> None:
            for number in range(20):
                key = "made" if number % 2 else "made.update"
                receipts.append(self.send(*[self.message(f"{thread} {number} {i}".encode(), key) for i in range(5)]))

        threads = [threading.Thread(target=publish, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert receipts == [[Confirmed()] * 5] * 80
        bodies = [message.body for message in self.drain(self.topology.queue)]
        assert set(Counter(bodies).values()) == {1}
        assert len(bodies) == 400

    def test_close_waits_for_what_is_in_flight(self) -> None:
        """And may be called again."""
        self.declare(self.topology)
        publisher = self.make_publisher()
        assert publisher.publish([self.message()]).result(60) == [Confirmed()]  # it is connected
        future = publisher.publish([self.message(str(number).encode()) for number in range(300)])
        publisher.close()
        assert future.result(1) == [Confirmed()] * 300
        publisher.close()

    def test_closing_an_unused_publisher_is_fine(self) -> None:
        publisher = self.make_publisher()
        publisher.close()
        publisher.close()

    def test_a_large_body_travels(self) -> None:
        self.declare(self.topology)
        body = bytes(range(256)) * (self.features.large_body // 256) + b"end"
        self.sent(self.message(body), self.message(b""))
        assert [message.body for message in self.drain(self.topology.queue)] == [body, b""]

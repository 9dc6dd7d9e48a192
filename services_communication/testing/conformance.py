"""The suite that every transport passes; it is the specification of :mod:`services_communication.transport.protocol`.

A transport's test module subclasses it and says how to make things; pytest collects the scenarios:

    class TestMemory(TransportConformance):
        def make_publisher(self) -> Publisher: ...
        def make_subscriber(self, subscription: Subscription) -> Subscriber: ...
        def declare(self, topology: Topology) -> None: ...
        def drain(self, queue: str) -> list[Message]: ...

No scenario asserts how fast something is. Names of queues and exchanges are new for each test.
"""

# ruff: noqa: S101, PLR2004  scenarios are tests
from __future__ import annotations

import threading
import time
from abc import abstractmethod
from itertools import pairwise

from services_communication.message import (
    HEADER_DETAIL,
    HEADER_EXCHANGE,
    HEADER_QUEUE,
    HEADER_REASON,
    HEADER_ROUTING_KEY,
    Ack,
    DeadLetter,
    Delivery,
    Message,
    Outcome,
    Retry,
)
from services_communication.testing.consuming import Collector, Consuming, Gate, consuming, wait_until
from services_communication.testing.hooks import DELAY, LONG_DELAY, Features, TransportHooks
from services_communication.testing.publishing import PublishingConformance
from services_communication.transport.protocol import Confirmed, UnfinishedError

__all__ = ["Features", "PersistenceConformance", "TransportConformance", "TransportHooks"]


class TransportConformance(PublishingConformance):
    """Every public method, here and inherited, is a scenario; its docstring is what a user may rely on."""

    # -- settling -----------------------------------------------------------------------------------------------

    def test_an_acknowledged_message_is_gone(self) -> None:
        self.declare(self.topology)
        self.sent(*[self.message(str(number).encode()) for number in range(20)])
        collector = Collector()
        with consuming(self.make_subscriber(self.subscription()), collector):
            collector.wait_for(20)
        assert self.drain(self.topology.queue) == []
        assert len(collector.deliveries) == 20

    def test_a_retry_comes_back_after_its_delay(self) -> None:
        """As the same message, with its original address, and counted."""
        began: list[float] = []

        def answer(delivery: Delivery) -> Outcome:
            began.append(time.monotonic())
            return Retry(DELAY) if delivery.attempt < 3 else Ack()

        collector = Collector(answer)
        self.declare(self.topology)
        message = self.message(b'{"n": 1}', type="made.update", headers={"own": "kept"})
        with consuming(self.make_subscriber(self.subscription()), collector):
            self.sent(message)
            deliveries = collector.wait_for(3)
        assert [delivery.attempt for delivery in deliveries] == [1, 2, 3]
        assert [delivery.deferrals for delivery in deliveries] == [0, 0, 0]
        for earlier, later in pairwise(began):
            assert later - earlier >= DELAY.total_seconds() * 0.9
        for delivery in deliveries:
            assert (delivery.exchange, delivery.routing_key) == (self.exchange, "made.update")
            assert (delivery.message.message_id, delivery.message.body) == (message.message_id, message.body)
            assert (delivery.message.type, delivery.message.headers["own"]) == ("made.update", "kept")
        assert self.drain(self.topology.queue) == []

    def test_putting_off_is_no_failure(self) -> None:
        """The two are counted apart, and neither count forgets the other."""
        answers: list[Outcome] = [Retry(DELAY, failed=False), Retry(DELAY), Retry(DELAY, failed=False), Ack()]
        collector = Collector(lambda _: answers[len(collector.deliveries) - 1])
        with consuming(self.make_subscriber(self.subscription()), collector):
            self._publish_when_declared(self.message())
            deliveries = collector.wait_for(4)
        assert [(delivery.attempt, delivery.deferrals) for delivery in deliveries] == [(1, 0), (1, 1), (2, 1), (2, 2)]

    def _publish_when_declared(self, message: Message) -> None:
        wait_until(lambda: self.send(message) == [Confirmed()], "the subscriber declared its queue")

    def test_what_waits_for_its_retry_blocks_nothing(self) -> None:
        """Neither other messages, nor one with a shorter delay behind one with a longer."""

        def answer(delivery: Delivery) -> Outcome:
            if delivery.message.body == b"slow":
                return Retry(LONG_DELAY)
            return Retry(DELAY) if delivery.message.body == b"fast" and delivery.attempt == 1 else Ack()

        collector = Collector(answer)
        self.declare(self.topology)
        self.sent(self.message(b"slow"), self.message(b"fast"), self.message(b"good"))
        with consuming(self.make_subscriber(self.subscription()), collector):
            collector.wait_for(4)
        assert collector.bodies == [b"slow", b"fast", b"good", b"fast"]

    def test_a_dead_letter_is_kept_with_its_reason(self) -> None:
        """Original bytes, id and headers; why, and where it came from."""
        collector = Collector(lambda _: DeadLetter("invalid", "Field required at payload.name"))
        self.declare(self.topology)
        message = self.message(b"not even JSON \xff", headers={"own": "kept"})
        with consuming(self.make_subscriber(self.subscription()), collector):
            self.sent(message)
            (dead,) = self.wait_for_dead(1)
        assert (dead.body, dead.message_id, dead.headers["own"]) == (message.body, message.message_id, "kept")
        assert dead.headers[HEADER_REASON] == "invalid"
        assert dead.headers[HEADER_DETAIL] == "Field required at payload.name"
        assert dead.headers[HEADER_QUEUE] == self.topology.queue
        assert (dead.headers[HEADER_EXCHANGE], dead.headers[HEADER_ROUTING_KEY]) == (self.exchange, "made.update")
        assert self.drain(self.topology.queue) == []

    def test_a_dead_letter_after_a_retry_names_its_first_address(self) -> None:
        collector = Collector(lambda delivery: Retry(DELAY) if delivery.attempt == 1 else DeadLetter("failed"))
        self.declare(self.topology)
        with consuming(self.make_subscriber(self.subscription()), collector):
            self.sent(self.message())
            (dead,) = self.wait_for_dead(1)
        assert (dead.headers[HEADER_EXCHANGE], dead.headers[HEADER_ROUTING_KEY]) == (self.exchange, "made.update")

    # -- taking -------------------------------------------------------------------------------------------------

    def test_so_many_handlers_run_at_once_as_asked_for(self) -> None:
        together = threading.Barrier(4)

        def answer(_: Delivery) -> Outcome:
            together.wait(30)
            return Ack()

        collector = Collector(answer)
        self.declare(self.topology)
        self.sent(*[self.message(str(number).encode()) for number in range(8)])
        with consuming(self.make_subscriber(self.subscription(concurrency=4)), collector):
            collector.wait_for(8)
        assert sorted(collector.bodies) == sorted(str(number).encode() for number in range(8))

    def test_one_handler_runs_when_one_is_asked_for(self) -> None:
        gate = Gate()
        self.declare(self.topology)
        self.sent(*[self.message(str(number).encode()) for number in range(3)])
        with consuming(self.make_subscriber(self.subscription()), gate.collector):
            gate.collector.wait_for(1)
            time.sleep(0.3)
            assert gate.collector.bodies == [b"0"]
            gate.open()
            gate.collector.wait_for(3)

    def test_prefetch_is_bounded(self) -> None:
        """A busy subscriber holds no more than it asked for, so another one gets the rest."""
        gate, other = Gate(), Collector()
        self.declare(self.topology)
        self.sent(*[self.message(str(number).encode()) for number in range(10)])
        with consuming(self.make_subscriber(self.subscription(prefetch=2)), gate.collector):
            gate.collector.wait_for(1)
            with consuming(self.make_subscriber(self.subscription()), other):
                other.wait_for(8)
            gate.open()
            everything = {str(number).encode() for number in range(10)}
            wait_until(lambda: {*other.bodies, *gate.collector.bodies} == everything, "all are handled")

    def test_close_lets_the_running_handler_finish(self) -> None:
        """Its message is settled, and nothing more is taken; what was prefetched goes back."""
        gate = Gate()
        self.declare(self.topology)
        self.sent(*[self.message(str(number).encode()) for number in range(5)])
        running = Consuming(self.make_subscriber(self.subscription()), gate.collector)
        gate.collector.wait_for(1)
        running.subscriber.close()
        running.subscriber.close()
        time.sleep(0.3)
        assert not running.ended
        gate.open()
        running.end()
        assert gate.collector.bodies == [b"0"]
        rest = Collector()
        with consuming(self.make_subscriber(self.subscription()), rest):
            rest.wait_for(4)
        assert rest.bodies == [b"1", b"2", b"3", b"4"]

    def test_what_was_not_settled_is_delivered_again(self) -> None:
        """A handler that outlives the grace time raises UnfinishedError; its message comes again, marked so."""
        gate, again = Gate(), Collector()
        self.declare(self.topology)
        self.sent(self.message(b"1"))
        running = Consuming(self.make_subscriber(self.subscription(grace=0.3)), gate.collector)
        gate.collector.wait_for(1)
        try:
            running.end()
        except UnfinishedError:
            pass
        else:
            raise AssertionError("subscribe() returned as if the handler had finished")
        with consuming(self.make_subscriber(self.subscription()), again):
            (delivery,) = again.wait_for(1)
            gate.open()  # the late outcome of the first handler counts no more
            time.sleep(0.3)
        assert (delivery.message.body, delivery.redelivered, delivery.attempt) == (b"1", True, 1)
        assert delivery.delivery_count == (1 if self.features.counts_deliveries else 0)
        assert len(again.deliveries) == 1
        assert self.drain(self.topology.queue) == []

    def test_close_before_subscribe_ends_it_at_once(self) -> None:
        subscriber = self.make_subscriber(self.subscription())
        subscriber.close()
        with consuming(subscriber, Collector()) as running:
            wait_until(lambda: running.ended, "subscribe() returns")

    def test_subscribing_declares_what_is_missing(self) -> None:
        collector = Collector()
        with consuming(self.make_subscriber(self.subscription()), collector):
            self._publish_when_declared(self.message())
            collector.wait_for(1)


class PersistenceConformance(TransportHooks):
    """For transports whose messages survive a restart of the broker."""

    @abstractmethod
    def restart(self) -> None:
        """Crash the broker and start it again."""

    def test_what_was_confirmed_survives_a_crash(self) -> None:
        """In the queue, in a retry queue and in the dead-letter queue."""
        outcomes: dict[bytes, Outcome] = {b"retry": Retry(LONG_DELAY), b"dead": DeadLetter("failed")}
        collector = Collector(lambda delivery: outcomes[delivery.message.body])
        self.declare(self.topology)
        with consuming(self.make_subscriber(self.subscription()), collector):
            self.sent(self.message(b"retry"), self.message(b"dead"))
            collector.wait_for(2)
        self.sent(self.message(b"ready"))
        self.restart()
        places = (self.topology.queue, self.topology.retry_queue(LONG_DELAY), self.topology.dead_queue)
        assert [[message.body for message in self.drain(place)] for place in places] == [
            [b"ready"],
            [b"retry"],
            [b"dead"],
        ]

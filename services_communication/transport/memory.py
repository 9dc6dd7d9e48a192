"""A broker in this process: topic, direct and fanout exchanges, retry and dead-letter queues, acknowledgement.

For tests and demonstrations. Nothing survives the process, and only its own process can reach it.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

from services_communication.errors import TopologyError
from services_communication.message import Ack, DeadLetter, Delivery, Message, Outcome, Retry
from services_communication.transport.protocol import (
    Confirmed,
    Handle,
    Receipt,
    Returned,
    Subscription,
    Topology,
    UnfinishedError,
)
from services_communication.transport.settling import dead_letter, retried
from services_communication.transport.topics import matches

POLL_SECONDS = 0.05


@dataclass(slots=True)
class _Queue:
    ready: deque[tuple[Message, int]] = field(default_factory=deque)


class MemoryBroker:
    """Exchanges, queues and bindings. Thread-safe."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self._exchanges: dict[str, tuple[str, list[tuple[str, str]]]] = {}
        self._queues: dict[str, _Queue] = {}
        self._delayed: list[tuple[float, int, str, Message]] = []
        self._numbers = count()
        self._ahead = 0.0

    def declare(self, topology: Topology) -> None:
        """Idempotent. Raises TopologyError when an exchange exists with another type, or is missing undeclared."""
        with self.changed:
            if not topology.declare:
                self._verify(topology)
                return
            for name, kind in topology.exchanges:
                self.declare_exchange(name, kind)
            for queue in (topology.queue, topology.dead_queue, *map(topology.retry_queue, topology.retry_delays)):
                self._queues.setdefault(queue, _Queue())
            for exchange, pattern in topology.bindings:
                self.bind(topology.queue, exchange, pattern)

    def declare_exchange(self, name: str, kind: str = "topic") -> None:
        with self.changed:
            known, _ = self._exchanges.setdefault(name, (kind, []))
            if known != kind:
                raise TopologyError(f"exchange {name!r} exists with type {known}, not {kind}")

    def bind(self, queue: str, exchange: str, pattern: str) -> None:
        with self.changed:
            if exchange not in self._exchanges:
                raise TopologyError(f"queue {queue!r} is to be bound to exchange {exchange!r}, which does not exist")
            bindings = self._exchanges[exchange][1]
            if (queue, pattern) not in bindings:
                bindings.append((queue, pattern))

    def route(self, message: Message) -> bool:
        """Put `message` into every queue bound for it. False: there was none."""
        with self.changed:
            if not message.exchange:
                queues = {message.routing_key} & self._queues.keys()
            else:
                kind, bindings = self._exchanges.get(message.exchange, ("topic", []))
                queues = {queue for queue, pattern in bindings if _routes(kind, pattern, message.routing_key)}
            for queue in queues & self._queues.keys():
                self._queues[queue].ready.append((message, 0))
            self.changed.notify_all()
            return bool(queues & self._queues.keys())

    def delay(self, queue: str, message: Message, delay: timedelta) -> None:
        with self.changed:
            heapq.heappush(self._delayed, (self._now() + delay.total_seconds(), next(self._numbers), queue, message))
            self.changed.notify_all()

    def advance(self, duration: timedelta) -> None:
        """Let `duration` pass for what waits in the retry queues, without waiting."""
        with self.changed:
            self._ahead += duration.total_seconds()
            self.changed.notify_all()

    def take(self, queue: str) -> tuple[Message, int] | None:
        """The next message of `queue` and how often it was handed out before; None when there is none."""
        with self.changed:
            self._ripen()
            ready = self._queues[queue].ready
            return ready.popleft() if ready else None

    def give_back(self, queue: str, message: Message, delivered: int) -> None:
        with self.changed:
            self._queues[queue].ready.appendleft((message, delivered))
            self.changed.notify_all()

    def messages(self, queue: str) -> list[Message]:
        """What waits in `queue`, oldest first; what is delayed or being handled is not among it."""
        with self.changed:
            self._ripen()
            return [message for message, _ in self._queues[queue].ready] if queue in self._queues else []

    def delayed(self, queue: str) -> list[Message]:
        """What will come back to `queue` later."""
        with self.changed:
            return [
                message for _, _, target, message in sorted(self._delayed, key=lambda item: item[:2]) if target == queue
            ]

    def _ripen(self) -> None:
        while self._delayed and self._delayed[0][0] <= self._now():
            _, _, queue, message = heapq.heappop(self._delayed)
            self._queues[queue].ready.append((message, 0))

    def _now(self) -> float:
        return time.monotonic() + self._ahead

    def _verify(self, topology: Topology) -> None:
        for queue in (topology.queue, topology.dead_queue, *map(topology.retry_queue, topology.retry_delays)):
            if queue not in self._queues:
                raise TopologyError(f"queue {queue!r} does not exist; create it, or set DO_NOT_DECLARE to False")


def _routes(kind: str, pattern: str, routing_key: str) -> bool:
    if kind == "fanout":
        return True
    return pattern == routing_key if kind == "direct" else matches(pattern, routing_key)


class MemoryPublisher:
    """Publishes to a :class:`MemoryBroker`; the future is resolved when it is returned."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    def publish(
        self,
        messages: Sequence[Message],
        *,
        after: Future[list[Receipt]] | None = None,  # noqa: ARG002  nothing is ever lost here
    ) -> Future[list[Receipt]]:
        future: Future[list[Receipt]] = Future()
        future.set_result([self._send(message) for message in messages])
        return future

    def _send(self, message: Message) -> Receipt:
        if self._broker.route(message) or not message.mandatory:
            return Confirmed()
        return Returned("NO_ROUTE")

    def close(self) -> None:
        pass


class MemorySubscriber:
    """Consumes a queue of a :class:`MemoryBroker` in threads of its own."""

    def __init__(self, broker: MemoryBroker, subscription: Subscription) -> None:
        self._broker = broker
        self._subscription = subscription
        self._closing = threading.Event()
        self._held: dict[int, tuple[Message, int]] = {}  # by thread; guarded by the broker's lock

    def subscribe(self, handle: Handle) -> None:
        self._broker.declare(self._subscription.topology)
        threads = [
            threading.Thread(target=self._work, args=(handle,), name=f"handler-{number}", daemon=True)
            for number in range(self._subscription.concurrency)
        ]
        for thread in threads:
            thread.start()
        self._closing.wait()
        deadline = time.monotonic() + self._subscription.grace.total_seconds()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._broker.changed:
            unfinished, self._held = list(self._held.values()), {}
            for message, delivered in unfinished:
                self._broker.give_back(self._subscription.topology.queue, message, delivered + 1)
        if unfinished:
            raise UnfinishedError("a handler is still running after the grace time")

    def close(self) -> None:
        self._closing.set()

    def _work(self, handle: Handle) -> None:
        queue, thread = self._subscription.topology.queue, threading.get_ident()
        while not self._closing.is_set():
            with self._broker.changed:
                taken = self._broker.take(queue)
                if taken is None:
                    self._broker.changed.wait(POLL_SECONDS)
                    continue
                self._held[thread] = taken
            message, delivered = taken
            try:
                outcome = handle(Delivery(message, queue, redelivered=delivered > 0, delivery_count=delivered))
            except BaseException:
                with self._broker.changed:
                    if self._held.pop(thread, None) is not None:
                        self._broker.give_back(queue, message, delivered + 1)
                raise
            with self._broker.changed:
                if self._held.pop(thread, None) is not None:  # else the grace time is over, and it was given back
                    self._settle(message, outcome)

    def _settle(self, message: Message, outcome: Outcome) -> None:
        topology = self._subscription.topology
        match outcome:
            case Ack():
                pass
            case Retry():
                self._broker.delay(
                    topology.queue,
                    replace(retried(message, outcome, topology), exchange="", routing_key=topology.queue),
                    outcome.delay,
                )
            case DeadLetter():
                self._broker.route(dead_letter(message, outcome, topology))


_brokers: dict[str, MemoryBroker] = {}
_brokers_lock = threading.Lock()


def broker(name: str = "default") -> MemoryBroker:
    """The broker of ``memory://name``, made when it is first asked for."""
    with _brokers_lock:
        return _brokers.setdefault(name, MemoryBroker())


def forget_brokers() -> None:
    """Begin anew; for tests."""
    with _brokers_lock:
        _brokers.clear()

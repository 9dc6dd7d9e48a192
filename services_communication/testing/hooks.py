"""What a transport's tests provide for the conformance suite, and what the scenarios make of it."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

from services_communication.message import Message
from services_communication.testing.consuming import wait_until
from services_communication.transport.protocol import (
    Confirmed,
    Publisher,
    Receipt,
    Subscriber,
    Subscription,
    Topology,
)

DELAY = timedelta(milliseconds=300)
LONG_DELAY = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Features:
    """What a transport can do beyond the protocol, and what the scenarios should use of it."""

    queue_type: str = "quorum"
    counts_deliveries: bool = True
    """``Delivery.delivery_count`` grows when a message is handed out again."""
    large_body: int = 4 * 1024 * 1024


class TransportHooks(ABC):
    """What a transport's tests provide."""

    features: ClassVar[Features] = Features()

    @abstractmethod
    def make_publisher(self) -> Publisher:
        """A new one. The scenario closes it."""

    @abstractmethod
    def make_subscriber(self, subscription: Subscription) -> Subscriber:
        """A new one. The scenario closes it."""

    @abstractmethod
    def declare(self, topology: Topology) -> None:
        """What a subscriber does before it consumes, without consuming."""

    @abstractmethod
    def drain(self, queue: str) -> list[Message]:
        """Take all that is ready out of `queue`."""

    # -- made of the above --------------------------------------------------------------------------------------

    def setup_method(self) -> None:
        """pytest calls it before each scenario."""
        unique = uuid.uuid4().hex[:12]
        self.exchange = f"conformance.{unique}"
        self.topology = Topology(
            queue=f"conformance.{unique}.queue",
            queue_type=self.features.queue_type,
            exchanges=((self.exchange, "topic"),),
            bindings=((self.exchange, "#"),),
            retry_delays=(DELAY, LONG_DELAY),
        )
        self.publisher = self.make_publisher()

    def teardown_method(self) -> None:
        self.publisher.close()

    def message(self, body: bytes = b"{}", routing_key: str = "made.update", **changes: object) -> Message:
        message = Message(self.exchange, routing_key, body)
        return replace(message, **changes)  # type: ignore[arg-type]  # the fields are the caller's choice

    def send(self, *messages: Message) -> list[Receipt]:
        return self.publisher.publish(messages).result(60)

    def sent(self, *messages: Message) -> None:
        """Publish `messages`, all of which must be confirmed."""
        receipts = self.send(*messages)
        assert receipts == [Confirmed()] * len(messages), receipts  # noqa: S101  this is a test suite

    def subscription(self, *, concurrency: int = 1, prefetch: int = 10, grace: float = 30) -> Subscription:
        return Subscription(self.topology, prefetch, concurrency, timedelta(seconds=grace))

    def wait_for_dead(self, number: int) -> list[Message]:
        found: list[Message] = []

        def enough() -> bool:
            found.extend(self.drain(self.topology.dead_queue))
            return len(found) >= number

        wait_until(enough, f"{number} messages in {self.topology.dead_queue}")
        return found

from __future__ import annotations

from services_communication.message import Message
from services_communication.testing.conformance import TransportConformance
from services_communication.transport.memory import MemoryBroker, MemoryPublisher, MemorySubscriber
from services_communication.transport.protocol import Publisher, Subscriber, Subscription, Topology


class TestMemory(TransportConformance):
    def setup_method(self) -> None:
        self.broker = MemoryBroker()
        super().setup_method()

    def make_publisher(self) -> Publisher:
        return MemoryPublisher(self.broker)

    def make_subscriber(self, subscription: Subscription) -> Subscriber:
        return MemorySubscriber(self.broker, subscription)

    def declare(self, topology: Topology) -> None:
        self.broker.declare(topology)

    def drain(self, queue: str) -> list[Message]:
        found = []
        while (taken := self.broker.take(queue)) is not None:
            found.append(taken[0])
        return found

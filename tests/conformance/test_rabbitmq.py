from __future__ import annotations

import contextlib
import time

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from services_communication.errors import BrokerUnavailableError
from services_communication.message import Message
from services_communication.testing.conformance import (
    Features,
    PersistenceConformance,
    TransportConformance,
    TransportHooks,
)
from services_communication.testing.consuming import wait_until
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp import AmqpPublisher, AmqpSubscriber
from services_communication.transport.amqp.topology import declare
from services_communication.transport.protocol import Publisher, Subscriber, Subscription, Topology
from services_communication.transport.topics import matches
from tests.integration import amqp
from tests.support.servers import RabbitMQ


class RabbitMQHooks(TransportHooks):
    url: str

    def setup_method(self) -> None:
        self.declared: set[Topology] = set()

    def begin(self, url: str) -> None:
        self.url = url
        self.address = BrokerAddress.from_url(url)
        super().setup_method()

    def teardown_method(self) -> None:
        super().teardown_method()
        queues = [
            queue for t in self.declared for queue in (t.queue, t.dead_queue, *map(t.retry_queue, t.retry_delays))
        ]
        amqp.delete_queues(self.url, *queues)
        amqp.delete_exchanges(self.url, self.exchange, f"{self.exchange}.missing")

    def make_publisher(self) -> Publisher:
        return AmqpPublisher(self.address)

    def make_subscriber(self, subscription: Subscription) -> Subscriber:
        self.declared.add(subscription.topology)
        return AmqpSubscriber(self.address, subscription)

    def declare(self, topology: Topology) -> None:
        self.declared.add(topology)
        declare(self.address, topology)

    def drain(self, queue: str) -> list[Message]:
        return amqp.drain(self.url, queue)


class TestQuorumQueues(RabbitMQHooks, TransportConformance):
    @pytest.fixture(autouse=True)
    def _node(self, amqp_url: str) -> None:
        self.begin(amqp_url)


class TestClassicQueues(RabbitMQHooks, TransportConformance):
    features = Features(queue_type="classic", counts_deliveries=False)

    @pytest.fixture(autouse=True)
    def _node(self, amqp_url: str) -> None:
        self.begin(amqp_url)


class TestExchangesAreNotDeclared(RabbitMQHooks):
    """With DO_NOT_DECLARE the broker refuses a missing exchange by closing the channel."""

    test_missing = TransportConformance.test_an_exchange_that_is_missing_harms_nothing_else
    test_order = TransportConformance.test_order_is_kept

    @pytest.fixture(autouse=True)
    def _node(self, amqp_url: str) -> None:
        self.begin(amqp_url)

    def make_publisher(self) -> Publisher:
        return AmqpPublisher(self.address, declare=False)


class TestPersistence(RabbitMQHooks, PersistenceConformance):
    @pytest.fixture(autouse=True)
    def _node(self, private_rabbitmq: RabbitMQ) -> None:
        self.node = private_rabbitmq
        self.begin(private_rabbitmq.url)

    def declare(self, topology: Topology) -> None:
        """Again and again: a node that another test has just restarted listens before it can make quorum queues."""

        def declared() -> bool:
            with contextlib.suppress(BrokerUnavailableError):
                super(TestPersistence, self).declare(topology)
                return True
            return False

        wait_until(declared, "the node declares queues")

    def restart(self) -> None:
        time.sleep(4)  # the node writes down late that it has a new quorum queue; killed before, it cannot open it
        self.node.kill()
        self.node.start()


WORDS = st.sampled_from(["a", "b", "c", "", "é", "aa", "a-b", "*a"])
KEYS = st.lists(WORDS | st.just("*") | st.just("#"), max_size=5).map(".".join)
PATTERNS = st.lists(WORDS | st.just("*") | st.just("#"), max_size=5).map(".".join)


@pytest.mark.usefixtures("amqp_url")
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    patterns=st.lists(PATTERNS, min_size=15, max_size=25, unique=True),
    keys=st.lists(KEYS, min_size=15, max_size=25, unique=True),
)
def test_topics_match_as_the_broker_routes(amqp_url: str, patterns: list[str], keys: list[str]) -> None:
    """Hundreds of pairs of pattern and key in each example, all at one exchange."""
    routed: set[tuple[str, str]] = set()
    with amqp.channel(amqp_url) as channel:
        channel.exchange_declare("conformance.topics", exchange_type="topic", auto_delete=True)
        queues = {}
        for pattern in patterns:
            queues[pattern] = channel.queue_declare("", exclusive=True).method.queue
            channel.queue_bind(queues[pattern], "conformance.topics", routing_key=pattern)
        channel.confirm_delivery()
        for key in keys:
            channel.basic_publish("conformance.topics", key, key.encode())
        for pattern, queue in queues.items():
            while (taken := channel.basic_get(queue, auto_ack=True))[0] is not None:
                assert taken[2] is not None
                routed.add((pattern, taken[2].decode()))
            channel.queue_delete(queue)
    assert routed == {(pattern, key) for pattern in patterns for key in keys if matches(pattern, key)}

"""Declaring exchanges, queues and bindings: straight-line code on a short connection of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pika
import pika.exceptions as pika_errors
from pika.adapters.blocking_connection import BlockingChannel

from services_communication.errors import TopologyError
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp.connection import CONNECTING_ERRORS, parameters, translate
from services_communication.transport.protocol import Topology

logger = logging.getLogger("services_communication.transport")

NOT_FOUND, PRECONDITION_FAILED = 404, 406
_warned: set[str] = set()


def declare(address: BrokerAddress, topology: Topology) -> None:
    """Make sure that everything in `topology` exists. Raises TopologyError or BrokerUnavailableError."""
    with _declarer(address) as declarer:
        if not topology.declare:
            for queue in (topology.queue, topology.dead_queue, *map(topology.retry_queue, topology.retry_delays)):
                declarer.expect_queue(queue)
            return
        for name, kind in topology.exchanges:
            declarer.exchange(name, kind)
        declarer.queue(topology.dead_queue, {"x-queue-type": topology.queue_type})
        declarer.queue(topology.queue, _main_arguments(topology))
        for delay in topology.retry_delays:
            declarer.queue(topology.retry_queue(delay), _retry_arguments(topology, int(delay.total_seconds() * 1000)))
        for exchange, pattern in topology.bindings:
            declarer.bind(topology.queue, exchange, pattern)


def probe(address: BrokerAddress) -> None:
    """Connect once. Raises TopologyError when we are not let in, BrokerUnavailableError during an outage."""
    with _declarer(address):
        pass


def _main_arguments(topology: Topology) -> dict[str, Any]:
    # RabbitMQ 4 limits deliveries of a quorum queue to 20 by itself: what it gives up must not vanish.
    return {
        "x-queue-type": topology.queue_type,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": topology.dead_queue,
    }


def _retry_arguments(topology: Topology, milliseconds: int) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "x-queue-type": topology.queue_type,
        "x-message-ttl": milliseconds,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": topology.queue,
    }
    if topology.queue_type == "quorum":
        # At-least-once dead lettering, which needs this overflow (rabbitmq.com/docs/quorum-queues): the default
        # strategy may drop a message between the two queues.
        arguments |= {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    return arguments


@contextmanager
def _declarer(address: BrokerAddress) -> Iterator[_Declarer]:
    try:
        connection = pika.BlockingConnection(parameters(address, "services_communication topology"))
    except CONNECTING_ERRORS as error:
        raise translate(error, address) from None
    try:
        yield _Declarer(connection)
    except pika_errors.ChannelClosedByBroker as error:
        raise TopologyError(f"{address} refuses a declaration: {error.reply_text}") from None
    except CONNECTING_ERRORS as error:
        raise translate(error, address) from None
    finally:
        if connection.is_open:
            connection.close()


class _Declarer:
    """One connection; the broker closes a channel at each refusal, so the next step opens another."""

    def __init__(self, connection: pika.BlockingConnection) -> None:
        self._connection = connection
        self._channel: BlockingChannel | None = None

    @property
    def channel(self) -> BlockingChannel:
        if self._channel is None or not self._channel.is_open:
            self._channel = self._connection.channel()
        return self._channel

    def exchange(self, name: str, kind: str) -> None:
        try:
            self.channel.exchange_declare(name, exchange_type=kind, durable=True)
        except pika_errors.ChannelClosedByBroker as error:
            if error.reply_code != PRECONDITION_FAILED:
                raise
            raise TopologyError(
                f"exchange {name!r} exists, but not as a durable {kind} exchange ({error.reply_text}); "
                f"write its real type into EXCHANGES"
            ) from None

    def queue(self, name: str, arguments: dict[str, Any]) -> None:
        try:
            self.channel.queue_declare(name, durable=True, arguments=arguments)
        except pika_errors.ChannelClosedByBroker as error:
            if error.reply_code != PRECONDITION_FAILED:
                raise
            self.expect_queue(name)
            _warn_once(
                f"queue {name!r} exists with other properties than declared ({error.reply_text}); it is used as it is. "
                f"Set QUEUE_TYPE to its type, or migrate it"
            )

    def expect_queue(self, name: str) -> None:
        try:
            self.channel.queue_declare(name, passive=True)
        except pika_errors.ChannelClosedByBroker as error:
            if error.reply_code != NOT_FOUND:
                raise
            raise TopologyError(f"queue {name!r} does not exist; create it, or set DO_NOT_DECLARE to False") from None

    def bind(self, queue: str, exchange: str, pattern: str) -> None:
        try:
            self.channel.queue_bind(queue, exchange, routing_key=pattern)
        except pika_errors.ChannelClosedByBroker as error:
            if error.reply_code != NOT_FOUND:
                raise
            raise TopologyError(
                f"queue {queue!r} is to be bound to exchange {exchange!r}, which does not exist; list it in EXCHANGES"
            ) from None


def _warn_once(text: str) -> None:
    if text not in _warned:
        _warned.add(text)
        logger.warning(text)

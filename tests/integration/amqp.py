"""Looking into queues from outside, on a connection that the library knows nothing of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ChannelClosedByBroker

from services_communication.message import Message
from services_communication.transport.amqp.properties import to_delivery


@contextlib.contextmanager
def channel(url: str) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(url))
    try:
        yield connection.channel()
    finally:
        if connection.is_open:
            connection.close()


def drain(url: str, queue: str) -> list[Message]:
    """Take all that is ready out of `queue`; a queue that does not exist is empty."""
    found: list[Message] = []
    with channel(url) as opened:
        while True:
            try:
                method, properties, body = opened.basic_get(queue, auto_ack=True)
            except ChannelClosedByBroker:
                return found
            if method is None or properties is None or body is None:
                return found
            found.append(to_delivery(method, properties, body, queue).message)  # type: ignore[arg-type]  # the same fields


def depth(url: str, queue: str) -> int:
    """How many are ready in `queue`; -1 when there is no such queue."""
    with channel(url) as opened:
        try:
            return int(opened.queue_declare(queue, passive=True).method.message_count)
        except ChannelClosedByBroker:
            return -1


def delete_queues(url: str, *queues: str) -> None:
    with channel(url) as opened:
        for queue in queues:
            opened.queue_delete(queue)


def delete_exchanges(url: str, *exchanges: str) -> None:
    with channel(url) as opened:
        for exchange in exchanges:
            opened.exchange_delete(exchange)


def publish(url: str, exchange: str, routing_key: str, body: bytes, **properties: Any) -> None:
    """As any foreign producer might."""
    with channel(url) as opened:
        opened.confirm_delivery()
        opened.basic_publish(exchange, routing_key, body, pika.BasicProperties(**properties), mandatory=True)

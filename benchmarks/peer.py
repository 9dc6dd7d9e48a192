"""The peers: pika alone, written as fast as it goes without leaving a guarantee out."""

from __future__ import annotations

import os
import time
from typing import Any

import pika
from pika.channel import Channel

WINDOW = 1000


def parameters() -> pika.URLParameters:
    return pika.URLParameters(os.environ["AMQP_URL"])


def publish(exchange: str, routing_key: str, bodies: list[bytes], ids: list[str]) -> float:
    """Messages a second of a SelectConnection: persistent, mandatory, pipelined confirms, window as the relay's."""
    total, sent, confirmed = len(bodies), 0, 0
    began = ended = 0.0

    def pump(channel: Channel) -> None:
        nonlocal sent
        while sent < total and sent - confirmed < WINDOW:
            properties = pika.BasicProperties(
                content_type="application/json", delivery_mode=2, message_id=ids[sent], type=routing_key
            )
            channel.basic_publish(exchange, routing_key, bodies[sent], properties, mandatory=True)
            sent += 1

    def on_channel(channel: Channel) -> None:
        waiting: set[int] = set()

        def on_confirm(frame: Any) -> None:
            nonlocal confirmed, ended
            tag = frame.method.delivery_tag
            if frame.method.multiple:
                waiting.difference_update(range(confirmed + 1, tag + 1))
                confirmed = tag
            else:
                waiting.add(tag)
                while confirmed + 1 in waiting:
                    waiting.discard(confirmed + 1)
                    confirmed += 1
            if confirmed == total:
                ended = time.perf_counter()
                connection.close()
            else:
                pump(channel)

        def begin(_: Any) -> None:
            nonlocal began
            began = time.perf_counter()
            pump(channel)

        channel.confirm_delivery(on_confirm, callback=begin)

    connection = pika.SelectConnection(
        parameters(),
        on_open_callback=lambda connection: connection.channel(on_open_callback=on_channel),
        on_close_callback=lambda connection, _: connection.ioloop.stop(),
    )
    connection.ioloop.start()
    return total / (ended - began)


def consume_blocking(queue: str, total: int, prefetch: int) -> float:
    """Messages a second of a callback on a BlockingConnection that acks each message: what most people write."""
    connection = pika.BlockingConnection(parameters())
    channel = connection.channel()
    channel.basic_qos(prefetch_count=prefetch)
    seen, began = 0, 0.0

    def on_message(channel: Any, method: Any, _: Any, __: bytes) -> None:
        nonlocal seen, began
        if not seen:
            began = time.perf_counter()
        seen += 1
        channel.basic_ack(method.delivery_tag)
        if seen == total:
            channel.stop_consuming()

    channel.basic_consume(queue, on_message)
    channel.start_consuming()
    rate = total / (time.perf_counter() - began)
    connection.close()
    return rate


def consume_select(queue: str, total: int, prefetch: int) -> float:
    """The same on a SelectConnection."""
    seen, began, ended = 0, 0.0, 0.0

    def on_message(channel: Channel, method: Any, _: Any, __: bytes) -> None:
        nonlocal seen, began, ended
        if not seen:
            began = time.perf_counter()
        seen += 1
        channel.basic_ack(method.delivery_tag)
        if seen == total:
            ended = time.perf_counter()
            connection.close()

    def on_channel(channel: Channel) -> None:
        channel.basic_qos(prefetch_count=prefetch, callback=lambda _: channel.basic_consume(queue, on_message))

    connection = pika.SelectConnection(
        parameters(),
        on_open_callback=lambda connection: connection.channel(on_open_callback=on_channel),
        on_close_callback=lambda connection, _: connection.ioloop.stop(),
    )
    connection.ioloop.start()
    return total / (ended - began)


def purge(queue: str) -> None:
    connection = pika.BlockingConnection(parameters())
    connection.channel().queue_purge(queue)
    connection.close()

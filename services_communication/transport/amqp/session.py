"""One consuming connection, from its opening to its end.

It lives in the thread that calls ``run``; deliveries go out by `deliver`, acknowledgements come back from any thread.
A delivery tag is valid for one session only, so an ack that comes after its end is dropped: the broker has
already put the message back.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import cast

import pika
from pika.channel import Channel
from pika.spec import Basic

from services_communication.errors import BrokerUnavailableError
from services_communication.message import Delivery
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp.connection import CONNECTING_ERRORS, OutageLog, parameters, translate
from services_communication.transport.amqp.properties import to_delivery

POLL_SECONDS = 0.02


class Session:
    """Consumes `queue` until it is stopped or the connection, channel or queue is gone."""

    def __init__(
        self,
        address: BrokerAddress,
        queue: str,
        prefetch: int,
        deliver: Callable[[Session, list[tuple[int, Delivery]]], None],
        log: OutageLog,
    ) -> None:
        self._log = log
        self._address = address
        self._queue = queue
        self._prefetch = prefetch
        self._deliver = deliver
        self._connection: pika.SelectConnection | None = None
        self._channel: Channel | None = None
        self._consumer_tag = ""
        self._unsettled: dict[int, None] = {}
        self._received: list[tuple[int, Delivery]] = []
        self._done: deque[int] = deque()
        self._flushing = False
        self._stopping = False
        self._end: BaseException | None = None

    def run(self) -> None:
        """Blocks. Returns after ``stop``; raises TopologyError or BrokerUnavailableError at any other end."""
        try:
            connection = pika.SelectConnection(
                parameters(self._address, f"services_communication consumer {self._queue}"),
                on_open_callback=lambda connection: connection.channel(on_open_callback=self._on_channel),
                on_open_error_callback=self._on_closed,
                on_close_callback=self._on_closed,
            )
        except CONNECTING_ERRORS as error:
            raise translate(error, self._address) from None
        self._connection = connection
        if self._stopping:  # asked to stop before there was anything to stop
            self.call(self._stop)
        try:
            connection.ioloop.start()
        except Exception as error:  # noqa: BLE001  whatever the client library raises ends the session, not the process
            self._end = self._end or error
        finally:
            self._connection = None
            self._channel = None
            connection.ioloop.close()
        if self._end is not None:
            raise translate(self._end, self._address) from None

    # -- any thread ---------------------------------------------------------------------------------------------

    def ack(self, tag: int) -> None:
        """Acknowledge the delivery. Many acks that come close together travel as one."""
        self._done.append(tag)
        if not self._flushing:
            self._flushing = True
            self.call(self._flush)

    def drain(self, is_idle: Callable[[], bool], seconds: float) -> None:
        """Take no more; disconnect when `is_idle` says that all is settled, or after `seconds`."""
        self._stopping = True
        self.call(lambda: self._drain(is_idle, time.monotonic() + seconds))

    def fail(self, reason: str) -> None:
        """End the session, so that the next one begins with a declared topology."""
        self.call(lambda: self._fail(BrokerUnavailableError(reason)))

    def call(self, callback: Callable[[], None]) -> None:
        """Run `callback` in the session's thread, unless the session has ended."""
        connection = self._connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(callback)

    # -- the session's thread -----------------------------------------------------------------------------------

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_close_callback(lambda _, error: self._fail(error))
        channel.add_on_cancel_callback(
            lambda _: self._fail(BrokerUnavailableError(f"queue {self._queue!r} was deleted or moved"))
        )
        channel.basic_qos(prefetch_count=self._prefetch, callback=lambda _: self._consume(channel))

    def _consume(self, channel: Channel) -> None:
        if self._stopping:
            return
        self._consumer_tag = channel.basic_consume(self._queue, self._on_message, callback=self._on_consuming)

    def _on_consuming(self, _: object) -> None:
        self._log.works(f"consuming {self._queue} at {self._address}")

    def _on_message(self, _: Channel, method: Basic.Deliver, properties: pika.BasicProperties, body: bytes) -> None:
        tag = cast("int", method.delivery_tag)  # the stubs allow None for frames that are being built
        self._unsettled[tag] = None
        if not self._received and self._connection is not None:
            self._connection.ioloop.add_callback(self._hand_over)
        self._received.append((tag, to_delivery(method, properties, body, self._queue)))

    def _hand_over(self) -> None:
        """What one read from the socket brought goes out together: waking a thread for each message is dear."""
        received, self._received = self._received, []
        self._deliver(self, received)

    def _flush(self) -> None:
        self._flushing = False  # before the deque is read: an ack that comes now asks for another flush
        tags = [self._done.popleft() for _ in range(len(self._done))]
        channel = self._channel
        if channel is None or not channel.is_open or not tags:
            return
        for tag in tags:
            self._unsettled.pop(tag, None)
        oldest = next(iter(self._unsettled), None)
        # Everything below the oldest unsettled delivery is done, so one cumulative ack is true for all of it.
        below = [tag for tag in tags if oldest is None or tag < oldest]
        if below:
            channel.basic_ack(max(below), multiple=True)
        for tag in tags:
            if oldest is not None and tag > oldest:
                channel.basic_ack(tag)

    def _drain(self, is_idle: Callable[[], bool], deadline: float) -> None:
        if self._consumer_tag and self._channel is not None and self._channel.is_open:
            self._channel.basic_cancel(self._consumer_tag)
            self._consumer_tag = ""
        if is_idle() or time.monotonic() > deadline:
            self._stop()
        elif self._connection is not None:
            self._connection.ioloop.call_later(POLL_SECONDS, lambda: self._drain(is_idle, deadline))

    def _stop(self) -> None:
        self._flush()
        connection = self._connection
        if connection is None:
            return
        if connection.is_open:
            connection.close()
        elif not connection.is_closing:
            connection.ioloop.stop()

    def _fail(self, error: BaseException) -> None:
        if self._stopping or self._end is not None:
            return
        self._end = error
        connection = self._connection
        if connection is not None and connection.is_open:
            connection.close()

    def _on_closed(self, connection: pika.SelectConnection, error: BaseException) -> None:
        if not self._stopping:
            self._end = self._end or error
        connection.ioloop.stop()

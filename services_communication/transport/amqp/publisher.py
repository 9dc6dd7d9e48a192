"""Publishing with pipelined confirms: one connection with an I/O thread, many messages in flight.

A publish that waits for each confirm is about fifteen times slower (8161 against 492 messages a second, pika 1.4.4).
The I/O thread owns the connection; callers hand it batches and hold futures.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import takewhile

import pika
import pika.exceptions as pika_errors
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic

from services_communication.errors import BrokerUnavailableError
from services_communication.message import Message
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp.connection import back_off, parameters, translate
from services_communication.transport.amqp.properties import to_properties
from services_communication.transport.amqp.topology import declare_exchanges
from services_communication.transport.protocol import Confirmed, Lost, Receipt, Refused, Returned

logger = logging.getLogger("services_communication.transport")

WINDOW = 1000
"""Messages in flight at most; memory is bounded by this times the largest body."""
_CONFIRMED = Confirmed()


@dataclass(slots=True)
class _Batch:
    messages: Sequence[Message]
    future: Future[list[Receipt]]
    after: Future[list[Receipt]] | None
    receipts: list[Receipt | None] = field(init=False)
    open: int = field(init=False)

    def __post_init__(self) -> None:
        self.receipts = [None] * len(self.messages)
        self.open = len(self.messages)

    @property
    def follows_a_loss(self) -> bool:
        after = self.after
        if after is None or not after.done():
            return False
        if any(isinstance(receipt, Lost) for receipt in after.result()):
            return True
        self.after = None  # looked at once, not for each message
        return False

    def settle(self, index: int, receipt: Receipt) -> None:
        self.receipts[index] = receipt
        self.open -= 1
        if not self.open:
            self.future.set_result([receipt for receipt in self.receipts if receipt is not None])


class AmqpPublisher:
    """Keeps the contract of :class:`~services_communication.transport.protocol.Publisher`."""

    def __init__(
        self,
        address: BrokerAddress,
        *,
        name: str = "services_communication publisher",
        exchange_types: Mapping[str, str] | None = None,
        declare: bool = True,
        confirm_timeout: float = 30,
    ) -> None:
        self._address = address
        self._name = name
        self._exchange_types = exchange_types or {}
        self._declare = declare
        self._confirm_timeout = confirm_timeout
        self._declared: set[str] = {""}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._waiting: deque[tuple[_Batch, int]] = deque()
        # From here on: the I/O thread's own.
        self._connection: pika.SelectConnection | None = None
        self._channel: Channel | None = None
        self._in_flight: dict[int, tuple[_Batch, int]] = {}
        self._returned: dict[tuple[str | None, str | None, str | None], str] = {}
        self._next_tag = 1
        self._careful = 0
        self._progress_at = 0.0
        self._was_open = False
        self._reason = "not connected yet"

    # -- any thread ---------------------------------------------------------------------------------------------

    def publish(
        self, messages: Sequence[Message], *, after: Future[list[Receipt]] | None = None
    ) -> Future[list[Receipt]]:
        future: Future[list[Receipt]] = Future()
        if not messages:
            future.set_result([])
            return future
        try:
            self._declare_exchanges({message.exchange for message in messages})
        except BrokerUnavailableError as error:
            future.set_result([Lost(str(error)) for _ in messages])
            return future
        batch = _Batch(messages, future, after)
        with self._lock:
            if self._closing.is_set():
                future.set_result([Lost("the publisher is closed") for _ in messages])
                return future
            self._waiting.extend((batch, index) for index in range(len(messages)))
            self._start()
        self._wake(self._pump)
        return future

    def close(self) -> None:
        with self._lock:
            self._closing.set()
            thread = self._thread
        self._wanted.set()
        self._wake(self._finish)
        if thread is not None and thread is not threading.current_thread():
            thread.join(self._confirm_timeout + 5)

    def _declare_exchanges(self, exchanges: set[str]) -> None:
        missing = exchanges - self._declared
        if missing and self._declare:
            declare_exchanges(
                self._address, {name: self._exchange_types.get(name, "topic") for name in sorted(missing)}
            )
            self._declared |= missing

    def _start(self) -> None:
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def _wake(self, callback: Callable[[], None]) -> None:
        connection = self._connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(callback)

    # -- the I/O thread: connecting -----------------------------------------------------------------------------

    def _run(self) -> None:
        waits = back_off()
        while not self._closing.is_set():
            self._wanted.wait()
            if self._closing.is_set():
                break
            was_open = self._session()
            if was_open:
                waits = back_off()
            if not self._closing.is_set():
                logger.log(logging.WARNING if was_open else logging.INFO, "publisher: %s", self._reason)
                self._closing.wait(next(waits))
        self._lose_all("the publisher is closed")

    def _session(self) -> bool:
        """One connection from its opening to its end. True: it had been open."""
        self._reason = "connecting"
        self._progress_at = time.monotonic()
        self._was_open = False
        connection = pika.SelectConnection(
            parameters(self._address, self._name),
            on_open_callback=self._on_open,
            on_open_error_callback=self._ended,
            on_close_callback=self._ended,
        )
        self._connection = connection
        try:
            self._watch()
            connection.ioloop.start()
        except (pika_errors.AMQPError, OSError) as error:
            self._reason = str(translate(error, self._address))
        finally:
            self._connection = None
            self._channel = None
            self._lose_all(self._reason)
            connection.ioloop.close()
        return self._was_open

    def _on_open(self, connection: pika.SelectConnection) -> None:
        self._was_open = True
        connection.add_on_connection_blocked_callback(
            lambda *_: logger.warning("publisher: %s blocks publishing (memory or disk alarm)", self._address)
        )
        connection.add_on_connection_unblocked_callback(lambda *_: logger.warning("publisher: no longer blocked"))
        connection.channel(on_open_callback=self._ready)

    def _ready(self, channel: Channel) -> None:
        self._channel = channel
        self._next_tag = 1
        channel.add_on_return_callback(self._on_return)
        channel.add_on_close_callback(self._on_channel_closed)
        channel.confirm_delivery(ack_nack_callback=self._on_confirm, callback=lambda _: self._pump())

    def _ended(self, connection: pika.SelectConnection, error: BaseException) -> None:
        self._reason = str(translate(error, self._address))
        connection.ioloop.stop()

    def _finish(self) -> None:
        connection = self._connection
        if connection is None or connection.is_closing:
            return
        if not connection.is_open:
            connection.ioloop.stop()
        elif not self._in_flight and not self._waiting:
            connection.close()

    def _watch(self) -> None:
        """Once a second: has there been no progress for longer than the confirm timeout?"""
        connection = self._connection
        if connection is None:
            return
        if not self._in_flight and not self._waiting:
            self._progress_at = time.monotonic()
        elif time.monotonic() - self._progress_at > self._confirm_timeout:
            self._lose_all(f"{self._address} gave no confirm within {self._confirm_timeout:g} s")
            if connection.is_open:  # a blocked or frozen peer does not answer; pika's timeouts end it then
                connection.close()
        if self._closing.is_set():
            self._finish()
        connection.ioloop.call_later(1, self._watch)

    # -- the I/O thread: messages -------------------------------------------------------------------------------

    def _pump(self) -> None:
        channel = self._channel
        if channel is None or not channel.is_open:
            return
        while self._waiting and len(self._in_flight) < (1 if self._careful else WINDOW):
            batch, index = self._waiting.popleft()
            if batch.follows_a_loss:
                batch.settle(index, Lost("what had to be sent before it was lost"))
                continue
            message = batch.messages[index]
            try:
                channel.basic_publish(
                    message.exchange, message.routing_key, message.body, to_properties(message), message.mandatory
                )
            except pika_errors.ChannelWrongStateError:
                self._waiting.appendleft((batch, index))
                return
            except pika_errors.AMQPError as error:
                batch.settle(index, Refused(type(error).__name__))
                continue
            self._in_flight[self._next_tag] = (batch, index)
            self._next_tag += 1
        if self._closing.is_set():
            self._finish()

    def _on_return(self, _: Channel, method: Basic.Return, properties: pika.BasicProperties, __: bytes) -> None:
        # The broker sends the return before the confirm of the same message; it has no delivery tag.
        self._returned[properties.message_id, method.exchange, method.routing_key] = str(method.reply_text)

    def _on_confirm(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        method = frame.method
        last = method.delivery_tag
        self._progress_at = time.monotonic()
        if method.multiple:
            tags = list(takewhile(lambda tag: tag <= last, self._in_flight))
        else:
            tags = [last] if last in self._in_flight else []
        positive = isinstance(method, Basic.Ack)
        for tag in tags:
            batch, index = self._in_flight.pop(tag)
            receipt: Receipt = _CONFIRMED if positive else Refused("the broker nacked it (is a queue full?)")
            if self._returned:
                message = batch.messages[index]
                reason = self._returned.pop((message.message_id, message.exchange, message.routing_key), None)
                if reason is not None:
                    receipt = Returned(reason)
            batch.settle(index, receipt)
        self._careful = max(0, self._careful - len(tags))
        self._pump()

    def _on_channel_closed(self, _: Channel, error: Exception) -> None:
        """The broker closes the channel for one message, and does not say which: find it by sending one at a time."""
        self._channel = None
        self._returned.clear()
        connection = self._connection
        if connection is None or not connection.is_open:
            return
        self._declared = {""}  # an exchange may have been deleted
        suspects = list(self._in_flight.values())
        self._in_flight.clear()
        if len(suspects) == 1:
            batch, index = suspects[0]
            batch.settle(index, Refused(getattr(error, "reply_text", None) or type(error).__name__))
            self._careful = max(0, self._careful - 1)
        else:
            self._waiting.extendleft(reversed(suspects))
            self._careful = max(self._careful, len(suspects))
        connection.channel(on_open_callback=self._ready)

    def _lose_all(self, reason: str) -> None:
        with self._lock:
            lost = [*self._in_flight.values(), *self._waiting]
            self._in_flight.clear()
            self._waiting.clear()
            self._returned.clear()
            self._careful = 0
        for batch, index in lost:
            batch.settle(index, Lost(reason))

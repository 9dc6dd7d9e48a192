"""Publishing with pipelined confirms: one connection with an I/O thread, many messages in flight.

A publish that waits for each confirm is about fifteen times slower (8161 against 492 messages a second, pika 1.4.4).
The I/O thread owns the connection; callers hand it batches and hold futures.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future

import pika
import pika.exceptions as pika_errors
from pika.channel import Channel
from pika.frame import Method
from pika.spec import Basic

from services_communication.message import Message
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp.confirms import Batch, Confirms
from services_communication.transport.amqp.connection import (
    BACK_OFF_CAP,
    OutageLog,
    back_off,
    parameters,
    translate,
)
from services_communication.transport.amqp.properties import to_properties
from services_communication.transport.protocol import Lost, Receipt, Refused

logger = logging.getLogger("services_communication.transport")

CLOSE_SECONDS = 5.0
_warned: set[str] = set()


class AmqpPublisher:
    """Keeps the contract of :class:`~services_communication.transport.protocol.Publisher`."""

    def __init__(
        self,
        address: BrokerAddress,
        *,
        name: str = "services_communication publisher",
        exchange_types: Mapping[str, str] | None = None,
        declare: bool = True,
        confirm_timeout: float = 45,
    ) -> None:
        self._address = address
        self._name = name
        self._exchange_types = exchange_types or {}
        self._declare = declare
        self._confirm_timeout = confirm_timeout
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._confirms = Confirms()
        # From here on: the I/O thread's own.
        self._connection: pika.SelectConnection | None = None
        self._channel: Channel | None = None
        self._declared: set[str] = set()
        self._declaring = False
        self._blocked = False
        self._idle_at = 0.0
        self._log = OutageLog("publisher")
        self._reason = "not connected yet"

    # -- any thread ---------------------------------------------------------------------------------------------

    def publish(
        self, messages: Sequence[Message], *, after: Future[list[Receipt]] | None = None
    ) -> Future[list[Receipt]]:
        future: Future[list[Receipt]] = Future()
        if not messages:
            future.set_result([])
            return future
        with self._lock:
            if self._closing.is_set():
                future.set_result([Lost("the publisher is closed") for _ in messages])
                return future
            self._confirms.add(Batch(messages, future, after))
            if self._thread is None:
                thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                thread.start()
                self._thread = thread
        self._wake(self._pump)
        return future

    def close(self) -> None:
        with self._lock:
            self._closing.set()
            thread = self._thread
        self._wake(self._finish)
        if thread is not None and thread is not threading.current_thread():
            thread.join(CLOSE_SECONDS)

    def _wake(self, callback: Callable[[], None]) -> None:
        connection = self._connection
        if connection is not None:
            connection.ioloop.add_callback_threadsafe(callback)

    # -- the I/O thread: messages -------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Send what may be sent."""
        channel = self._channel
        while channel is not None and channel.is_open and (message := self._confirms.next()) is not None:
            if self._declare and message.exchange and message.exchange not in self._declared:
                self._declare_exchange(message.exchange)
                return
            try:
                properties = to_properties(message)
                channel.basic_publish(
                    message.exchange, message.routing_key, message.body, properties, message.mandatory
                )
            except pika_errors.ChannelWrongStateError:
                return  # closed meanwhile; the next channel begins with this message
            except Exception as error:  # noqa: BLE001  one message that has no frame must not end the thread
                self._confirms.unsendable(f"it cannot be put into a frame: {type(error).__name__}")
            else:
                self._confirms.sent()
        if self._closing.is_set():
            self._finish()

    def _on_return(self, _: Channel, method: Basic.Return, properties: pika.BasicProperties, __: bytes) -> None:
        self._confirms.returned(
            properties.message_id or "", method.exchange or "", method.routing_key or "", str(method.reply_text)
        )

    def _on_confirm(self, frame: Method[Basic.Ack | Basic.Nack]) -> None:
        method = frame.method
        positive = isinstance(method, Basic.Ack)
        self._confirms.confirmed(method.delivery_tag, multiple=method.multiple, positive=positive)
        self._pump()

    def _declare_exchange(self, name: str) -> None:
        """On a channel of its own: if we may not, or it has another type, it is used as it is."""
        if self._declaring or self._connection is None:
            return
        self._declaring = True

        def opened(channel: Channel) -> None:
            kind = self._exchange_types.get(name, "topic")
            channel.add_on_close_callback(closed)
            channel.exchange_declare(name, exchange_type=kind, durable=True, callback=lambda _: channel.close())

        def closed(_: Channel, reason: Exception) -> None:
            self._declaring = False
            self._declared.add(name)
            if isinstance(reason, pika_errors.ChannelClosedByBroker) and name not in _warned:
                _warned.add(name)
                logger.warning("exchange %r was not declared and is used as it is: %s", name, reason.reply_text)
            self._pump()

        self._connection.channel(on_open_callback=opened)

    def _on_channel_closed(self, _: Channel, error: Exception) -> None:
        self._channel = None
        connection = self._connection
        if connection is not None and connection.is_open:
            self._declared.clear()  # an exchange may have been deleted
            self._confirms.channel_closed(getattr(error, "reply_text", None) or type(error).__name__)
            connection.channel(on_open_callback=self._on_channel)

    # -- the I/O thread: connecting -----------------------------------------------------------------------------

    def _run(self) -> None:
        waits = back_off()
        while not self._closing.is_set():
            began = time.monotonic()
            self._session()
            if time.monotonic() - began > BACK_OFF_CAP:
                waits = back_off()
            if not self._closing.is_set():
                self._log.failed(self._reason)
                self._closing.wait(next(waits))
        with self._lock:  # nobody adds any more
            self._confirms.lose("the publisher is closed")

    def _session(self) -> None:
        """One connection from its opening to its end."""
        self._reason = "connecting"
        self._blocked = self._declaring = False
        self._idle_at = time.monotonic()
        self._declared.clear()
        try:
            connection = pika.SelectConnection(
                parameters(self._address, self._name),
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_end,
                on_close_callback=self._on_end,
            )
        except Exception as error:  # noqa: BLE001  as below
            self._reason = str(translate(error, self._address))
            self._confirms.lose(self._reason)
            return
        self._connection = connection
        try:
            self._watch()
            connection.ioloop.start()
        except Exception as error:  # noqa: BLE001  the thread outlives whatever the client library raises
            self._reason = str(translate(error, self._address))
        finally:
            self._connection = None
            self._channel = None
            self._confirms.lose(self._reason)
            connection.ioloop.close()

    def _on_open(self, connection: pika.SelectConnection) -> None:
        self._log.works(f"connected to {self._address}")
        connection.add_on_connection_blocked_callback(lambda *_: self._on_blocked(blocked=True))
        connection.add_on_connection_unblocked_callback(lambda *_: self._on_blocked(blocked=False))
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Channel) -> None:
        self._channel = channel
        channel.add_on_return_callback(self._on_return)
        channel.add_on_close_callback(self._on_channel_closed)
        channel.confirm_delivery(ack_nack_callback=self._on_confirm, callback=lambda _: self._pump())

    def _on_blocked(self, *, blocked: bool) -> None:
        self._blocked = blocked
        self._idle_at = time.monotonic()
        what = "blocks publishing (memory or disk alarm)" if blocked else "no longer blocks publishing"
        logger.warning("publisher: %s %s", self._address, what)

    def _on_end(self, connection: pika.SelectConnection, error: BaseException) -> None:
        self._reason = str(translate(error, self._address))
        connection.ioloop.stop()

    def _watch(self) -> None:
        """Once a second: nothing waits for longer than the confirm timeout.

        On an open connection that is not blocked the broker is alive (heartbeats tell), so it is the message's own
        queue that gives no confirm, and the message counts as refused: others go on.
        """
        connection = self._connection
        if connection is None:
            return
        no_answer = f"no confirm within {self._confirm_timeout:g} s"
        if self._confirms.is_idle:
            self._idle_at = time.monotonic()
        elif self._channel is None or self._blocked:
            if time.monotonic() - self._idle_at > self._confirm_timeout:
                self._confirms.lose(f"{self._address} gave {no_answer}")
        else:
            self._confirms.expire(self._confirm_timeout, Refused(f"the broker gave {no_answer}"))
            self._pump()
        if self._closing.is_set():
            self._finish()
        connection.ioloop.call_later(1, self._watch)

    def _finish(self) -> None:
        connection = self._connection
        if connection is None or connection.is_closing:
            return
        if not connection.is_open:
            connection.ioloop.stop()
        elif self._confirms.is_idle:
            connection.close()

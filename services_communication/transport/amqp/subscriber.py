"""Consuming: I/O in the calling thread, handlers in threads of their own, reconnecting for ever."""

from __future__ import annotations

import logging
import threading
import time
from queue import SimpleQueue

from services_communication.errors import BrokerUnavailableError
from services_communication.message import Ack, DeadLetter, Delivery, Message, Retry
from services_communication.transport.address import BrokerAddress
from services_communication.transport.amqp.connection import BACK_OFF_CAP, OutageLog, back_off
from services_communication.transport.amqp.publisher import AmqpPublisher
from services_communication.transport.amqp.session import Session
from services_communication.transport.amqp.topology import declare
from services_communication.transport.protocol import (
    Confirmed,
    Handle,
    Returned,
    Subscription,
    UnfinishedError,
)
from services_communication.transport.settling import dead_letter, retried

logger = logging.getLogger("services_communication.transport")

RESEND_SECONDS = 2.0
POLL_SECONDS = 0.02
_Job = tuple[Session, list[tuple[int, Delivery]]]


class AmqpSubscriber:
    """Keeps the contract of :class:`~services_communication.transport.protocol.Subscriber`.

    Retries and dead letters leave by a publisher on a connection of its own: an alarm that blocks publishing
    must not block acknowledgements.
    """

    def __init__(self, address: BrokerAddress, subscription: Subscription) -> None:
        self._address = address
        self._subscription = subscription
        self._publisher = AmqpPublisher(address, name="services_communication settling", declare=False)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._closing = threading.Event()
        self._closed_at = 0.0
        self._log = OutageLog("consumer")
        self._session: Session | None = None
        self._busy: set[int] = set()  # threads that run a handler; adding and discarding are atomic

    def subscribe(self, handle: Handle) -> None:
        threads = [
            threading.Thread(target=self._work, args=(handle, number), name=f"handler-{number}", daemon=True)
            for number in range(self._subscription.concurrency)
        ]
        for thread in threads:
            thread.start()
        try:
            self._consume_for_ever()
            deadline = self._closed_at + self._subscription.grace.total_seconds()
            while self._busy and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
            if self._busy:
                raise UnfinishedError("a handler is still running after the grace time")
        finally:
            for _ in threads:
                self._jobs.put(None)
            self._publisher.close()

    def close(self) -> None:
        self._closed_at = time.monotonic()
        self._closing.set()
        session = self._session
        if session is not None:
            session.drain(lambda: not self._busy, self._subscription.grace.total_seconds())

    def _consume_for_ever(self) -> None:
        topology = self._subscription.topology
        waits = back_off()
        while not self._closing.is_set():
            began = time.monotonic()
            session = Session(self._address, topology.queue, self._subscription.prefetch, self._deliver, self._log)
            try:
                declare(self._address, topology)
                self._session = session
                if not self._closing.is_set():
                    session.run()
            except BrokerUnavailableError as error:
                if time.monotonic() - began > BACK_OFF_CAP:
                    waits = back_off()
                self._log.failed(error)
                self._closing.wait(next(waits))
            finally:
                self._session = None

    def _deliver(self, session: Session, deliveries: list[tuple[int, Delivery]]) -> None:
        shares = [deliveries] if self._subscription.concurrency == 1 else [[delivery] for delivery in deliveries]
        for share in shares:
            self._jobs.put((session, share))

    # -- the handlers' threads ----------------------------------------------------------------------------------

    def _work(self, handle: Handle, number: int) -> None:
        while (job := self._jobs.get()) is not None:
            session, deliveries = job
            self._busy.add(number)  # before the look at closing: who waits for idleness has set it before
            try:
                for tag, delivery in deliveries:
                    if self._closing.is_set() or session is not self._session:
                        break  # not begun: the broker gives it to somebody again
                    self._settle(handle, session, tag, delivery)
            except BaseException:
                # `handle` must not raise, but a thread that died for it would leave us connected and deaf.
                logger.exception("consumer: a message could not be settled; it will be delivered again")
                session.fail("a message could not be settled")
            finally:
                self._busy.discard(number)

    def _settle(self, handle: Handle, session: Session, tag: int, delivery: Delivery) -> None:
        outcome = handle(delivery)
        topology = self._subscription.topology
        match outcome:
            case Ack():
                session.ack(tag)
            case Retry():
                self._forward(session, tag, retried(delivery.message, outcome, topology))
            case DeadLetter():
                self._forward(session, tag, dead_letter(delivery.message, outcome, topology))

    def _forward(self, session: Session, tag: int, message: Message) -> None:
        """Publish the copy, and acknowledge the original only when the broker has the copy."""
        while session is self._session:
            receipt = self._publisher.publish([message]).result()[0]
            if isinstance(receipt, Confirmed):
                session.ack(tag)
                return
            logger.error("consumer: cannot move a message to %s: %s", message.routing_key, receipt.reason)
            if isinstance(receipt, Returned):
                session.fail(f"queue {message.routing_key!r} is missing")
                return
            if self._closing.wait(RESEND_SECONDS):
                return

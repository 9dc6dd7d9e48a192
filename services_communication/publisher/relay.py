"""From the outbox to the broker, for ever.

While one batch is on its way the next is read, so database and broker work at the same time. A row is deleted only
after the broker confirmed it; whatever else happens, the row stays and is sent again with the same message id.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from concurrent.futures import Future

from django.db import DatabaseError, InterfaceError, OperationalError, connections, reset_queries

from services_communication.errors import EncodeError, LeaseLostError
from services_communication.message import Message
from services_communication.publisher.outbox import Outbox, Row
from services_communication.settings import Settings
from services_communication.transport.protocol import Confirmed, Lost, Publisher, Receipt

logger = logging.getLogger("services_communication.publisher")

OUTAGE_SECONDS = 1.0
Flight = tuple[list[Row], Future[list[Receipt]]]


class Relay:
    """Sends the outbox of one database. Any number may run; one sends, the others stand by."""

    def __init__(self, publisher: Publisher, settings: Settings, using: str | None = None) -> None:
        self._publisher = publisher
        self._outbox = Outbox(settings.PUBLISHER_RETRY_DELAYS, using)
        self._batch = settings.PUBLISHER_BATCH_SIZE
        self._poll = settings.PUBLISHER_POLL_INTERVAL
        self._lease = settings.PUBLISHER_LEASE
        self._stopping = threading.Event()
        self._token: int | None = None
        self._renewed = 0.0
        self._outage = ""

    @property
    def alias(self) -> str:
        """The database that it sends from."""
        return self._outbox.alias

    def stop(self) -> None:
        """Begin no batch any more; ``run`` settles what is on its way and returns."""
        self._stopping.set()

    def run(self, *, until_empty: bool = False) -> None:
        """Send until ``stop`` is called, or until nothing is due. Outages of database and broker are outlasted."""
        flight: Flight | None = None
        while not self._stopping.is_set():
            try:
                if not self._own():
                    self._stopping.wait(self._poll)
                    continue
                following = self._launch(flight)
                idle = flight is None and following is None  # what has just landed may be due again
                if flight is not None and not self._land(flight) and following is not None:
                    self._land(following)  # begin anew: each batch would be given up for the one before it, for ever
                    following = None
                flight = following
                if idle:
                    if until_empty:
                        break
                    self._stopping.wait(self._poll)
                reset_queries()
            except LeaseLostError:
                logger.warning("relay: another relay took over; standing by")
                flight = self._token = None
            except (OperationalError, InterfaceError) as error:
                self._report(f"the database is out of reach: {type(error).__name__}: {str(error).strip()[:300]}")
                flight = self._token = None
                connections[self._outbox.alias].close()
                self._stopping.wait(OUTAGE_SECONDS)
        self._finish(flight)

    def _own(self) -> bool:
        """Whether this relay is the one that sends; takes the lease when it is free, renews it when idle."""
        now = time.monotonic()
        if self._token is None:
            self._token = self._outbox.acquire(f"{socket.gethostname()}:{os.getpid()}", self._lease)
            self._renewed = now
            if self._token is not None:
                logger.info("relay: this process sends the outbox of database %r", self._outbox.alias)
        elif now - self._renewed > self._lease / 3:
            self._renew()
        return self._token is not None

    def _launch(self, flight: Flight | None) -> Flight | None:
        """Hand over the next rows, behind those that are in flight."""
        in_flight, before = flight or ([], None)
        rows = self._outbox.due(self._batch, in_flight)
        messages: list[Message] = []
        unsendable: list[tuple[Row, str]] = []
        for row in rows:
            try:
                messages.append(row.to_message())
            except EncodeError as error:  # written by hand, or by a newer version
                unsendable.append((row, str(error)))
        if unsendable:
            self._settle([], unsendable)
            broken = {row.pk for row, _ in unsendable}
            rows = [row for row in rows if row.pk not in broken]
        return (rows, self._publisher.publish(messages, after=before)) if rows else None

    def _land(self, flight: Flight) -> bool:
        """Settle what was sent. False: some of it was lost on the way."""
        rows, future = flight
        receipts = self._await(future)
        confirmed = [row for row, receipt in zip(rows, receipts, strict=True) if isinstance(receipt, Confirmed)]
        failed: list[tuple[Row, str]] = []
        lost: Lost | None = None
        for row, receipt in zip(rows, receipts, strict=True):
            if isinstance(receipt, Lost):
                lost = receipt
            elif not isinstance(receipt, Confirmed):
                failed.append((row, f"{type(receipt).__name__.lower()}: {receipt.reason}"))
        self._settle(confirmed, failed)
        if lost is not None:
            self._report(lost.reason)
            self._stopping.wait(OUTAGE_SECONDS)
        elif self._outage:
            logger.warning("relay: sending again")
            self._outage = ""
        return lost is None

    def _await(self, future: Future[list[Receipt]]) -> list[Receipt]:
        """The receipts; meanwhile the lease is kept."""
        while True:
            try:
                return future.result(self._lease / 3)
            except TimeoutError:
                self._renew()

    def _renew(self) -> None:
        assert self._token is not None  # noqa: S101  only an owner gets here
        self._outbox.renew(self._token, self._lease)
        self._renewed = time.monotonic()

    def _settle(self, confirmed: list[Row], failed: list[tuple[Row, str]]) -> None:
        assert self._token is not None  # noqa: S101  only an owner gets here
        self._outbox.settle(self._token, self._lease, confirmed, failed)
        self._renewed = time.monotonic()
        for row, reason in failed[:1]:
            logger.error(
                "relay: %d messages were not taken; the first, %s to %r %r: %s",
                len(failed),
                row.message_id,
                row.exchange,
                row.routing_key,
                reason,
            )

    def _finish(self, flight: Flight | None) -> None:
        try:
            if flight is not None:
                self._land(flight)
            if self._token is not None:
                self._outbox.release(self._token)
        except (DatabaseError, InterfaceError, LeaseLostError) as error:
            logger.warning("relay: stopped without settling (%s); what was sent may be sent again", error)

    def _report(self, reason: str) -> None:
        """One line when an outage begins, not one for each attempt."""
        if reason != self._outage:
            self._outage = reason
            logger.warning("relay: %s; rows stay and are sent when it is back", reason)

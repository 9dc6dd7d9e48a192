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
from collections import deque
from concurrent.futures import Future

from django.db import DatabaseError, InterfaceError, OperationalError, connections, reset_queries

from services_communication.errors import LeaseLostError
from services_communication.message import Message
from services_communication.publisher.outbox import Outbox, Row
from services_communication.settings import Settings
from services_communication.transport.protocol import Confirmed, Lost, Publisher, Receipt

logger = logging.getLogger("services_communication.publisher")

OUTAGE_SECONDS = 1.0
FLIGHTS = 2
"""Batches on their way at most: one that the broker confirms, one that is being handed over."""
Flight = tuple[list[Row], Future[list[Receipt]]]


class Relay:
    """Sends the outbox of one database. Any number may run; one sends, the others stand by."""

    def __init__(self, publisher: Publisher, settings: Settings, using: str | None = None) -> None:
        self._publisher = publisher
        self._outbox = Outbox(settings.PUBLISHER_RETRY_DELAYS, using)
        self._batch = settings.PUBLISHER_BATCH_SIZE
        self._poll = settings.PUBLISHER_POLL_INTERVAL
        self._lease = settings.PUBLISHER_LEASE
        self._grace = settings.SHUTDOWN_GRACE
        self._stopping = threading.Event()
        self._stopped_at = 0.0
        self._flights: deque[Flight] = deque()
        self._token: int | None = None
        self._renewed = 0.0
        self._standing_by = False
        self._outage = ""

    @property
    def alias(self) -> str:
        """The database that it sends from."""
        return self._outbox.alias

    def stop(self) -> None:
        """Begin no batch any more; ``run`` settles what is on its way and returns."""
        self._stopped_at = time.monotonic()
        self._stopping.set()

    def run(self, *, until_empty: bool = False) -> None:
        """Send until ``stop`` is called, or until nothing is due. Outages of database and broker are outlasted."""
        try:
            while not self._stopping.is_set():
                try:
                    worked = self._own() and self._step()
                    if until_empty and not worked and not self._outbox.due(1):
                        break
                    if not worked:
                        self._stopping.wait(self._poll)
                    reset_queries()
                except LeaseLostError:
                    logger.warning("relay: another relay took over; standing by")
                    self._token = None
                    self._flights.clear()
                except (OperationalError, InterfaceError) as error:
                    # What is in flight is settled when the database is back; the token tells whether we still may.
                    self._report(f"the database is out of reach: {type(error).__name__}: {str(error).strip()[:300]}")
                    connections[self._outbox.alias].close()
                    self._stopping.wait(OUTAGE_SECONDS)
        finally:
            self._finish()

    def _step(self) -> bool:
        """Launch the next batch, then land the one before it. False: there was nothing to do."""
        launched = len(self._flights) < FLIGHTS and self._launch()
        if not self._flights:
            return False
        if not launched or len(self._flights) == FLIGHTS:
            lost = not self._land()
            while lost and self._flights:  # begin anew: each batch would be given up for the one before it, for ever
                self._land()
        return True

    def _own(self) -> bool:
        """Whether this relay is the one that sends; takes the lease when it is free, renews it when idle."""
        now = time.monotonic()
        if self._token is None:
            self._token = self._outbox.acquire(f"{socket.gethostname()}:{os.getpid()}", self._lease)
            self._renewed = now
            if self._token is not None:
                logger.info("relay: this process sends the outbox of database %r", self._outbox.alias)
            elif not self._standing_by:
                logger.info("relay: another process sends the outbox of database %r; standing by", self._outbox.alias)
            self._standing_by = self._token is None
        elif now - self._renewed > self._lease / 3:
            self._renew()
        return self._token is not None

    def _launch(self) -> bool:
        """Hand over the next rows, behind those that are in flight. False: nothing is due."""
        in_flight, before = self._flights[-1] if self._flights else ([], None)
        rows: list[Row] = []
        messages: list[Message] = []
        unsendable: list[tuple[Row, str]] = []
        for row in self._outbox.due(self._batch, in_flight):
            try:
                messages.append(row.to_message())
            except Exception as error:  # noqa: BLE001  a row that somebody wrote by hand must not stop the others
                unsendable.append((row, f"unsendable: {type(error).__name__}: {error}"))
            else:
                rows.append(row)
        if unsendable:
            self._settle([], unsendable)
        if rows:
            if time.monotonic() - self._renewed > self._lease / 3:
                self._renew()  # reading took long: are we still the one that sends?
            self._flights.append((rows, self._publisher.publish(messages, after=before)))
        return bool(rows or unsendable)

    def _land(self) -> bool:
        """Settle the oldest batch in flight. False: some of it was lost on the way."""
        rows, future = self._flights[0]
        receipts = self._await(future)
        confirmed: list[Row] = []
        failed: list[tuple[Row, str]] = []
        lost: Lost | None = None
        for row, receipt in zip(rows, receipts, strict=True):
            if isinstance(receipt, Confirmed):
                confirmed.append(row)
            elif isinstance(receipt, Lost):
                lost = receipt
            else:
                failed.append((row, f"{type(receipt).__name__.lower()}: {receipt.reason}"))
        self._settle(confirmed, failed)
        self._flights.popleft()
        if lost is not None:
            self._report(lost.reason)
            self._stopping.wait(OUTAGE_SECONDS)
        elif self._outage:
            logger.warning("relay: sending again")
            self._outage = ""
        return lost is None

    def _await(self, future: Future[list[Receipt]]) -> list[Receipt]:
        """The receipts; meanwhile the lease is kept. When stopping, TimeoutError after the grace time."""
        while True:
            try:
                return future.result(min(self._lease / 3, self._grace))
            except TimeoutError:
                if self._stopping.is_set() and time.monotonic() - self._stopped_at >= self._grace:
                    raise
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

    def _finish(self) -> None:
        try:
            while self._flights and self._token is not None:
                self._land()
            if self._token is not None:
                self._outbox.release(self._token)
        except (DatabaseError, InterfaceError, LeaseLostError, TimeoutError) as error:
            logger.warning("relay: stopped without settling (%s); what was sent may be sent again", error)

    def _report(self, reason: str) -> None:
        """One line when an outage begins, not one for each attempt."""
        if reason != self._outage:
            self._outage = reason
            logger.warning("relay: %s; rows stay and are sent when it is back", reason)

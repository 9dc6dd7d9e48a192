"""The relay's view of the outbox: own it, read what is due, settle what was sent.

No transaction stays open while the network is waited for: reading and settling are separate, short ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import IntegrityError, router, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from services_communication.clock import DatabaseNow
from services_communication.errors import LeaseLostError
from services_communication.message import HeaderValue, Message
from services_communication.models import OutboxMessage, RelayLease

LEASE_NAME = "outbox"


class Row(NamedTuple):
    """What the relay needs of an OutboxMessage: reading these columns takes half the time of making model instances."""

    pk: int
    attempts: int
    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    type: str
    app_id: str
    correlation_id: str
    timestamp: datetime | None
    headers: dict[str, HeaderValue]
    mandatory: bool

    def to_message(self) -> Message:
        """Raises for a row that was written by hand and is no message."""
        return Message(
            exchange=self.exchange,
            routing_key=self.routing_key,
            body=bytes(self.body),
            message_id=self.message_id,
            type=self.type or None,
            app_id=self.app_id or None,
            correlation_id=self.correlation_id or None,
            timestamp=self.timestamp,
            headers=self.headers,
            mandatory=self.mandatory,
        )


class Outbox:
    """One database's outbox. `retry_delays`: the waits between attempts; after the last a row is parked."""

    def __init__(self, retry_delays: Sequence[float], using: str | None = None) -> None:
        self.alias = using or router.db_for_write(OutboxMessage)
        self._retry_delays = retry_delays

    # -- owning ------------------------------------------------------------------------------------------------

    def acquire(self, owner: str, seconds: float) -> int | None:
        """Become the one relay that sends; None while another is. The token proves it until the lease is lost."""
        leases = RelayLease.objects.using(self.alias)
        if not leases.filter(name=LEASE_NAME).exists():
            try:
                with transaction.atomic(using=self.alias):
                    leases.create(name=LEASE_NAME, expires_at=DatabaseNow())
            except IntegrityError:
                pass  # another relay was faster
        free = leases.filter(name=LEASE_NAME, expires_at__lte=DatabaseNow())
        with transaction.atomic(using=self.alias):
            if not free.update(
                owner=owner, token=F("token") + 1, expires_at=DatabaseNow() + timedelta(seconds=seconds)
            ):
                return None
            return leases.get(name=LEASE_NAME).token

    def renew(self, token: int, seconds: float) -> None:
        """Raises LeaseLostError when another relay took over."""
        mine = RelayLease.objects.using(self.alias).filter(name=LEASE_NAME, token=token)
        if not mine.update(expires_at=DatabaseNow() + timedelta(seconds=seconds)):
            raise LeaseLostError("another relay owns the outbox now")

    def release(self, token: int) -> None:
        """Let the next relay begin at once."""
        mine = RelayLease.objects.using(self.alias).filter(name=LEASE_NAME, token=token)
        mine.update(owner="", expires_at=DatabaseNow())

    # -- rows --------------------------------------------------------------------------------------------------

    def due(self, limit: int, in_flight: Sequence[Row] = ()) -> list[Row]:
        """The next rows to send, in the order in which they were written.

        A row waits while an earlier one with its ordering key is between attempts; rows of other keys go on.
        Rows within the range of `in_flight` are left for a later call, so that none is sent twice.
        """
        rows = self._rows().filter(due_at__lte=DatabaseNow()).order_by("id")
        if in_flight:
            rows = rows.filter(Q(id__lt=in_flight[0].pk) | Q(id__gt=in_flight[-1].pk))
        failing = self._rows().filter(attempts__gt=0, due_at__isnull=False)
        if failing.exists():
            earlier = failing.filter(ordering_key=OuterRef("ordering_key"), id__lt=OuterRef("id"))
            rows = rows.filter(Q(ordering_key="") | ~Exists(earlier))
        return [Row._make(values) for values in rows.values_list(*Row._fields)[:limit]]

    def settle(
        self,
        token: int,
        seconds: float,
        confirmed: Iterable[Row],
        failed: Iterable[tuple[Row, str]],
    ) -> None:
        """Delete what the broker confirmed, put off or park what it did not take; all or nothing.

        Raises LeaseLostError, and changes nothing, when another relay took over.
        """
        done = [row.pk for row in confirmed]
        groups: dict[tuple[int, str], list[int]] = {}
        for row, reason in failed:
            groups.setdefault((row.attempts, reason[:1000]), []).append(row.pk)
        with transaction.atomic(using=self.alias):
            self.renew(token, seconds)
            if done:
                self._rows().filter(pk__in=done).delete()
            for (attempts, reason), keys in groups.items():
                self._put_off(self._rows().filter(pk__in=keys), attempts, reason)

    def _put_off(self, rows: QuerySet[OutboxMessage], attempts: int, reason: str) -> None:
        if attempts < len(self._retry_delays):
            due_at = DatabaseNow() + timedelta(seconds=self._retry_delays[attempts])
            rows.update(attempts=attempts + 1, reason=reason, due_at=due_at)
        else:
            rows.update(attempts=attempts + 1, reason=reason, due_at=None)

    def _rows(self) -> QuerySet[OutboxMessage]:
        return OutboxMessage.objects.using(self.alias)

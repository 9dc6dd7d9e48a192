"""The idempotent consumer: a message id that a consumer has handled is not handled by it again."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from django.db import router

from services_communication.clock import DatabaseNow
from services_communication.models import InboxEntry

PURGE_ROWS = 1000


def record(consumer: str, message_id: str, using: str) -> None:
    """Insert first, in the handler's transaction. Raises IntegrityError when the message was handled before.

    While another worker handles the same message, this waits for its transaction to end.
    """
    InboxEntry(
        key=hashlib.sha256(f"{consumer}\0{message_id}".encode()).hexdigest(),
        consumer=consumer,
        message_id=message_id,
        handled_at=DatabaseNow(),
    ).save(using=using, force_insert=True)


def purge(retention: timedelta, using: str | None = None) -> int:
    """Forget what was handled longer ago than `retention`, at most a thousand rows at once. Returns how many."""
    entries = InboxEntry.objects.using(using or router.db_for_write(InboxEntry))
    old = list(entries.filter(handled_at__lt=DatabaseNow() - retention).values_list("pk", flat=True)[:PURGE_ROWS])
    return entries.filter(pk__in=old).delete()[0] if old else 0

"""The tables: outbox, inbox, and the lease that makes one relay the sender."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime

from django.db import connections, models, router

from services_communication.clock import DatabaseNow
from services_communication.message import Message

logger = logging.getLogger("services_communication.publisher")

_warned: set[str] = set()


class OutboxManager(models.Manager["OutboxMessage"]):
    def add(
        self,
        message: Message,
        *,
        ordering_key: str = "",
        due_at: datetime | None = None,
        tags: Mapping[str, object] | None = None,
        using: str | None = None,
    ) -> None:
        """Write `message` for the relay: one INSERT, in the caller's transaction."""
        alias = using or router.db_for_write(OutboxMessage)
        if not connections[alias].in_atomic_block and "autocommit" not in _warned:
            _warned.add("autocommit")
            logger.warning(
                "a message was written to the outbox outside transaction.atomic(): it will be sent even if what "
                "follows fails. Publish inside the transaction that changes the data. (Said once per process.)"
            )
        row = OutboxMessage(
            message_id=message.message_id,
            exchange=message.exchange,
            routing_key=message.routing_key,
            ordering_key=ordering_key,
            body=message.body,
            type=message.type or "",
            app_id=message.app_id or "",
            correlation_id=message.correlation_id or "",
            headers=dict(message.headers),
            timestamp=message.timestamp,
            mandatory=message.mandatory,
            tags=encode_tags(tags) if tags else None,
            due_at=DatabaseNow() if due_at is None else due_at,
        )
        row.save(using=alias, force_insert=True)

    def cancel(self, exchange: str, routing_key: str, tags: Mapping[str, object], using: str | None = None) -> int:
        """Delete the unsent rows of this address whose tags hold all of `tags`. Returns how many."""
        alias = using or router.db_for_write(OutboxMessage)
        wanted = _pairs(tags)
        rows = self.using(alias).filter(exchange=exchange, routing_key=routing_key, tags__isnull=False)
        for pair in wanted:  # narrows in SQL, by value; whether letters match in case differs per database
            rows = rows.filter(tags__contains=json.dumps(pair))
        found = [
            pk
            for pk, encoded in rows.values_list("pk", "tags")
            if wanted <= {(name, value) for name, value in json.loads(encoded or "[]")}
        ]
        deleted, _ = self.using(alias).filter(pk__in=found).delete()
        return deleted


def encode_tags(tags: Mapping[str, object]) -> str:
    return json.dumps(sorted(_pairs(tags)))


def _pairs(tags: Mapping[str, object]) -> set[tuple[str, str]]:
    """Values are compared as strings: 1 equals "1", but not True."""
    return {(str(name), str(value)) for name, value in tags.items()}


class OutboxMessage(models.Model):
    """A message that is to be sent. The relay deletes the row when the broker has confirmed it."""

    message_id = models.CharField(max_length=255)
    exchange = models.CharField(max_length=255)
    routing_key = models.CharField(max_length=255, blank=True)
    ordering_key = models.CharField(max_length=255, blank=True, default="")
    body = models.BinaryField()
    type = models.CharField(max_length=255, blank=True, default="")
    app_id = models.CharField(max_length=255, blank=True, default="")
    correlation_id = models.CharField(max_length=255, blank=True, default="")
    headers = models.JSONField(default=dict)
    timestamp = models.DateTimeField(null=True)
    mandatory = models.BooleanField(default=True)
    tags = models.TextField(null=True)  # noqa: DJ001  NULL tells "has no tags" from any set of them
    due_at = models.DateTimeField(null=True, help_text="When to send it; empty: parked, a person decides.")
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, default="", help_text="Why the last attempt failed.")

    objects = OutboxManager()

    class Meta:
        indexes = [  # noqa: RUF012  Django's own form
            models.Index(fields=["due_at"], name="services_outbox_due"),
            models.Index(fields=["attempts", "ordering_key"], name="services_outbox_failing"),
            models.Index(fields=["exchange", "routing_key"], name="services_outbox_address"),
        ]

    def __str__(self) -> str:
        return f"{self.exchange} {self.routing_key} {self.message_id}"


class InboxEntry(models.Model):
    """That a consumer has handled a message. Written in the handler's own transaction."""

    key = models.CharField(max_length=64, unique=True, help_text="SHA-256 of consumer and message id.")
    consumer = models.CharField(max_length=255)
    message_id = models.CharField(max_length=255)
    handled_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.message_id} by {self.consumer}"


class RelayLease(models.Model):
    """The one row says which relay sends now. The token grows with each owner, so an old owner is recognised."""

    name = models.CharField(max_length=64, unique=True)
    owner = models.CharField(max_length=255, blank=True, default="")
    token = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name}: {self.owner or 'free'}"

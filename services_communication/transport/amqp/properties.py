"""Message ↔ AMQP properties and frames."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pika
from pika.spec import Basic

from services_communication.message import Delivery, HeaderValue, Message

# Bytes that are left of a foreign producer's header; the frame limit is 128 KiB for all of them.
HEADER_BYTES = 4096
DELIVERY_COUNT = "x-delivery-count"


def to_properties(message: Message) -> pika.BasicProperties:
    return pika.BasicProperties(
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=pika.DeliveryMode.Persistent.value,
        message_id=message.message_id,
        type=message.type,
        app_id=message.app_id,
        correlation_id=message.correlation_id,
        timestamp=max(0, int(message.timestamp.timestamp())) if message.timestamp else None,
        headers=dict(message.headers) or None,
    )


def to_delivery(method: Basic.Deliver, properties: pika.BasicProperties, body: bytes, queue: str) -> Delivery:
    """Whatever a foreign producer wrote becomes a Message; what has no place in one is left out."""
    headers = properties.headers or {}
    message = Message(
        exchange=_text(method.exchange) or "",
        routing_key=_text(method.routing_key) or "",
        body=body,
        message_id=_text(properties.message_id) or "",
        type=_text(properties.type),
        app_id=_text(properties.app_id),
        correlation_id=_text(properties.correlation_id),
        content_type=_text(properties.content_type),
        content_encoding=_text(properties.content_encoding),
        timestamp=_timestamp(properties.timestamp),
        headers=_headers(headers),
    )
    # The broker sets it from the second delivery on; before that it is a producer's claim, or a dead letter's past.
    count = headers.get(DELIVERY_COUNT) if method.redelivered else None
    return Delivery(
        message=message,
        queue=queue,
        redelivered=bool(method.redelivered),
        delivery_count=int(count) if isinstance(count, int) else 0,
    )


def _text(value: str | bytes | None) -> str | None:
    """pika hands out bytes where a foreign producer's text is not UTF-8."""
    return value.decode("ascii", "ignore") if isinstance(value, bytes) else value


def _timestamp(value: int | None) -> datetime | None:
    try:
        return None if value is None else datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def _headers(headers: Mapping[str, Any]) -> dict[str, HeaderValue]:
    kept: dict[str, HeaderValue] = {}
    for given, value in headers.items():
        name = _text(given) or ""
        if name == DELIVERY_COUNT:
            continue
        if isinstance(value, bool):
            kept[name] = value
        elif isinstance(value, int) and -(2**63) <= value < 2**63:
            kept[name] = int(value)  # pika hands out a type of its own for some sizes
        elif isinstance(value, str | bytes):
            kept[name] = value[:HEADER_BYTES]
    return kept

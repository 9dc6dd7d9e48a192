"""What a handler may know about the message beside its payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services_communication.message import HeaderValue


@dataclass(frozen=True, slots=True)
class MessageContext:
    """The second parameter of a typed handler that has one."""

    message_id: str
    exchange: str
    routing_key: str
    queue: str
    attempt: int
    """1 on the first try."""
    redelivered: bool
    correlation_id: str | None
    app_id: str | None
    """Who sent it."""
    headers: Mapping[str, HeaderValue]
    time: datetime | None = None
    """When it happened (event), or was sent."""
    expired_time: datetime | None = None
    """After when a command or call must not be carried out."""
    call_id: str | None = None
    reply_to: str | None = None

"""Consuming: handlers registered in a router, run by ``manage.py runconsumer``."""

from __future__ import annotations

from services_communication.consumer.context import MessageContext
from services_communication.consumer.legacy import (
    call_consumer,
    call_response_consumer,
    command_consumer,
    event_consumer,
)
from services_communication.consumer.router import MessageRouter, message_router

__all__ = [
    "MessageContext",
    "MessageRouter",
    "call_consumer",
    "call_response_consumer",
    "command_consumer",
    "event_consumer",
    "message_router",
]

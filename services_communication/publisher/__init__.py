"""Events, written to the outbox in the caller's transaction; and the relay that sends them."""

from __future__ import annotations

from services_communication.publisher.events import (
    cancel_future_aggregate_event,
    publish_aggregate_event,
    publish_future_aggregate_event,
)

__all__ = ["cancel_future_aggregate_event", "publish_aggregate_event", "publish_future_aggregate_event"]

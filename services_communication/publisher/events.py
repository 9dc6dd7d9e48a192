"""Publishing events, now or later: one row in the outbox, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, overload

from services_communication import outgoing
from services_communication.contracts import Address, EventModel, registry
from services_communication.contracts.codec import encode_event, encode_plain, event_body, model_from_plain
from services_communication.errors import EncodeError
from services_communication.message import check_short_string, new_message_id, utc_now
from services_communication.models import OutboxMessage

Tags = Mapping[str, object]


@overload
def publish_aggregate_event(event: EventModel, /, *, using: str | None = None) -> str: ...
@overload
def publish_aggregate_event(aggregate: str, event_type: str, payload: Any, *, using: str | None = None) -> str: ...
def publish_aggregate_event(
    aggregate: EventModel | str, event_type: str = "", payload: Any = None, *, using: str | None = None
) -> str:
    """Publish an event when the transaction that this is called in commits. Returns the event's id.

    Call it with a contract's instance, or with ``aggregate``, ``event_type`` and ``payload``; the latter is validated
    through the contract where one is registered for the address. `using` names the database alias.
    Raises EncodeError, before anything is written, for what may not travel.
    """
    event = _event(aggregate, event_type, payload)
    return _write(event, aggregate, event_type, payload, event_time=None, tags=None, using=using)


@overload
def publish_future_aggregate_event(
    event: EventModel, /, *, event_time: datetime, tags: Tags | None = None, using: str | None = None
) -> str: ...
@overload
def publish_future_aggregate_event(
    aggregate: str,
    event_type: str,
    event_time: datetime,
    payload: Any,
    tags: Tags | None = None,
    *,
    using: str | None = None,
) -> str: ...
def publish_future_aggregate_event(
    aggregate: EventModel | str,
    event_type: str = "",
    event_time: datetime | None = None,
    payload: Any = None,
    tags: Tags | None = None,
    *,
    using: str | None = None,
) -> str:
    """Like :func:`publish_aggregate_event`, but sent at `event_time` (aware). It can be cancelled by its `tags`."""
    if event_time is None or event_time.utcoffset() is None:
        raise EncodeError("event_time must be an aware datetime; django.utils.timezone.now() + timedelta(…) is one")
    event = _event(aggregate, event_type, payload)
    return _write(event, aggregate, event_type, payload, event_time=event_time, tags=tags, using=using)


@overload
def cancel_future_aggregate_event(event: type[EventModel], /, *, tags: Tags, using: str | None = None) -> int: ...
@overload
def cancel_future_aggregate_event(aggregate: str, event_type: str, tags: Tags, *, using: str | None = None) -> int: ...
def cancel_future_aggregate_event(
    aggregate: type[EventModel] | str, event_type: str = "", tags: Tags | None = None, *, using: str | None = None
) -> int:
    """Cancel the unsent events that carry all of `tags`, in the caller's transaction. Returns how many."""
    if not tags:
        raise EncodeError("tags must not be empty: they say which events to cancel")
    if not isinstance(aggregate, str):
        address = aggregate.__contract__.address
        aggregate, event_type = address.exchange, address.routing_key
    return OutboxMessage.objects.cancel(aggregate, event_type, tags, using)


def _event(aggregate: EventModel | str, event_type: str, payload: Any) -> EventModel | None:
    """The contract's instance, where there is a contract."""
    if isinstance(aggregate, EventModel):
        return aggregate
    if not isinstance(aggregate, str):
        raise EncodeError(
            f"an event's instance is needed, not {getattr(aggregate, '__name__', type(aggregate).__name__)}; "
            f"commands go out by send_command"
        )
    contract = registry.find(Address("event", aggregate, event_type))
    if contract is None:
        return None
    model = model_from_plain(contract, payload)
    assert isinstance(model, EventModel)  # noqa: S101  the registry keeps kinds apart
    return model


def _write(
    event: EventModel | None,
    aggregate: EventModel | str,
    event_type: str,
    payload: Any,
    *,
    event_time: datetime | None,
    tags: Tags | None,
    using: str | None,
) -> str:
    event_id, now = new_message_id(), utc_now()
    if event is not None:
        info = event.__contract__
        exchange, routing_key, version = info.address.exchange, info.address.routing_key, info.version
        unroutable_ok, ordering_key = info.unroutable_ok, event.ordering_key
        body = encode_event(event, event_id=event_id, event_time=event_time or now)
    else:
        exchange, routing_key, version, unroutable_ok, ordering_key = str(aggregate), event_type, None, False, ""
        if not exchange or not routing_key:
            raise EncodeError("aggregate and event_type must not be empty")
        check_short_string("aggregate", exchange)
        body = event_body(exchange, routing_key, encode_plain(payload), event_id, event_time or now)
    message = outgoing.message(
        exchange,
        routing_key,
        body,
        message_id=event_id,
        type=routing_key,
        timestamp=event_time or now,
        version=version,
        unroutable_ok=unroutable_ok,
    )
    OutboxMessage.objects.add(message, ordering_key=ordering_key, due_at=event_time, tags=tags, using=using)
    return event_id

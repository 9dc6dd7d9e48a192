"""Deliveries for typed handlers: bytes are validated once, and the handler gets the instance."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from services_communication import outgoing
from services_communication.consumer.binding import Call, Prepare, check_annotation, context_of, takes_context
from services_communication.contracts import AddressedModel, CallModel, CommandModel, EventModel
from services_communication.contracts.codec import (
    decode_call,
    decode_command,
    decode_event,
    decode_response,
    encode_reply,
    response_body,
)
from services_communication.contracts.model import response_routing_key
from services_communication.contracts.upcast import upcast_body
from services_communication.errors import ContractDefinitionError, DecodeError, EncodeError
from services_communication.message import HEADER_VERSION, Delivery, check_short_string, new_message_id, utc_now
from services_communication.models import OutboxMessage
from services_communication.settings import communication_settings


def preparation(contract: type[AddressedModel], handler: Callable[..., Any]) -> Prepare:
    """How a delivery becomes a call of `handler`, for each kind of contract."""
    with_context = takes_context(handler)
    check_annotation(handler, contract)
    if issubclass(contract, EventModel):
        return _event(contract, handler, with_context)
    if issubclass(contract, CommandModel):
        return _command(contract, handler, with_context)
    if issubclass(contract, CallModel):
        return _call(contract, handler, with_context)
    raise ContractDefinitionError(f"{contract.__name__} has no address; subclass EventModel, CommandModel or CallModel")


def _event(contract: type[EventModel], handler: Callable[..., Any], with_context: bool) -> Prepare:
    def prepare(delivery: Delivery) -> Call:
        envelope = decode_event(contract, body_for(contract, delivery))
        if not with_context:
            return lambda: handler(envelope.payload)
        context = context_of(delivery, time=envelope.event_time or delivery.message.timestamp)
        return lambda: handler(envelope.payload, context)

    return prepare


def _command(contract: type[CommandModel], handler: Callable[..., Any], with_context: bool) -> Prepare:
    def prepare(delivery: Delivery) -> Call:
        body = delivery.message.body
        meta, arguments = decode_command(contract, body)
        refuse_expired(meta.expired_time)
        current = body_for(contract, delivery)  # after the deadline nothing is up-cast
        command = arguments() if current is body else decode_command(contract, current)[1]()
        if not with_context:
            return lambda: handler(command)
        context = context_of(delivery, time=delivery.message.timestamp, expired_time=meta.expired_time)
        return lambda: handler(command, context)

    return prepare


def _call(contract: type[CallModel[Any]], handler: Callable[..., Any], with_context: bool) -> Prepare:
    def prepare(delivery: Delivery) -> Call:
        envelope = decode_call(contract, body_for(contract, delivery))
        meta = envelope.meta
        refuse_expired(meta.expired_time)
        check_reply_to(meta.reply_to)

        def call() -> None:
            if with_context:
                context = context_of(
                    delivery,
                    time=meta.time or delivery.message.timestamp,
                    expired_time=meta.expired_time,
                    call_id=envelope.id,
                    reply_to=meta.reply_to,
                )
                reply = handler(envelope.data, context)
            else:
                reply = handler(envelope.data)
            send_reply(delivery, envelope.id, meta.reply_to, encode_reply(contract, reply))

        return call

    return prepare


def response_preparation(contract: type[CallModel[Any]], handler: Callable[..., Any]) -> Prepare:
    """How the reply of a call becomes a call of `handler`."""
    with_context = takes_context(handler)

    def prepare(delivery: Delivery) -> Call:
        envelope = decode_response(contract, delivery.message.body)
        if not with_context:
            return lambda: handler(envelope.data)
        context = context_of(delivery, time=envelope.meta.time, call_id=envelope.id)
        return lambda: handler(envelope.data, context)

    return prepare


def body_for(contract: type[AddressedModel], delivery: Delivery) -> bytes:
    """The message's body, in the version of `contract`: one of an older version is up-cast. Raises DecodeError."""
    version = delivery.message.headers.get(HEADER_VERSION)
    if version is None or version == contract.__contract__.version:
        return delivery.message.body
    return upcast_body(contract, version, delivery.message.body)


def send_reply(delivery: Delivery, call_id: str, reply_to: str, data: bytes) -> None:
    """The reply, through the outbox: it leaves when the handler's transaction commits."""
    now = utc_now()
    routing_key = response_routing_key(delivery.exchange, delivery.routing_key)
    message = outgoing.message(
        reply_to,
        routing_key,
        response_body(data, call_id, now),
        message_id=new_message_id(),
        type=routing_key,
        timestamp=now,
    )
    OutboxMessage.objects.add(message)


def refuse_expired(expired_time: datetime | None) -> None:
    if expired_time is not None and expired_time <= utc_now():
        raise DecodeError("expired", f"its deadline was {expired_time.isoformat()}")


def check_reply_to(reply_to: str) -> None:
    """An asker names the exchange that we publish to, so it must not name just any (a confused deputy)."""
    allowed = communication_settings.get().CALL_REPLY_TO
    try:
        check_short_string("replyTo", reply_to)
    except EncodeError as error:
        raise DecodeError("invalid", str(error)) from None
    reserved = not reply_to or reply_to.startswith("amq.") or "\x00" in reply_to
    if reserved or (allowed is not None and reply_to not in allowed):
        raise DecodeError("invalid", f"replies to exchange {reply_to[:80]!r} are not allowed; see CALL_REPLY_TO")

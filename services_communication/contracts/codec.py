"""Contracts to bytes and back: the only place that knows how a body looks.

Writing has one form, byte for byte. Reading is one validation from the bytes; what does not fit raises
:class:`DecodeError` with the rule and the path, never the value.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, from_json, to_json

from services_communication.contracts.casing import camelize
from services_communication.contracts.describing import DETAIL_CHARACTERS, describe
from services_communication.contracts.envelope import (
    CallEnvelope,
    CommandEnvelope,
    CommandMeta,
    EventEnvelope,
    ResponseEnvelope,
)
from services_communication.contracts.model import AddressedModel, CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.wire import travelling_value
from services_communication.errors import DecodeError, EncodeError

E = TypeVar("E", bound=EventModel)
C = TypeVar("C", bound=CommandModel)
K = TypeVar("K", bound=CallModel[Any])
M = TypeVar("M", bound=BaseModel)

T = TypeVar("T")

READABLE_TYPES = frozenset({"application/json", "text/json"})  # the earlier library writes text/json


class Reply(PayloadModel, Generic[T]):
    """What a call's handler returns obeys the rules of a contract's field, also where it is no model."""

    data: T


def encode_event(event: EventModel, *, event_id: str, event_time: datetime) -> bytes:
    """The body of an event: envelope and payload, camelCase, no blanks."""
    address = event.__contract__.address
    return event_body(address.exchange, address.routing_key, encode_model(event), event_id, event_time)


def event_body(aggregate: str, event_type: str, payload: bytes, event_id: str, event_time: datetime) -> bytes:
    """The body of an event whose payload is already encoded."""
    return b'{"eventId":%b,"eventTime":%b,"eventType":%b,"aggregate":%b,"payload":%b}' % (
        to_json(event_id),
        to_json(wire_time(event_time)),
        to_json(event_type),
        to_json(aggregate),
        payload,
    )


def command_body(arguments: bytes, expired_time: datetime | None) -> bytes:
    """The body of a command: its arguments, which are an encoded JSON object, and ``meta`` when it has a deadline."""
    if expired_time is None:
        return arguments
    separator = b"" if arguments == b"{}" else b","
    return b'%b%b"meta":{"expiredTime":%b}}' % (arguments[:-1], separator, to_json(wire_time(expired_time)))


def call_body(data: bytes, call_id: str, reply_to: str, time: datetime, expired_time: datetime | None) -> bytes:
    deadline = b"" if expired_time is None else b',"expiredTime":%b' % to_json(wire_time(expired_time))
    return b'{"id":%b,"meta":{"replyTo":%b,"time":%b%b},"data":%b}' % (
        to_json(call_id),
        to_json(reply_to),
        to_json(wire_time(time)),
        deadline,
        data,
    )


def response_body(data: bytes, call_id: str, time: datetime) -> bytes:
    return b'{"id":%b,"meta":{"time":%b},"data":%b}' % (to_json(call_id), to_json(wire_time(time)), data)


def encode_model(model: PayloadModel) -> bytes:
    try:
        return model.model_dump_json(by_alias=True).encode()
    except (PydanticSerializationError, UnicodeEncodeError) as error:
        raise EncodeError(f"{type(model).__name__} cannot be written as JSON: {type(error).__name__}") from None


def encode_plain(value: Any) -> bytes:
    """Untyped data, keys to camelCase at every depth as the earlier library did. Raises EncodeError."""
    try:
        travelling_value(value)
        return to_json(camelize(value), timedelta_mode="iso8601", bytes_mode="base64", fallback=_lazy_text)
    except (ValueError, TypeError, RecursionError) as error:
        raise EncodeError(f"the value cannot be written as JSON: {error}") from None


def encode_reply(contract: type[CallModel[Any]], reply: object) -> bytes:
    """A call's reply, checked against the type that the call declares. Raises EncodeError."""
    try:
        return encode_model(_reply(contract).model_validate({"data": reply})).removeprefix(b'{"data":')[:-1]
    except (ValidationError, EncodeError) as error:
        detail = describe(error, _reply(contract)) if isinstance(error, ValidationError) else str(error)
        raise EncodeError(
            f"the handler of {contract.__name__} returned what its reply type forbids: {detail}"
        ) from None


def model_from_plain(contract: type[M], value: Any) -> M:
    """A contract from untyped data, judged as if it had come by wire. Raises EncodeError."""
    try:
        return contract.model_validate_json(encode_plain(value))
    except ValidationError as error:
        raise EncodeError(f"{contract.__name__}: {describe(error, contract)}") from None


def check_body(body: bytes, content_type: str | None, content_encoding: str | None, max_size: int) -> None:
    """Raise DecodeError for a body that must not even be parsed. Sizes are in bytes."""
    if len(body) > max_size:
        raise DecodeError("too_large", f"{len(body)} bytes; MAX_BODY_SIZE allows {max_size}")
    if content_type and content_type not in READABLE_TYPES and not _is_readable(content_type):
        raise DecodeError("content_type", f"{content_type[:80]!r} is not {' or '.join(sorted(READABLE_TYPES))}")
    if content_encoding and content_encoding.lower() not in ("utf-8", "identity"):
        raise DecodeError("content_type", f"content encoding {content_encoding[:80]!r} is not read")


def _is_readable(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() in READABLE_TYPES


def decode_event(contract: type[E], body: bytes) -> EventEnvelope[E]:
    return _validate(_event_envelope(contract), body)


def decode_command(contract: type[C], body: bytes) -> tuple[CommandMeta, Callable[[], C]]:
    """The deadline, and a function that validates the arguments: an expired command's need not be valid."""
    meta = _validate(CommandEnvelope, body).meta
    return meta, lambda: _validate(contract, body)


def decode_call(contract: type[K], body: bytes) -> CallEnvelope[K]:
    return _validate(_call_envelope(contract), body)


def decode_response(contract: type[CallModel[Any]], body: bytes) -> ResponseEnvelope[Any]:
    return _validate(_response_envelope(contract), body)


def validate(contract: type[AddressedModel], body: bytes) -> None:
    """Raise DecodeError unless `body` is an envelope of the contract's kind that holds what it says."""
    if issubclass(contract, EventModel):
        decode_event(contract, body)
    elif issubclass(contract, CommandModel):
        decode_command(contract, body)[1]()
    elif issubclass(contract, CallModel):
        decode_call(contract, body)


def decode_plain(body: bytes) -> Any:
    """Untyped JSON, its depth bounded by the parser. Raises DecodeError."""
    try:
        value = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise DecodeError("decode", str(error)[:DETAIL_CHARACTERS]) from None
    try:
        return travelling_value(value)  # the parser lets 1e999 and NUL pass
    except ValueError as error:
        raise DecodeError("invalid", f"{error} at the body") from None


def wire_time(value: datetime) -> str:
    """UTC with six digits and ``Z``: consumers of the earlier library read no other form. ValueError if naive."""
    if value.utcoffset() is None:
        raise EncodeError("datetime must be aware: give it a time zone")
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _validate(model: type[M], body: bytes) -> M:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        reason = "decode" if error.errors(include_input=False)[0]["type"] == "json_invalid" else "invalid"
        raise DecodeError(reason, describe(error, model)) from None


@cache
def _event_envelope(contract: type[E]) -> type[EventEnvelope[E]]:
    return EventEnvelope[contract]  # type: ignore[valid-type]  # pydantic makes the class at run time


@cache
def _call_envelope(contract: type[K]) -> type[CallEnvelope[K]]:
    return CallEnvelope[contract]  # type: ignore[valid-type]  # as above


@cache
def _response_envelope(contract: type[CallModel[Any]]) -> type[ResponseEnvelope[Any]]:
    return ResponseEnvelope[contract.__reply__]  # type: ignore[name-defined]  # as above


@cache
def _reply(contract: type[CallModel[Any]]) -> type[Reply[Any]]:
    return Reply[contract.__reply__]  # type: ignore[name-defined]  # as above


def _lazy_text(value: Any) -> str:
    if type(value).__name__ == "__proxy__":  # django.utils.translation.gettext_lazy
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON; convert it first")

"""The earlier library's untyped handlers and its four decorators.

An untyped handler is called as ``(routing_key, body, exchange=…)`` with keys in snake_case. Where a contract is
registered for the address, the message is validated through it first, up-cast where its version is an older one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar, overload

from pydantic import AfterValidator, TypeAdapter, ValidationError

from services_communication.consumer.binding import Call, Prepare, accepted_keywords, check_untyped, plain_signature
from services_communication.consumer.context import MessageContext
from services_communication.consumer.typed import (
    body_for,
    check_reply_to,
    refuse_expired,
    response_preparation,
    send_reply,
)
from services_communication.contracts import AddressedModel, CallModel, registry
from services_communication.contracts.casing import underscoreize
from services_communication.contracts.codec import (
    decode_plain,
    encode_plain,
    validate,
)
from services_communication.contracts.upcast import leads_to
from services_communication.contracts.wire import instant
from services_communication.errors import DecodeError
from services_communication.message import HEADER_VERSION, Delivery

Handler = Callable[..., Any]
F = TypeVar("F", bound=Handler)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_datetime: TypeAdapter[datetime] = TypeAdapter(Annotated[datetime, AfterValidator(instant)])
# Marks that a decorator below leaves on what it makes.
DELIVERY = "__services_communication_delivery__"
NOT_ATOMIC = "__services_communication_not_atomic__"


def preparation(handler: Handler) -> Prepare:
    """How a delivery becomes a call of an untyped handler."""
    wants_delivery = getattr(handler, DELIVERY, False)
    if not wants_delivery:
        check_untyped(handler, {"exchange": None})

    def prepare(delivery: Delivery) -> Call:
        _validate_through_contract(delivery)
        body = underscoreize(decode_plain(delivery.message.body))
        if wants_delivery:
            return lambda: handler(delivery, body)
        keywords = accepted_keywords(handler, {"exchange": delivery.exchange})
        return lambda: handler(delivery.routing_key, body, **keywords)

    return prepare


def _validate_through_contract(delivery: Delivery) -> None:
    """Where contracts are registered for the address, one that reads the message's version must fit.

    The handler gets the body as it came all the same, in whatever version.
    """
    refusals: list[DecodeError] = []
    for contract in _contracts(delivery):
        try:
            validate(contract, body_for(contract, delivery))
        except DecodeError as error:
            refusals.append(error)
        else:
            return
    if refusals:
        raise refusals[-1]


def _contracts(delivery: Delivery) -> list[type[AddressedModel]]:
    """Those of the message's version; where that is no class any more, the newest that up-casters lead to.

    Every version where the producer knows none.
    """
    version = delivery.message.headers.get(HEADER_VERSION)
    found = registry.at(delivery.exchange, delivery.routing_key)
    if version is None:
        return found
    own = [contract for contract in found if contract.__contract__.version == version]
    return own or list({c.__contract__.address: c for c in found if leads_to(version, c)}.values())


def event_consumer(function: Handler) -> Handler:
    """The handler gets the payload, and as keywords ``event_id``, ``event_time``, ``aggregate``, ``event_type``."""

    plain_signature(function)

    @functools.wraps(function)
    def handler(routing_key: str, body: Any, exchange: str | None = None) -> Any:  # noqa: ARG001  the untyped form
        envelope = _object(body)
        names = ("event_id", "event_time", "aggregate", "event_type")
        return function(envelope.get("payload"), **accepted_keywords(function, {n: envelope.get(n) for n in names}))

    del handler.__wrapped__  # its own signature is what it is called by
    return handler


def command_consumer(function: Handler) -> Handler:
    """The handler gets ``(routing_key, arguments)``; an expired command does not reach it."""

    plain_signature(function)

    @functools.wraps(function)
    def handler(routing_key: str, body: Any, exchange: str | None = None) -> Any:
        arguments = dict(_object(body))
        refuse_expired(_expired_time(arguments.pop("meta", None)))
        return function(routing_key, arguments, **accepted_keywords(function, {"exchange": exchange}))

    del handler.__wrapped__
    return handler


@overload
def call_consumer(function: Handler, /) -> Handler: ...
@overload
def call_consumer(
    *, no_atomic: bool = False, check_expired_time_after_handel: bool | None = None
) -> Callable[[Handler], Handler]: ...
def call_consumer(
    function: Handler | None = None,
    *,
    no_atomic: bool = False,
    check_expired_time_after_handel: bool | None = None,
) -> Handler | Callable[[Handler], Handler]:
    """The handler gets the call's data, and ``method_name``, ``call_id``, ``meta``; what it returns is the reply.

    ``no_atomic``: run it outside a transaction, and so without the inbox. ``check_expired_time_after_handel``: roll
    back and send no reply when the deadline passed while it ran.
    """

    def decorate(function: Handler) -> Handler:
        plain_signature(function)

        @functools.wraps(function)
        def handler(delivery: Delivery, body: Any) -> None:
            envelope = _object(body)
            call_id, meta = envelope.get("id"), _object(envelope.get("meta", {}))
            if call_id is None:
                raise DecodeError("invalid", "Field required at id")
            reply_to, expires = str(meta.get("reply_to") or ""), _expired_time(meta)
            refuse_expired(expires)
            check_reply_to(reply_to)
            keywords = {"method_name": delivery.routing_key, "call_id": call_id, "meta": meta}
            reply = function(envelope.get("data", {}), **accepted_keywords(function, keywords))
            if check_expired_time_after_handel:
                refuse_expired(expires)
            send_reply(delivery, str(call_id), reply_to, encode_plain(reply))

        setattr(handler, DELIVERY, True)
        setattr(handler, NOT_ATOMIC, no_atomic)
        return handler

    return decorate if function is None else decorate(function)


class ResponseDecorator(Generic[R_co]):
    """Turns a handler of a call's reply into one that ``message_router.consumer(exchange, key)`` takes."""

    def __init__(self, contract: type[CallModel[R_co]]) -> None:
        self._contract = contract

    @overload
    def __call__(self, function: Callable[[R_co], None], /) -> Handler: ...
    @overload
    def __call__(self, function: Callable[[R_co, MessageContext], None], /) -> Handler: ...
    def __call__(self, function: Callable[..., None], /) -> Handler:
        prepare = response_preparation(self._contract, function)

        @functools.wraps(function)
        def handler(delivery: Delivery, body: Any) -> None:  # noqa: ARG001  the reply is validated from its bytes
            prepare(delivery)()

        setattr(handler, DELIVERY, True)
        return handler


@overload
def call_response_consumer(contract: type[CallModel[R]], /) -> ResponseDecorator[R]: ...
@overload
def call_response_consumer(function: Handler, /) -> Handler: ...
def call_response_consumer(function: Any, /) -> Any:
    """Handles a call's reply: ``@call_response_consumer(GetQuote)`` typed, or plain as in the earlier library.

    Plain, the handler gets the reply's data, and ``service_name``, ``method_name``, ``call_id``, ``meta``.
    """
    if isinstance(function, type) and issubclass(function, CallModel):
        return ResponseDecorator(function)
    plain_signature(function)

    @functools.wraps(function)
    def handler(routing_key: str, body: Any, exchange: str | None = None) -> Any:  # noqa: ARG001  the untyped form
        envelope = _object(body)
        parts = routing_key.split(".", 2)
        if len(parts) != 3:  # noqa: PLR2004  call-response.<service>.<method>
            raise DecodeError("invalid", f"routing key {routing_key[:80]!r} is not call-response.<service>.<method>")
        keywords = {
            "service_name": parts[1],
            "method_name": parts[2],
            "call_id": envelope.get("id"),
            "meta": envelope.get("meta", {}),
        }
        return function(envelope.get("data", {}), **accepted_keywords(function, keywords))

    del handler.__wrapped__
    return handler


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise DecodeError("invalid", "Input should be an object at the body")
    return value


def _expired_time(meta: Any) -> datetime | None:
    if not isinstance(meta, dict) or meta.get("expired_time") is None:
        return None
    try:
        return _datetime.validate_python(meta["expired_time"])
    except ValidationError:
        raise DecodeError("invalid", "Input should be a valid datetime at meta.expiredTime") from None

"""Calls: a question through the outbox; the reply comes to an exchange of the asker's."""

from __future__ import annotations

from datetime import datetime
from typing import Any, overload

from services_communication import outgoing
from services_communication.call.deadline import deadline
from services_communication.contracts import Address, CallModel, registry
from services_communication.contracts.codec import call_body, encode_model, encode_plain, model_from_plain
from services_communication.errors import EncodeError
from services_communication.message import new_message_id, utc_now
from services_communication.models import OutboxMessage


@overload
def send_call(
    call: CallModel[Any],
    /,
    *,
    reply_to: str,
    timeout: float | None = None,
    expired_time: datetime | None = None,
    using: str | None = None,
) -> str: ...
@overload
def send_call(
    service_name: str,
    method_name: str,
    data: Any,
    reply_to: str,
    timeout: float | None = None,
    expired_time: datetime | None = None,
    *,
    using: str | None = None,
) -> str: ...
def send_call(
    service_name: CallModel[Any] | str,
    method_name: str = "",
    data: Any = None,
    reply_to: str = "",
    timeout: float | None = None,
    expired_time: datetime | None = None,
    *,
    using: str | None = None,
) -> str:
    """Ask a service, when the transaction that this is called in commits. Returns the call's id.

    The reply comes to exchange `reply_to` with routing key ``call-response.<service>.<method>``; a
    ``call_response_consumer`` handles it and finds the id in its context. Raises EncodeError.
    """
    if not reply_to:
        raise EncodeError("reply_to is missing: the exchange that the reply is to be sent to")
    expires, call_id, now = deadline(timeout, expired_time), new_message_id(), utc_now()
    call = _call(service_name, method_name, data)
    version, ordering_key = None, ""
    if call is not None:
        info = call.__contract__
        service, method_name, version = info.address.exchange, info.address.routing_key, info.version
        encoded, ordering_key = encode_model(call), call.ordering_key
    else:
        service, encoded = str(service_name), encode_plain(data)
    message = outgoing.message(
        service,
        method_name,
        call_body(encoded, call_id, reply_to, now, expires),
        message_id=call_id,
        type=method_name,
        timestamp=now,
        version=version,
    )
    OutboxMessage.objects.add(message, ordering_key=ordering_key, using=using)
    return call_id


def _call(target: CallModel[Any] | str, method_name: str, data: Any) -> CallModel[Any] | None:
    """The contract's instance, where there is a contract."""
    if isinstance(target, CallModel):
        return target
    if not isinstance(target, str):
        raise EncodeError(f"a call is needed, not {type(target).__name__}")
    contract = registry.find(Address("call", target, method_name))
    if contract is None:
        return None
    model = model_from_plain(contract, data)
    assert isinstance(model, CallModel)  # noqa: S101  the registry keeps kinds apart
    return model

"""Sending commands: now with a confirm, or through the outbox."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, overload

from services_communication import broker, outgoing
from services_communication.call.deadline import deadline
from services_communication.contracts import Address, CommandModel, registry
from services_communication.contracts.codec import command_body, encode_model, encode_plain, model_from_plain
from services_communication.errors import EncodeError, RefusedError, UnconfirmedError, UnroutableError
from services_communication.message import Message, new_message_id, utc_now
from services_communication.models import OutboxMessage
from services_communication.settings import communication_settings
from services_communication.transport.protocol import Confirmed, Refused, Returned

RETRY_SECONDS = 0.2


@overload
def send_command(
    command: CommandModel,
    /,
    *,
    timeout: float | None = None,
    expired_time: datetime | None = None,
    transactional: bool = False,
    using: str | None = None,
) -> str: ...
@overload
def send_command(
    service_name: str,
    arguments: Mapping[str, Any],
    command_name: str = "",
    timeout: float | None = None,
    expired_time: datetime | None = None,
    *,
    transactional: bool = False,
    using: str | None = None,
) -> str: ...
def send_command(
    service_name: CommandModel | str,
    arguments: Mapping[str, Any] | None = None,
    command_name: str = "",
    timeout: float | None = None,
    expired_time: datetime | None = None,
    *,
    transactional: bool = False,
    using: str | None = None,
) -> str:
    """Tell a service to do something. Returns the command's message id.

    It is sent at once, outside any transaction, and this returns when the broker has confirmed it. With
    ``transactional=True`` it goes through the outbox instead, when the transaction commits. `timeout` (seconds) or
    `expired_time` (aware) say after when it must not be carried out any more.

    Raises EncodeError, UnroutableError (no service listens), RefusedError, or UnconfirmedError when there was no
    confirm within COMMAND_CONFIRM_TIMEOUT; it may then have arrived all the same.
    """
    message, ordering_key = _message(service_name, arguments, command_name, deadline(timeout, expired_time))
    if transactional:
        OutboxMessage.objects.add(message, ordering_key=ordering_key, using=using)
    else:
        _send(message, communication_settings.get().COMMAND_CONFIRM_TIMEOUT)
    return message.message_id


def _message(
    target: CommandModel | str, arguments: Mapping[str, Any] | None, command_name: str, expires: datetime | None
) -> tuple[Message, str]:
    command: CommandModel | None = None
    version, ordering_key = None, ""
    if isinstance(target, CommandModel):
        command = target
    elif isinstance(target, str):
        contract = registry.find(Address("command", target, command_name))
        if contract is not None:
            model = model_from_plain(contract, arguments)
            assert isinstance(model, CommandModel)  # noqa: S101  the registry keeps kinds apart
            command = model
    else:
        raise EncodeError(f"a command is needed, not {type(target).__name__}; events go out by publish_aggregate_event")
    if command is not None:
        info = command.__contract__
        service, command_name, version = info.address.exchange, info.address.routing_key, info.version
        body, ordering_key = command_body(encode_model(command), expires), command.ordering_key
    else:
        service = str(target)
        if not isinstance(arguments, Mapping):
            raise EncodeError("a command's arguments must be a dictionary")
        body = command_body(encode_plain({key: arguments[key] for key in arguments if key != "meta"}), expires)
    message = outgoing.message(
        service,
        command_name,
        body,
        message_id=new_message_id(),
        type=command_name,
        timestamp=utc_now(),
        version=version,
    )
    return message, ordering_key


def _send(message: Message, seconds: float) -> None:
    """Publish with the same message id until there is an answer, or the time is over."""
    end = time.monotonic() + seconds
    reason = "no answer"
    while (left := end - time.monotonic()) > 0:
        try:
            receipt = broker.publisher().publish([message]).result(left)[0]
        except TimeoutError:
            break
        match receipt:
            case Confirmed():
                return
            case Returned():
                raise UnroutableError(
                    f"no queue is bound for exchange {message.exchange!r} and routing key {message.routing_key!r}: "
                    f"is the service's consumer set up?"
                )
            case Refused(reason=reason):
                raise RefusedError(f"the broker refused the message for exchange {message.exchange!r}: {reason}")
        reason = receipt.reason
        time.sleep(min(RETRY_SECONDS, max(0.0, end - time.monotonic())))
    raise UnconfirmedError(f"no confirm within {seconds:g} s ({reason}); the command may have arrived")

"""A handler, bound to what it handles; and how a delivery becomes a call of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, get_type_hints

from pydantic import BaseModel

from services_communication.consumer.context import MessageContext
from services_communication.contracts import AddressedModel, CallModel
from services_communication.errors import ContractDefinitionError
from services_communication.message import Delivery

Call: TypeAlias = Callable[[], None]
"""Everything is decoded and valid: what is left is to run the handler."""
Prepare: TypeAlias = Callable[[Delivery], Call]
"""Decodes a delivery for one handler. Raises DecodeError; nothing has run then."""


@dataclass(frozen=True, slots=True)
class Binding:
    """`routing_key` None: any key of the exchange. `exchange` None: any message (a default consumer)."""

    exchange: str | None
    routing_key: str | None
    handler: Callable[..., Any]
    prepare: Prepare = field(repr=False)
    contract: type[AddressedModel] | None = None
    binds_queue: bool = False
    """Whether the queue is bound for it without an entry in BINDS."""
    atomic: bool = True
    """Whether the handler runs in a transaction, together with its inbox row."""

    @property
    def version(self) -> int | None:
        """The version that it reads; None: every one."""
        return None if self.contract is None else self.contract.__contract__.version

    @property
    def consumer(self) -> str:
        """Whose handler it is: its module's. Those of a call are one consumer wherever they are: a call has one reply.

        Of one consumer's handlers only those of one version get a message.
        """
        if self.contract is not None and issubclass(self.contract, CallModel):
            return ""
        return str(self.handler.__module__)

    @property
    def name(self) -> str:
        """Identifies the consumer in the inbox, so renaming or moving a handler makes it another consumer."""
        name = getattr(self.handler, "__qualname__", type(self.handler).__qualname__)
        routing_key = "#" if self.routing_key is None else self.routing_key
        version = "" if self.version is None else f" v{self.version}"
        return f"{self.handler.__module__}.{name}@{self.exchange or '*'}:{routing_key}{version}"[:255]


def context_of(delivery: Delivery, **extra: Any) -> MessageContext:
    message = delivery.message
    return MessageContext(
        message_id=message.message_id,
        exchange=delivery.exchange,
        routing_key=delivery.routing_key,
        queue=delivery.queue,
        attempt=delivery.attempt,
        redelivered=delivery.redelivered,
        correlation_id=message.correlation_id,
        app_id=message.app_id,
        headers=message.headers,
        **extra,
    )


def takes_context(handler: Callable[..., Any]) -> bool:
    """Whether a typed handler has the second parameter. Raises ContractDefinitionError for any other shape."""
    signature = plain_signature(handler)
    for arguments, answer in (((None, None), True), ((None,), False)):
        try:
            signature.bind(*arguments)
        except TypeError:
            continue
        return answer
    raise ContractDefinitionError(
        f"{_name(handler)}{signature}: a handler takes the contract, and if wanted a MessageContext"
    )


def check_annotation(handler: Callable[..., Any], contract: type[AddressedModel]) -> None:
    """Raise ContractDefinitionError when the first parameter is annotated with a model that `contract` is not."""
    try:
        hints = get_type_hints(handler)
    except Exception:  # noqa: BLE001  names that exist for the type checker only; it has the say then
        return
    wanted = next((hints[name] for name in inspect.signature(handler).parameters if name in hints), None)
    if isinstance(wanted, type) and issubclass(wanted, BaseModel) and not issubclass(contract, wanted):
        raise ContractDefinitionError(
            f"{_name(handler)} takes {wanted.__name__}, but is registered for {contract.__name__}; change one of them"
        )


def plain_signature(handler: Callable[..., Any]) -> inspect.Signature:
    """Raises ContractDefinitionError for what cannot be called, and for a coroutine function, which would never run."""
    called = handler if inspect.isroutine(handler) else getattr(handler, "__call__", None)  # noqa: B004  to look into it
    if inspect.iscoroutinefunction(called):
        raise ContractDefinitionError(f"{_name(handler)}: a handler must be a plain function; async ones are not run")
    if inspect.isgeneratorfunction(called):
        raise ContractDefinitionError(
            f"{_name(handler)}: a handler must be a plain function; a generator's body never runs"
        )
    try:
        return inspect.signature(handler)
    except (TypeError, ValueError):
        raise ContractDefinitionError(f"{_name(handler)} is not callable") from None


def check_untyped(handler: Callable[..., Any], keywords: Mapping[str, Any]) -> None:
    """Raise ContractDefinitionError unless `handler` takes (routing_key, body), and at most `keywords` beside."""
    signature = plain_signature(handler)
    try:
        signature.bind(None, None, **accepted_keywords(handler, keywords))
    except TypeError:
        raise ContractDefinitionError(
            f"{_name(handler)}{signature}: an untyped handler takes (routing_key, body), and if wanted exchange"
        ) from None


def accepted_keywords(handler: Callable[..., Any], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `keywords` that `handler` has parameters for; so ``(routing_key, body)`` needs no ``exchange``."""
    parameters = inspect.signature(handler).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return dict(keywords)
    return {name: value for name, value in keywords.items() if name in parameters}


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))

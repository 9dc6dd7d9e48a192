"""What this service is, read from its settings, its router and its contracts: one description for every command.

service = this_service()
service.name            'shop'
service.sent            what it publishes and asks
service.received        what it has handlers for
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.module_loading import import_string

from services_communication.consumer.binding import Binding
from services_communication.consumer.router import MessageRouter
from services_communication.consumer.worker import topology
from services_communication.contracts import AddressedModel, CallModel, EventModel, PayloadModel, registry, resources
from services_communication.contracts.asyncapi import export
from services_communication.contracts.files.paths import owner_of
from services_communication.errors import ConfigurationError
from services_communication.settings import Settings, communication_settings
from services_communication.transport.topics import matches


@dataclass(frozen=True, slots=True)
class Handled:
    """A handler, and what it is for."""

    handler: str
    """``delivery.consumers.prepare_parcel``"""
    exchange: str | None
    """None: a default consumer, for any message."""
    routing_key: str | None
    """It may be a pattern. None: any key of the exchange."""
    contracts: tuple[type[AddressedModel], ...]
    """One for a typed handler. For an untyped one all that it may be handed; none when its messages are untyped."""
    typed: bool = True
    reply: bool = False
    """Whether it takes the replies of its contracts, which are calls then, and not the calls themselves."""


@dataclass(frozen=True, slots=True)
class Service:
    name: str
    """APP_ID."""
    queue: str
    """``""``: it consumes nothing."""
    queue_type: str
    exchanges: tuple[tuple[str, str], ...]
    """Name and type, of those whose type is in EXCHANGES. All others are topic exchanges."""
    bindings: tuple[tuple[str, str], ...]
    """Exchange and routing key of what the queue is bound to, handlers' contracts included."""
    handled: tuple[Handled, ...]
    declared: tuple[type[PayloadModel], ...]
    """Every contract in the process, its own and others', sorted by kind, address and version."""

    @property
    def messages(self) -> tuple[type[AddressedModel], ...]:
        """The declared events, commands and calls; what else is declared belongs to the REST interface."""
        return tuple(contract for contract in self.declared if issubclass(contract, AddressedModel))

    @property
    def sent(self) -> tuple[type[AddressedModel], ...]:
        """Events that it owns; commands and calls of other services; calls whose replies it handles."""
        answered = {contract for handled in self.handled if handled.reply for contract in handled.contracts}
        return tuple(
            contract
            for contract in self.messages
            if issubclass(contract, EventModel) == (self.owner_of(contract) == self.name) or contract in answered
        )

    @property
    def received(self) -> tuple[type[AddressedModel], ...]:
        """What it has handlers for, replies not counted."""
        found = {contract for handled in self.handled if not handled.reply for contract in handled.contracts}
        return tuple(contract for contract in self.messages if contract in found)

    @property
    def reply_to(self) -> tuple[tuple[type[CallModel[Any]], str], ...]:
        """The calls whose replies it handles, and the exchanges that they come to."""
        return tuple(
            (contract, handled.exchange)
            for handled in self.handled
            if handled.reply and handled.exchange is not None
            for contract in handled.contracts
            if issubclass(contract, CallModel)
        )

    def asyncapi(self, version: str = "1.0.0") -> dict[str, Any]:
        """Its AsyncAPI document. Raises ContractDefinitionError when two models of one name differ."""
        return export(
            self.name,
            sent=self.sent,
            received=self.received,
            reply_to=self.reply_to,
            queue=self.queue,
            queue_type=self.queue_type,
            bindings=self.bindings,
            exchange_types=dict(self.exchanges),
            version=version,
        )

    def owner_of(self, contract: type[PayloadModel]) -> str:
        return owner_of(contract, self.name)


def this_service() -> Service:
    """Raises ConfigurationError when the settings have mistakes."""
    settings: Settings = communication_settings.get()
    router = _router(settings)
    declared = sorted((*registry, *resources), key=_order)
    messages = [contract for contract in declared if issubclass(contract, AddressedModel)]
    return Service(
        name=settings.app_id,
        queue=settings.QUEUE,
        queue_type=settings.QUEUE_TYPE,
        exchanges=tuple(sorted((exchange.name, exchange.type) for exchange in settings.EXCHANGES)),
        bindings=tuple(sorted(topology(settings, router).bindings)) if settings.QUEUE else (),
        handled=tuple(_handled(binding, messages) for binding in router),
        declared=tuple(declared),
    )


def _order(contract: type[PayloadModel]) -> tuple[str, str, str, int]:
    info = contract.__contract__
    return info.address.kind, *info.address.route, info.version


def _router(settings: Settings) -> MessageRouter:
    try:
        found = import_string(settings.MESSAGE_CONSUMER)
    except ImportError as error:
        raise ConfigurationError(f"MESSAGE_CONSUMER: {error}") from None
    if not isinstance(found, MessageRouter):
        raise ConfigurationError(f"MESSAGE_CONSUMER: {settings.MESSAGE_CONSUMER} is not a MessageRouter")
    return found


def _handled(binding: Binding, declared: Iterable[type[AddressedModel]]) -> Handled:
    handler = binding.handler
    name = f"{handler.__module__}.{getattr(handler, '__qualname__', type(handler).__qualname__)}"
    if binding.contract is not None:
        return Handled(name, binding.exchange, binding.routing_key, (binding.contract,))
    asked = tuple(
        contract
        for contract in declared
        if issubclass(contract, CallModel) and contract.response_routing_key() == binding.routing_key
    )
    if asked:
        return Handled(name, binding.exchange, binding.routing_key, asked, binding.binds_queue, reply=True)
    possible = tuple(contract for contract in declared if _takes(binding, contract))
    return Handled(name, binding.exchange, binding.routing_key, possible, typed=False)


def _takes(binding: Binding, contract: type[AddressedModel]) -> bool:
    """Whether an untyped handler was registered for the address. One for everything says nothing about contracts."""
    exchange, routing_key = contract.__contract__.address.route
    return binding.exchange == exchange and (
        binding.routing_key is None or binding.routing_key == routing_key or matches(binding.routing_key, routing_key)
    )

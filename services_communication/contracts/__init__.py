"""Contracts: typed messages with an address. Needs pydantic only; no Django, no broker."""

from __future__ import annotations

from services_communication.contracts.model import AddressedModel, CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.registry import Address, Registry, registry, resources

__all__ = [
    "Address",
    "AddressedModel",
    "CallModel",
    "CommandModel",
    "EventModel",
    "PayloadModel",
    "Registry",
    "registry",
    "resources",
]

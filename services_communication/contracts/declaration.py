"""The checks a contract passes when its class is made. A mistake names the class and says what to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services_communication.contracts.registry import Address, Kind, registry, resources
from services_communication.errors import ContractDefinitionError, EncodeError
from services_communication.message import check_short_string

if TYPE_CHECKING:
    from services_communication.contracts.model import AddressedModel, PayloadModel


@dataclass(frozen=True, slots=True)
class ContractInfo:
    """What a contract declares beside its fields."""

    address: Address
    version: int
    key: str | None
    unroutable_ok: bool
    owner: str | None
    """The service whose contract it is, where that was declared."""


def declare(
    cls: type[AddressedModel], kind: Kind, exchange: str, routing_key: str, declared: Mapping[str, Any]
) -> None:
    """Give `cls` its address and put it into the registry. `declared` are its class keywords."""
    key = declared.get("key")
    if not isinstance(routing_key, str):  # '' is a command without a name
        raise mistake(cls, f"command_name={routing_key!r} must be a string")
    _check_address(cls, exchange, routing_key)
    if key is not None and key not in cls.model_fields:
        raise mistake(cls, f"key={key!r} is no field of it; its fields are {', '.join(cls.model_fields) or 'none'}")
    cls.__contract__ = _info(cls, Address(kind, exchange, routing_key), declared)
    registry.add(cls)


def declare_resource(cls: type[PayloadModel], declared: Mapping[str, Any]) -> None:
    """Make `cls` a contract of the REST interface, under the name of its resource."""
    resource = required(cls, "resource", declared)
    if any(word in ("", ".", "..") for word in resource.split("/")):
        raise mistake(cls, f"resource={resource!r} must be words joined with '/', as in 'orders/receipt'")
    cls.__contract__ = _info(cls, Address("rest", "", resource), declared)
    resources.add(cls)


def _info(cls: type, address: Address, declared: Mapping[str, Any]) -> ContractInfo:
    version, owner = declared.get("version", 1), declared.get("owner")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise mistake(cls, f"version={version!r} must be a whole number from 1")
    if owner is not None and (not isinstance(owner, str) or not owner or "/" in owner or owner.startswith(".")):
        raise mistake(cls, f"owner={owner!r} must be the name of a service (its APP_ID); it names a directory too")
    return ContractInfo(address, version, declared.get("key"), bool(declared.get("unroutable_ok", False)), owner)


def _check_address(cls: type, exchange: str, routing_key: str) -> None:
    """Raise ContractDefinitionError for an address that AMQP or a binding could not tell from another."""
    try:
        check_short_string("exchange", exchange)
        check_short_string("routing key", routing_key)
    except EncodeError as error:
        raise mistake(cls, str(error)) from None
    if exchange.startswith("amq."):
        raise mistake(cls, f"{exchange!r}: names that begin with 'amq.' are the broker's own")
    words = routing_key.split(".")
    if "*" in words or "#" in words:
        raise mistake(cls, f"{routing_key!r}: '*' and '#' stand in bindings, not in an address")


def required(cls: type, name: str, declared: Mapping[str, Any]) -> str:
    value = declared.get(name)
    if not isinstance(value, str) or not value:
        example = f'class {cls.__name__}(…, {name}="…")'
        raise mistake(cls, f"{name}= is missing; write {example}, or abstract=True for a base")
    return value


def refuse_unknown(cls: type, keywords: Mapping[str, Any]) -> None:
    if keywords:
        known = ", ".join(cls.__init_subclass__.__kwdefaults__ or ())
        raise mistake(cls, f"unknown class keyword {next(iter(keywords))!r}; known are {known}")


def check_wire_names(cls: type[PayloadModel]) -> None:
    owners: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        for spelling in {name, field.alias or name}:
            other = owners.setdefault(spelling, name)
            if other != name:
                raise mistake(cls, f"fields {other!r} and {name!r} are both {spelling!r} on the wire; rename one")


def mistake(cls: type, text: str) -> ContractDefinitionError:
    return ContractDefinitionError(f"{cls.__module__}.{cls.__qualname__}: {text}")

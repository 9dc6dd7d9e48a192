"""The checks a contract passes when its class is made. A mistake names the class and says what to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services_communication.contracts.registry import Address, Kind, registry
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


def declare(
    cls: type[AddressedModel],
    kind: Kind,
    exchange: str,
    routing_key: str,
    version: int,
    key: str | None,
    unroutable_ok: bool = False,
) -> None:
    _check_address(cls, exchange, routing_key)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise mistake(cls, f"version={version!r} must be a whole number from 1")
    if key is not None and key not in cls.model_fields:
        raise mistake(cls, f"key={key!r} is no field of it; its fields are {', '.join(cls.model_fields) or 'none'}")
    cls.__contract__ = ContractInfo(Address(kind, exchange, routing_key), version, key, unroutable_ok)
    registry.add(cls)


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


def required(cls: type, name: str, value: str | None) -> str:
    if not isinstance(value, str) or not value:
        raise mistake(cls, f"{name}= is missing; write class {cls.__name__}(…, {name}=\"…\"), or abstract=True for a base")
    return value


def check_wire_names(cls: type[PayloadModel]) -> None:
    owners: dict[str, str] = {}
    for name, field in cls.model_fields.items():
        for spelling in {name, field.alias or name}:
            other = owners.setdefault(spelling, name)
            if other != name:
                raise mistake(cls, f"fields {other!r} and {name!r} are both {spelling!r} on the wire; rename one")


def mistake(cls: type, text: str) -> ContractDefinitionError:
    return ContractDefinitionError(f"{cls.__module__}.{cls.__qualname__}: {text}")

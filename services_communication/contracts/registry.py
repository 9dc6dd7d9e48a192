"""Which contract stands for which address: (kind, exchange, routing key, version) → class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from services_communication.errors import ContractDefinitionError

if TYPE_CHECKING:
    from services_communication.contracts.model import AddressedModel, PayloadModel

M = TypeVar("M", bound="PayloadModel")
Kind: TypeAlias = Literal["event", "command", "call", "rest"]
Upcast: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns one version's payload into that of the next."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a contract travels. An event's exchange is its aggregate, a command's or call's is the service.

    A REST payload has no exchange; its resource stands in the place of the routing key.
    """

    kind: Kind
    exchange: str
    routing_key: str

    @property
    def route(self) -> tuple[str, str]:
        return self.exchange, self.routing_key

    def __str__(self) -> str:
        return f"{self.kind} {self.exchange!r} {self.routing_key!r}"


@dataclass(frozen=True, slots=True)
class Step(Generic[M]):
    """An up-caster, and the class that it was declared on."""

    contract: type[M]
    upcast: Upcast


class Registry(Generic[M]):
    """All contracts of the process. Filled when their classes are made."""

    def __init__(self) -> None:
        self._contracts: dict[tuple[Address, int], type[M]] = {}
        self._steps: dict[tuple[Address, int], Step[M]] = {}

    def add(self, contract: type[M]) -> None:
        """Raises ContractDefinitionError when another class holds the address in this version."""
        info = contract.__contract__
        slot = (info.address, info.version)
        holder = self._contracts.get(slot)
        if holder is not None and _name(holder) != _name(contract):  # the same name again: its module was reloaded
            raise ContractDefinitionError(
                f"{_name(contract)}: {info.address} version {info.version} is taken by {_name(holder)}; "
                f"raise version=, or import that class"
            )
        if holder is not None:
            self.discard(holder)
        self._contracts[slot] = contract

    def find(self, address: Address, version: int | None = None) -> type[M] | None:
        """The contract of this version, or the newest where `version` is None."""
        if version is not None:
            return self._contracts.get((address, version))
        return self._contracts.get((address, max(self.versions(address), default=0)))

    def versions(self, address: Address) -> list[int]:
        return [version for known, version in self._contracts if known == address]

    def at(self, exchange: str, routing_key: str) -> list[type[M]]:
        """The contracts of every kind and version at this exchange and routing key, the oldest version first."""
        found = [
            contract for (address, _), contract in self._contracts.items() if address.route == (exchange, routing_key)
        ]
        return sorted(found, key=lambda contract: contract.__contract__.version)

    def add_step(self, contract: type[M], version: int, upcast: Upcast) -> None:
        """`upcast` leads from `version` to the next. Raises ContractDefinitionError where another one does already."""
        slot = (contract.__contract__.address, version)
        if slot in self._steps:
            raise ContractDefinitionError(
                f"{_name(contract)}: upcast({version}) of {slot[0]} is declared already, "
                f"on {_name(self._steps[slot].contract)}; remove one of the two"
            )
        self._steps[slot] = Step(contract, upcast)

    def step(self, address: Address, version: int) -> Step[M] | None:
        """The up-caster from `version` to the next."""
        return self._steps.get((address, version))

    @property
    def steps(self) -> Mapping[tuple[Address, int], Step[M]]:
        return MappingProxyType(self._steps)

    @contextmanager
    def isolated(self) -> Iterator[None]:
        """Nothing is registered meanwhile but what is declared meanwhile; for tests."""
        contracts, steps = self._contracts, self._steps
        self._contracts, self._steps = {}, {}
        try:
            yield
        finally:
            self._contracts, self._steps = contracts, steps

    def __iter__(self) -> Iterator[type[M]]:
        return iter(list(self._contracts.values()))

    def __len__(self) -> int:
        return len(self._contracts)

    def discard(self, contract: type[M]) -> None:
        """Forget `contract` and its up-casters; for tests that declare contracts of their own."""
        info = contract.__contract__
        self._contracts.pop((info.address, info.version), None)
        for slot in [slot for slot, step in self._steps.items() if step.contract is contract]:
            del self._steps[slot]


def _name(contract: type) -> str:
    return f"{contract.__module__}.{contract.__qualname__}"


registry: Registry[AddressedModel] = Registry()
"""Events, commands and calls."""
resources: Registry[PayloadModel] = Registry()
"""REST payloads that were declared with ``resource=``."""

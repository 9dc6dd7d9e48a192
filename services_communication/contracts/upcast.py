"""Older versions of a contract, turned into a newer one before validation.

    @UserUpdated.upcast(1)  # UserUpdated is version 2, or a newer one
    def with_full_name(payload: dict[str, Any]) -> dict[str, Any]:
        return {"userId": payload["userId"], "fullName": payload["name"]}

``upcast(n)`` is the step from version n to n + 1, on whichever class of the address it is declared. So each version's
class may hold the step that leads to it, or the newest class all of them, when the old classes are gone from the code.
The steps make a chain: n → n + 1 → … → the version that is read. One that lacks a step does not begin before it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard, TypeVar

from pydantic_core import from_json, to_json

from services_communication.contracts.declaration import mistake
from services_communication.contracts.describing import DETAIL_CHARACTERS
from services_communication.contracts.finding import Finding
from services_communication.contracts.registry import Kind, Step, Upcast, registry
from services_communication.errors import DecodeError

if TYPE_CHECKING:
    from services_communication.contracts.model import AddressedModel

U = TypeVar("U", bound=Upcast)

# Where a body holds what the contract describes. A command's arguments stand at the top, beside "meta".
_PLACES: dict[Kind, str] = {"event": "payload", "call": "data"}


def oldest(contract: type[AddressedModel]) -> int:
    """The oldest version that can be turned into `contract`'s; its own where no step leads to it."""
    info = contract.__contract__
    version = info.version
    while registry.step(info.address, version - 1) is not None:
        version -= 1
    return version


def leads_to(version: object, contract: type[AddressedModel]) -> TypeGuard[int]:
    """Whether a message of `version` can become an instance: it is the contract's own, or steps lead from it."""
    if isinstance(version, bool) or not isinstance(version, int):
        return False
    return oldest(contract) <= version <= contract.__contract__.version


def missing_step(contract: type[AddressedModel], version: int) -> int | None:
    """The first n from `version` on for which there is no ``upcast(n)``; None where the chain is whole."""
    info = contract.__contract__
    steps = range(max(version, 1), info.version)
    return next((n for n in steps if registry.step(info.address, n) is None), None)


def upcast(contract: type[AddressedModel], version: object, payload: dict[str, Any]) -> dict[str, Any]:
    """`payload`, a JSON object of `version`, as one of `contract`'s version; not yet validated.

    Raises DecodeError: ``unknown_version`` where no chain leads from `version`, ``upcast`` where a step fails.
    """
    if not leads_to(version, contract):
        raise DecodeError("unknown_version", unread(version, [contract]))
    for n in range(version, contract.__contract__.version):
        step = registry.step(contract.__contract__.address, n)
        assert step is not None  # noqa: S101  leads_to() has seen it
        payload = _taken(step, n, payload)
    return payload


def upcast_body(contract: type[AddressedModel], version: object, body: bytes) -> bytes:
    """`body`, a message of `version`, as one of `contract`'s version. Its envelope stays as it is.

    Numbers with a fraction or exponent are floats on the way. Raises DecodeError as :func:`upcast` does, for a body in
    which there is nothing to turn, and for a number that no float holds.
    """
    try:
        envelope = from_json(body)
    except ValueError as error:
        raise DecodeError("decode", f"Invalid JSON: {error} at the body"[:DETAIL_CHARACTERS]) from None
    if not isinstance(envelope, dict):
        raise DecodeError("invalid", "Input should be an object at the body")
    place = _PLACES.get(contract.__contract__.address.kind)
    if place is None:
        meta = {"meta": envelope.pop("meta")} if "meta" in envelope else {}
        _check_finite(envelope, "the body")
        return as_json({**upcast(contract, version, envelope), **meta})
    if place not in envelope:
        raise DecodeError("invalid", f"Field required at {place}")
    if not isinstance(envelope[place], dict):
        raise DecodeError("invalid", f"Input should be an object at {place}")
    _check_finite(envelope[place], place)
    return as_json({**envelope, place: upcast(contract, version, envelope[place])})


def _check_finite(payload: Any, place: str) -> None:
    """An up-caster may look at any key, and make "inf" of a number that was 1e400."""
    values = [payload]
    while values:
        value = values.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise DecodeError("invalid", f"a number is too large for a float, or none, at {place}")
        values += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def as_json(value: dict[str, Any]) -> bytes:
    """What up-casters made, as bytes to be validated as if they had come by wire."""
    try:
        return to_json(value, timedelta_mode="iso8601", bytes_mode="base64")
    except (ValueError, TypeError) as error:
        raise DecodeError("upcast", "what the up-casters returned cannot be written as JSON") from error


def unread(version: object, contracts: Sequence[type[AddressedModel]], by: str = "") -> str:
    """Why a message of `version` is read as none of `contracts`: which versions are, and the step that is missing.

    `by` may name the consumer: ``" by stock.consumers"``.
    """
    known = sorted({n for c in contracts for n in range(oldest(c), c.__contract__.version + 1)})
    text = f"version {version!r:.20} is not read{by}; {_listed(known)}"
    newest = max(contracts, key=lambda contract: contract.__contract__.version)
    if isinstance(version, int) and version >= 1 and (step := missing_step(newest, version)) is not None:
        text += f"; {newest.__name__}.upcast({step}) is missing"
    return text


def dead_ends(file_of: Callable[[type[AddressedModel]], str]) -> list[Finding]:
    """Steps of all registered contracts that lead to a version which neither a class nor a further step takes on.

    `file_of` names the document of a contract. The rule is ``upcast-dead-end``.
    """
    return [
        Finding(
            "error",
            "upcast-dead-end",
            file_of(step.contract),
            "",
            f"upcast({n}) of {step.contract.__name__} leads to version {n + 1} of {address}, which nothing reads: "
            f"there is no upcast({n + 1}), and no class of version {n + 1}",
            f"declare {step.contract.__name__}.upcast({n + 1}), or remove upcast({n})",
        )
        for (address, n), step in sorted(registry.steps.items(), key=lambda item: (str(item[0][0]), item[0][1]))
        if registry.find(address, n + 1) is None and registry.step(address, n + 1) is None
    ]


def declare_step(contract: type[AddressedModel], version: object) -> Callable[[U], U]:
    """The decorator that ``contract.upcast(version)`` is. Raises ContractDefinitionError."""
    if callable(version):
        raise mistake(contract, f"write @{contract.__name__}.upcast(1), with the version that the function reads")
    info = contract.__dict__.get("__contract__")
    if info is None:
        raise mistake(
            contract, "it has no address, so it has no versions; declare upcast() on an event, command or call"
        )
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise mistake(contract, f"upcast({version!r}): the version it reads must be a whole number from 1")
    if version >= info.version:
        raise mistake(
            contract,
            f"upcast({version}) leads to version {version + 1}, but this class is version {info.version}; "
            f"declare it on the class of version {version + 1}, or raise version=",
        )

    def declare(function: U) -> U:
        _check_function(contract, version, function)
        registry.add_step(contract, version, function)
        return function

    return declare


def _check_function(contract: type[AddressedModel], version: int, function: object) -> None:
    wanted = f"upcast({version}) needs a plain function of one parameter, the payload of version {version}"
    if not callable(function) or isinstance(function, type):
        raise mistake(contract, f"{wanted}; it got {function!r:.80}")
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise mistake(contract, f"{wanted}; {_name(function)} is no plain one")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # a function of C that does not tell
    try:
        signature.bind({})
    except TypeError:
        raise mistake(contract, f"{wanted}; {_name(function)}{signature} is called otherwise") from None


def _taken(step: Step[Any], version: int, payload: dict[str, Any]) -> dict[str, Any]:
    where = f"upcast({version}) of {step.contract.__name__}"
    try:
        made = step.upcast(payload)
    except Exception as error:  # whatever it is, this message would raise it again
        raise DecodeError("upcast", f"{where} raised {type(error).__name__}") from error
    if not isinstance(made, dict):
        raise DecodeError("upcast", f"{where} returned {type(made).__name__}, not a dict")
    return made


def _listed(versions: list[int]) -> str:
    if len(versions) == 1:
        return f"version {versions[0]} is"
    return f"versions {', '.join(map(str, versions[:-1]))} and {versions[-1]} are"


def _name(function: object) -> str:
    return getattr(function, "__qualname__", repr(function))

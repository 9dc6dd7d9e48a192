"""Stored examples of contracts, replayed through the code of today.

``shop/events/order.placed.v1.examples.json`` lies beside the document ``order.placed.v1.json`` and holds payloads that
were valid for this version: a JSON list, or an object that gives each a name. Whatever was sent then must still become
an instance of the newest contract of its address, up-cast where its version is an older one.

    for file in find(Path("schemas")):
        for example in load(file):
            replay(example)

The pytest plugin does just that. Contracts must be registered before: their modules must have been imported.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from services_communication.contracts import Address, PayloadModel, registry, resources
from services_communication.contracts.describing import describe
from services_communication.contracts.files import strict
from services_communication.contracts.files.paths import identity_in
from services_communication.contracts.registry import Kind
from services_communication.contracts.upcast import as_json, upcast
from services_communication.errors import DecodeError

SUFFIX = ".examples.json"


class ExampleError(AssertionError):
    """An example, or its file, is not as it must be. The text is a sentence that says what is wrong."""


@dataclass(frozen=True, slots=True)
class Example:
    file: Path
    name: str
    """Its key in the file; its number, from 0, where the file is a list."""
    address: Address
    version: int
    payload: Any
    """JSON: an event's payload, a command's arguments, a call's data, a REST body."""


def find(directory: Path) -> list[Path]:
    """The files of examples at any depth of `directory`, sorted."""
    return sorted(directory.rglob(f"*{SUFFIX}"))


def load(file: Path) -> list[Example]:
    """The examples of one file, at least one. Raises ExampleError."""
    address, version = _subject(file)
    content = _json(file, "the examples")
    if isinstance(content, list):
        content = {str(number): payload for number, payload in enumerate(content)}
    if not isinstance(content, dict):
        raise ExampleError(f"{file.name} must be a JSON list of payloads, or an object of names and payloads")
    if not content:
        raise ExampleError(f"{file.name} holds no example; add one, or remove the file")
    return [Example(file, name, address, version, payload) for name, payload in content.items()]


def replay(example: Example) -> PayloadModel:
    """The instance that a handler of the newest version would get. Raises ExampleError."""
    contract = _contract(example)
    info = contract.__contract__
    payload = example.payload
    try:
        if example.version != info.version and isinstance(payload, dict):
            payload = upcast(cast("Any", contract), example.version, payload)
        return contract.model_validate_json(as_json(payload))
    except ValidationError as error:
        why = describe(error, contract)
    except DecodeError as error:
        why = error.detail + _origin(error.__cause__)
    raise ExampleError(
        f"example {example.name!r} of {_shown(info.address)} version {example.version} "
        f"is not read as {contract.__name__} (version {info.version}): {why}"
    )


def _contract(example: Example) -> type[PayloadModel]:
    address = example.address
    if address.kind == "rest":  # a body tells no version, so that of the file must be in the code
        resource = resources.find(address, example.version)
        if resource is None:
            raise ExampleError(
                f"version {example.version} of {_shown(address)} is not in the code, and REST bodies are not up-cast: "
                f"keep its class, or remove the document and its examples"
            )
        return resource
    contract = registry.find(address)
    if contract is None:
        raise ExampleError(
            f"no contract is registered for {_shown(address)}: import its module (its app must be in INSTALLED_APPS, "
            f"or the module in the ini option contracts_modules), or remove the document and its examples"
        )
    return contract


def _subject(file: Path) -> tuple[Address, int]:
    """What the document beside `file` says it is of."""
    path = file.with_name(f"{file.name.removesuffix(SUFFIX)}.json")
    document = _json(path, "the document of the examples")
    try:
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004, TRY301  one sentence for all that may be wrong
        (kind, *names), version = identity_in(document)
    except ValueError as error:
        raise ExampleError(f"the document of the examples, {path.name}, is no contract's: {error}") from None
    return Address(cast("Kind", kind), *_route(names)), version


def _shown(address: Address) -> str:
    return f"resource {address.routing_key!r}" if address.kind == "rest" else str(address)


def _route(names: Sequence[str]) -> tuple[str, str]:
    return ("", names[0]) if len(names) == 1 else (names[0], names[1])


def _json(path: Path, what: str) -> Any:
    try:
        return strict.loads(path.read_bytes())
    except FileNotFoundError:
        raise ExampleError(
            f"{what}, {path.name}, is missing: write it with 'manage.py makecontracts', or remove the examples"
        ) from None
    except OSError as error:
        raise ExampleError(f"{what}, {path.name}, cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ExampleError(f"{what}, {path.name}, cannot be read: {error}") from None


def _origin(error: BaseException | None) -> str:
    """What an up-caster raised, and where; examples are no secret."""
    if error is None:
        return ""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in line {frames[-1].lineno} of {Path(frames[-1].filename).name}" if frames else ""
    return f" ({error!r:.200}{where})"

"""Contracts to JSON Schema documents (draft 2020-12), the same bytes whatever pydantic version made them.

    document(UserUpdated)      what is kept in ``schemas/``: what a reader accepts, and in ``x-contract`` the rest
    reader_of(document)        what a reader accepts: unknown keys are ignored
    writer_of(document)        what a writer emits: nothing but its own fields

A contract's writer emits every field, so its schema follows from the reader's. Where it does not follow (a ``Decimal``
is read from text or number and written as text, a computed field is only written) it is held in ``x-contract.writer``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, TypeAdapter

from services_communication.contracts.dialect import SchemaMaker
from services_communication.contracts.model import CallModel
from services_communication.contracts.normal import closed, emitting_all, normal, opened
from services_communication.errors import ContractDefinitionError

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXTENSION = "x-contract"

Schema: TypeAlias = "dict[str, Any] | bool"
Mode: TypeAlias = Literal["validation", "serialization"]

# The names of an address's two parts, by kind.
ADDRESS_NAMES: dict[str, tuple[str, ...]] = {
    "event": ("aggregate", "event_type"),
    "command": ("service", "command_name"),
    "call": ("service", "method_name"),
    "rest": ("resource",),
}


class NoSchemaError(ContractDefinitionError):
    """A model holds what JSON cannot. The text names the class and the reason."""

    def __init__(self, contract: type[Any], error: Exception) -> None:
        self.contract = contract
        reason = str(error).partition("\n")[0]
        label = f"{contract.__module__}.{contract.__qualname__}"
        super().__init__(f"{label} has no JSON Schema: {type(error).__name__}: {reason}")


def document(contract: type[BaseModel]) -> dict[str, Any]:
    """The document of one version of `contract`. A model without an address has no address in it either.

    Raises NoSchemaError.
    """
    try:
        return _document(contract)
    except Exception as error:  # noqa: BLE001  types of the project make their schemas by code of its own
        raise NoSchemaError(contract, error) from None


def _document(contract: type[BaseModel]) -> dict[str, Any]:
    reader, writer = _schema(contract, "validation"), _schema(contract, "serialization")
    extension = _identity(contract)
    if writer != emitting_all(reader):
        extension["writer"] = writer
    reply = getattr(contract, "__reply__", ...) if issubclass(contract, CallModel) else ...
    if reply is not ...:
        reply_reader, reply_writer = _schema(reply, "validation"), _schema(reply, "serialization")
        title = {"title": reply.__name__} if isinstance(reply, type) and issubclass(reply, BaseModel) else {}
        extension["reply"] = title | reply_reader
        if reply_writer != emitting_all(reply_reader):
            extension["reply_writer"] = reply_writer
    return {"$schema": DIALECT, "title": contract.__name__, **reader, EXTENSION: extension}


def reader_of(document: Mapping[str, Any]) -> Schema:
    """The schema of what a reader accepts. A document that is no contract's is opened: readers ignore unknown keys."""
    if EXTENSION in document:
        return {key: value for key, value in document.items() if key != EXTENSION}
    schema: Schema = opened(dict(document))
    return schema


def writer_of(document: Mapping[str, Any]) -> Schema:
    """The schema of what a writer emits. Of a document that is no contract's it is known only that it adds no keys."""
    if EXTENSION not in document:
        schema: Schema = closed(dict(document))
    else:
        writer = document[EXTENSION].get("writer")
        schema = emitting_all(reader_of(document)) if writer is None else writer
    return schema


def reply_of(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The document of a call's reply; None for what is no call."""
    extension = document.get(EXTENSION, {})
    if "reply" not in extension:
        return None
    reply = extension["reply"]
    writer = {"writer": extension["reply_writer"]} if "reply_writer" in extension else {}
    return {**(reply if isinstance(reply, dict) else {"not": {}}), EXTENSION: writer}


def canonical(value: Any) -> bytes:
    """The one form of a document's bytes: sorted keys, two blanks, UTF-8, a newline at the end."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _schema(model: Any, mode: Mode) -> dict[str, Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(model)
    made = adapter.json_schema(by_alias=True, schema_generator=SchemaMaker, mode=mode)
    schema = normal(made)
    written: dict[str, Any] = closed(schema)
    return written if mode == "serialization" else schema


def _identity(contract: type[BaseModel]) -> dict[str, Any]:
    info = contract.__dict__.get("__contract__")
    if info is None:
        return {}
    address = info.address
    parts = (address.routing_key,) if address.kind == "rest" else address.route
    identity = {
        "kind": address.kind,
        "address": dict(zip(ADDRESS_NAMES[address.kind], parts, strict=True)),
        "version": info.version,
        "key": info.key,
        "owner": info.owner,
        "unroutable_ok": info.unroutable_ok or None,
    }
    return {name: value for name, value in identity.items() if value is not None}

"""What is wrong with a message, said without showing what it holds."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

ERRORS_SHOWN = 20
DETAIL_CHARACTERS = 2000


def describe(error: ValidationError, model: type[BaseModel] | TypeAdapter[Any]) -> str:
    """The first errors as ``rule at path``, without any input value.

    Keys of a ``dict[str, …]`` are the producer's data too, so a path names what `model` declares, and else has ``*``.
    """
    declared = _declared(model)
    errors = error.errors(include_url=False, include_context=False, include_input=False)
    lines = []
    for item in errors[:ERRORS_SHOWN]:
        path = ".".join(str(part) if isinstance(part, int) or part in declared else "*" for part in item["loc"])
        lines.append(f"{item['msg']} at {path or 'the body'}")
    if len(errors) > ERRORS_SHOWN:
        lines.append(f"and {len(errors) - ERRORS_SHOWN} more")
    return "; ".join(lines)[:DETAIL_CHARACTERS]


@lru_cache(maxsize=1024)
def _declared(model: type[BaseModel] | TypeAdapter[Any]) -> frozenset[str]:
    schema = model.core_schema if isinstance(model, TypeAdapter) else model.__pydantic_core_schema__
    return frozenset(_names(schema))


def _names(node: Any) -> Iterator[str]:
    """The names of fields, their aliases, and the tags of unions, at any depth of a core schema."""
    if isinstance(node, list | tuple):
        for item in node:
            yield from _names(item)
    elif isinstance(node, dict):
        for key in ("fields", "choices"):
            if isinstance(node.get(key), dict):
                yield from map(str, node[key])
        yield from _texts(node.get("validation_alias"))
        for key, value in node.items():
            if key not in ("serialization", "metadata", "expected", "default"):
                yield from _names(value)


def _texts(alias: Any) -> Iterator[str]:
    if isinstance(alias, str):
        yield alias
    elif isinstance(alias, list):
        for part in alias:
            yield from _texts(part)

"""Which values may travel: rules that every contract's strings, datetimes and free values obey.

pydantic lets NUL and lone surrogates into strings, naive datetimes into ``datetime`` and NaN into ``Any``. The first
are stored by SQLite and refused by PostgreSQL, a naive datetime means another instant to each reader, NaN is not JSON
(RFC 8259 §6, §7, §8.2). So the core schema of a contract is tightened once, when the class is made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from pydantic_core import CoreSchema, core_schema


def tighten(schema: CoreSchema) -> CoreSchema:
    """The same schema, in which each ``str``, ``datetime`` and ``Any`` also passes its rule below."""
    return cast("CoreSchema", _tightened(schema))


def travelling_text(value: str) -> str:
    """`value` itself; ValueError for NUL and for surrogates that stand alone."""
    if "\x00" in value:
        raise ValueError("text must not contain NUL (U+0000)")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("text must not contain a lone surrogate") from None
    return value


def instant(value: datetime) -> datetime:
    """The same instant in UTC, so that it is written with ``Z``; ValueError for a naive datetime."""
    offset = value.utcoffset()
    if offset is None:
        raise ValueError("datetime must be aware: give it a time zone (django.utils.timezone.now() does)")
    if not offset:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("datetime does not fit into the years 1 to 9999 in UTC") from None


def travelling_value(value: Any) -> Any:
    """`value` itself; ValueError where something in it, at any depth, cannot be written as JSON."""
    if isinstance(value, str):
        travelling_text(value)
    elif isinstance(value, float | Decimal):
        if not math.isfinite(value):
            raise ValueError("NaN and Infinity are not JSON")
    elif isinstance(value, datetime):
        instant(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            travelling_value(key)
            travelling_value(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            travelling_value(item)
    return value


_RULES: dict[str, Callable[[Any], Any]] = {"str": travelling_text, "datetime": instant, "any": travelling_value}
# Parts of a core schema that hold data or functions, not schemas to validate with.
_OPAQUE = frozenset({"serialization", "metadata", "default", "expected", "config", "ref", "members"})


def _tightened(node: Any) -> Any:
    if isinstance(node, list):
        return [_tightened(item) for item in node]
    if isinstance(node, tuple):
        return tuple(_tightened(item) for item in node)
    if not isinstance(node, dict):
        return node
    kind = node.get("type")
    if kind == "function-after" and node["function"].get("function") in _RULES.values():
        return node
    if isinstance(kind, str) and kind in _RULES:
        return core_schema.no_info_after_validator_function(_RULES[kind], cast("CoreSchema", node))
    return {key: value if key in _OPAQUE else _tightened(value) for key, value in node.items()}

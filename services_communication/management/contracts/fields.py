"""The fields of a contract as a table that a person reads, from its schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

HEADER = ("FIELD", "TYPE", "REQUIRED", "DEFAULT", "CONSTRAINTS")
MOST_VALUE_CHARACTERS = 60

# What the type's text says already, or what is said elsewhere.
_SPOKEN = frozenset(
    {
        *("$ref", "$defs", "type", "format", "enum", "const", "anyOf", "oneOf", "items", "prefixItems", "properties"),
        *(
            "required",
            "default",
            "description",
            "title",
            "discriminator",
            "additionalProperties",
            "examples",
            "$schema",
        ),
    }
)
_SIGNS = {
    "minimum": "≥ ",
    "maximum": "≤ ",
    "exclusiveMinimum": "> ",
    "exclusiveMaximum": "< ",
    "multipleOf": "multiple of ",
}
_PLACEHOLDERS = {"decimal": {"pattern"}}  # the pattern that every Decimal has says nothing


def tables(schema: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Name and rows: of the schema itself under ``""``, then of each definition. What has no fields has no rows."""
    yield "", _rows(schema)
    for name, part in sorted(schema.get("$defs", {}).items()):
        if isinstance(part, dict):
            yield name, _rows(part)


def _rows(schema: Mapping[str, Any]) -> list[tuple[str, ...]]:
    properties = schema.get("properties", {})
    required = schema.get("required", ())
    return [
        (
            name,
            type_text(part),
            "yes" if name in required else "no",
            value_text(part["default"]) if isinstance(part, dict) and "default" in part else "",
            constraints(part),
        )
        for name, part in properties.items()
    ]


def type_text(schema: Any) -> str:
    """``integer``, ``Address | null``, ``array of string (date-time)``, ``"a" | "b"``."""
    if not isinstance(schema, dict):
        return "nothing" if schema is False else "anything"
    if isinstance(schema.get("$ref"), str):
        return schema["$ref"].rpartition("/")[2] or "itself"
    if "const" in schema:
        return value_text(schema["const"])
    if isinstance(schema.get("enum"), list):
        return " | ".join(value_text(value) for value in schema["enum"])
    for keyword in ("anyOf", "oneOf"):
        if isinstance(schema.get(keyword), list):
            return " | ".join(dict.fromkeys(type_text(part) for part in schema[keyword]))
    kind = schema.get("type", "anything")
    if kind == "array":
        return _array_text(schema)
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict) and not schema.get("properties"):
        return f"map of {_grouped(schema['additionalProperties'])}"
    text = " | ".join(kind) if isinstance(kind, list) else str(kind)
    if schema.get("format") == "decimal":
        return "decimal"
    return f"{text} ({schema['format']})" if "format" in schema else text


def _array_text(schema: Mapping[str, Any]) -> str:
    if isinstance(schema.get("prefixItems"), list):
        return f"[{', '.join(map(type_text, schema['prefixItems']))}]"
    name = "set" if schema.get("uniqueItems") else "array"
    return f"{name} of {_grouped(schema['items'])}" if "items" in schema else name


def _grouped(schema: Any) -> str:
    text = type_text(schema)
    return f"({text})" if " | " in text else text


def constraints(schema: Any) -> str:
    """What else a value must obey: ``maxLength 20, ≥ 0``. Of a type or null, that of the type."""
    if not isinstance(schema, dict):
        return ""
    found = []
    for keyword, value in schema.items():
        if keyword in _SPOKEN or keyword in _PLACEHOLDERS.get(schema.get("format", ""), ()) or keyword == "uniqueItems":
            continue
        found.append(f"{_SIGNS.get(keyword) or f'{keyword} '}{value_text(value)}")
    for keyword in ("anyOf", "oneOf"):
        for part in schema.get(keyword, ()) if isinstance(schema.get(keyword), list) else ():
            inner = constraints(part)
            found += [inner] if inner else []
    if isinstance(schema.get("items"), dict):
        inner = constraints(schema["items"])
        found += [f"each: {inner}"] if inner else []
    return ", ".join(found)


def value_text(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= MOST_VALUE_CHARACTERS else f"{text[: MOST_VALUE_CHARACTERS - 1]}…"

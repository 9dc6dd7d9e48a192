"""The normal form of a schema, and the schemas that follow from one: closed, opened, emitting everything.

Only what stands in the place of a schema is touched: a property may be named ``title``, a default may hold anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# The keywords that hold schemas: by name, in a list, or one.
_BY_NAME, _LIST, _ONE, _LIST_OR_ONE = range(4)
HOLDERS = {
    **dict.fromkeys(("$defs", "definitions", "properties", "patternProperties", "dependentSchemas"), _BY_NAME),
    "dependencies": _BY_NAME,
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), _LIST),
    **dict.fromkeys(
        ("additionalItems", "additionalProperties", "contains", "contentSchema", "if", "then", "else"), _ONE
    ),
    **dict.fromkeys(("not", "propertyNames", "unevaluatedItems", "unevaluatedProperties"), _ONE),
    "items": _LIST_OR_ONE,
}
_DEFINITION = re.compile(r"#/\$defs/([^/]+)")


def parts(schema: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Each schema that stands directly in `schema`, with its path."""
    for keyword, value in schema.items():
        holds = HOLDERS.get(keyword)
        if holds is None:
            continue
        if isinstance(value, dict) and holds == _BY_NAME:
            for name, part in value.items():
                if keyword != "dependencies" or not isinstance(part, list):
                    yield (keyword, name), part
        elif isinstance(value, list) and holds in (_LIST, _LIST_OR_ONE):
            for index, part in enumerate(value):
                yield (keyword, index), part
        elif isinstance(value, dict | bool) and holds in (_ONE, _LIST_OR_ONE):
            yield (keyword,), value


def rewritten(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """A copy in which `change` was applied to each schema that is an object, the inner ones first."""
    if not isinstance(schema, dict):
        return schema
    copy = dict(schema)
    for path, part in list(parts(schema)):
        new = rewritten(part, change)
        if len(path) == 1:
            copy[path[0]] = new
            continue
        keyword, member = path
        if copy[keyword] is schema[keyword]:
            copy[keyword] = schema[keyword].copy()
        copy[keyword][member] = new
    return change(copy)


def normal(schema: dict[str, Any]) -> dict[str, Any]:
    """Without the titles that pydantic makes from names, with definitions named after their classes."""
    root = _renamed(_inlined(schema))
    made: dict[str, Any] = rewritten(root, _plain)
    return _without_unused(made)


def closed(schema: Any) -> Any:
    """No object has other properties than those it declares. Parts of a composition stay open: each sees the whole."""
    return _walk(schema, _close)


def opened(schema: Any) -> Any:
    """Each object takes other properties than those it declares."""

    def open_(part: dict[str, Any]) -> dict[str, Any]:
        return {
            keyword: value
            for keyword, value in part.items()
            if not (keyword in ("additionalProperties", "unevaluatedProperties") and value is False)
        }

    return rewritten(schema, open_)


def without_nullable(schema: Any) -> Any:
    """OpenAPI's ``nullable`` as what it means: one more type."""

    def spell(part: dict[str, Any]) -> dict[str, Any]:
        nullable = part.pop("nullable", None)
        if nullable is True and isinstance(part.get("type"), str):
            part["type"] = [part["type"], "null"]
            if isinstance(part.get("enum"), list):
                part["enum"] = [*part["enum"], None]
        return part

    return rewritten(schema, spell) if "nullable" in repr(schema) else schema


def emitting_all(schema: Any) -> Any:
    """What a writer of ours makes of what its reader accepts: every property, no other, and decimals as text."""

    def emit(part: dict[str, Any]) -> dict[str, Any]:
        if part.get("properties"):
            part["required"] = sorted(part["properties"])
        if part.get("format") == "decimal" and part.get("type") == ["number", "string"]:
            part["type"] = "string"
        part.pop("x-lax", None)
        return part

    return closed(rewritten(schema, emit))


# What stands beside the properties of an object and may declare some more.
_BESIDE = frozenset(
    {"allOf", "anyOf", "oneOf", "if", "then", "else", "not", "$ref", "dependentSchemas", "dependencies"}
)


def _close(part: dict[str, Any]) -> dict[str, Any]:
    if "properties" not in part or {"additionalProperties", "unevaluatedProperties"} & part.keys():
        return part
    if _BESIDE & part.keys():
        return {**part, "unevaluatedProperties": False}
    undeclared = {name: True for name in part.get("required", ()) if name not in part["properties"]}
    return {**part, "properties": {**part["properties"], **undeclared}, "additionalProperties": False}


def _walk(schema: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    """As `rewritten`, but for what speaks of the same object as its surroundings: that sees only a part of it."""
    if not isinstance(schema, dict):
        return schema
    beside = _BESIDE if "properties" in schema else _BESIDE - {"anyOf", "oneOf"}
    kept = {keyword: schema[keyword] for keyword in beside if keyword in schema}
    copy = {keyword: value for keyword, value in schema.items() if keyword not in kept}
    for path, part in list(parts(copy)):
        new = _walk(part, change)
        if len(path) == 1:
            copy[path[0]] = new
        else:
            if copy[path[0]] is schema[path[0]]:
                copy[path[0]] = schema[path[0]].copy()
            copy[path[0]][path[1]] = new
    return change({**copy, **kept})


def _plain(part: dict[str, Any]) -> dict[str, Any]:
    made = {keyword: _number(value) for keyword, value in part.items() if keyword != "title"}
    if made.get("additionalProperties") is True:
        del made["additionalProperties"]
    if "const" in made and made.get("enum") == [made["const"]]:
        del made["enum"]
    version = re.fullmatch(r"uuid(\d)", str(made.get("format")))
    if version is not None:  # pydantic's own format, which nobody else knows
        made |= {"format": "uuid", "pattern": f"^.{{14}}{version[1]}"}
    if "required" in made:
        made["required"] = sorted(made["required"])
    if made.get("uniqueItems") is True and isinstance(made.get("default"), list):
        made["default"] = sorted(made["default"], key=repr)
    return made


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """pydantic writes a recursive model as a reference to a definition; here the root is always the model itself."""
    found = _DEFINITION.fullmatch(schema.get("$ref", ""))
    if found is None:
        return schema
    return {**schema["$defs"][found[1]], **{key: value for key, value in schema.items() if key != "$ref"}}


def _renamed(schema: dict[str, Any]) -> dict[str, Any]:
    """Definitions under their titles; pydantic's own names hold the module where two classes have one name."""
    definitions = schema.get("$defs", {})
    names: dict[str, str] = {}
    for old in sorted(definitions, key=lambda name: (_name(name, definitions), name)):
        wanted, number = _name(old, definitions), 1
        while (name := wanted if number == 1 else f"{wanted}{number}") in names.values():
            number += 1
        names[old] = name

    def rename(part: dict[str, Any]) -> dict[str, Any]:
        if isinstance(part.get("$ref"), str):
            part["$ref"] = _moved(part["$ref"], names)
        mapping = part.get("discriminator", {}).get("mapping") if isinstance(part.get("discriminator"), dict) else None
        if mapping:
            moved = {tag: _moved(reference, names) for tag, reference in mapping.items()}
            part["discriminator"] = {**part["discriminator"], "mapping": moved}
        return part

    copy: dict[str, Any] = rewritten(schema, rename)
    if definitions:
        copy["$defs"] = {names[name]: part for name, part in copy["$defs"].items()}
    return copy


def _name(key: str, definitions: Mapping[str, Any]) -> str:
    title = definitions[key].get("title") if isinstance(definitions[key], dict) else None
    return re.sub(r"\W+", "_", title or key).strip("_") or key


def _moved(reference: str, names: Mapping[str, str]) -> str:
    found = _DEFINITION.fullmatch(reference)
    return f"#/$defs/{names.get(found[1], found[1])}" if found else reference


def _without_unused(schema: dict[str, Any]) -> dict[str, Any]:
    """Definitions that nothing leads to are left out."""
    definitions = schema.get("$defs", {})
    used: set[str] = set()
    waiting: list[Any] = [{key: value for key, value in schema.items() if key != "$defs"}]
    while waiting:
        for name in _references(waiting.pop()):
            if name not in used and name in definitions:
                used.add(name)
                waiting.append(definitions[name])
    rest = {key: value for key, value in schema.items() if key != "$defs"}
    return {**rest, "$defs": {name: part for name, part in definitions.items() if name in used}} if used else rest


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        found = _DEFINITION.fullmatch(schema["$ref"]) if isinstance(schema.get("$ref"), str) else None
        if found:
            yield found[1]
        for _, part in parts(schema):
            yield from _references(part)

"""What a document says and its classes do not enforce: a note for each place, so that nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any

from services_codegen.render import ANNOTATIONS, FORMATS
from services_communication.contracts.normal import parts

# Of a schema whose annotation is the generator's, these are not taken over.
LOST = frozenset(
    {
        *(
            "uniqueItems",
            "prefixItems",
            "additionalItems",
            "contains",
            "minContains",
            "maxContains",
            "unevaluatedItems",
        ),
        *("minProperties", "maxProperties", "dependentSchemas", "dependentRequired", "dependencies"),
        *("unevaluatedProperties", "not", "if", "then", "else", "contentEncoding", "contentMediaType", "contentSchema"),
        *("oneOf", "discriminator"),
    }
)
# Rules that the generator takes over for a type, so not where a schema names none.
_NEED_A_TYPE = frozenset(
    {
        *("pattern", "minLength", "maxLength", "minItems", "maxItems", "multipleOf", "items"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    }
)
_OF_A_CLASS = frozenset({"type", "properties", "required", "allOf", "anyOf", "oneOf", "$ref"})


def class_notes(schema: dict[str, Any], where: str, classes: Container[int]) -> Iterator[tuple[str, str]]:
    """(place, keyword) of what the class of `schema` does not enforce, its fields left aside."""
    for keyword in sorted(set(schema) - ANNOTATIONS - _OF_A_CLASS):
        is_open = keyword == "additionalProperties" and schema[keyword] in (True, {})
        if not is_open and (not keyword.startswith("x-") or keyword == "x-bounds"):
            yield where, keyword
    for keyword in ("allOf", "anyOf", "oneOf"):
        branches = schema.get(keyword)
        for index, part in enumerate(branches if isinstance(branches, list) else ()):
            yield from generator_notes(part, f"{where}/{keyword}/{index}", classes)


def generator_notes(schema: Any, where: str, classes: Container[int]) -> Iterator[tuple[str, str]]:
    """(place, keyword) of what the generator does not take over from `schema`. `classes` have notes of their own."""
    if not isinstance(schema, dict) or id(schema) in classes:
        return
    yield from ((where, keyword) for keyword in sorted(schema) if _is_lost(keyword, schema))
    kind = schema.get("format")
    if isinstance(kind, str) and kind not in FORMATS:
        yield where, "format"
    if schema.get("additionalProperties") is False or ("properties" in schema and "patternProperties" in schema):
        yield where, "patternProperties" if "patternProperties" in schema else "additionalProperties"
    for path, part in parts(schema):
        if path[0] not in ("$defs", "definitions", *(LOST - {"oneOf", "prefixItems"})):
            yield from generator_notes(part, "/".join((where, *map(str, path))), classes)


def _is_lost(keyword: str, schema: dict[str, Any]) -> bool:
    value = schema[keyword]
    if keyword in ("const", "enum"):
        values = value if keyword == "enum" else [value]
        return not all(item is None or isinstance(item, str | int) for item in values)
    if keyword in _NEED_A_TYPE:
        return "type" not in schema or (keyword == "items" and isinstance(value, list))
    return keyword in LOST and (keyword != "oneOf" or len(value) > 1)

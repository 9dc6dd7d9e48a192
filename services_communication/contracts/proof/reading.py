"""A schema, read as a formula about values of one type."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from services_communication.contracts.proof import numeric
from services_communication.contracts.proof.draft import CONTENT, DRAFT_2019
from services_communication.contracts.proof.formats import FORMATS, is_asserted
from services_communication.contracts.proof.formula import (
    FALSE,
    TRUE,
    At,
    Count,
    Each,
    Fact,
    Formula,
    Keys,
    Names,
    Prop,
    Rest,
    Sub,
    Type,
    both,
    either,
    equals,
    one_of,
    rational,
    type_of,
)
from services_communication.contracts.proof.node import Node


class CircularError(ValueError):
    """A schema refers to itself without anything between: it has no meaning."""


@lru_cache(maxsize=100_000)
def formula(sub: Sub, kind: Type) -> Formula:
    """What `sub` says of a value of the type `kind`. Raises UnresolvedError and CircularError."""
    made = _read(sub.node, kind)
    return made if sub.fits else made.opposite


class _Reading(threading.local):
    """What is being read now, by this thread."""

    def __init__(self) -> None:
        self.under_way: list[tuple[Node, Type]] = []


_reading = _Reading()


@lru_cache(maxsize=100_000)
def _read(node: Node, kind: Type) -> Formula:
    if isinstance(node.schema, bool):
        return TRUE if node.schema else FALSE
    if (node, kind) in _reading.under_way:
        raise CircularError("a schema refers to itself without anything between")
    _reading.under_way.append((node, kind))
    try:
        keywords = node.keywords
        readers = [*_ANY, *_BY_TYPE.get(kind, ())]
        return both(*(read(node, kind) for names, read in readers if any(name in keywords for name in names)))
    finally:
        _reading.under_way.pop()


# -- keywords for every type ------------------------------------------------------------------------------------------


def _type(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    types = keywords["type"] if isinstance(keywords["type"], list) else [keywords["type"]]
    if kind in types:
        return TRUE
    return Fact("multiple", rational(1)) if kind == "number" and "integer" in types else FALSE


def _enum(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    values = [value for value in keywords["enum"] if type_of(value) == kind]
    if kind in ("array", "object"):
        return either(*map(equals, values))
    return Fact("among", frozenset(rational(v) if kind == "number" else v for v in values)) if values else FALSE


def _const(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    return equals(keywords["const"]) if type_of(keywords["const"]) == kind else FALSE


def _ref(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    return _read(node.document.resolve(keywords["$ref"]), kind)


def _all_of(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    return both(*(_read(node.document.node(part), kind) for part in keywords["allOf"]))


def _any_of(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    return either(*(_read(node.document.node(part), kind) for part in keywords["anyOf"]))


def _one_of(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    return one_of([_read(node.document.node(part), kind) for part in keywords["oneOf"]])


def _not(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    return _read(node.document.node(keywords["not"]), kind).opposite


def _if(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    condition = _read(node.document.node(keywords["if"]), kind)
    then = _read(node.document.node(keywords.get("then", True)), kind)
    otherwise = _read(node.document.node(keywords.get("else", True)), kind)
    return either(both(condition, then), both(condition.opposite, otherwise))


def _opaque(node: Node, _: Type) -> Formula:
    """What is not understood may hold or not; only that it cannot do both is known."""
    return Fact("opaque", (json.dumps(node.schema, sort_keys=True), node.document.scope))


def _marked(node: Node, _: Type) -> Formula:
    """Bounds of dates and times: they are known to be there, and not looked into."""
    return Fact("opaque", ("x-bounds", json.dumps(node.keywords["x-bounds"], sort_keys=True)))


# -- keywords of one type ---------------------------------------------------------------------------------------------


def _number(node: Node, _: Type) -> Formula:
    return both(*numeric.facts(node.keywords))


def _string(node: Node, _: Type) -> Formula:
    keywords = node.keywords
    facts: list[Formula] = []
    if "minLength" in keywords:
        facts.append(_at_least("length", keywords["minLength"]))
    if "maxLength" in keywords:
        facts.append(_at_least("length", int(keywords["maxLength"]) + 1).opposite)
    if "pattern" in keywords:
        facts.append(Fact("pattern", keywords["pattern"]))
    if node.document.formats:
        facts.extend(_formats(node))
    return both(*facts)


def _formats(node: Node) -> Iterator[Formula]:
    name = node.keywords.get("format")
    if isinstance(name, str) and is_asserted(name, node.document.draft):
        yield Fact("format", name)
        if name == "decimal":
            yield from (Fact("decimal", fact) for fact in numeric.facts(node.keywords))
    for keyword in CONTENT:
        if keyword in node.keywords:
            content = f"{keyword} {node.keywords[keyword]}"
            yield Fact("format" if content in FORMATS else "opaque", content)


def _array(node: Node, _: Type) -> Formula:
    keywords = node.keywords
    facts: list[Formula] = []
    if "minItems" in keywords:
        facts.append(_at_least("items", keywords["minItems"]))
    if "maxItems" in keywords:
        facts.append(_at_least("items", int(keywords["maxItems"]) + 1).opposite)
    if keywords.get("uniqueItems"):
        facts.append(Fact("unique"))
    prefix = keywords.get("prefixItems", [])
    facts.extend(At(index, Sub(node.document.node(part))) for index, part in enumerate(prefix) if _says(part))
    if _says(keywords.get("items", True)):
        facts.append(Rest(len(prefix), Sub(node.document.node(keywords["items"]))))
    if "contains" in keywords:
        most = keywords.get("maxContains") if node.document.draft >= DRAFT_2019 else None
        least = keywords.get("minContains", 1) if node.document.draft >= DRAFT_2019 else 1
        facts.append(
            Count(Sub(node.document.node(keywords["contains"])), int(least), None if most is None else int(most))
        )
    return both(*facts)


def _object(node: Node, _: Type) -> Formula:
    keywords = node.keywords
    facts: list[Formula] = []
    if "minProperties" in keywords:
        facts.append(_at_least("properties", keywords["minProperties"]))
    if "maxProperties" in keywords:
        facts.append(_at_least("properties", int(keywords["maxProperties"]) + 1).opposite)
    properties, patterns = keywords.get("properties", {}), keywords.get("patternProperties", {})
    facts.extend(Fact("has", name) for name in keywords.get("required", []) if isinstance(name, str))
    facts.extend(Prop(name, Sub(node.document.node(part))) for name, part in properties.items() if _says(part))
    facts.extend(
        Each(Keys(matched=frozenset([pattern])), Sub(node.document.node(part)))
        for pattern, part in patterns.items()
        if _says(part)
    )
    if _says(keywords.get("additionalProperties", True)):
        others = Keys(frozenset(properties), unmatched=frozenset(patterns))
        facts.append(Each(others, Sub(node.document.node(keywords["additionalProperties"]))))
    if _says(keywords.get("propertyNames", True)):
        facts.append(Names(Sub(node.document.node(keywords["propertyNames"]))))
    for name, needed in keywords.get("dependentRequired", {}).items():
        facts.append(either(Fact("has", name, holds=False), both(*(Fact("has", other) for other in needed))))
    for name, part in keywords.get("dependentSchemas", {}).items():
        facts.append(either(Fact("has", name, holds=False), _read(node.document.node(part), "object")))
    return both(*facts)


def _unevaluated_properties(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    part = keywords["unevaluatedProperties"]
    seen = _evaluated(node, set())
    if seen is None:
        return _opaque(node, kind) if _says(part) else TRUE
    return Each(seen, Sub(node.document.node(part))) if _says(part) else TRUE


def _unevaluated_items(node: Node, kind: Type) -> Formula:
    keywords = node.keywords
    part = keywords["unevaluatedItems"]
    if not _says(part) or "items" in keywords:
        return TRUE
    if _APPLICATORS & set(keywords) or "contains" in keywords:
        return _opaque(node, kind)
    return Rest(len(keywords.get("prefixItems", [])), Sub(node.document.node(part)))


_APPLICATORS = frozenset({"anyOf", "oneOf", "if", "not", "dependentSchemas", "allOf", "$ref", "$dynamicRef"})
_CONDITIONAL = frozenset({"anyOf", "oneOf", "if", "not", "dependentSchemas", "$dynamicRef"})


def _evaluated(node: Node, seen: set[int]) -> Keys | None:
    """The names that nothing beside ``unevaluatedProperties`` looks at. None where that depends on the value."""
    keywords = node.keywords
    if id(node) in seen or _CONDITIONAL & set(keywords):
        return None
    seen.add(id(node))
    names, patterns = set(keywords.get("properties", {})), set(keywords.get("patternProperties", {}))
    if "additionalProperties" in keywords:
        patterns.add("")
    inner = [node.document.node(part) for part in keywords.get("allOf", [])]
    if "$ref" in keywords:
        inner.append(node.document.resolve(keywords["$ref"]))
    for other in inner:
        found = _evaluated(other, seen)
        if found is None:
            return None
        names |= found.others
        patterns |= found.unmatched
        if "unevaluatedProperties" in other.keywords:
            patterns.add("")
    return Keys(frozenset(names), unmatched=frozenset(patterns))


def _says(schema: Any) -> bool:
    return schema is not True and schema != {}


def _at_least(kind: str, number: Any) -> Formula:
    whole = -(-rational(number).numerator // rational(number).denominator)
    return TRUE if whole <= 0 else Fact(kind, whole)


Reader = Callable[[Node, Type], Formula]
_ANY: list[tuple[tuple[str, ...], Reader]] = [
    (("type",), _type),
    (("enum",), _enum),
    (("const",), _const),
    (("$ref",), _ref),
    (("allOf",), _all_of),
    (("anyOf",), _any_of),
    (("oneOf",), _one_of),
    (("not",), _not),
    (("if",), _if),
    (("$dynamicRef", "$recursiveRef"), _opaque),
    (("x-bounds",), _marked),
]
_BY_TYPE: dict[Type, list[tuple[tuple[str, ...], Reader]]] = {
    "number": [(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "x-max-digits"), _number)],
    "string": [(("minLength", "maxLength", "pattern", "format", "contentEncoding", "contentMediaType"), _string)],
    "array": [
        (("minItems", "maxItems", "uniqueItems", "prefixItems", "items", "contains"), _array),
        (("unevaluatedItems",), _unevaluated_items),
    ],
    "object": [
        (
            (
                *("minProperties", "maxProperties", "properties", "patternProperties", "additionalProperties"),
                *("required", "propertyNames", "dependentRequired", "dependentSchemas"),
            ),
            _object,
        ),
        (("unevaluatedProperties",), _unevaluated_properties),
    ],
}

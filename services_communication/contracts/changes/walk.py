"""Two schemas side by side: every difference that a reader or writer could see."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from services_communication.contracts.changes.branches import as_union, branches, said, without_null
from services_communication.contracts.changes.difference import ABSENT, Difference
from services_communication.contracts.changes.place import Item, Matching, Others, Place, Property
from services_communication.contracts.proof.draft import modern
from services_communication.contracts.proof.formula import rational
from services_communication.contracts.proof.node import Document, UnresolvedError

MOST_DIFFERENCES = 300
# The keywords that have a number, and whether a larger one is "raised".
BOUNDS = {
    **dict.fromkeys(("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties")),
    **dict.fromkeys(("minContains", "maxContains")),
}
# Compared as a whole; the keywords of one group have no meaning alone.
GROUPS = (
    ("x-bounds",),
    ("x-max-digits",),
    ("pattern",),
    ("format",),
    ("contentEncoding",),
    ("contentMediaType",),
    ("multipleOf",),
    ("uniqueItems",),
    ("propertyNames",),
    ("dependentRequired",),
    ("dependentSchemas",),
    ("unevaluatedProperties",),
    ("unevaluatedItems",),
    ("contains",),
    ("not",),
    ("if", "then", "else"),
    ("$dynamicRef",),
    ("$recursiveRef",),
)
NOTES = ("default", "deprecated", "x-lax")


class Walk:
    """Differences from the document `old` to the document `new`."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._seen: set[tuple[int, int]] = set()

    def differences(self) -> list[Difference]:
        found: dict[tuple[str, str, str], Difference] = {}
        for difference in self._pair(self._old.schema, self._new.schema, Place()):
            value = repr((difference.old, difference.new))
            found.setdefault((difference.rule, difference.place.pointer, value), difference)
            if len(found) >= MOST_DIFFERENCES:
                break
        return list(found.values())

    def _pair(self, old: Any, new: Any, place: Place) -> Iterator[Difference]:
        if self._old.node(old) is self._new.node(new) and not _notes_differ(old, new):
            return
        old, new, place = self._followed(old, new, place)
        mark = (id(old), id(new))
        if mark in self._seen:
            return
        self._seen.add(mark)
        if isinstance(old, bool) or isinstance(new, bool):
            yield from _any_or_none(old, new, place)
            return
        core, core_now, inner = without_null(old), without_null(new), place
        if core is not None or core_now is not None:
            if core is None or core_now is None:
                verb = "added" if core is None else "removed"
                says, says_now = ({"not": {"type": "null"}} if part is None else True for part in (core, core_now))
                yield Difference(
                    f"null-{verb}", place, old.get("type", ABSENT), new.get("type", ABSENT), says, says_now
                )
            if core_now is not None:
                inner = place.below(*core_now[1])
            one, other = old if core is None else core[0], new if core_now is None else core_now[0]
            yield from self._pair(one, other, inner)
            yield from _notes(old, new, place)
            return
        before, after = as_union(modern(old, self._old.draft), modern(new, self._new.draft))
        yield from _types(before, after, place)
        yield from _values(before, after, place)
        yield from _numbers(before, after, place)
        yield from _whole(before, after, place)
        yield from self._object(before, after, place)
        yield from self._array(before, after, place)
        yield from branches(self._old, self._new, before, after, place, self._pair)
        yield from _notes(old, new, place)

    def _followed(self, old: Any, new: Any, place: Place) -> tuple[Any, Any, Place]:
        """What references alone lead to."""
        for _ in range(50):
            followed_old, followed_new = _target(old, self._old), _target(new, self._new)
            if followed_old is None and followed_new is None:
                break
            leading = new if followed_new is not None else old if isinstance(new, bool) else None
            if leading is not None and leading["$ref"].startswith("#/"):
                place = place.at(leading["$ref"][1:])
            old = old if followed_old is None else followed_old
            new = new if followed_new is None else followed_new
        return old, new, place

    def _object(self, old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
        yield from _required(old, new, place)
        before, after = old.get("properties", {}), new.get("properties", {})
        for name in sorted({*before, *after}):
            there = place.below("properties", name, step=Property(name))
            if name in before and name in after:
                yield from self._pair(before[name], after[name], there)
                continue
            says, says_now = (
                {"properties": {name: part["properties"][name]}}
                if name in part.get("properties", ())
                else _others_of(part)
                for part in (old, new)
            )
            if name in after:
                quiet = name in new.get("required", ())
                yield Difference("property-added", there, ABSENT, after[name], says, says_now, quiet)
            else:
                quiet = name in old.get("required", ())
                yield Difference("property-removed", there, before[name], ABSENT, says, says_now, quiet)
        yield from self._patterns(old, new, place)
        yield from self._others(old, new, place)

    def _patterns(self, old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
        before, after = old.get("patternProperties", {}), new.get("patternProperties", {})
        for pattern in sorted({*before, *after}):
            there = place.below("patternProperties", pattern)
            if pattern in before and pattern in after:
                inner = place.below("patternProperties", pattern, step=Matching(pattern))
                yield from self._pair(before[pattern], after[pattern], inner)
            else:
                rule = f"pattern-properties-{'added' if pattern in after else 'removed'}"
                values = before.get(pattern, ABSENT), after.get(pattern, ABSENT)
                yield Difference(rule, there, *values, _others_of(old), _others_of(new))

    def _others(self, old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
        before, after = old.get("additionalProperties", True), new.get("additionalProperties", True)
        if _both_true(before, after) or self._old.node(before) is self._new.node(after):
            return
        if isinstance(before, dict) and isinstance(after, dict):
            names = sorted({*old.get("properties", ()), *new.get("properties", ())})
            patterns = sorted({*old.get("patternProperties", ()), *new.get("patternProperties", ())})
            step = Others(tuple(names), tuple(patterns))
            yield from self._pair(before, after, place.below("additionalProperties", step=step))
            return
        if False in (before, after):
            verb = "forbidden" if after is False else "allowed"
        else:
            verb = "restricted" if before is True else "freed"
        there = place.below("additionalProperties")
        yield Difference(f"additional-properties-{verb}", there, before, after, _others_of(old), _others_of(new))

    def _array(self, old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        for index, (one, other) in enumerate(zip(before, after, strict=False)):
            yield from self._pair(one, other, place.below("prefixItems", index, step=Item(index)))
        rest, rest_now = old.get("items", True), new.get("items", True)
        keywords = ("prefixItems", "items")
        if len(before) != len(after):
            rule = f"prefix-items-{'added' if len(after) > len(before) else 'removed'}"
            yield Difference(
                rule, place.below("prefixItems"), len(before), len(after), _any(old, keywords), _any(new, keywords)
            )
        elif not _both_true(rest, rest_now) and (
            self._old.node(rest) is not self._new.node(rest_now) or _notes_differ(rest, rest_now)
        ):
            step = Item(None if not before else len(before))
            if "items" in old and "items" in new:
                yield from self._pair(rest, rest_now, place.below("items", step=step))
            else:
                rule = f"items-{'added' if 'items' in new else 'removed'}"
                yield Difference(
                    rule,
                    place.below("items"),
                    old.get("items", ABSENT),
                    new.get("items", ABSENT),
                    _any(old, keywords),
                    _any(new, keywords),
                )


def _target(schema: Any, document: Document) -> Any:
    """What `schema` leads to, when it is a reference and says nothing else."""
    if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
        return None
    if said(modern(schema, document.draft)) != {"$ref"}:
        return None
    try:
        return document.resolve(schema["$ref"]).schema
    except UnresolvedError:
        return None


def _required(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
    before, after = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(before ^ after):
        there = place.below("properties", name, step=Property(name))
        needs = {"required": [name]}
        if name in after:
            yield Difference("required-added", there, name in old.get("properties", ()), True, True, needs)
        else:
            yield Difference("required-removed", there, True, name in new.get("properties", ()), needs, True)


def _any_or_none(old: Any, new: Any, place: Place) -> Iterator[Difference]:
    if old == new:
        return
    rule = "schema-added" if old is True else "schema-removed" if new is True else "schema-changed"
    yield Difference(rule, place, old, new, old, new)


def _types(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
    before, after = _type_set(old), _type_set(new)
    if before == after:
        return
    there = place.below("type")
    says, says_now = _only(old, ("type",)), _only(new, ("type",))
    if before ^ after == {"null"}:
        rule = "null-added" if "null" in after else "null-removed"
    elif before < after or (before - {"integer"} <= after and "number" in after):
        rule = "type-widened"
    elif before > after or (after - {"integer"} <= before and "number" in before):
        rule = "type-narrowed"
    else:
        rule = "type-changed"
    yield Difference(rule, there, old.get("type", ABSENT), new.get("type", ABSENT), says, says_now)


def _type_set(schema: dict[str, Any]) -> set[str]:
    types = schema.get("type", ["array", "boolean", "null", "number", "object", "string"])
    return set(types if isinstance(types, list) else [types])


def _values(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
    before, after = _listed(old), _listed(new)
    if before is None and after is None:
        return
    keyword = "const" if "const" in (new if after is not None else old) else "enum"
    there, says, says_now = place.below(keyword), _any(old, ("enum", "const")), _any(new, ("enum", "const"))
    if before is None or after is None:
        rule = "enum-added" if before is None else "enum-removed"
        yield Difference(rule, there, old.get(keyword, ABSENT), new.get(keyword, ABSENT), says, says_now)
        return
    for key in sorted(after.keys() - before.keys()):
        yield Difference("enum-value-added", there, ABSENT, after[key], {"not": {"const": after[key]}}, True)
    for key in sorted(before.keys() - after.keys()):
        yield Difference("enum-value-removed", there, before[key], ABSENT, True, {"not": {"const": before[key]}})


def _listed(schema: dict[str, Any]) -> dict[str, Any] | None:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return None if not isinstance(values, list) else {_key(value): value for value in values}


def _key(value: Any) -> str:
    """Equal for equal JSON values: 1 is 1.0, and neither is true."""
    match value:
        case bool() | None | str():
            return json.dumps(value)
        case list():
            return f"[{','.join(map(_key, value))}]"
        case dict():
            return f"{{{','.join(f'{json.dumps(name)}:{_key(value[name])}' for name in sorted(value))}}}"
    return str(rational(value))


def _numbers(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
    for keyword in BOUNDS:
        before, after = old.get(keyword), new.get(keyword)
        if before is None and after is None:
            continue
        if before is not None and after is not None:
            if rational(before) == rational(after):
                continue
            verb = "raised" if rational(after) > rational(before) else "lowered"
        else:
            verb = "added" if before is None else "removed"
        related = (keyword, "contains") if keyword.endswith("Contains") else (keyword,)
        yield Difference(
            f"{kebab(keyword)}-{verb}", place.below(keyword), ABSENT if before is None else before,
            ABSENT if after is None else after, _numeric(old, related), _numeric(new, related),
        )  # fmt: skip


def _numeric(schema: dict[str, Any], keywords: tuple[str, ...]) -> Any:
    """A bound of decimals holds for texts that stand for numbers too."""
    return _only(schema, (*keywords, *(("format", "type") if schema.get("format") == "decimal" else ())))


def _whole(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
    for keywords in GROUPS:
        before, after = _only(old, keywords), _only(new, keywords)
        if before == after:
            continue
        verb = "added" if before is True else "removed" if after is True else "changed"
        if keywords == ("uniqueItems",) and not old.get("uniqueItems") and not new.get("uniqueItems"):
            continue
        name = next(keyword for keyword in keywords if keyword in old or keyword in new)
        extra = _RELATED.get(name, ())
        yield Difference(
            f"{kebab(name.removeprefix('x-'))}-{verb}", place.below(name), old.get(name, ABSENT), new.get(name, ABSENT),
            _only(old, (*keywords, *extra)), _only(new, (*keywords, *extra)),
        )  # fmt: skip


# Keywords without which one cannot be understood.
_RELATED: dict[str, tuple[str, ...]] = {
    "contains": ("minContains", "maxContains"),
    "multipleOf": ("format", "type"),
    "x-max-digits": ("format", "type"),
    "unevaluatedProperties": (
        *("properties", "patternProperties", "additionalProperties", "dependentSchemas"),
        *("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"),
    ),
    "unevaluatedItems": ("prefixItems", "items", "contains", "$ref", "allOf", "anyOf", "oneOf", "if", "then", "else"),
}


def _both_true(old: Any, new: Any) -> bool:
    """Nothing is said in either draft."""
    return old is True and new is True


def _notes(old: dict[str, Any], new: dict[str, Any], place: Place) -> Iterator[Difference]:
    # What is converted is a matter of the type; where that is another one, it is said already.
    for keyword in NOTES if old.get("type") == new.get("type") else NOTES[:-1]:
        if old.get(keyword, ABSENT) != new.get(keyword, ABSENT):
            verb = "added" if keyword not in old else "removed" if keyword not in new else "changed"
            rule = f"{keyword.removeprefix('x-')}-{verb}"
            yield Difference(rule, place.below(keyword), old.get(keyword, ABSENT), new.get(keyword, ABSENT))


def _notes_differ(old: Any, new: Any) -> bool:
    return json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True)


def _only(schema: dict[str, Any], keywords: tuple[str, ...]) -> Any:
    """Those of `keywords` that `schema` has; True when it has none of the first."""
    return {keyword: schema[keyword] for keyword in keywords if keyword in schema} if keywords[0] in schema else True


def _any(schema: dict[str, Any], keywords: tuple[str, ...]) -> Any:
    """Those of `keywords` that `schema` has; True when it has none."""
    return {keyword: schema[keyword] for keyword in keywords if keyword in schema} or True


def _others_of(schema: dict[str, Any]) -> Any:
    found = {key: schema[key] for key in ("properties", "patternProperties", "additionalProperties") if key in schema}
    if "properties" in found:
        found["properties"] = dict.fromkeys(found["properties"], True)
    return found


def kebab(keyword: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in keyword.lstrip("$"))

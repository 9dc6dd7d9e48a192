"""allOf, anyOf, oneOf side by side: which branch of the one is which of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from services_communication.contracts.changes.difference import Difference
from services_communication.contracts.changes.place import Place
from services_communication.contracts.proof.node import SILENT, Document, UnresolvedError

Pair = Callable[[Any, Any, Place], "Iterator[Difference]"]
NO_RULES = SILENT | {"$defs", "definitions"}
NAMES = {"allOf": "all-of", "anyOf": "any-of", "oneOf": "one-of"}


def branches(
    old: Document, new: Document, before: dict[str, Any], after: dict[str, Any], place: Place, pair: Pair
) -> Iterator[Difference]:
    for keyword, name in NAMES.items():
        one, other = before.get(keyword), after.get(keyword)
        if one is None and other is None:
            continue
        says = True if one is None else {keyword: one}
        says_now = True if other is None else {keyword: other}
        if one is None or other is None:
            verb = "added" if one is None else "removed"
            missing = ... if one is None else one
            yield Difference(
                f"{name}-{verb}", place.below(keyword), missing, ... if other is None else other, says, says_now
            )
            continue
        pairs, gone, added = _matched(old, new, one, other)
        for index, counterpart in pairs:
            yield from pair(one[index], other[counterpart], place.below(keyword, counterpart))
        for index in gone:
            yield Difference(
                _rule(name, one[index], "removed"), place.below(keyword, index), one[index], ..., says, says_now
            )
        for index in added:
            yield Difference(
                _rule(name, other[index], "added"), place.below(keyword, index), ..., other[index], says, says_now
            )


def _rule(name: str, branch: Any, verb: str) -> str:
    if name != "all-of" and isinstance(branch, dict) and branch.get("type") == "null":
        return f"null-{verb}"
    return f"all-of-branch-{verb}" if name == "all-of" else f"variant-{verb}"


def _matched(
    old: Document, new: Document, one: list[Any], other: list[Any]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs that belong together: equal ones, then those of one tag or type, then the rest in their order."""
    left, right = dict(enumerate(one)), dict(enumerate(other))
    pairs: list[tuple[int, int]] = []
    for signs in (lambda document, part: id(document.node(part)), _tag, _kind):
        known: dict[Any, list[int]] = {}
        for index, part in right.items():
            known.setdefault(signs(new, part), []).append(index)
        for index, part in list(left.items()):
            sign = signs(old, part)
            if sign is not None and known.get(sign):
                counterpart = known[sign].pop(0)
                pairs.append((index, counterpart))
                del left[index], right[counterpart]
    if len(left) == len(right):
        pairs.extend(zip(sorted(left), sorted(right), strict=True))
        left, right = {}, {}
    return sorted(pairs), sorted(left), sorted(right)


def _resolved(document: Document, part: Any) -> Any:
    try:
        return document.resolve(part["$ref"]).schema if isinstance(part, dict) and "$ref" in part else part
    except UnresolvedError:
        return part


def _tag(document: Document, part: Any) -> Any:
    """The constants of its properties: what tells the variants of a union apart."""
    part = _resolved(document, part)
    properties = part.get("properties") if isinstance(part, dict) else None
    if not isinstance(properties, dict):
        return None
    constants = [
        (name, str(value["const"] if "const" in value else value["enum"]))
        for name, value in sorted(properties.items())
        if isinstance(value, dict) and ("const" in value or len(value.get("enum", ())) == 1)
    ]
    return tuple(constants) or None


def _kind(document: Document, part: Any) -> Any:
    part = _resolved(document, part)
    kind = part.get("type") if isinstance(part, dict) else None
    return str(kind) if kind is not None and _tag(document, part) is None else None


def as_union(old: dict[str, Any], new: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where one side is a union and nothing else, and the other is none: the other as a union of one."""
    for keyword in ("anyOf", "oneOf"):
        for union, other in ((old, new), (new, old)):
            if said(union) == {keyword} and not {*NAMES, "$ref"} & other.keys() and said(other):
                single = {keyword: [other]}
                return (union, single) if union is old else (single, union)
    return old, new


def said(schema: dict[str, Any]) -> set[str]:
    return {
        keyword for keyword in schema if keyword not in SILENT and not keyword.startswith("x-") and keyword != "$defs"
    }


def without_null(schema: dict[str, Any]) -> tuple[Any, tuple[str | int, ...]] | None:
    """What is left of a schema that also takes null, and the keys that lead there; None where it takes no null.

    Null is written in two ways: as one more branch, and as one more type.
    """
    told = said(schema)
    for keyword in ("anyOf", "oneOf"):
        if told == {keyword} and len(schema[keyword]) == 2:  # noqa: PLR2004  the type, and null
            for index in (0, 1):
                if isinstance(schema[keyword][1 - index], dict) and schema[keyword][1 - index].get("type") == "null":
                    return schema[keyword][index], (keyword, index)
    if {"enum", "const"} & told:
        return None
    types = schema.get("type")
    if isinstance(types, list) and "null" in types and len(types) > 1:
        rest = [kind for kind in types if kind != "null"]
        return {**schema, "type": rest[0] if len(rest) == 1 else rest}, ()
    return None

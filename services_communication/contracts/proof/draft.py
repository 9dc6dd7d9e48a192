"""The keywords of one schema object in the form of draft 2020-12, whatever draft it was written in.

Only this object is looked at; its parts stay as they are until they are read themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from services_communication.contracts.normal import parts, rewritten

NEWEST: Final = 2020
_KNOWN = {"draft-04": 4, "draft-06": 6, "draft-07": 7, "2019-09": 2019, "2020-12": NEWEST}
CONTENT = ("contentEncoding", "contentMediaType")
DRAFT_4, DRAFT_6, DRAFT_7, DRAFT_2019 = 4, 6, 7, 2019


def draft_of(*schemas: Any) -> int:
    """The draft of `schemas`: what ``$schema`` says, else what their keywords show, else the newest."""
    for schema in schemas:
        named = schema.get("$schema") if isinstance(schema, Mapping) else None
        for text, draft in _KNOWN.items():
            if isinstance(named, str) and text in named:
                return draft
    shown = {sign for schema in schemas for sign in _signs(schema)}
    return min(shown, default=NEWEST)


def converted(schema: Any, draft: int) -> Any:
    """The whole of `schema` as draft 2020-12 would write it."""

    def change(part: dict[str, Any]) -> dict[str, Any]:
        kept = {keyword: part[keyword] for keyword in ("$defs", "definitions") if keyword in part}
        return modern({key: value for key, value in part.items() if key != "$schema"}, draft) | kept

    return rewritten(schema, change)


def _signs(schema: Any) -> set[int]:
    if not isinstance(schema, dict):
        return set()
    found = {sign for _, part in parts(schema) for sign in _signs(part)}
    if isinstance(schema.get("exclusiveMinimum"), bool) or isinstance(schema.get("exclusiveMaximum"), bool):
        found.add(DRAFT_4)
    older = "additionalItems" in schema or "dependencies" in schema or "definitions" in schema
    if older or isinstance(schema.get("items"), list):
        found.add(DRAFT_7)
    return found


def modern(schema: Mapping[str, Any], draft: int) -> dict[str, Any]:
    """`schema`'s keywords as draft 2020-12 would write them."""
    if "$ref" in schema and draft < DRAFT_2019:
        return {"$ref": schema["$ref"]}
    made = {keyword: value for keyword, value in schema.items() if keyword not in _unknown(draft)}
    if draft == DRAFT_4:
        _bounds(made)
    if draft < NEWEST:
        _items(made)
    _dependencies(made)
    return made


@cache
def _unknown(draft: int) -> frozenset[str]:
    """Keywords that are not of `draft`, though of another one."""
    found: set[str] = set()
    if draft < DRAFT_7:
        found |= {"if", "then", "else"}
    if draft < DRAFT_6:
        found |= {"const", "contains", "propertyNames"}
    if draft not in (DRAFT_6, DRAFT_7):
        found |= set(CONTENT)
    if draft < DRAFT_2019:
        found |= {"dependentRequired", "dependentSchemas", "minContains", "maxContains"}
        found |= {"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef", "$anchor"}
    if draft < NEWEST:
        found.add("prefixItems")
    if draft >= NEWEST:
        found |= {"additionalItems", "$recursiveRef"}
    return frozenset(found)


def _bounds(made: dict[str, Any]) -> None:
    for keyword, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if made.pop(exclusive, False) is True and keyword in made:
            made[exclusive] = made.pop(keyword)


def _items(made: dict[str, Any]) -> None:
    rest = made.pop("additionalItems", None)
    if isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        if rest is not None:
            made["items"] = rest


def _dependencies(made: dict[str, Any]) -> None:
    both = made.pop("dependencies", None)
    for name, value in both.items() if isinstance(both, dict) else ():
        keyword = "dependentRequired" if isinstance(value, list) else "dependentSchemas"
        made[keyword] = {**made.get(keyword, {}), name: value}

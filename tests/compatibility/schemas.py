"""Random schemas, small changes of them, and payloads that are likely to tell two of them apart."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

NAMES = ("a", "b", "ab", "x1")
NEWEST = "https://json-schema.org/draft/2020-12/schema"
DRAFT_7 = "http://json-schema.org/draft-07/schema#"
PATTERNS = ("^(?!a)", "^a", "a", "b$", "^[ab]+$", "^a*$", "x|y", r"^\d{2,3}$")
CONSTANTS: tuple[Any, ...] = (1, 2, "a", "b", None, True, 1.5, [1], {"a": 1}, 0, "", [1, "a"], {"a": 1, "b": [1]})

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 6),
    st.sampled_from([0.5, 1.5, -0.5, 2.5, 3.0]),
    st.text("abxy1", max_size=4),
    st.sampled_from(["2024-01-02", "a@example.com", "127.0.0.1", "12", "123"]),
)
payloads = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=8,
)


def _maybe(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


_numbers = _maybe(
    minimum=st.sampled_from([0, 1, -2, 0.5]),
    maximum=st.sampled_from([0, 1, 5, 2.5]),
    exclusiveMinimum=st.sampled_from([0, 1]),
    exclusiveMaximum=st.sampled_from([2, 5]),
    multipleOf=st.sampled_from([2, 3, 0.5]),
)
_texts = _maybe(
    minLength=st.integers(0, 3),
    maxLength=st.integers(0, 4),
    pattern=st.sampled_from(PATTERNS),
    format=st.sampled_from(["date", "email", "ipv4"]),
)


def _typed(types: tuple[str, ...], keywords: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    kinds = st.sampled_from([*types, list(types), None]) if len(types) > 1 else st.sampled_from([*types, None])
    return st.builds(lambda kind, rest: rest if kind is None else {"type": kind, **rest}, kinds, keywords)


leaves: st.SearchStrategy[Any] = st.one_of(
    st.booleans(),
    _typed(("integer", "number"), _numbers),
    _typed(("string",), _texts),
    _typed(("boolean", "null"), st.just({})),
    st.builds(lambda values: {"enum": values}, st.lists(st.sampled_from(CONSTANTS), min_size=1, max_size=4)),
    st.builds(lambda value: {"const": value}, st.sampled_from(CONSTANTS)),
)


def _composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.lists(st.sampled_from(NAMES), max_size=2, unique=True)
    objects = _maybe(
        properties=st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        required=names,
        additionalProperties=st.just(False) | inner,
        patternProperties=st.dictionaries(st.sampled_from(["^a", "b", "x"]), inner, max_size=1),
        propertyNames=st.sampled_from([{"maxLength": 1}, {"pattern": "^a"}, {"enum": ["a", "b"]}]),
        minProperties=st.integers(0, 3),
        maxProperties=st.integers(0, 3),
        dependentRequired=st.dictionaries(st.sampled_from(NAMES), names, max_size=1),
        dependentSchemas=st.dictionaries(st.sampled_from(NAMES), inner, max_size=1),
        unevaluatedProperties=st.just(False),
    )
    arrays = _maybe(
        items=inner,
        prefixItems=st.lists(inner, min_size=1, max_size=2),
        minItems=st.integers(0, 3),
        maxItems=st.integers(0, 3),
        uniqueItems=st.booleans(),
        contains=inner,
        minContains=st.integers(0, 2),
        maxContains=st.integers(0, 2),
    )
    branches = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        _typed(("object",), objects),
        _typed(("array",), arrays),
        st.builds(lambda parts: {"anyOf": parts}, branches),
        st.builds(lambda parts: {"oneOf": parts}, branches),
        st.builds(lambda parts: {"allOf": parts}, branches),
        st.builds(lambda part: {"not": part}, inner),
        st.fixed_dictionaries({"if": inner}, optional={"then": inner, "else": inner}),
    )


plain = st.recursive(leaves, _composed, max_leaves=6)


def _holding(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects and arrays of `parts`: with something between, a schema may lead to itself."""
    properties = st.dictionaries(st.sampled_from(NAMES), parts, min_size=1, max_size=2)
    return st.one_of(
        st.builds(lambda members: {"properties": members}, properties),
        st.builds(lambda members: {"type": "object", "properties": members, "required": sorted(members)}, properties),
        st.builds(lambda part: {"type": "array", "items": part}, parts),
        st.builds(lambda part: {"additionalProperties": part}, parts),
    )


@st.composite
def referring(draw: st.DrawFn) -> dict[str, Any]:
    """A schema whose parts are referred to, perhaps by themselves, by pointer or by anchor."""
    names = ("A", "B")
    leads = [f"#/$defs/{name}" for name in names] + ["#", "#b"]
    parts = leaves | st.sampled_from(leads).map(lambda lead: {"$ref": lead})
    definitions = {name: draw(_holding(parts)) for name in names}
    definitions["B"] = {**definitions["B"], "$anchor": "b"}
    root = {
        "type": "object",
        "properties": draw(st.dictionaries(st.sampled_from(NAMES), parts, min_size=1, max_size=3)),
    }
    if draw(st.booleans()):
        root |= {"required": sorted(root["properties"]), "additionalProperties": False}
    return {**root, "$defs": definitions}


schemas = plain | referring()


@st.composite
def changed(draw: st.DrawFn, schema: Any) -> Any:
    """`schema` after a small change, at any depth."""
    if not isinstance(schema, dict) or not schema or draw(st.integers(0, 6)) == 0:
        return draw(plain)
    new = copy.deepcopy(schema)
    if "$defs" in new and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(new["$defs"])))
        anchor = {"$anchor": "b"} if name == "B" else {}
        part = draw(_holding(leaves | st.just({"$ref": "#/$defs/A"})))
        new["$defs"][name] = {**part, **anchor}
        return new
    keyword = draw(st.sampled_from(sorted({*new} - {"$defs"})))
    value = new[keyword]
    choice = draw(st.integers(0, 5))
    if choice == 0:
        del new[keyword]
    elif choice == 1:
        other = draw(leaves | _composed(leaves))
        new = {**new, **other} if isinstance(other, dict) else new
    elif isinstance(value, dict) and value and keyword.endswith(("roperties", "Schemas")) and keyword[0] in "pd":
        name = draw(st.sampled_from(sorted(value)))
        value[name] = draw(changed(value[name]))
    elif isinstance(value, list) and value and keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        index = draw(st.integers(0, len(value) - 1))
        value[index] = draw(changed(value[index]))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        new[keyword] = max(value + draw(st.sampled_from([-1, 1])), 1 if keyword == "multipleOf" else 0)
    elif keyword in ("additionalProperties", "propertyNames", "items", "contains", "not", "if", "then", "else"):
        new[keyword] = draw(changed(value))
    return new

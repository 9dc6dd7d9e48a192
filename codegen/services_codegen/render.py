"""One schema to the annotation that a contract would have: the type from which pydantic writes that schema again.

What is not covered here (``allOf``, references into other files, schemas without a type) keeps the annotation of the
generator. Keywords that the annotation does not enforce are noted.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

from services_codegen.clean import STRING_FORMATS, is_count
from services_codegen.documents import Document
from services_codegen.references import References
from services_communication.contracts.dialect import DECIMAL_PATTERN

ANNOTATIONS = frozenset(
    {
        *("title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "nullable"),
        *("$comment", "$schema", "$id", "id", "$defs", "definitions", "discriminator", "required"),
    }
)
BOUNDS = {"exclusiveMinimum": "gt", "minimum": "ge", "exclusiveMaximum": "lt", "maximum": "le"}
LENGTHS = {"minLength": "min_length", "maxLength": "max_length"}
ITEMS = {"minItems": "min_length", "maxItems": "max_length"}
KEYS = {"minProperties": "min_length", "maxProperties": "max_length"}
FORMATS = {
    "date-time": "AwareDatetime",
    "date": "date",
    "time": "time",
    "duration": "timedelta",
    "uuid": "UUID",
    "decimal": "Decimal",
    "ipv4": "IPv4Address",
    "ipv6": "IPv6Address",
    "base64url": "bytes",
}
HASHABLE = frozenset({"str", "int", "bool", "float", "bytes", "Literal", "None", *FORMATS.values()})


class Place(NamedTuple):
    """A class and the schema it was made of. `fields`: name on the wire → name in Python."""

    module: str
    name: str
    schema: dict[str, Any]
    fields: Mapping[str, str]


class UnreadableError(Exception):
    """The schema has something that only the generator can read."""


class Renderer:
    """Annotations for the classes of one module."""

    def __init__(
        self,
        document: Document,
        references: References,
        module: str,
        places: Mapping[int, Place],
        local: dict[str, str],
    ) -> None:
        self.notes: dict[tuple[str, str], str] = {}
        """(place, keyword) → what is to be said of it."""
        self._document = document
        self._references = references
        self._module = module
        self._places = places
        self._local = local  # imported name → the name that it has in the module
        self._open: list[int] = []  # the definitions that are being written into their references

    def annotation(self, schema: Any, where: str) -> ast.expr:
        """The type of `schema`. Raises UnreadableError."""
        if schema is True:
            return self._name("Any")
        if not isinstance(schema, dict) or {"allOf", "nullable"} & set(schema):
            raise UnreadableError
        if id(schema) in self._places:
            return self._class(self._places[id(schema)], schema)
        for keyword, write in _BY_KEYWORD.items():
            if keyword in schema:
                return write(self, schema, where)
        if self._said(schema) - ANNOTATIONS:  # it has no type: what it speaks of is open
            raise UnreadableError
        return self._name("Any")

    def _class(self, place: Place, schema: dict[str, Any]) -> ast.expr:
        kinds = schema.get("type", "object")
        others = set(kinds if isinstance(kinds, list) else [kinds]) - {"object"}
        if place.module != self._module or others - {"null"} or {"$ref", "anyOf", "oneOf"} & set(schema):
            raise UnreadableError
        return _joined([ast.Name(place.name), *(ast.Constant(None) for _ in others)])

    def _reference(self, schema: dict[str, Any], where: str) -> ast.expr:
        target, pointer, found = self._references.resolve(self._document, schema["$ref"], where)
        if target is not self._document or self._said(schema) - ANNOTATIONS - {"$ref"}:
            raise UnreadableError
        if id(found) in self._open:  # a value that holds itself has a class of its own
            raise UnreadableError
        self._open.append(id(found))
        try:
            return self.annotation(found, "/".join(("#", *pointer)))
        finally:
            self._open.pop()

    def _union(self, schema: dict[str, Any], where: str) -> ast.expr:
        keyword = "anyOf" if "anyOf" in schema else "oneOf"
        if self._said(schema) - ANNOTATIONS - {keyword}:
            raise UnreadableError
        branches = [part for part in schema[keyword] if part is not False]
        kinds = [self.annotation(part, f"{where}/{keyword}/{index}") for index, part in enumerate(branches)]
        union = _joined(kinds)
        tag = self._tag(schema.get("discriminator"), branches)
        if tag is not None and keyword == "oneOf" and len(kinds) > 1:
            return self._annotated(union, {"discriminator": ast.Constant(tag)})
        if "discriminator" in schema:
            self._note(where, "discriminator")
        if keyword == "oneOf" and len(kinds) > 1:
            self._note(where, "oneOf", "is read as anyOf")
        return union

    def _tag(self, discriminator: object, branches: list[Any]) -> str | None:
        """The field that tells the classes `branches` from one another; None where they have none."""
        if not isinstance(discriminator, dict) or not isinstance(discriminator.get("propertyName"), str):
            return None
        wire, mapping = discriminator["propertyName"], discriminator.get("mapping")
        names, tags = set(), {}
        for branch in branches:
            reference = branch.get("$ref") if isinstance(branch, dict) else None
            _, _, found = self._references.resolve(self._document, reference, "a branch") if reference else (0, 0, None)
            place = self._places.get(id(found))
            field = place.schema.get("properties", {}).get(wire) if place and place.module == self._module else None
            if place is None or wire not in place.fields or not isinstance(field, dict):
                return None
            names.add(place.fields[wire])
            values = [field["const"]] if "const" in field else field.get("enum", [None])
            if not all(isinstance(value, str) and value not in tags for value in values):
                return None
            tags.update(dict.fromkeys(values, reference))
        return names.pop() if len(names) == 1 and mapping in (None, tags) else None

    def _literal(self, schema: dict[str, Any], where: str) -> ast.expr:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        if not all(value is None or isinstance(value, str | int) for value in values):
            raise UnreadableError
        texts = [len(value) if isinstance(value, str) else 0 for value in values]
        met = {"minLength"} if schema.get("minLength", 0) <= min(texts) else set()
        self._rest(schema, where, {"type", "const", "enum"} | met)
        if values == [None]:
            return ast.Constant(None)
        items = [constant(value) for index, value in enumerate(values) if not _among(value, values[:index])]
        return ast.Subscript(self._name("Literal"), items[0] if len(items) == 1 else ast.Tuple(items))

    def _of_type(self, schema: dict[str, Any], where: str) -> ast.expr:
        kinds = schema["type"]
        if not isinstance(kinds, list):
            return _BY_TYPE[kinds](self, schema, where)
        if schema.get("format") == "decimal" and {"number", "string"} <= set(kinds):
            kinds = ["decimal", *(kind for kind in kinds if kind not in ("number", "string"))]
        if len([kind for kind in kinds if kind != "null"]) > 1 and self._said(schema) - ANNOTATIONS - {"type"}:
            raise UnreadableError  # which keyword speaks of which type, the generator knows
        return _joined([_BY_TYPE[kind](self, {**schema, "type": kind}, where) for kind in kinds])

    def _boolean(self, schema: dict[str, Any], where: str) -> ast.expr:
        self._rest(schema, where, {"type"})
        return self._name("bool")

    def _number(self, schema: dict[str, Any], where: str) -> ast.expr:
        self._rest(schema, where, {"type", "multipleOf", *BOUNDS})
        kind = self._name("int" if schema["type"] == "integer" else "float")
        return self._annotated(kind, self._bounds(schema))

    def _decimal(self, schema: dict[str, Any], where: str) -> ast.expr:
        """Its numbers are decimals too: the float 0.1 is a little more than a tenth."""
        pattern = {"pattern"} if schema.get("pattern") == DECIMAL_PATTERN else set()
        self._rest(schema, where, {"type", "format", "multipleOf", *BOUNDS} | pattern)
        bounds = self._bounds(schema)
        step = Decimal(str(schema.get("multipleOf", 3))).normalize()
        if step.as_tuple().digits == (1,) and step <= 1:  # 0.01
            bounds["decimal_places"] = ast.Constant(-int(step.as_tuple().exponent))
            del bounds["multiple_of"]
        digits = schema.get("x-max-digits")
        if isinstance(digits, int) and digits > 0:
            bounds["max_digits"] = ast.Constant(int(digits))
        for name, bound in bounds.items():
            if any(isinstance(node, ast.Constant) and isinstance(node.value, float) for node in ast.walk(bound)):
                bounds[name] = ast.Call(self._name("Decimal"), [ast.Constant(ast.unparse(bound))], [])
        return self._annotated(self._name("Decimal"), bounds)

    def _string(self, schema: dict[str, Any], where: str) -> ast.expr:
        kind = schema.get("format")
        if kind == "decimal":
            return self._decimal(schema, where)
        name = FORMATS.get(kind, "str") if isinstance(kind, str) else "str"
        said = {"type", "format"} if name != "str" else {"type"}
        limits = LENGTHS if name in ("str", "bytes") else {}
        keywords = _counts(schema, limits)
        if name == "str" and "pattern" in schema:
            keywords["pattern"] = constant(schema["pattern"])
            said.add("pattern")
        self._rest(schema, where, said | set(limits))
        return self._annotated(self._name(name), keywords)

    def _array(self, schema: dict[str, Any], where: str) -> ast.expr:
        positions, items = schema.get("prefixItems"), schema.get("items", True)
        count = len(positions) if isinstance(positions, list) else 0
        fixed = schema.get("minItems") == schema.get("maxItems") == count
        if isinstance(items, list) or (count and not fixed):
            raise UnreadableError
        if count and isinstance(positions, list):
            self._rest(schema, where, {"type", "prefixItems", "minItems", "maxItems", "items"})
            kinds = [self.annotation(part, f"{where}/prefixItems/{index}") for index, part in enumerate(positions)]
            return ast.Subscript(self._name("tuple"), kinds[0] if count == 1 else ast.Tuple(kinds))
        item = self.annotation(items, f"{where}/items")
        unique = schema.get("uniqueItems") is True and _is_hashable(item)
        self._rest(schema, where, {"type", "items", *ITEMS} | ({"uniqueItems"} if unique else set()))
        keywords = _counts(schema, ITEMS)
        return self._annotated(ast.Subscript(self._name("set" if unique else "list"), item), keywords)

    def _object(self, schema: dict[str, Any], where: str) -> ast.expr:
        patterns, extra = schema.get("patternProperties"), schema.get("additionalProperties", True)
        names = schema.get("propertyNames", {})
        if schema.get("properties") or schema.get("required") or extra is False or not isinstance(names, dict):
            raise UnreadableError
        keywords = _counts(schema, KEYS)
        if isinstance(patterns, dict):
            if len(patterns) != 1 or {"additionalProperties", "propertyNames"} & set(schema):
                raise UnreadableError
            pattern, value = next(iter(patterns.items()))
            key = self._annotated(self._name("str"), {"pattern": constant(pattern)})
            kind = self.annotation(value, f"{where}/patternProperties")
        else:
            key = self.annotation({"type": "string", **names}, f"{where}/propertyNames")
            kind = self.annotation(extra, f"{where}/additionalProperties")
        self._rest(
            schema, where, {"type", "properties", "patternProperties", "additionalProperties", "propertyNames", *KEYS}
        )
        return self._annotated(ast.Subscript(self._name("dict"), ast.Tuple([key, kind])), keywords)

    def _bounds(self, schema: dict[str, Any]) -> dict[str, ast.expr]:
        if any(isinstance(schema.get(word), bool) for word in BOUNDS):  # draft 4
            raise UnreadableError
        words = {**BOUNDS, "multipleOf": "multiple_of"}
        return {name: constant(schema[word]) for word, name in words.items() if word in schema}

    def _annotated(self, kind: ast.expr, keywords: Mapping[str, ast.expr]) -> ast.expr:
        if not keywords:
            return kind
        call = ast.Call(self._name("Field"), [], [ast.keyword(name, value) for name, value in keywords.items()])
        return ast.Subscript(self._name("Annotated"), ast.Tuple([kind, call]))

    def _name(self, name: str) -> ast.Name:
        return ast.Name(self._local.get(name, name))

    def _said(self, schema: dict[str, Any]) -> set[str]:
        return {keyword for keyword in schema if not keyword.startswith("x-")}

    def _rest(self, schema: dict[str, Any], where: str, enforced: set[str]) -> None:
        for keyword in sorted(self._said(schema) - ANNOTATIONS - enforced):
            self._note(where, keyword)

    def _note(self, where: str, keyword: str, text: str = "is not enforced") -> None:
        self.notes[where, keyword] = text


_Write: TypeAlias = Callable[[Renderer, dict[str, Any], str], ast.expr]
# The first of these keywords decides how a schema is read.
_BY_KEYWORD: dict[str, _Write] = {
    "$ref": Renderer._reference,
    "anyOf": Renderer._union,
    "oneOf": Renderer._union,
    "const": Renderer._literal,
    "enum": Renderer._literal,
    "type": Renderer._of_type,
}
_BY_TYPE: dict[str, _Write] = {
    "null": lambda *_: ast.Constant(None),
    "boolean": Renderer._boolean,
    "integer": Renderer._number,
    "number": Renderer._number,
    "decimal": Renderer._decimal,
    "string": Renderer._string,
    "array": Renderer._array,
    "object": Renderer._object,
}


def constant(value: Any) -> ast.expr:
    """A JSON value as an expression."""
    if isinstance(value, list):
        return ast.List([constant(item) for item in value])
    if isinstance(value, dict):
        return ast.Dict([ast.Constant(key) for key in value], [constant(item) for item in value.values()])
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _counts(schema: dict[str, Any], words: Mapping[str, str]) -> dict[str, ast.expr]:
    """The lengths that `schema` sets. Raises UnreadableError for what is no length."""
    counts = {name: schema[word] for word, name in words.items() if word in schema}
    if not all(is_count(count) for count in counts.values()):
        raise UnreadableError
    return {name: ast.Constant(int(count)) for name, count in counts.items()}


def _joined(kinds: list[ast.expr]) -> ast.expr:
    """The union of `kinds`, each once."""
    different = {ast.unparse(kind): kind for kind in kinds}
    union, *rest = different.values()
    for kind in rest:
        union = ast.BinOp(union, ast.BitOr(), kind)
    return union


def _among(value: Any, others: list[Any]) -> bool:
    return any(type(value) is type(other) and value == other for other in others)


def _is_hashable(kind: ast.expr) -> bool:
    names = {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}
    return names <= HASHABLE | {"Annotated", "Field"}


assert set(FORMATS) == set(STRING_FORMATS)  # noqa: S101  one list for the generator, one for us

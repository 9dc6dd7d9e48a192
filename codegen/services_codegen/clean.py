"""The copy of a document that the generator sees: known keywords with values of the right type, and nothing else.

Everything unknown is dropped, so ``x-python-*``, ``customTypePath``, ``customBasePath`` or ``default_factory`` never
reach the generator. A known keyword of a wrong type is refused, as is a property whose name cannot become Python.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from services_codegen.documents import Document
from services_codegen.errors import InputError
from services_codegen.marks import Marked, Marks
from services_codegen.names import is_class_name, module_name
from services_codegen.plan import Plan
from services_codegen.references import DEFINITIONS, References

ROOT_MARK = "services-codegen root "
REPLY_PROPERTY = "xContractReply"
REPLY = "#/x-contract/reply"
MAX_NAME = 200
TYPES = frozenset({"array", "boolean", "integer", "null", "number", "object", "string"})
DIALECT = re.compile(r"https?://json-schema\.org/(draft-0[4-7]|draft/20(19-09|20-12))/schema#?")
NUMBER_RULES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
REFUSED = frozenset({"$dynamicRef", "$recursiveRef"})

# The formats that have a Python type which travels as the same text. The others say something about a text that nobody
# may rely on (JSON Schema 2020-12, format is an annotation), or their Python type would write another text.
STRING_FORMATS = {
    "date-time": "date-time",
    "date": "date",
    "time": "time",
    "duration": "duration",
    "uuid": "uuid",
    "decimal": "decimal",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
    "base64url": "binary",  # bytes: a contract writes them as base64url
}


def clean_copy(plan: Plan, references: References, marks: Marks) -> dict[str, Any]:
    """The document of `plan`, safe for the generator. Raises InputError naming the file and the place."""
    document = plan.document
    cleaner = _Cleaner(document, references, marks)
    schema = cleaner.schema({key: value for key, value in document.schema.items() if key != "title"}, "#")
    schema["title"] = plan.generated_name
    schema["description"] = f"{ROOT_MARK}{plan.module}"
    dialect = document.schema.get("$schema")
    if isinstance(dialect, str) and DIALECT.fullmatch(dialect):
        schema["$schema"] = dialect
    if plan.reply is not None:
        properties = schema.setdefault("properties", {})
        if REPLY_PROPERTY in properties:
            raise InputError(f"{document.name}: rename the property {REPLY_PROPERTY}; the generator needs the name")
        reply = named_reply(plan, references)
        cleaner.reply_name = f"{plan.class_name}Reply"
        properties[REPLY_PROPERTY] = cleaner.schema(reply, REPLY)
        schema["required"] = [*schema.get("required", []), REPLY_PROPERTY]
        schema["type"] = "object"
    return schema


def clean_text(value: str) -> str:
    """`value` without characters that a terminal or an editor would act on."""
    text = value.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    return "".join(character for character in text if character == "\n" or character.isprintable()).strip()


def named_reply(plan: Plan, references: References) -> Any:
    """The schema of the reply; ``{"title": "Quote"}`` alone means the definition or document of that title."""
    if set(plan.reply) != {"title"}:
        return plan.reply
    title = plan.reply["title"]
    for keyword in DEFINITIONS:
        definitions = plan.document.schema.get(keyword)
        for name, schema in definitions.items() if isinstance(definitions, dict) else ():
            if title in (name, schema.get("title") if isinstance(schema, dict) else None):
                return {"$ref": f"#/{keyword}/" + name.replace("~", "~0").replace("/", "~1").replace("%", "%25")}
    other = references.titled(title)
    if other is None:
        raise InputError(f"{plan.name}: x-contract.reply names {title!r}, which no schema has as its title")
    return {"$ref": other.name}


class _Cleaner:
    def __init__(self, document: Document, references: References, marks: Marks) -> None:
        self._document = document
        self._references = references
        self._marks = marks
        self.reply_name: str | None = None

    def schema(self, value: Any, where: str) -> dict[str, Any]:
        """The clean copy of the schema `value`; `where` is its place, for errors."""
        if value is True:
            return {}
        if not isinstance(value, dict):
            raise self._wrong(where, "must be a schema that something can fit")
        refused = REFUSED & set(value)
        if refused:
            raise self._wrong(where, f"{min(refused)} is not read; write $ref with a JSON pointer")
        copy: dict[str, Any] = {}
        for keyword, item in value.items():
            place = f"{where}/{keyword}"
            if keyword in PLAIN:
                if not PLAIN[keyword](item):
                    raise self._wrong(place, f"has a wrong value for {keyword}")
                copy[keyword] = item
            elif keyword in DEFINITIONS:
                copy["$defs"] = copy.get("$defs", {}) | self._definitions(item, place)
            elif keyword in _PARTS and item is not False:
                copy[keyword] = _PARTS[keyword](self, item, place)
        if "type" in copy and "$ref" in copy and self._says_nothing(copy["type"], value["$ref"], where):
            del copy["type"]  # it would make the generator copy the class
        return self._marked(self._settled(copy), value, where)

    def _marked(self, copy: dict[str, Any], value: dict[str, Any], where: str) -> dict[str, Any]:
        """`copy` with the mark of its class, if it becomes one. Parts of an ``allOf`` are no classes of their own."""
        if {"properties", "allOf"} & set(copy) and "/allOf/" not in where:
            copy["description"] = self._marks.add(Marked(self._document, where, value, self._class_name(where)))
        return copy

    def _class_name(self, where: str) -> str | None:
        """A definition's own name, in the library's documents: the class had it."""
        if where == REPLY:
            return self.reply_name
        parent, _, name = where.rpartition("/")
        name = name.strip("'")
        own = "x-contract" in self._document.schema and parent in ("#/$defs", "#/definitions")
        return name if own and is_class_name(name) else None

    def _says_nothing(self, kind: object, reference: object, where: str) -> bool:
        """Whether the type beside a ``$ref`` is the type of what it leads to."""
        _, _, target = self._references.resolve(self._document, reference, where)
        return isinstance(target, dict) and target.get("type") == kind

    def _settled(self, copy: dict[str, Any]) -> dict[str, Any]:
        """Keywords that depend on their neighbours."""
        if copy.get("properties"):  # readers are tolerant: a contract ignores what it does not know
            copy.pop("additionalProperties", None)
            copy.pop("patternProperties", None)
        if "description" in copy:
            copy["description"] = clean_text(copy["description"])
        if isinstance(copy.get("required"), bool):  # draft 3 said it of the property itself
            del copy["required"]
        kinds = copy.get("type")
        if copy.get("format") == "decimal" and isinstance(kinds, list) and {"number", "string"} <= set(kinds):
            kinds = copy["type"] = [kind for kind in kinds if kind != "number"]  # a Decimal is read from both
        is_text = kinds == "string" or (isinstance(kinds, list) and set(kinds) - {"null"} == {"string"})
        known = STRING_FORMATS.get(copy.pop("format", ""))
        if is_text and known:
            copy["format"] = known
        if is_text and known == "decimal":  # the generator knows no rules for its text
            for keyword in ("pattern", *NUMBER_RULES):
                copy.pop(keyword, None)
        for keyword in ("const", "enum"):
            values = copy.get(keyword, []) if keyword == "enum" else [copy.get(keyword)]
            if not all(_is_scalar(value) for value in values):
                del copy[keyword]
        return copy

    def _properties(self, value: Any, where: str) -> dict[str, Any]:
        copy = {}
        for name, part in self._map(value, where).items():
            if not name.isascii() or not name.isprintable() or not 0 < len(name) <= MAX_NAME:
                raise self._wrong(
                    f"{where}/{name[:MAX_NAME]!a}",
                    f"the name of a property must be 1 to {MAX_NAME} printable ASCII characters; rename it",
                )
            if part is not False:
                copy[name] = self.schema(part, f"{where}/{name}")
        return copy

    def _definitions(self, value: Any, where: str) -> dict[str, Any]:
        definitions = self._map(value, where)
        return {
            self._references.definition_name(definitions, name): self.schema(part or True, f"{where}/{name!a}")
            for name, part in definitions.items()
        }

    def _items(self, value: Any, where: str) -> Any:
        return self._list(value, where) if isinstance(value, list) else self.schema(value, where)

    def _extra(self, value: Any, where: str) -> Any:
        return self.schema(value, where) or True

    def _patterns(self, value: Any, where: str) -> dict[str, Any]:
        return {pattern: self.schema(part, where) for pattern, part in self._map(value, where).items()}

    def _list(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise self._wrong(where, "must be a list of schemas")
        return [self.schema(part, f"{where}/{index}") for index, part in enumerate(value)]

    def _choice(self, value: Any, where: str) -> list[Any]:
        """anyOf and oneOf: nothing fits a branch that is ``false``."""
        possible = [part for part in value if part is not False] if isinstance(value, list) else value
        return self._list(possible, where)

    def _map(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(where, "must be an object of schemas")
        return value

    def _reference(self, value: Any, where: str) -> str:
        target, pointer, _ = self._references.resolve(self._document, value, where)
        file = "" if target is self._document else f"{module_name(target.path)}.json"
        return f"{file}#{self._references.copied(target, pointer)}"

    def _wrong(self, where: str, text: str) -> InputError:
        return InputError(f"{self._document.name}: {where}: {text}")


_PARTS: dict[str, Callable[[_Cleaner, Any, str], Any]] = {
    "$ref": _Cleaner._reference,
    "properties": _Cleaner._properties,
    "patternProperties": _Cleaner._patterns,
    "additionalProperties": _Cleaner._extra,
    "propertyNames": _Cleaner.schema,
    "items": _Cleaner._items,
    "prefixItems": _Cleaner._list,
    "allOf": _Cleaner._list,
    "anyOf": _Cleaner._choice,
    "oneOf": _Cleaner._choice,
}


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def is_count(value: object) -> bool:
    return _is_number(value) and value == int(value) >= 0  # type: ignore[call-overload]  # a number


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_type(value: object) -> bool:
    return (isinstance(value, str) and value in TYPES) or (_is_texts(value) and set(value) <= TYPES)  # type: ignore[call-overload]  # texts are hashable


PLAIN: dict[str, Callable[[object], bool]] = {
    "type": _is_type,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "const": lambda _: True,
    "default": lambda _: True,
    "required": lambda value: _is_texts(value) or isinstance(value, bool),
    "nullable": lambda value: isinstance(value, bool),
    "format": lambda value: isinstance(value, str),
    "description": lambda value: isinstance(value, str),
    "pattern": lambda value: isinstance(value, str),
    "minLength": is_count,
    "maxLength": is_count,
    "minItems": is_count,
    "maxItems": is_count,
    "minimum": _is_number,
    "maximum": _is_number,
    "exclusiveMinimum": lambda value: _is_number(value) or isinstance(value, bool),
    "exclusiveMaximum": lambda value: _is_number(value) or isinstance(value, bool),
    "multipleOf": lambda value: _is_number(value) and value != 0,
}

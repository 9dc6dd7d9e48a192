"""``$ref``: where it leads. Only to a schema inside a document of the input directory; nothing is fetched."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, TypeAlias
from urllib.parse import unquote, urljoin, urlsplit

from services_codegen.documents import Document
from services_codegen.errors import InputError
from services_codegen.names import class_name, unused

MAPS_OF_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions"})
LISTS_OF_SCHEMAS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMAS = frozenset({"items", "additionalProperties", "propertyNames"})
DEFINITIONS = frozenset({"$defs", "definitions"})

Pointer: TypeAlias = tuple[str, ...]


class References:
    """All documents of one input directory, and the way from a reference to the schema it means."""

    def __init__(self, documents: list[Document]) -> None:
        self._by_name = {document.name: document for document in documents}
        self._by_identity = {document.identity: document for document in documents if document.identity}
        self._definition_names: dict[int, dict[str, str]] = {}

    def resolve(self, document: Document, reference: object, where: str) -> tuple[Document, Pointer, Any]:
        """The document, the place in it and the schema there. Raises InputError for what is not in the directory."""
        if not isinstance(reference, str):
            raise InputError(f"{document.name}: $ref at {where} must be a text")
        location, _, fragment = reference.partition("#")
        target = document if not location else self._document(document, location, where)
        pointer = self._pointer(target, fragment, document, where)
        return target, pointer, self._schema(target, pointer, document, where)

    def definition_name(self, definitions: dict[str, Any], name: str) -> str:
        """The name under which the copy holds the definition `name`: made safe, and its own in `definitions`."""
        names = self._definition_names.get(id(definitions))
        if names is None:
            names = {}
            for key in definitions:
                safe = class_name(key) or class_name(f"Definition {len(names) + 1}")
                names[key] = unused(safe or "Definition", set(names.values()))
            self._definition_names[id(definitions)] = names
        return names[name]

    def titled(self, title: object) -> Document | None:
        """The document of this title."""
        return next((item for item in self._by_name.values() if item.schema.get("title") == title), None)

    def parts(self) -> set[str]:
        """The names of the documents that another document refers to."""
        found = set()
        for document in self._by_name.values():
            for reference, where in _references(document.schema):
                target, _, _ = self.resolve(document, reference, where)
                if target is not document:
                    found.add(target.name)
        return found

    def check_grounded(self) -> None:
        """Raise InputError for a schema that is defined by nothing but itself."""
        done: set[int] = set()
        for document in self._by_name.values():
            for schema in _schemas(document.schema):
                self._ground(document, schema, [], done)

    def _ground(self, document: Document, schema: Any, path: list[int], done: set[int]) -> None:
        if not isinstance(schema, dict) or id(schema) in done:
            return
        if id(schema) in path:
            raise InputError(f"{document.name}: $ref and allOf, anyOf, oneOf lead in a circle; break it")
        path.append(id(schema))
        for keyword in ("allOf", "anyOf", "oneOf"):
            branches = schema.get(keyword)
            for branch in branches if isinstance(branches, list) else []:
                self._ground(document, branch, path, done)
        if "$ref" in schema:
            target, _, found = self.resolve(document, schema["$ref"], "a schema")
            self._ground(target, found, path, done)
        path.pop()
        done.add(id(schema))

    def _document(self, document: Document, location: str, where: str) -> Document:
        identity = document.identity
        for known in (location, urljoin(identity, location) if identity else None):
            if known in self._by_identity:
                return self._by_identity[known]
        if urlsplit(location).scheme or location.startswith(("/", "\\")):
            raise InputError(
                f"{document.name}: $ref at {where} leads to {location!r}; only files of the input directory are read, "
                f"so put that schema there and refer to it by its relative path"
            )
        path = posixpath.normpath(posixpath.join(posixpath.dirname(document.name), unquote(location)))
        if path.startswith("../"):
            raise InputError(f"{document.name}: $ref at {where} leads to {location!r}, outside the input directory")
        if path not in self._by_name:
            raise InputError(f"{document.name}: $ref at {where} leads to {location!r}, which is not in the directory")
        return self._by_name[path]

    def _pointer(self, target: Document, fragment: str, document: Document, where: str) -> Pointer:
        text = unquote(fragment)
        if text and not text.startswith("/"):
            raise InputError(f"{document.name}: $ref at {where}: write a JSON pointer, #/$defs/…, for #{text!a}")
        tokens = tuple(token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:])
        return tokens[2:] if target.root_definition and tokens[:2] == target.root_definition else tokens

    def _schema(self, target: Document, pointer: Pointer, document: Document, where: str) -> Any:
        schema: Any = target.schema
        tokens = list(pointer)
        while tokens:
            keyword = tokens.pop(0)
            found = schema.get(keyword) if isinstance(schema, dict) else None
            if keyword in MAPS_OF_SCHEMAS and isinstance(found, dict) and tokens:
                found = found.get(tokens.pop(0))
            elif keyword in LISTS_OF_SCHEMAS | {"items"} and isinstance(found, list) and tokens:
                index = tokens.pop(0)
                found = found[int(index)] if index.isdecimal() and int(index) < len(found) else None
            elif keyword not in SCHEMAS:
                found = None
            if not isinstance(found, dict | bool):
                shown = "/".join(pointer)
                raise InputError(f"{document.name}: $ref at {where}: {target.name} has no schema at #/{shown}")
            schema = found
        return schema

    def copied(self, target: Document, pointer: Pointer) -> str:
        """`pointer` as it reads in the copy of `target`."""
        schema: Any = target.schema
        tokens, copied = list(pointer), []
        while tokens:
            keyword = tokens.pop(0)
            schema = schema[keyword]
            copied.append("$defs" if keyword in DEFINITIONS else keyword)
            if isinstance(schema, list):
                copied.append(tokens.pop(0))
                schema = schema[int(copied[-1])]
            elif keyword in MAPS_OF_SCHEMAS:
                name = tokens.pop(0)
                copied.append(self.definition_name(schema, name) if keyword in DEFINITIONS else name)
                schema = schema[name]
        return "/".join(token.replace("~", "~0").replace("/", "~1") for token in ("", *copied))


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """`schema` and every schema below it."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        if keyword in MAPS_OF_SCHEMAS and isinstance(value, dict):
            children = list(value.values())
        elif keyword in LISTS_OF_SCHEMAS | SCHEMAS:
            children = value if isinstance(value, list) else [value]
        else:
            continue
        for child in children:
            yield from _schemas(child)


def _references(schema: Any) -> Iterator[tuple[object, str]]:
    for part in _schemas(schema):
        if "$ref" in part:
            yield part["$ref"], "a schema"
    declared = schema.get("x-contract")
    reply = declared.get("reply") if isinstance(declared, dict) else None
    if isinstance(reply, dict):
        yield from ((part["$ref"], "x-contract/reply") for part in _schemas(reply) if "$ref" in part)

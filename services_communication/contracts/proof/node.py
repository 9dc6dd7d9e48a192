"""A schema at its place in a document. Equal schemas are one node, so that S and not S contradict at once."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from services_communication.contracts.normal import parts
from services_communication.contracts.proof.draft import DRAFT_4, NEWEST, modern

# Keywords that say nothing about which values fit.
SILENT: Final = frozenset(
    [
        *("$comment", "$id", "$schema", "$anchor", "$vocabulary", "id", "title", "description", "default", "examples"),
        *("example", "deprecated", "readOnly", "writeOnly", "discriminator", "xml", "externalDocs", "contentSchema"),
    ]
)


# Keywords of ours that say which values fit.
MARKS: Final = frozenset({"x-bounds", "x-max-digits"})
MOST_SHARED = 50_000


class UnresolvedError(ValueError):
    """A reference leads nowhere that may be read."""


class Document:
    """A whole schema, in which references are looked up. Nothing outside of it is ever read."""

    def __init__(self, schema: Any, draft: int = NEWEST, formats: bool = True) -> None:
        self.schema = schema
        self.draft = draft
        self.formats = formats
        # The schema is kept beside its node, so that no other can get its identity.
        self._nodes: dict[int, tuple[Any, Node]] = {}
        self._named: dict[str, Any] = {}
        self._numbers: dict[int, tuple[Any, int]] = {}
        if isinstance(schema, dict):
            self._index(schema, is_root=True)
        self._following: list[int] = []
        self._recursive = False
        if _refers(schema):
            self._number(schema)
        # Where references go round, equal texts mean the same only in equal documents.
        self.scope = f"{draft} {formats}"
        if self._recursive:
            self.scope += json.dumps(schema, sort_keys=True)
            self._numbers.clear()

    @property
    def root(self) -> Node:
        return self.node(self.schema)

    def node(self, schema: Any) -> Node:
        known = self._nodes.get(id(schema))
        if known is None:
            known = self._nodes[id(schema)] = (schema, Node.make(schema, self))
        return known[1]

    def number(self, schema: Any) -> int:
        """A number for what `schema` says: of schemas with equal numbers and scopes, the same values fit both."""
        return self._number(schema)

    def _number(self, schema: Any) -> int:
        known = self._numbers.get(id(schema))
        if known is None:
            known = self._numbers[id(schema)] = (schema, _number_of(self._text(schema)))
        return known[1]

    def _text(self, schema: Any) -> str:
        """`schema` without what says nothing, its parts by their numbers."""
        if not isinstance(schema, dict):
            return json.dumps(schema, sort_keys=True)
        said: dict[str, Any] = {key: value for key, value in schema.items() if _speaks(key)}
        copied: set[str] = set()
        for path, part in parts(said):
            keyword = str(path[0])
            number = {"#": self._number(part)}
            if len(path) == 1:
                said[keyword] = number
                continue
            if keyword not in copied:
                copied.add(keyword)
                said[keyword] = said[keyword].copy()
            said[keyword][path[1]] = number
        if isinstance(said.get("$ref"), str):
            said["$ref"] = self._target(said["$ref"])
        return json.dumps(said, sort_keys=True)

    def _target(self, reference: str) -> Any:
        try:
            target = self.find(reference)
        except UnresolvedError:
            self._recursive = True
            return reference
        if self._recursive or id(target) in self._following:
            self._recursive = True
            return reference
        self._following.append(id(target))
        try:
            return {"#": self._number(target)}
        finally:
            self._following.pop()

    def resolve(self, reference: object) -> Node:
        """Raises UnresolvedError for what is not in the document."""
        return self.node(self.find(reference))

    def find(self, reference: object) -> Any:
        """The schema that `reference` leads to. Raises UnresolvedError."""
        if not isinstance(reference, str):
            raise UnresolvedError(f"$ref {reference!r:.80} is no text")
        if reference in self._named:
            return self._named[reference]
        base, _, pointer = reference.partition("#")
        if base and self._named.get(base) is not self.schema:
            raise UnresolvedError(f"$ref {reference!r:.200} leads out of the document")
        return _at(self.schema, unquote(pointer), reference)

    def _index(self, schema: dict[str, Any], *, is_root: bool = False) -> None:
        own = schema.get("$id", schema.get("id") if self.draft == DRAFT_4 else None)
        if isinstance(own, str):
            if not is_root and not own.startswith("#") and _refers(schema):
                raise UnresolvedError(f"$id {own!r:.200} inside a document changes what references mean; not judged")
            self._named[own.removesuffix("#")] = schema
        if isinstance(schema.get("$anchor"), str):
            self._named[f"#{schema['$anchor']}"] = schema
        for _, part in parts(schema):
            if isinstance(part, dict):
                self._index(part)


class Node:
    """Compare nodes with ``is``."""

    __slots__ = ("document", "keywords", "number", "schema")
    numbers = itertools.count()

    def __init__(self, schema: Any, document: Document) -> None:
        self.number = next(self.numbers)
        """In the order in which they were made, so that every run looks at them in the same order."""
        self.schema = schema
        self.document = document
        self.keywords = modern(schema, document.draft) if isinstance(schema, Mapping) else {}

    @staticmethod
    def of_keywords(keywords: Any, document: Document) -> Node:
        """`keywords` as `modern` gives them; the schemas in them are still in the draft of `document`."""
        node = Node(keywords, document)
        if isinstance(keywords, Mapping):
            node.keywords = dict(keywords)
        return node

    @staticmethod
    def make(schema: Any, document: Document) -> Node:
        key = (document.number(schema), document.scope)
        known = _shared.get(key)
        if known is None:
            if len(_shared) > MOST_SHARED:  # a bound on memory; nodes made later are merely not shared
                _shared.clear()
            known = _shared[key] = Node(schema, document)
        return known


_shared: dict[tuple[int, str], Node] = {}
_texts: dict[str, int] = {}
_text_numbers = itertools.count()


def _number_of(text: str) -> int:
    """Numbers are never given twice, so forgetting texts costs only that equal ones are not recognised."""
    if len(_texts) > MOST_SHARED:
        _texts.clear()
    return _texts.setdefault(text, next(_text_numbers))


def _speaks(keyword: str) -> bool:
    return keyword not in SILENT and (not keyword.startswith("x-") or keyword in MARKS)


def _refers(schema: Any) -> bool:
    return isinstance(schema, dict) and (
        any(keyword in schema for keyword in ("$ref", "$dynamicRef", "$recursiveRef"))
        or any(_refers(part) for _, part in parts(schema))
    )


def _at(value: Any, pointer: str, reference: str) -> Any:
    for part in pointer.split("/")[1:] if pointer else ():
        name = part.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (KeyError, ValueError, IndexError, TypeError):
            raise UnresolvedError(f"$ref {reference!r:.200} leads to nothing") from None
    if (pointer and not pointer.startswith("/")) or not isinstance(value, dict | bool):
        raise UnresolvedError(f"$ref {reference!r:.200} leads to no schema")
    return value


def constant(value: Any) -> Node:
    """The schema of `value` alone."""
    return _plain.node({"const": value})


def plain(schema: Any) -> Node:
    """A schema without references."""
    return _plain.node(schema)


class _Plain(Document):
    """A document of nothing: its nodes' schemas are made on the way and must not be remembered by identity."""

    def node(self, schema: Any) -> Node:
        self._numbers.clear()
        return Node.make(schema, self)


_plain = _Plain(schema=True)

"""A schema out of a document, standing alone: what it refers to goes with it, in the dialect that the judge reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services_communication.contracts.asyncapi.pointers import Node, UnreadableError, escaped, kind, resolved
from services_communication.contracts.normal import parts, rewritten

_DEFINITION = "#/$defs/"
_JSON_SCHEMA = re.compile(r"application/(vnd\.aai\.asyncapi|schema\+(json|yaml))\b")


@dataclass(frozen=True, slots=True)
class Part:
    """The schema of a payload or of headers; what it refers to is in its ``$defs``."""

    schema: Any
    format: str | None
    """Of what is no JSON Schema; None for what is."""
    pointer: str
    places: Mapping[str, str]
    """Where each of ``$defs`` came from."""

    def place(self, pointer: str) -> str:
        """Where `pointer` of the schema is in the document; the way may lead through its references."""
        found, schema = self.pointer, self.schema
        steps = pointer.split("/")[1:]
        while steps:
            step = steps.pop(0)
            reference = schema.get("$ref") if isinstance(schema, dict) and step != "$ref" else None
            if isinstance(reference, str):
                found, schema = self._definition(reference.removeprefix(_DEFINITION))
            if step == "$defs" and schema is self.schema and steps:
                found, schema = self._definition(steps.pop(0))
                continue
            found = f"{found}/{step}"
            schema = _step(schema, step)
        return found

    def _definition(self, name: str) -> tuple[str, Any]:
        return self.places.get(name, self.pointer), self.schema.get("$defs", {}).get(name)


def _step(schema: Any, step: str) -> Any:
    if isinstance(schema, list):
        return schema[int(step)] if step.isdecimal() and int(step) < len(schema) else None
    return schema.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(schema, dict) else None


def part(node: Node | None, place: str) -> Part:
    """The schema at `node`. Where there is none, anything goes, and `place` is where it would be.

    Raises UnreadableError.
    """
    if node is None:
        return Part(True, None, place, {})
    if _leads_out(node.value):
        return Part(node.value, "a reference out of the document", node.pointer, {})
    node = node.followed()
    if not isinstance(node.value, Mapping) or "schemaFormat" not in node.value:
        return _Bundle(node).part()
    form, inner = node.value["schemaFormat"], Node(node.root, node.value.get("schema", True), f"{node.pointer}/schema")
    if not isinstance(form, str):
        raise UnreadableError(f"{node.pointer}/schemaFormat", f"it must be a text, not {kind(form)}")
    return _Bundle(inner).part() if _JSON_SCHEMA.match(form) else Part(inner.value, form, inner.pointer, {})


def _leads_out(value: Any) -> bool:
    reference = value.get("$ref") if isinstance(value, Mapping) else None
    return isinstance(reference, str) and not reference.startswith("#")


class _Bundle:
    def __init__(self, node: Node) -> None:
        self._node = node
        self._names: dict[str, str] = {}
        self._waiting: list[Node] = []

    def part(self) -> Part:
        root = self._alone(self._node)
        definitions: dict[str, Any] = {}
        while self._waiting:
            target = self._waiting.pop(0)
            definitions[self._names[target.pointer]] = self._alone(target)
        _refuse_circles(definitions, self._node.pointer)
        if isinstance(root, dict):  # its own definitions, where something refers to them, were taken along by now
            root = {key: value for key, value in root.items() if key not in ("$defs", "definitions")}
            root |= {"$defs": definitions} if definitions else {}
        return Part(root, None, self._node.pointer, {name: pointer for pointer, name in self._names.items()})

    def _alone(self, node: Node) -> Any:
        if not isinstance(node.value, dict | bool):
            raise UnreadableError(node.pointer, f"a schema is an object or a boolean, not {kind(node.value)}")

        def local(own: dict[str, Any]) -> dict[str, Any]:
            if isinstance(own.get("$ref"), str):  # draft-07: its neighbours mean nothing
                return {"$ref": f"{_DEFINITION}{self._name(own['$ref'], node.pointer)}"}
            for path, inner in parts(own):
                if not isinstance(inner, dict | bool):
                    below = "/".join(escaped(str(step)) for step in path)
                    raise UnreadableError(
                        node.pointer, f"{kind(inner)} stands below it at {below}, where a schema must"
                    )
            return own

        return rewritten(rewritten(_in_order(node.value), _modern), local)

    def _name(self, reference: str, place: str) -> str:
        """The name in ``$defs`` of what is referred to: numbers, so that a component's name means nothing."""
        target = resolved(self._node.root, reference, place)
        if target.pointer not in self._names:
            self._names[target.pointer] = f"schema{len(self._names) + 1}"
            self._waiting.append(target)
        return self._names[target.pointer]


def _in_order(value: Any) -> Any:
    """With sorted keys: the numbers of the definitions do not depend on how the document was written."""
    if isinstance(value, Mapping):
        return {key: _in_order(value[key]) for key in sorted(value, key=str)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def _refuse_circles(definitions: Mapping[str, Any], place: str) -> None:
    """A schema that is only a reference must lead to one that is more."""
    for start, definition in definitions.items():
        seen, schema = {start}, definition
        while isinstance(schema, dict) and "$ref" in schema:
            target = schema["$ref"].removeprefix(_DEFINITION)
            if target in seen:
                raise UnreadableError(place, f"the schema {start!r} is a reference that leads back to itself")
            seen.add(target)
            schema = definitions[target]


def _modern(part: dict[str, Any]) -> dict[str, Any]:
    """From draft-07, AsyncAPI's dialect, to draft 2020-12."""
    made = dict(part)
    if isinstance(made.get("items"), list):
        made["prefixItems"] = made.pop("items")
        if "additionalItems" in made:
            made["items"] = made.pop("additionalItems")
    dependencies = made.get("dependencies")
    if isinstance(dependencies, dict):
        del made["dependencies"]
        keys = {key: value for key, value in dependencies.items() if isinstance(value, list)}
        schemas = {key: value for key, value in dependencies.items() if not isinstance(value, list)}
        made |= ({"dependentRequired": keys} if keys else {}) | ({"dependentSchemas": schemas} if schemas else {})
    made.pop("discriminator", None)
    return made

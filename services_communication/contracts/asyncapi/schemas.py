"""The schemas of an AsyncAPI document: each model once, under its name, in the dialect that the parser reads.

AsyncAPI's own dialect is draft-07, and references must lead into ``components/schemas``: the official parser resolves
no ``$defs`` inside a payload, whatever ``schemaFormat`` says, and hands a payload of an unknown format on unread. So
what JSON Schema 2020-12 says in another way is translated; ``allOf`` stands around a reference that has neighbours,
which draft-07 would ignore.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter

from services_communication.contracts.normal import rewritten
from services_communication.errors import ContractDefinitionError

Role: TypeAlias = Literal["sent", "received"]

# Of a received message: the oldest version that up-casters turn into it.
EXTENSION_UPCAST = "x-upcast-from"
LOCATION = "#/components/schemas/"
_DEFINITION = "#/$defs/"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(slots=True)
class _Held:
    schema: Any
    classes: list[str]


class Schemas:
    """What is sent and what is received of a model may differ; then each of both has a component."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, Role], _Held] = {}

    def add(self, name: str, role: Role, document: Mapping[str, Any], source: Any, contract: type) -> dict[str, Any]:
        """A reference to `document`, which becomes the component `name`, as do the models inside it.

        `source` is the type it was made from. Raises ContractDefinitionError when a name is taken by another model.
        """
        root = self.inline(role, document, source, contract)
        self._put(safe(name), role, root, [_label(contract if source is contract else source)])
        return reference(safe(name))

    def inline(self, role: Role, document: Mapping[str, Any], source: Any, contract: type) -> dict[str, Any]:
        """`document` itself, whose inner models become components."""
        classes = _classes(source)
        names = {key: _class_name(key, classes) for key in document.get("$defs", {})}
        for key, schema in document.get("$defs", {}).items():
            labels = classes.get(names[key], [_label(contract)])
            self._put(safe(names[key]), role, _translated(schema, names), labels)
        root = {key: value for key, value in document.items() if key not in ("$defs", "$schema", "title", "x-contract")}
        translated: dict[str, Any] = _translated(root, names)
        return translated

    def _put(self, name: str, role: Role, schema: Any, classes: list[str]) -> None:
        held = self._held.setdefault((name, role), _Held(schema, classes))
        if held.schema != schema:
            both = " and ".join(sorted({*held.classes, *classes}))
            raise ContractDefinitionError(
                f"{both}: models named {name!r} that differ cannot stand in one AsyncAPI document; rename one of them"
            )

    def components(self) -> dict[str, Any]:
        split = self._split()
        return {
            _final(name, role, split): renamed(held.schema, role, split) for (name, role), held in self._held.items()
        }

    def finish(self, schema: Any, role: Role) -> Any:
        """`schema` with its references as they are in :meth:`components`."""
        return renamed(schema, role, self._split())

    def _split(self) -> frozenset[str]:
        """The names whose two forms differ, in themselves or in what they refer to."""
        both = {name for name, role in self._held if role == "sent" and (name, "received") in self._held}
        split = {name for name in both if self._held[name, "sent"].schema != self._held[name, "received"].schema}
        while True:
            more = {
                name
                for name in both - split
                if any(split.intersection(_references(self._held[name, role].schema)) for role in ("sent", "received"))
            }
            if not more:
                return frozenset(split)
            split |= more


def reference(name: str) -> dict[str, Any]:
    return {"$ref": f"{LOCATION}{name}"}


def safe(name: str) -> str:
    """`name` in the characters that a component's key may have."""
    return _UNSAFE.sub(lambda found: f"_{ord(found[0]):x}", name)


def renamed(schema: Any, role: Role, split: frozenset[str]) -> Any:
    def rename(part: dict[str, Any]) -> dict[str, Any]:
        if isinstance(part.get("$ref"), str):
            part["$ref"] = LOCATION + _final(part["$ref"].removeprefix(LOCATION), role, split)
        return part

    return rewritten(schema, rename)


def _final(name: str, role: Role, split: frozenset[str]) -> str:
    return f"{name}.{role}" if name in split else name


def _translated(schema: Any, names: Mapping[str, str]) -> Any:
    """To draft-07, as AsyncAPI has it."""

    def translate(part: dict[str, Any]) -> dict[str, Any]:
        made = dict(part)
        if "prefixItems" in made:
            if "items" in made:
                made["additionalItems"] = made.pop("items")
            made["items"] = made.pop("prefixItems")
        for keyword in ("dependentRequired", "dependentSchemas"):
            if keyword in made:
                made["dependencies"] = {**made.get("dependencies", {}), **made.pop(keyword)}
        if isinstance(made.get("discriminator"), dict):  # OpenAPI's; AsyncAPI's is another thing of the same name
            made["x-discriminator"] = made.pop("discriminator").get("propertyName")
        if not isinstance(made.get("$ref"), str):
            return made
        target = made.pop("$ref").removeprefix(_DEFINITION)
        moved = reference(safe(names.get(target, target)))
        return {**made, "allOf": [*made.get("allOf", ()), moved]} if made else moved

    return rewritten(schema, translate)


def _references(schema: Any) -> Iterator[str]:
    found: list[str] = []

    def look(part: dict[str, Any]) -> dict[str, Any]:
        if isinstance(part.get("$ref"), str):
            found.append(part["$ref"].removeprefix(LOCATION))
        return part

    rewritten(schema, look)
    yield from found


def _class_name(key: str, classes: Mapping[str, list[str]]) -> str:
    """Definitions of one document that would have one name are numbered there; here they must be equal."""
    base = key.rstrip("0123456789")
    return base if key not in classes and base in classes else key


def _classes(source: Any) -> dict[str, list[str]]:
    """The classes that `source` is made of, by the name of their definition."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    waiting: list[Any] = [TypeAdapter(source).core_schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            cls = node.get("cls")
            if isinstance(cls, type):
                title = (getattr(cls, "model_config", None) or {}).get("title") or cls.__name__
                name = re.sub(r"\W+", "_", title).strip("_")
                if _label(cls) not in found[name]:
                    found[name].append(_label(cls))
            waiting.extend(node.values())
        elif isinstance(node, list | tuple):
            waiting.extend(node)
    return found


def _label(source: Any) -> str:
    return f"{source.__module__}.{source.__qualname__}" if isinstance(source, type) else str(source)

"""Walking an AsyncAPI document that somebody else wrote: every fault has its place, and none is a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote


class UnreadableError(ValueError):
    """The document cannot be judged. `pointer` is where, the text why."""

    def __init__(self, pointer: str, sentence: str) -> None:
        super().__init__(sentence)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document, where it stands in truth: at the end of the references that lead to it."""

    root: Any
    value: Any
    pointer: str

    def child(self, *names: str) -> Node | None:
        """What is below it, references followed; None where there is nothing."""
        node = self
        for name in names:
            members = node.object().value
            if members.get(name) is None:
                return None
            node = Node(self.root, members[name], f"{node.pointer}/{escaped(name)}").followed()
        return node

    def children(self, name: str) -> dict[str, Node]:
        """The members of the object `name` below it; none where it is absent."""
        parent = self.child(name)
        if parent is None:
            return {}
        found = {key: parent.child(key) for key in parent.object().value}
        return {key: node for key, node in found.items() if node is not None}

    def items(self, name: str) -> list[Node] | None:
        """The items of the list `name` below it; None where it is absent."""
        parent = self.child(name)
        if parent is None:
            return None
        if not isinstance(parent.value, list):
            raise UnreadableError(parent.pointer, f"it must be a list, not {kind(parent.value)}")
        places = (f"{parent.pointer}/{index}" for index in range(len(parent.value)))
        return [Node(self.root, item, place).followed() for item, place in zip(parent.value, places, strict=True)]

    def text(self, *names: str) -> str | None:
        """The text below it; None where there is none."""
        node = self.child(*names)
        if node is None:
            return None
        if not isinstance(node.value, str):
            raise UnreadableError(node.pointer, f"it must be a text, not {kind(node.value)}")
        return node.value

    def object(self) -> Node:
        """Itself. Raises UnreadableError when it is no object, or one whose keys are no texts (YAML has such)."""
        if not isinstance(self.value, Mapping) or not all(isinstance(key, str) for key in self.value):
            raise UnreadableError(self.pointer, f"it must be an object, not {kind(self.value)}")
        return self

    def followed(self) -> Node:
        """Where its references lead in the end. Raises UnreadableError when they lead nowhere or in a circle."""
        node, seen = self, set[str]()
        while isinstance(node.value, Mapping) and isinstance(node.value.get("$ref"), str):
            reference = node.value["$ref"]
            if reference in seen:
                raise UnreadableError(self.pointer, f"$ref {reference!r} leads in a circle")
            seen.add(reference)
            node = resolved(self.root, reference, self.pointer)
        return node


def resolved(root: Any, reference: str, place: str) -> Node:
    """What the local `reference`, which stands at `place`, names."""
    pointer = unquote(reference).removeprefix("#")
    if not reference.startswith("#") or (pointer and not pointer.startswith("/")):
        raise UnreadableError(place, f"$ref {reference!r} leads out of the document; only '#/…' is followed")
    value = root
    for name in pointer.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")  # noqa: PLW2901  RFC 6901
        if isinstance(value, Mapping) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            raise UnreadableError(place, f"$ref {reference!r} leads to nothing")
    return Node(root, value, pointer)


def escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else type(value).__name__)

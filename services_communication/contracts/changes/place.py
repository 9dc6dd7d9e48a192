"""Where something is: in the document, as a JSON pointer, and in a payload, as steps from the top."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias


class Property(NamedTuple):
    name: str


class Item(NamedTuple):
    position: int | None = None
    """None: any item."""


class Others(NamedTuple):
    """A property that is none of `names` and that no one of `patterns` finds."""

    names: tuple[str, ...]
    patterns: tuple[str, ...]


class Matching(NamedTuple):
    pattern: str


Step: TypeAlias = Property | Item | Others | Matching


@dataclass(frozen=True, slots=True)
class Place:
    pointer: str = ""
    """RFC 6901, in the document."""
    steps: tuple[Step, ...] = ()

    def below(self, *keys: str | int, step: Step | None = None) -> Place:
        pointer = self.pointer + "".join(f"/{escaped(str(key))}" for key in keys)
        return Place(pointer, self.steps if step is None else (*self.steps, step))

    def at(self, pointer: str) -> Place:
        return replace(self, pointer=pointer)

    def __str__(self) -> str:
        """For a person: ``address.lines[2].text``; ``the payload`` for the top."""
        text = ""
        for step in self.steps:
            match step:
                case Property(name):
                    text += f".{name}"
                case Item(index):
                    text += "[]" if index is None else f"[{index}]"
                case Others() | Matching():
                    text += ".*"
        return text.removeprefix(".") or "the payload"


def escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def wrapped(schema: Any, steps: tuple[Step, ...]) -> Any:
    """The schema (draft 2020-12) of payloads in which what is at `steps` fits `schema`."""
    for step in reversed(steps):
        match step:
            case Property(name):
                schema = {"type": "object", "required": [name], "properties": {name: schema}}
            case Item(None):
                schema = {"type": "array", "contains": schema}
            case Item(int(position)):
                before = [True] * position
                schema = {"type": "array", "minItems": position + 1, "prefixItems": [*before, schema]}
            case Matching(pattern):
                schema = {"type": "object", "not": {"patternProperties": {pattern: {"not": schema}}}}
            case Others(names, patterns):
                inner = {
                    "properties": dict.fromkeys(names, True),
                    "patternProperties": dict.fromkeys(patterns, True),
                    "additionalProperties": {"not": schema},
                }
                schema = {"type": "object", "not": inner}
    return schema

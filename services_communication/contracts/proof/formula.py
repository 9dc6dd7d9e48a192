"""What is said of a value of one type: single facts, joined by "and" and "or".

There is no "not": each fact has an opposite, and "not" is pushed down to them. A fact about a part of the value (an
item, a property) names the schema that the part fits, or does not fit: a `Sub`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeAlias

from services_communication.contracts.proof.node import Node, constant, plain
from services_communication.contracts.proof.work import spend

Type: TypeAlias = Literal["object", "array", "string", "number", "boolean", "null"]
TYPES: tuple[Type, ...] = ("object", "string", "number", "array", "boolean", "null")


@dataclass(frozen=True, slots=True)
class Sub:
    """`fits`: the part fits the node's schema; else it does not."""

    node: Node
    fits: bool = True

    @property
    def opposite(self) -> Sub:
        return Sub(self.node, not self.fits)


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that is its own whole. `holds`: or its opposite."""

    kind: str
    value: Any = None
    holds: bool = True

    @property
    def opposite(self) -> Formula:
        return Fact(self.kind, self.value, not self.holds)


# -- facts, by type ---------------------------------------------------------------------------------------------------
# null, boolean, number, string:  "among" (values)
# number:   "above" / "below" ((bound, inclusive)), "multiple" (of)
# string:   "length" (at least), "pattern", "format", "decimal" (a fact about the number that a decimal text stands for)
# array:    "items" (at least), "unique"
# object:   "properties" (at least), "has" (name)
# any:      "opaque" (something the engine does not understand)


@dataclass(frozen=True, slots=True)
class At:
    """If there is an item `index`, it fits."""

    index: int
    sub: Sub

    @property
    def opposite(self) -> Formula:
        return both(Fact("items", self.index + 1), At(self.index, self.sub.opposite))


@dataclass(frozen=True, slots=True)
class Rest:
    """All items from `start` on fit."""

    start: int
    sub: Sub

    @property
    def opposite(self) -> Formula:
        return Some(self.start, self.sub.opposite)


@dataclass(frozen=True, slots=True)
class Some:
    """An item from `start` on fits."""

    start: int
    sub: Sub

    @property
    def opposite(self) -> Formula:
        return Rest(self.start, self.sub.opposite)


@dataclass(frozen=True, slots=True)
class Count:
    """From `least` to `most` items fit."""

    sub: Sub
    least: int
    most: int | None

    @property
    def opposite(self) -> Formula:
        fewer = Count(self.sub, 0, self.least - 1) if self.least else FALSE
        return either(fewer, FALSE if self.most is None else Count(self.sub, self.most + 1, None))


@dataclass(frozen=True, slots=True)
class Prop:
    """If there is a property `name`, it fits."""

    name: str
    sub: Sub

    @property
    def opposite(self) -> Formula:
        return both(Fact("has", self.name), Prop(self.name, self.sub.opposite))


@dataclass(frozen=True, slots=True)
class Keys:
    """A set of names: not one of `others`, found by each of `matched` and by none of `unmatched` (patterns)."""

    others: frozenset[str] = frozenset()
    matched: frozenset[str] = frozenset()
    unmatched: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Each:
    """Every property whose name is in `keys` fits."""

    keys: Keys
    sub: Sub

    @property
    def opposite(self) -> Formula:
        return Any_(self.keys, self.sub.opposite)


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801  typing has the name without the underscore
    """A property whose name is in `keys` fits."""

    keys: Keys
    sub: Sub

    @property
    def opposite(self) -> Formula:
        return Each(self.keys, self.sub.opposite)


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of a property fits, as a string."""

    sub: Sub

    @property
    def opposite(self) -> Formula:
        return Name(self.sub.opposite)


@dataclass(frozen=True, slots=True)
class Name:
    """The name of a property fits, as a string."""

    sub: Sub

    @property
    def opposite(self) -> Formula:
        return Names(self.sub.opposite)


Single: TypeAlias = Fact | At | Rest | Some | Count | Prop | Each | Any_ | Names | Name


# Formulas can be large, so these two are told apart by identity: to compare them would cost more than it saves.
@dataclass(frozen=True, slots=True, eq=False)
class And:
    parts: tuple[Formula, ...]

    @property
    def opposite(self) -> Formula:
        return either(*(part.opposite for part in self.parts))


@dataclass(frozen=True, slots=True, eq=False)
class Or:
    parts: tuple[Formula, ...]

    @property
    def opposite(self) -> Formula:
        return both(*(part.opposite for part in self.parts))


Formula: TypeAlias = Single | And | Or

TRUE = And(())
FALSE = Or(())


def both(*parts: Formula) -> Formula:
    spend(1 + len(parts))
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, And) else (part,)))
    if FALSE in flat:
        return FALSE
    return next(iter(flat)) if len(flat) == 1 else And(tuple(flat)) if flat else TRUE


def either(*parts: Formula) -> Formula:
    spend(1 + len(parts))
    flat = dict.fromkeys(inner for part in parts for inner in (part.parts if isinstance(part, Or) else (part,)))
    if TRUE in flat:
        return TRUE
    return next(iter(flat)) if len(flat) == 1 else Or(tuple(flat)) if flat else FALSE


def one_of(parts: list[Formula]) -> Formula:
    """Exactly one of `parts`."""
    return either(
        *(both(part, *(other.opposite for j, other in enumerate(parts) if j != i)) for i, part in enumerate(parts))
    )


# -- values -----------------------------------------------------------------------------------------------------------


def type_of(value: Any) -> Type:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float() | Fraction():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "array"
    return "object"


def scalar_key(value: Any) -> Any:
    """How a scalar is compared: 1 and 1.0 are one number, and neither is true."""
    return rational(value) if type_of(value) == "number" else value


def rational(number: Any) -> Fraction:
    """As it is written in decimals: 0.1 is a tenth."""
    return Fraction(str(number)) if isinstance(number, float) else Fraction(number)


def equals(value: Any) -> Formula:
    """The value of its type is `value`."""
    match type_of(value):
        case "array":
            items = (At(index, Sub(constant(item))) for index, item in enumerate(value))
            return both(Fact("items", len(value)), Fact("items", len(value) + 1).opposite, *items)
        case "object":
            fields = (both(Fact("has", name), Prop(name, Sub(constant(item)))) for name, item in value.items())
            return both(Each(Keys(frozenset(value)), Sub(plain(False))), *fields)
    return Fact("among", frozenset([scalar_key(value)]))


def equals_json(one: Any, other: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but not true."""
    if type_of(one) != type_of(other):
        return False
    match type_of(one):
        case "array":
            return len(one) == len(other) and all(map(equals_json, one, other))
        case "object":
            return one.keys() == other.keys() and all(equals_json(one[name], other[name]) for name in one)
        case "number":
            return rational(one) == rational(other)
    return bool(one == other)

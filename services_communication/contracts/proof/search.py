"""Is there a value that fits some schemas and does not fit others?

For each type the schemas are read as one formula, its "or"s are tried one way after the other, and for what then is a
list of facts a value is built. A value of a recursive schema is finite, so while the search for one is under way, the
same search inside it finds nothing: what is not found without going round is not found at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from services_communication.contracts.proof import arrays, numeric, objects, textual
from services_communication.contracts.proof.formula import TYPES, And, Fact, Formula, Or, Prop, Single, Sub, Type, both
from services_communication.contracts.proof.node import UnresolvedError
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found, Outcome, first
from services_communication.contracts.proof.reading import CircularError, formula
from services_communication.contracts.proof.work import spend

Subs = frozenset[Sub]
STEPS = 30_000
DEPTH = 60


# What was found and what was proven holds for ever, and the same parts occur in many contracts.
_remembered: dict[Subs, Outcome] = {}
MOST_REMEMBERED = 50_000


class Search:
    """One search. `steps`: after how many it gives up."""

    def __init__(self, steps: int = STEPS) -> None:
        self._under_way: dict[Subs, int] = {}
        self._lowest = DEPTH + 1
        self._steps = steps
        self.troubles: set[str] = set()
        """Why something could not be decided."""

    def values(self, subs: Subs) -> Iterator[Outcome]:
        """Outcomes of the ways in which a value can fit `subs`. When all of them are NONE, there is none."""
        if any(sub.opposite in subs for sub in subs):
            return
        in_order = sorted(subs, key=lambda sub: (sub.node.number, sub.fits))
        for kind in TYPES:
            try:
                said = both(*(formula(sub, kind) for sub in in_order))
            except (UnresolvedError, CircularError, RecursionError) as error:
                self.troubles.add(str(error) or "a schema is nested too deep")
                yield UNKNOWN
                continue
            for facts in self._ways(said, kind):
                yield UNKNOWN if facts is None else self._build(facts, kind)

    def find(self, subs: Subs) -> Outcome:
        """A value that fits every one of `subs`."""
        spend(1 + len(subs))
        known = _remembered.get(subs)
        if known is not None:
            return known
        if subs in self._under_way:
            self._lowest = min(self._lowest, self._under_way[subs])
            return NONE
        depth = len(self._under_way)
        if depth > DEPTH:
            self.troubles.add("the schemas are nested too deep")
            return UNKNOWN
        outer, self._lowest = self._lowest, DEPTH + 1
        self._under_way[subs] = depth
        try:
            outcome = first(self.values(subs))
        finally:
            del self._under_way[subs]
        # That nothing was found may hold only while the searches around it are under way; a value is a value.
        if isinstance(outcome, Found) or self._lowest >= depth:
            if outcome is not UNKNOWN:
                _remember(subs, outcome)
            self._lowest = outer
        else:
            self._lowest = min(outer, self._lowest)
        return outcome

    def _build(self, facts: list[Single], kind: Type) -> Outcome:
        plain = [fact for fact in facts if isinstance(fact, Fact)]
        match kind:
            case "object":
                return objects.build(facts, self.find)
            case "array":
                return arrays.build(facts, self.find)
            case "string":
                return textual.text(plain)
            case "number":
                return numeric.number(plain)
        return _small(plain, (False, True) if kind == "boolean" else (None,))

    def _ways(self, said: Formula, kind: Type) -> Iterator[list[Single] | None]:
        """The lists of facts, each of which makes `said` true. None: given up."""
        yield from self._extended({}, [said], [], kind)

    def _extended(
        self, facts: dict[Single, None], waiting: list[Formula], choices: list[Or], kind: Type
    ) -> Iterator[list[Single] | None]:
        self._steps -= 1
        if self._steps < 0:
            self.troubles.add("the search took too many steps")
            yield None
            return
        spend(1 + len(facts) + len(choices))
        facts, choices = dict(facts), list(choices)
        new = _split(waiting, facts, choices)
        said = objects.Said(facts) if kind == "object" else None
        if not self._agree(facts, new, kind, said):
            return
        open_: list[list[Formula]] = []
        for choice in choices:
            options = self._options(facts, choice, said)
            if options is not None:
                open_.append(options)
        if not open_:
            yield list(facts)
            return
        open_.sort(key=len)  # a choice without options ends it at once
        rest = [Or(tuple(options)) for options in open_[1:]]
        for option in open_[0]:
            yield from self._extended(facts, [option], rest, kind)

    def _options(self, facts: dict[Single, None], choice: Or, said: objects.Said | None) -> list[Formula] | None:
        """Those of `choice` that `facts` leave open. None when one of them holds already."""
        options: list[Formula] = []
        for option in choice.parts:
            parts = option.parts if isinstance(option, And) else (option,)
            singles = [part for part in parts if not isinstance(part, Or | And)]
            if any(_contradicts(part, facts) or _is_impossible(part, parts, facts) for part in singles):
                continue
            if len(singles) == len(parts) and all(self._follows(part, facts, said) for part in singles):
                return None
            options.append(option)
        return options

    def _follows(self, part: Single, facts: dict[Single, None], said: objects.Said | None) -> bool:
        if part in facts:
            return True
        return said is not None and isinstance(part, Prop) and objects.follows(part, said, self.find)

    def _agree(self, facts: dict[Single, None], new: list[Single], kind: Type, said: objects.Said | None) -> bool:
        """False when `facts` contradict each other; what is cheap to see is seen early."""
        if any(_contradicts(part, facts) for part in new):
            return False
        if said is not None:
            return objects.agree(said, new, self.find)
        if kind in ("string", "array"):
            return True
        return self._build(list(facts), kind) is not NONE


def _remember(subs: Subs, outcome: Outcome) -> None:
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[subs] = outcome


def _contradicts(part: Single, facts: dict[Single, None]) -> bool:
    opposite = part.opposite
    return not isinstance(opposite, And | Or) and opposite in facts


def _is_impossible(part: Single, beside: Sequence[Formula], facts: dict[Single, None]) -> bool:
    """Whether a property that must be there would have to fit a schema and not fit it."""
    if not isinstance(part, Prop) or Prop(part.name, part.sub.opposite) not in facts:
        return False
    present = Fact("has", part.name)
    return present in beside or present in facts


def _split(waiting: list[Formula], facts: dict[Single, None], choices: list[Or]) -> list[Single]:
    """Move what waits to the `facts` and `choices`. The facts that are new."""
    new: list[Single] = []
    while waiting:
        part = waiting.pop()
        if isinstance(part, And):
            waiting.extend(part.parts)
        elif isinstance(part, Or):
            choices.append(part)
        elif part not in facts:
            facts[part] = None
            new.append(part)
    return new


def _small(facts: list[Fact], values: tuple[Any, ...]) -> Outcome:
    for value in values:
        if all((value in fact.value) == fact.holds for fact in facts if fact.kind == "among"):
            return Found(value)
    return NONE

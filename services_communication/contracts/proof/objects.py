"""An object for which a list of facts holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any, TypeAlias

from services_communication.contracts.proof import textual
from services_communication.contracts.proof.formula import Any_, Each, Fact, Keys, Name, Names, Prop, Single, Sub
from services_communication.contracts.proof.node import constant, plain
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found, Outcome, first

Chosen: TypeAlias = "dict[str, frozenset[Sub]]"
"""Properties that are to be there, and what the value of each must fit besides what is said of its name."""
Find = Callable[["frozenset[Sub]"], Outcome]
MOST_PROPERTIES = 100
MOST_PATTERNS = 6
ASSIGNMENTS = 2000


class Said:
    """The facts, sorted by what they are about."""

    def __init__(self, facts: Collection[Single]) -> None:
        plain = [fact for fact in facts if isinstance(fact, Fact)]
        self.required = [fact.value for fact in plain if fact.kind == "has" and fact.holds]
        self.absent = {fact.value for fact in plain if fact.kind == "has" and not fact.holds}
        self.least = max((fact.value for fact in plain if fact.kind == "properties" and fact.holds), default=0)
        self.most = min(
            (fact.value - 1 for fact in plain if fact.kind == "properties" and not fact.holds), default=None
        )
        self.props: dict[str, list[Sub]] = {}
        for fact in facts:
            if isinstance(fact, Prop):
                self.props.setdefault(fact.name, []).append(fact.sub)
        self.each = [fact for fact in facts if isinstance(fact, Each)]
        self.names = [fact.sub for fact in facts if isinstance(fact, Names)]
        self.demands: list[Any_ | Name] = [fact for fact in facts if isinstance(fact, Any_ | Name)]
        self.known = dict.fromkeys(
            [*self.required, *self.props, *(name for fact in (*self.each, *self.demands) for name in _named(fact))]
        )

    def subs(self, name: str) -> frozenset[Sub]:
        """What the property `name` must fit."""
        found = list(self.props.get(name, ()))
        # Where a pattern cannot be read, the fact is left out: what then cannot be is ruled out all the more.
        found.extend(fact.sub for fact in self.each if within(name, fact.keys))
        return frozenset(found)


def build(facts: Collection[Single], find: Find) -> Outcome:
    said = Said(facts)
    if said.absent.intersection(said.required) or (said.most is not None and said.least > said.most):
        return NONE
    required: Chosen = dict.fromkeys(said.required, frozenset())
    values = _values(required, said, find)
    if not isinstance(values, Found):
        return values
    ways = _assigned(required, list(said.demands), said, find)
    return first((_filled(chosen, said, find) if isinstance(chosen, dict) else chosen for chosen in ways), ASSIGNMENTS)


def agree(said: Said, new: Collection[Single], find: Find) -> bool:
    """False when the properties that must be there cannot be: looks at those that `new` speaks of."""
    if said.absent.intersection(said.required):
        return False
    touched = {fact.value for fact in new if isinstance(fact, Fact) and fact.kind == "has" and fact.holds}
    touched |= {fact.name for fact in new if isinstance(fact, Prop) and fact.name in said.required}
    return all(find(said.subs(name)) is not NONE for name in touched)


def follows(part: Prop, said: Said, find: Find) -> bool:
    """Whether `part` is said in other words: a tag that is "a" is not "b"."""
    subs = said.subs(part.name)
    return bool(subs) and find(subs | {part.sub.opposite}) is NONE


def within(name: str, keys: Keys) -> bool | None:
    """Whether `name` is one of `keys`; None where a pattern cannot be read."""
    if name in keys.others:
        return False
    answers = [textual.matches(pattern, name) for pattern in keys.matched]
    answers += [None if (found := textual.matches(pattern, name)) is None else not found for pattern in keys.unmatched]
    return False if False in answers else None if None in answers else True


def _named(fact: Any) -> Iterator[str]:
    if isinstance(fact, Each | Any_):
        yield from sorted(fact.keys.others)


def _property(name: str, more: frozenset[Sub], said: Said, find: Find) -> Outcome:
    """A value for the property `name`, which also fits `more`."""
    if name in said.absent:
        return NONE
    named = find(frozenset([*said.names, Sub(constant(name))])) if said.names else Found(name)
    if not isinstance(named, Found):
        return named
    return find(said.subs(name) | more)


def _values(chosen: Chosen, said: Said, find: Find) -> Outcome:
    """The object of the chosen properties."""
    value: dict[str, Any] = {}
    for name, more in chosen.items():
        outcome = _property(name, more, said, find)
        if not isinstance(outcome, Found):
            return outcome
        value[name] = outcome.value
    return Found(value)


def _assigned(chosen: Chosen, demands: list[Any_ | Name], said: Said, find: Find) -> Iterator[Chosen | Outcome]:
    """Ways to meet the `demands`, each by a property that is chosen already or by one more."""
    if not demands:
        yield chosen
        return
    demand, rest = demands[0], demands[1:]
    for name, sub in _ways_to_meet(demand, chosen, said, find):
        if name is None:
            yield UNKNOWN
            continue
        more = {**chosen, name: chosen.get(name, frozenset()) | sub}
        if said.most is not None and len(more) > said.most:
            continue
        outcome = _property(name, more[name], said, find)
        if outcome is UNKNOWN:
            yield UNKNOWN
        elif isinstance(outcome, Found):
            yield from _assigned(more, rest, said, find)


def _ways_to_meet(
    demand: Any_ | Name, chosen: Chosen, said: Said, find: Find
) -> Iterator[tuple[str | None, frozenset[Sub]]]:
    """Names, and what the value of each must fit besides, so that the demand is met. None: there may be others."""
    keys, sub = (demand.keys, frozenset([demand.sub])) if isinstance(demand, Any_) else (Keys(), frozenset[Sub]())
    naming = [demand.sub] if isinstance(demand, Name) else []
    for name in dict.fromkeys([*chosen, *said.known]):
        if within(name, keys) is False:
            continue
        if not naming or find(frozenset([*naming, Sub(constant(name))])) is not NONE:
            yield name, sub
    for new in _new_names(keys, naming, chosen, said, find):
        yield new, sub


def _new_names(keys: Keys, naming: list[Sub], chosen: Collection[str], said: Said, find: Find) -> Iterator[str | None]:
    """Names that nothing mentions, one for each way in which the patterns can treat it. None: there may be others."""
    patterns = sorted({pattern for fact in said.each for pattern in (*fact.keys.matched, *fact.keys.unmatched)})
    if len(patterns) > MOST_PATTERNS:
        yield None
        return
    taken = {*said.known, *chosen, *said.absent, *keys.others}
    for signs in itertools.product((False, True), repeat=len(patterns)):
        facts = [Fact("pattern", pattern, sign) for pattern, sign in zip(patterns, signs, strict=True)]
        facts += [Fact("pattern", pattern) for pattern in keys.matched]
        facts += [Fact("pattern", pattern, holds=False) for pattern in keys.unmatched]
        name = _name(frozenset(facts), [*said.names, *naming], taken, find)
        if name is not NONE:
            yield name.value if isinstance(name, Found) else None


def _name(facts: frozenset[Fact], naming: list[Sub], taken: Collection[str], find: Find) -> Outcome:
    """A name that is not `taken`."""
    free = Fact("among", frozenset(taken), holds=False)
    if not naming:
        return textual.text([*facts, free])
    in_order = sorted(facts, key=lambda fact: (fact.value, fact.holds))
    matched = [{"pattern": fact.value} if fact.holds else {"not": {"pattern": fact.value}} for fact in in_order]
    schema = {"type": "string", "allOf": [*matched, {"not": {"enum": sorted(taken)}}] if taken else matched}
    if not schema["allOf"]:
        del schema["allOf"]
    return find(frozenset([*naming, Sub(plain(schema))]))


def _filled(chosen: Chosen, said: Said, find: Find) -> Outcome:
    """An object of the chosen properties, and of as many more as are asked for."""
    if said.most is not None and len(chosen) > said.most:
        return NONE
    if said.least > MOST_PROPERTIES:
        return UNKNOWN
    more, unsure = dict(chosen), False
    names: Iterator[str | None] = iter([name for name in said.known if name not in more])
    while len(more) < said.least:
        name = next(names, ...)
        if name is ...:
            found = len(more)
            fresh = list(_new_names(Keys(), [], more, said, find))
            unsure |= None in fresh
            for new in fresh:
                outcome = NONE if new is None else _property(new, frozenset(), said, find)
                unsure |= outcome is UNKNOWN
                if isinstance(outcome, Found) and len(more) < said.least:
                    more[str(new)] = frozenset()
            if len(more) == found:
                return UNKNOWN if unsure else NONE
        elif name is not None:
            outcome = _property(name, frozenset(), said, find)
            unsure |= outcome is UNKNOWN
            if isinstance(outcome, Found):
                more[name] = frozenset()
    return _values(more, said, find)

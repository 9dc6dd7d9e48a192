"""An object for which a list of facts holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any

from services_communication.contracts.proof import textual
from services_communication.contracts.proof.formula import Any_, Each, Fact, Keys, Name, Names, Prop, Single, Sub
from services_communication.contracts.proof.node import constant, plain
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found, Outcome

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
        found.extend(fact.sub for fact in self.each if within(name, fact.keys) is not False)
        return frozenset(found)


def build(facts: Collection[Single], find: Find) -> Outcome:
    said = Said(facts)
    if said.absent.intersection(said.required) or (said.most is not None and said.least > said.most):
        return NONE
    value: dict[str, Any] = {}
    last: Outcome = NONE
    for name in dict.fromkeys(said.required):
        outcome = _property(name, frozenset(), said, find)
        if not isinstance(outcome, Found):
            return outcome
        value[name] = outcome.value
    for assigned in itertools.islice(_assigned(value, list(said.demands), said, find), ASSIGNMENTS):
        if isinstance(assigned, Found):
            outcome = _filled(dict(assigned.value), said, find)
            if isinstance(outcome, Found):
                return outcome
            last = outcome if outcome is UNKNOWN else last
        else:
            last = assigned if assigned is UNKNOWN else last
    return last


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


def _assigned(value: dict[str, Any], demands: list[Any_ | Name], said: Said, find: Find) -> Iterator[Outcome]:
    """Objects that hold `value` and meet the `demands`, each by a property that is there or by one more."""
    if not demands:
        yield Found(value)
        return
    demand, rest = demands[0], demands[1:]
    ended = True
    for name, outcome in _ways_to_meet(demand, value, said, find):
        if isinstance(outcome, Found):
            if said.most is None or len({*value, name}) <= said.most:
                ended = False
                yield from _assigned({**value, name: outcome.value}, rest, said, find)
        elif outcome is UNKNOWN:
            yield UNKNOWN
    if ended:
        yield NONE


def _ways_to_meet(demand: Any_ | Name, value: dict[str, Any], said: Said, find: Find) -> Iterator[tuple[str, Outcome]]:
    """Names, and the value of each, so that the demand is met."""
    keys, sub = (demand.keys, frozenset([demand.sub])) if isinstance(demand, Any_) else (Keys(), frozenset[Sub]())
    naming = [demand.sub] if isinstance(demand, Name) else []
    candidates = [*value, *(name for name in said.known if name not in value)]
    for name in candidates:
        if within(name, keys) is False:
            continue
        if naming and not isinstance(find(frozenset([*naming, Sub(constant(name))])), Found):
            continue
        yield name, _property(name, sub | _same(name, value), said, find)
    yield from _new_names(keys, naming, sub, value, said, find)


def _same(name: str, value: dict[str, Any]) -> frozenset[Sub]:
    """A property that is there keeps what it was chosen for: it may be chosen anew only as that very value."""
    return frozenset([Sub(constant(value[name]))]) if name in value and value[name] is not _FREE else frozenset()


_FREE = object()


def _new_names(
    keys: Keys, naming: list[Sub], sub: frozenset[Sub], value: dict[str, Any], said: Said, find: Find
) -> Iterator[tuple[str, Outcome]]:
    """Names that nothing mentions, one for each way in which the patterns can treat it."""
    patterns = sorted({pattern for fact in said.each for pattern in (*fact.keys.matched, *fact.keys.unmatched)})
    if len(patterns) > MOST_PATTERNS:
        yield "", UNKNOWN
        return
    taken = {*said.known, *value, *said.absent, *keys.others}
    for signs in itertools.product((False, True), repeat=len(patterns)):
        facts = [Fact("pattern", pattern, sign) for pattern, sign in zip(patterns, signs, strict=True)]
        facts += [Fact("pattern", pattern) for pattern in keys.matched]
        facts += [Fact("pattern", pattern, holds=False) for pattern in keys.unmatched]
        name = _name(frozenset(facts), [*said.names, *naming], taken, find)
        if isinstance(name, Found):
            yield name.value, _property(name.value, sub, said, find)
        elif name is UNKNOWN:
            yield "", UNKNOWN


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


def _filled(value: dict[str, Any], said: Said, find: Find) -> Outcome:
    """`value` with as many more properties as are asked for."""
    if said.most is not None and len(value) > said.most:
        return NONE
    if said.least > MOST_PROPERTIES:
        return UNKNOWN
    unsure = False
    for name, outcome in _more(value, said, find):
        if len(value) >= said.least:
            break
        unsure |= outcome is UNKNOWN
        if isinstance(outcome, Found) and name not in value:
            value[name] = outcome.value
    return Found(value) if len(value) >= said.least else UNKNOWN if unsure else NONE


def _more(value: dict[str, Any], said: Said, find: Find) -> Iterator[tuple[str, Outcome]]:
    """Properties that `value` may have besides, as long as there are any. `value` grows meanwhile."""
    for name in said.known:
        if name not in value:
            yield name, _property(name, frozenset(), said, find)
    size = -1
    while len(value) > size:
        size = len(value)
        for name, outcome in _new_names(Keys(), [], frozenset(), value, said, find):
            yield name, outcome
            if len(value) > size:
                break

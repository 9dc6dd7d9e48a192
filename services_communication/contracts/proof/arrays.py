"""An array for which a list of facts holds."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from typing import Any

from services_communication.contracts.proof.formula import At, Count, Fact, Rest, Single, Some, Sub, equals_json
from services_communication.contracts.proof.node import constant
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found, Outcome, first
from services_communication.contracts.proof.work import spend

Find = Callable[["frozenset[Sub]"], Outcome]
LONGEST = 5000
ASSIGNMENTS = 3000
MOST_DISTINCT = 60


class _Facts:
    def __init__(self, facts: Collection[Single]) -> None:
        plain = [fact for fact in facts if isinstance(fact, Fact)]
        self.least = max((fact.value for fact in plain if fact.kind == "items" and fact.holds), default=0)
        self.most = min((fact.value - 1 for fact in plain if fact.kind == "items" and not fact.holds), default=None)
        self.unique = any(fact.kind == "unique" and fact.holds for fact in plain)
        self.twice = any(fact.kind == "unique" and not fact.holds for fact in plain)
        self.at = [fact for fact in facts if isinstance(fact, At)]
        self.rest = [fact for fact in facts if isinstance(fact, Rest)]
        self.some = [fact for fact in facts if isinstance(fact, Some)]
        self.counts = [fact for fact in facts if isinstance(fact, Count)]
        starts = [*(fact.start for fact in self.rest), *(fact.start for fact in self.some)]
        self.tail = max([0, *(fact.index + 1 for fact in self.at), *starts])
        """From here on all positions are alike."""

    def subs(self, index: int) -> frozenset[Sub]:
        return frozenset(
            [fact.sub for fact in self.at if fact.index == index]
            + [fact.sub for fact in self.rest if fact.start <= index]
        )


def build(facts: Collection[Single], find: Find) -> Outcome:
    said = _Facts(facts)
    if said.most is not None and said.least > said.most:
        return NONE
    if said.unique and said.twice:
        return NONE
    # Enough positions for each demand to have one of its own; more positions of the same kind change nothing.
    wanted = len(said.some) + sum(count.least for count in said.counts) + 2 * said.twice
    shortest = max([said.least, *(count.least for count in said.counts)])
    longest = max(shortest, said.tail + wanted)
    if said.most is not None:
        longest = min(longest, said.most)
    if longest > LONGEST:
        return UNKNOWN
    return first(_of_length(length, said, find) for length in range(shortest, longest + 1))


def _of_length(length: int, said: _Facts, find: Find) -> Outcome:
    return first((_items(subs, said, find) for subs in _assignments(length, said)), ASSIGNMENTS)


def _assignments(length: int, said: _Facts) -> Iterator[list[frozenset[Sub]]]:
    """What each position must fit, for each way of meeting the demands. Alike positions are taken in their order."""
    spend(length)
    base = [said.subs(index) for index in range(length)]
    places = [range(fact.start, min(length, said.tail + len(said.some))) for fact in said.some]
    for chosen in itertools.product(*places):
        subs = list(base)
        for fact, index in zip(said.some, chosen, strict=True):
            subs[index] = subs[index] | {fact.sub}
        yield from _counted(subs, said.counts)


def _counted(subs: list[frozenset[Sub]], counts: list[Count]) -> Iterator[list[frozenset[Sub]]]:
    if not counts:
        yield subs
        return
    count, rest = counts[0], counts[1:]
    alike = list(_alike(subs).values())
    most = count.least if count.most is None else min(count.most, len(subs))
    for number in range(count.least, most + 1):
        for chosen in _shared_out(number, alike):
            made = list(subs)
            spend(len(made))
            for index in range(len(subs)):
                if index in chosen:
                    made[index] = subs[index] | {count.sub}
                elif count.most is not None:  # otherwise that more of them fit is not forbidden
                    made[index] = subs[index] | {count.sub.opposite}
            yield from _counted(made, rest)


def _alike(subs: list[frozenset[Sub]]) -> dict[frozenset[Sub], list[int]]:
    """Positions by what they must fit."""
    found: dict[frozenset[Sub], list[int]] = {}
    for index, part in enumerate(subs):
        found.setdefault(part, []).append(index)
    return found


def _shared_out(number: int, alike: list[list[int]]) -> Iterator[set[int]]:
    """Ways to choose `number` positions, of alike ones always the first."""
    if not alike:
        if number == 0:
            yield set()
        return
    for here in range(max(0, number - sum(map(len, alike[1:]))), min(number, len(alike[0])) + 1):
        for others in _shared_out(number - here, alike[1:]):
            yield {*alike[0][:here], *others}


def _items(subs: list[frozenset[Sub]], said: _Facts, find: Find) -> Outcome:
    if said.twice:
        return _with_a_pair(subs, find)
    if not said.unique:
        return _each(subs, find)
    return _distinct(subs, find)


def _each(subs: list[frozenset[Sub]], find: Find) -> Outcome:
    value = []
    spend(len(subs))
    for part in subs:
        outcome = find(part)
        if not isinstance(outcome, Found):
            return outcome
        value.append(outcome.value)
    return Found(value)


def _with_a_pair(subs: list[frozenset[Sub]], find: Find) -> Outcome:
    """Two positions with one value; of alike positions the first are as good as any."""
    firsts = sorted(index for positions in _alike(subs).values() for index in positions[:2])
    return first(_with_equal(one, other, subs, find) for one, other in itertools.combinations(firsts, 2))


def _with_equal(one: int, other: int, subs: list[frozenset[Sub]], find: Find) -> Outcome:
    both = find(subs[one] | subs[other])
    if not isinstance(both, Found):
        return both
    rest = _each([part for index, part in enumerate(subs) if index not in (one, other)], find)
    if not isinstance(rest, Found):
        return rest
    others = iter(rest.value)
    return Found([both.value if index in (one, other) else next(others) for index in range(len(subs))])


def _distinct(subs: list[frozenset[Sub]], find: Find) -> Outcome:
    """Different values for all positions."""
    if len(subs) > MOST_DISTINCT:
        return UNKNOWN
    domains: list[tuple[list[Any], bool]] = []
    known: dict[frozenset[Sub], tuple[list[Any], bool]] = {}
    for part in subs:
        if part not in known:
            known[part] = _some_values(part, find, len(subs))
        values, complete = known[part]
        if not values:
            return NONE if complete else UNKNOWN
        domains.append((values, complete))
    chosen = _matched([values for values, _ in domains])
    if chosen is not None:
        return Found(chosen)
    return NONE if all(complete for _, complete in domains) else UNKNOWN


def _matched(domains: list[list[Any]]) -> list[Any] | None:
    """A value for each position out of its own domain, no two equal: a matching, found by augmenting paths."""
    values: list[Any] = []
    edges: list[list[int]] = []
    for domain in domains:
        edges.append([])
        for value in domain:
            known = next((index for index, other in enumerate(values) if equals_json(value, other)), len(values))
            if known == len(values):
                values.append(value)
            edges[-1].append(known)
    holder: dict[int, int] = {}
    if not all(_augmented(position, edges, holder, set()) for position in range(len(domains))):
        return None
    taken = {position: values[value] for value, position in holder.items()}
    return [taken[position] for position in range(len(domains))]


def _augmented(position: int, edges: list[list[int]], holder: dict[int, int], seen: set[int]) -> bool:
    for value in edges[position]:
        if value not in seen:
            seen.add(value)
            if value not in holder or _augmented(holder[value], edges, holder, seen):
                holder[value] = position
                return True
    return False


def _some_values(part: frozenset[Sub], find: Find, enough: int) -> tuple[list[Any], bool]:
    """Up to `enough` different values that fit, and whether these are all."""
    values: list[Any] = []
    while len(values) < enough:
        outcome = find(part | {Sub(constant(value), fits=False) for value in values})
        if not isinstance(outcome, Found):
            return values, outcome is NONE
        values.append(outcome.value)
    return values, False

"""A text for which a list of facts holds."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from functools import lru_cache

from services_communication.contracts.proof import numeric
from services_communication.contracts.proof.formats import FORMATS, PATTERN_EXAMPLES
from services_communication.contracts.proof.formula import Fact
from services_communication.contracts.proof.opinion import has_format
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found, Outcome
from services_communication.contracts.proof.pattern import UnreadablePatternError, term_of
from services_communication.contracts.proof.regex import (
    ANYTHING,
    Term,
    both,
    derivative,
    either,
    exactly,
    texts,
    without,
)
from services_communication.contracts.proof.work import BudgetError

TRIES = 300
LONGEST = 20_000


def text(facts: Collection[Fact]) -> Outcome:
    """A text that `facts` (among, length, pattern, format, decimal) hold for."""
    listed = [fact.value for fact in facts if fact.kind == "among" and fact.holds]
    if listed:
        fitting = sorted(value for value in frozenset.intersection(*listed) if fits(value, facts) is not False)
        return Found(fitting[0]) if fitting else NONE
    formats = {fact.value for fact in facts if fact.kind == "format" and fact.holds}
    implied = formats.union(*(FORMATS[name].within for name in formats))
    if any(fact.kind == "format" and not fact.holds and fact.value in implied for fact in facts):
        return NONE
    opposed = {fact.value for fact in facts if fact.kind == "pattern" and fact.holds}
    if any(fact.kind == "pattern" and not fact.holds and fact.value in opposed for fact in facts):
        return NONE
    decimal = _decimal(facts)
    if decimal is NONE:
        return NONE
    return _searched(facts, formats, decimal)


def fits(value: str, facts: Collection[Fact]) -> bool | None:
    """None where a pattern cannot be read."""
    answers = [_holds(value, fact) for fact in facts]
    if any(answer is not None and answer != fact.holds for answer, fact in zip(answers, facts, strict=True)):
        return False
    return None if None in answers else True


def _searched(facts: Collection[Fact], formats: set[str], decimal: Outcome) -> Outcome:
    least, most = _lengths(facts)
    if (most is not None and least > most) or least > LONGEST:
        return NONE if most is not None and least > most else UNKNOWN
    term = language(facts)
    examples = [example for name in sorted(formats) for example in FORMATS[name].examples]
    examples += [text for fact in facts if fact.kind == "pattern" for text in PATTERN_EXAMPLES.get(fact.value, ())]
    if isinstance(decimal, Found):
        examples.append(str(decimal.value))
    unsure: str | None = None
    count = 0
    try:
        for candidate in itertools.chain(examples, itertools.islice(texts(term, least, most), TRIES)):
            answer = fits(candidate, facts)
            if answer:
                return Found(candidate)
            if answer is None and unsure is None:
                unsure = candidate
            count += 1
    except BudgetError:
        return UNKNOWN if unsure is None else Found(unsure)
    if unsure is not None:
        return Found(unsure)  # for the validators to decide
    return NONE if count == len(examples) else UNKNOWN


@lru_cache(maxsize=50_000)
def _language(facts: frozenset[Fact]) -> Term:
    found = ANYTHING
    for fact in facts:
        if fact.kind == "pattern":
            try:
                term = term_of(fact.value)
            except UnreadablePatternError:
                continue
            found = both(found, term if fact.holds else without(term))
        elif fact.kind == "format" and fact.holds and FORMATS[fact.value].wider:
            found = both(found, term_of(FORMATS[fact.value].wider))
        elif fact.kind == "among" and not fact.holds:
            found = both(found, without(either(*map(exactly, fact.value))))
    return found


def language(facts: Collection[Fact]) -> Term:
    """The texts that `facts` allow, lengths aside. Patterns that cannot be read are left out: it may be too wide."""
    return _language(frozenset(fact for fact in facts if fact.kind in ("pattern", "format", "among")))


@lru_cache(maxsize=100_000)
def matches(pattern: str, value: str) -> bool | None:
    """Whether `pattern` is found in `value`; None where the pattern cannot be read."""
    try:
        term = term_of(pattern)
    except UnreadablePatternError:
        return None
    for character in value:
        term = derivative(term, ord(character))
    return term.has_blank


def _holds(value: str, fact: Fact) -> bool | None:
    match fact.kind:
        case "among":
            return value in fact.value
        case "length":
            return bool(len(value) >= fact.value)
        case "pattern":
            return matches(fact.value, value)
        case "format":
            return has_format(fact.value, value)
        case "decimal":
            if not has_format("decimal", value):
                return not fact.holds  # it says something of decimals only: neither it nor its opposite holds
            number = numeric.of_text(value)
            return None if number is None else numeric.fits(number, [fact.value])
    return None


def _decimal(facts: Collection[Fact]) -> Outcome:
    """The number that a decimal text must stand for. UNKNOWN: none is asked for."""
    said = [fact for fact in facts if fact.kind == "decimal"]
    if not said:
        return UNKNOWN
    numbers: list[Fact] = []
    for fact in said:
        inner: Fact = fact.value
        numbers.append(inner if fact.holds else Fact(inner.kind, inner.value, not inner.holds))
    return numeric.number(numbers)


def _lengths(facts: Collection[Fact]) -> tuple[int, int | None]:
    least = max((fact.value for fact in facts if fact.kind == "length" and fact.holds), default=0)
    most = min((fact.value - 1 for fact in facts if fact.kind == "length" and not fact.holds), default=None)
    return least, most

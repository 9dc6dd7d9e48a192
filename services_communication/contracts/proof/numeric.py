"""A number for which a list of facts holds. Numbers are rational: 0.1 is a tenth, 0.3 is a multiple of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from typing import Any

from services_communication.contracts.proof.formula import Fact, rational
from services_communication.contracts.proof.outcome import NONE, UNKNOWN, Found, Outcome

TRIES = 4000
LARGEST_EXPONENT = 1000
BOUNDS = {
    "minimum": ("above", True),
    "exclusiveMinimum": ("above", False),
    "maximum": ("below", True),
    "exclusiveMaximum": ("below", False),
}
OF_ONE_SIZE = 50


KEYWORDS = (*BOUNDS, "multipleOf", "x-max-digits")


def facts(keywords: Mapping[str, Any]) -> list[Fact]:
    """What the keywords of a schema say of numbers."""
    found = [
        Fact(kind, (rational(keywords[keyword]), inclusive))
        for keyword, (kind, inclusive) in BOUNDS.items()
        if keyword in keywords
    ]
    if isinstance(keywords.get("x-max-digits"), int):
        found.append(Fact("digits", keywords["x-max-digits"]))
    if keywords.get("multipleOf"):
        found.append(Fact("multiple", abs(rational(keywords["multipleOf"]))))
    return found


def number(facts: Collection[Fact]) -> Outcome:
    """A number that `facts` (above, below, multiple, among) hold for."""
    listed = [fact.value for fact in facts if fact.kind == "among" and fact.holds]
    if listed:
        fitting = sorted(value for value in frozenset.intersection(*listed) if fits(value, facts))
        return Found(written(min(fitting, key=lambda value: (abs(value), value)))) if fitting else NONE
    step = _least_common_multiple([fact.value for fact in facts if fact.kind == "multiple" and fact.holds])
    low, high = _bounds(facts)
    if low is not None and high is not None and low > high:
        return NONE
    fewest = min((fact.value for fact in facts if fact.kind == "digits" and fact.holds), default=math.inf)
    if any(fact.kind == "digits" and not fact.holds and fact.value >= fewest for fact in facts):
        return NONE
    avoided = [fact.value for fact in facts if fact.kind == "multiple" and not fact.holds]
    if step is not None and any((step / other).denominator == 1 for other in avoided):
        return NONE
    counted = [fact.value for fact in facts if fact.kind == "digits"]
    many = [Fraction(10) ** power for count in counted for power in (count, -count - 1)]
    ordinary = _multiples(step, low, high) if step is not None else _between(low, high)
    for tried, candidate in enumerate(itertools.chain(many, (-one for one in many), ordinary)):
        if fits(candidate, facts):
            return Found(written(candidate))
        if tried > TRIES:
            return UNKNOWN
    # All multiples between two bounds were tried; between numbers that need no multiple there are always others.
    single = low is not None and low == high
    return NONE if step is not None or single else UNKNOWN


def of_text(text: str) -> Fraction | None:
    """The number that a decimal text stands for; None where it is too large or too small to be worked with."""
    exponent = text.lower().partition("e")[2]
    return Fraction(text) if not exponent or abs(int(exponent)) <= LARGEST_EXPONENT else None


def fits(value: Fraction, facts: Collection[Fact]) -> bool:
    return all(_holds(value, fact) == fact.holds for fact in facts)


def _holds(value: Fraction, fact: Fact) -> bool:
    match fact.kind:
        case "above":
            bound, inclusive = fact.value
            return bool(value > bound or (inclusive and value == bound))
        case "below":
            bound, inclusive = fact.value
            return bool(value < bound or (inclusive and value == bound))
        case "multiple":
            return bool((value / fact.value).denominator == 1)
        case "among":
            return value in fact.value
        case "digits":
            return bool(digits(value) <= fact.value)
    return fact.holds


def digits(value: Fraction) -> float:
    """How many digits `value` has in decimals, as pydantic counts for ``max_digits``. Infinite where it never ends."""
    places, scaled = 0, abs(value)
    while scaled.denominator != 1:
        places, scaled = places + 1, scaled * 10
        if places > LARGEST_EXPONENT:
            return math.inf
    whole = len(str(abs(value).numerator // abs(value).denominator)) if abs(value) >= 1 else 0
    return whole + places


def written(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _bounds(facts: Collection[Fact]) -> tuple[Fraction | None, Fraction | None]:
    """The narrowest; whether they themselves fit is left to `fits`."""
    above = [fact.value[0] for fact in facts if (fact.kind, fact.holds) in (("above", True), ("below", False))]
    below = [fact.value[0] for fact in facts if (fact.kind, fact.holds) in (("below", True), ("above", False))]
    return max(above, default=None), min(below, default=None)


def _least_common_multiple(steps: list[Fraction]) -> Fraction | None:
    found: Fraction | None = None
    for step in steps:
        if found is None:
            found = step
        else:
            common = math.lcm(found.denominator, step.denominator)
            found = Fraction(math.lcm(int(found * common), int(step * common)), common)
    return found


def _multiples(step: Fraction, low: Fraction | None, high: Fraction | None) -> Iterator[Fraction]:
    """From the one nearest to zero outwards."""
    least = None if low is None else math.ceil(low / step)
    most = None if high is None else math.floor(high / step)
    if least is not None and most is not None and least > most:
        return
    start = 0
    if least is not None and least > 0:
        start = least
    elif most is not None and most < 0:
        start = most
    yield start * step
    for distance in range(1, TRIES + 2):
        up, down = start + distance, start - distance
        inside_up, inside_down = most is None or up <= most, least is None or down >= least
        if inside_up:
            yield up * step
        if inside_down:
            yield down * step
        if not inside_up and not inside_down:
            return


def _between(low: Fraction | None, high: Fraction | None) -> Iterator[Fraction]:
    """Whole numbers first, then halves and ever finer parts: numbers that are exact in binary, where bounds are."""
    if low is not None and low == high:
        yield low
        return
    for finer in (1, 2, 4, 8, 1024, 2**20):
        yield from itertools.islice(_multiples(Fraction(1, finer), low, high), OF_ONE_SIZE)
    if low is not None and high is not None:
        for part in range(1, 100):
            yield rational(float(low + (high - low) * Fraction(part, 100)))

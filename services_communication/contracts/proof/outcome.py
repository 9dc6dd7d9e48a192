"""What a search ends with: a value, the proof that there is none, or neither."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias


class Found(NamedTuple):
    value: Any


class End(Enum):
    NONE = "no value fits; proven"
    UNKNOWN = "none was found, and none was ruled out"


NONE: Final = End.NONE
UNKNOWN: Final = End.UNKNOWN
Outcome: TypeAlias = Found | End


def first(outcomes: Iterable[Outcome], most: int | None = None) -> Outcome:
    """The first value among `outcomes`; NONE only when all of them are. UNKNOWN when there are more than `most`."""
    last: Outcome = NONE
    for number, outcome in enumerate(outcomes):
        if number == most:
            return UNKNOWN
        if isinstance(outcome, Found):
            return outcome
        if outcome is UNKNOWN:
            last = UNKNOWN
    return last

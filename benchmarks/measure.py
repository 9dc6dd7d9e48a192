"""Measuring two ways of doing one thing in turn, so that a noisy machine disturbs both alike."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 5


@dataclass(frozen=True)
class Result:
    """Both figures are messages a second: medians of the rounds."""

    name: str
    what: str
    ours: float
    beside: str
    peer: float

    @property
    def ratio(self) -> float:
        return self.ours / self.peer


def side_by_side(
    name: str, what: str, ours: Callable[[], float], beside: str, peer: Callable[[], float], rounds: int = ROUNDS
) -> Result:
    """The first round warms up and is not counted."""
    pairs = [(peer(), ours()) for _ in range(rounds + 1)][1:]
    return Result(
        name, what, statistics.median(own for _, own in pairs), beside, statistics.median(other for other, _ in pairs)
    )

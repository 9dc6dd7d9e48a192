"""What the judge says of a change: a verdict for each direction, and every difference with its rule.

backward: the new reader accepts what the old writer emits, so readers may be released first.
forward: the old reader accepts what the new writer emits, so writers may be released first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["compatible", "breaking", "unknown"]
Direction: TypeAlias = Literal["backward", "forward"]


class Mode(StrEnum):
    """Which directions must hold, and against how many of the earlier versions: the last one, or all (transitive)."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    FULL = "FULL"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"

    @property
    def directions(self) -> tuple[Direction, ...]:
        name = self.removesuffix("_TRANSITIVE")
        found: dict[str, tuple[Direction, ...]] = {
            "NONE": (),
            "BACKWARD": ("backward",),
            "FORWARD": ("forward",),
            "FULL": ("backward", "forward"),
        }
        return found[name]

    @property
    def transitive(self) -> bool:
        return self.endswith("_TRANSITIVE")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two documents."""

    rule: str
    """A stable id: ``required-added``, ``max-length-lowered``."""
    pointer: str
    """Where it is in the document, as a JSON pointer (RFC 6901): ``/properties/email``."""
    old: Any
    """The value of the keyword before; ``...`` where it was absent."""
    new: Any
    direction: Direction | None
    """Which direction it breaks; None where it breaks nothing."""
    sentence: str
    """For a person: ``required field added at email: old messages lack it``."""
    witness: Any = ...
    """Of a break: a payload that one side writes and the other rejects. ``...`` where it breaks nothing."""


@dataclass(frozen=True, slots=True)
class Report:
    """The judgement of one pair. An empty `changes` means that nothing differs which a reader could see."""

    backward: Verdict
    forward: Verdict
    changes: tuple[Change, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why a verdict is ``unknown``: what our own engine says, and what the second opinion says."""

    def verdict(self, mode: Mode = Mode.FULL) -> Verdict:
        """The worst verdict among the directions of `mode`."""
        verdicts: set[Verdict] = {self.backward if name == "backward" else self.forward for name in mode.directions}
        return "breaking" if "breaking" in verdicts else "unknown" if "unknown" in verdicts else "compatible"

    def breaks(self, mode: Mode = Mode.FULL) -> tuple[Change, ...]:
        """The changes that break a direction of `mode`."""
        return tuple(change for change in self.changes if change.direction in mode.directions)

"""One difference between two documents, before anybody has asked whether it breaks something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from services_communication.contracts.changes.place import Place

ABSENT: Final[Any] = ...


@dataclass(frozen=True, slots=True)
class Difference:
    rule: str
    place: Place
    old: Any
    new: Any
    old_says: Any = True
    """The part of the old schema that the difference is about: what does not fit it, the old schema rejects."""
    new_says: Any = True
    quiet: bool = False
    """Not worth a word unless it breaks something."""

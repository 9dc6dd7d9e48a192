"""How much work a question may cost. Schemas are another team's input: each question ends, at the latest undecided."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

QUESTION = 2_000_000
"""Units for one search: some seconds. A unit is one small step, wherever it is made."""


class BudgetError(Exception):
    """The search was given up: it would take too long."""


class _Left(threading.local):
    units: int = QUESTION


_left = _Left()


@contextmanager
def limited(units: int = QUESTION) -> Iterator[None]:
    """Give up with BudgetError after so many units; a question inside another has a budget of its own."""
    outer, _left.units = _left.units, units
    try:
        yield
    finally:
        _left.units = outer


def spend(units: int = 1) -> None:
    """Raises BudgetError when nothing is left."""
    _left.units -= units
    if _left.units < 0:
        raise BudgetError

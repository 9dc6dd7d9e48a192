"""Locks and sockets do not survive a fork: what holds some is renewed in the child."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    def renew(self) -> None:
        """Drop, without closing, what belongs to the parent process. Runs while no other thread exists."""


_alive: WeakSet[Renewable] = WeakSet()


def renew_in_child(thing: Renewable) -> None:
    """Have `thing` renewed in every process that is forked from this one."""
    _alive.add(thing)


def _renew_all() -> None:
    for thing in list(_alive):
        thing.renew()


os.register_at_fork(after_in_child=_renew_all)

"""A service of its own within the tests' process: its contracts alone are registered, its router is the one asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from services_communication.consumer import MessageRouter
from services_communication.contracts import Registry, registry, resources

ROUTER = "tests_router_of_one_service"


@contextmanager
def nothing_declared() -> Iterator[None]:
    """What was registered before is back afterwards, and what was added is gone."""
    both: tuple[Registry[Any], ...] = (registry, resources)
    known = [(each, dict(each._contracts), dict(each._steps)) for each in both]
    for each, _, _ in known:
        each._contracts.clear()
        each._steps.clear()
    try:
        yield
    finally:
        for each, contracts, steps in known:
            each._contracts.clear()
            each._contracts.update(contracts)
            each._steps.clear()
            each._steps.update(steps)


@contextmanager
def router() -> Iterator[MessageRouter]:
    """A router that MESSAGE_CONSUMER can name, as ``ROUTER + ".router"``."""
    module = ModuleType(ROUTER)
    made = MessageRouter()
    module.router = made  # type: ignore[attr-defined]  # a module takes any name
    sys.modules[ROUTER] = module
    try:
        yield made
    finally:
        del sys.modules[ROUTER]

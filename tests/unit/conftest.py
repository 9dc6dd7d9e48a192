from __future__ import annotations

from collections.abc import Iterator

import pytest

from services_communication.contracts import registry


@pytest.fixture(autouse=True)
def _forget_contracts() -> Iterator[None]:
    """What a test declares inside its function is forgotten after it."""
    before = set(registry)
    yield
    for contract in registry:
        if contract not in before:
            registry.discard(contract)

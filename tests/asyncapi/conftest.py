from __future__ import annotations

from tests.unit.conftest import _forget_contracts

__all__ = ["_forget_contracts"]

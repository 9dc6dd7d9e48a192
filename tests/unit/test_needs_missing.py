"""Directories that are given as consumers' and hold no need."""

from __future__ import annotations

import json
from pathlib import Path

from services_communication.contracts.finding import Finding
from services_communication.contracts.usage import read_needs


def rules(found: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.level, finding.rule) for finding in found]


def test_directories_that_are_no_consumers(tmp_path: Path) -> None:
    """One that is not there, and one without needs, which would excuse every break."""
    assert rules(read_needs([tmp_path / "none"])[1]) == [("error", "need-unreadable")]
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/asyncapi.json").write_text('{"asyncapi": "3.0.0"}')
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/broken.json").write_text("{")
    assert rules(read_needs([tmp_path])[1]) == [("error", "needs-missing")]


def test_own_needs_are_no_consumers(tmp_path: Path) -> None:
    """Nor does a directory whose only need cannot be read hold none: that fault is told alone."""
    (tmp_path / "shop").mkdir()
    need = {
        "type": "object",
        "x-contract": {
            "kind": "event",
            "address": {"aggregate": "a", "event_type": "b"},
            "version": 1,
            "service": "shop",
            "uses": "reads",
        },
    }
    (tmp_path / "shop/a.json").write_text(json.dumps(need))
    assert rules(read_needs([tmp_path])[1]) == []
    assert rules(read_needs([tmp_path], "billing")[1]) == []
    assert rules(read_needs([tmp_path], "shop")[1]) == [("error", "needs-missing")]
    (tmp_path / "shop/a.json").write_text('{"type": "obj')
    assert rules(read_needs([tmp_path], "shop")[1]) == [("error", "need-unreadable")]

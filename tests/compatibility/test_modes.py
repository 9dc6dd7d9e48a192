"""Which directions must hold, and against how many of the former versions."""

from __future__ import annotations

from typing import Any

import pytest

from services_communication.contracts.compatibility import compare_all
from services_communication.contracts.report import Mode, Verdict


def text(longest: int) -> dict[str, Any]:
    return {"type": "string", "maxLength": longest}


def letters(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


@pytest.mark.parametrize(
    ("mode", "wider", "narrower"),
    [
        (Mode.NONE, "compatible", "compatible"),
        (Mode.BACKWARD, "compatible", "breaking"),
        (Mode.FORWARD, "breaking", "compatible"),
        (Mode.FULL, "breaking", "breaking"),
        (Mode.FULL_TRANSITIVE, "breaking", "breaking"),
    ],
)
def test_directions(mode: Mode, wider: Verdict, narrower: Verdict) -> None:
    """Widening breaks old readers, narrowing breaks old messages: the order of the arguments matters."""
    assert compare_all([text(5)], text(10), mode, roles=False).verdict(mode) == wider
    assert compare_all([text(10)], text(5), mode, roles=False).verdict(mode) == narrower


@pytest.mark.parametrize(("mode", "verdict"), [(Mode.BACKWARD, "compatible"), (Mode.BACKWARD_TRANSITIVE, "breaking")])
def test_all_former_versions(mode: Mode, verdict: Verdict) -> None:
    """Safe against the newest version, but not against the one before it."""
    former = [letters("a", "b", "c"), letters("a", "b")]
    report = compare_all(former, letters("a", "b"), mode, roles=False)
    assert report.verdict(mode) == verdict
    if verdict == "breaking":
        assert [(change.rule, change.witness) for change in report.breaks(mode)] == [("enum-value-removed", "c")]


def test_a_field_that_comes_back_with_another_type() -> None:
    """A, then B, then A again: each step is harmless, the whole is not."""
    without: dict[str, Any] = {"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]}
    first = {**without, "properties": {**without["properties"], "note": {"type": "integer"}}}
    again = {**without, "properties": {**without["properties"], "note": {"type": "string"}}}
    assert compare_all([first], without).verdict() == "compatible"
    assert compare_all([without], again).verdict() == "compatible"
    report = compare_all([first, without], again)
    assert report.verdict() == "breaking"
    assert {(change.rule, change.pointer) for change in report.breaks()} == {("type-changed", "/properties/note/type")}


def test_no_former_version() -> None:
    """The first version breaks nobody."""
    assert compare_all([], text(5)).verdict() == "compatible"

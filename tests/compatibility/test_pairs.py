"""651 pairs of schemas from other projects' tests, with their verdicts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from services_communication.contracts.compatibility import compare
from services_communication.contracts.report import Report
from tests.compatibility.validators import accepts

Judged = list[tuple[dict[str, Any], Report]]
DRAFT = {"apicurio": 7, "ibm": 4, "getsentry": 7}  # where the schema names none

# Labels of "gold" pairs that do not hold. The second opinion is "unknown" for each of them.
WRONG_LABELS = {
    # [a-z]* is not anchored, so it is found in every text: pattern and no pattern are the same.
    ("#10: String: pattern 1", "forward"): "compatible",
    ("#125: Conditional: then", "forward"): "compatible",
    ("#126: Conditional: else", "forward"): "compatible",
    # No validator looks into images, so nobody can show a text that is none.
    ("#103: String: contentMediaType 2", "forward"): "unknown",
}


@pytest.fixture(scope="module")
def judged(pairs: list[dict[str, Any]]) -> Judged:
    return [(pair, compare(pair["old"], pair["new"], roles=False, formats=pair["source"] != "ibm")) for pair in pairs]


def labelled(judged: Judged, status: str = "gold") -> Iterator[tuple[dict[str, Any], str, str, bool]]:
    for pair, report in judged:
        for direction in ("backward", "forward"):
            label = pair[f"label_{direction}"]
            if label is not None and pair["status"] == status:
                yield pair, direction, getattr(report, direction), label


def test_no_break_is_called_compatible(judged: Judged) -> None:
    """Where the label says "breaking" and the oracle agrees, we never say "compatible"."""
    missed = [
        (pair["id"], direction)
        for pair, direction, verdict, label in labelled(judged)
        if not label and pair[f"oracle_{direction}"] == "no" and verdict == "compatible"
    ]
    assert missed == []


def test_disagreements_are_known(judged: Judged) -> None:
    """Every verdict that is not the label's is in the list above, with its cause."""
    others = {
        (pair["id"], direction): verdict
        for pair, direction, verdict, label in labelled(judged)
        if verdict != ("compatible" if label else "breaking")
    }
    assert others == WRONG_LABELS


def test_how_many_are_right(judged: Judged) -> None:
    """At least 97 % are the label's, at most 3 % unknown."""
    verdicts = list(labelled(judged))
    right = sum(verdict == ("compatible" if label else "breaking") for _, _, verdict, label in verdicts)
    unknown = sum(verdict == "unknown" for _, _, verdict, _ in verdicts)
    assert right >= 0.97 * len(verdicts)
    assert unknown <= 0.03 * len(verdicts)


def test_disputed_pairs(judged: Judged) -> None:
    """Seven labels are wrong; there we say what the dispute says, wherever the oracle has decided."""
    meant = {"yes": "compatible", "no": "breaking"}
    for pair, direction, verdict, _ in labelled(judged, "disputed"):
        oracle = pair[f"oracle_{direction}"]
        if oracle in meant:
            assert (pair["id"], verdict) == (pair["id"], meant[oracle])


def test_each_break_has_a_witness(judged: Judged) -> None:
    """jsonschema takes it on one side and rejects it on the other, for every change that breaks."""
    checked = 0
    for pair, report in judged:
        draft, formats = DRAFT[pair["source"]], pair["source"] != "ibm"
        for change in report.changes:
            if change.direction is not None:
                writer, reader = ("old", "new") if change.direction == "backward" else ("new", "old")
                assert accepts(pair[writer], change.witness, draft, formats=formats), (pair["id"], change)
                if change.rule.startswith("content-encoding"):  # jsonschema does not look into contents
                    assert not is_base64(change.witness)
                else:
                    assert not accepts(pair[reader], change.witness, draft, formats=formats), (pair["id"], change)
                checked += 1
    assert checked > 700


def is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except ValueError:
        return False
    return True


def test_each_breaking_verdict_is_explained(judged: Judged) -> None:
    """A direction is breaking exactly where a change breaks it."""
    for pair, report in judged:
        for direction in ("backward", "forward"):
            named = any(change.direction == direction for change in report.changes)
            assert named == (getattr(report, direction) == "breaking"), pair["id"]

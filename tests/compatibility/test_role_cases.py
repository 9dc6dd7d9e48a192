"""The table of changes that decides what our verdicts mean: a writer emits its own fields, a reader ignores others."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from services_communication.contracts.compatibility import compare
from services_communication.contracts.report import Report
from services_communication.contracts.schema import document, reader_of, writer_of
from tests.compatibility.cases import MODELS
from tests.compatibility.validators import accepts

WORD = {"compatible": "ok", "breaking": "break", "unknown": "unknown"}
# Where pydantic's reader takes what its own schema rejects (notes 5 of the table): the schema is the contract there.
LENIENT = {"list -> set (uniqueItems)", "Decimal -> float", "float -> Decimal"}


def test_the_table_is_complete(role_cases: dict[str, Any]) -> None:
    """Each of the table's cases has its models here, and no other has."""
    assert MODELS.keys() == role_cases.keys()


@pytest.mark.parametrize("name", MODELS)
def test_roles(name: str, role_cases: dict[str, Any]) -> None:
    """Writer against reader, both ways, as the table says."""
    case = role_cases[name]
    report = compare(*MODELS[name])
    assert (WORD[report.backward], WORD[report.forward]) == (case["role_backward"], case["role_forward"])


@pytest.mark.parametrize("name", MODELS)
def test_plain(name: str, role_cases: dict[str, Any]) -> None:
    """One open schema for each version, both ways, as the table says."""
    case = role_cases[name]
    old, new = (model.model_json_schema() for model in MODELS[name])
    report = compare(old, new, roles=False)
    assert (WORD[report.backward], WORD[report.forward]) == (case["plain_backward"], case["plain_forward"])


@pytest.mark.parametrize("name", MODELS)
def test_each_break_has_a_witness(name: str) -> None:
    """jsonschema takes it on the writing side and rejects it on the reading side."""
    old, new = MODELS[name]
    report = compare(old, new)
    for change in report.changes:
        if change.direction is None:
            assert change.witness is ...
            continue
        writer, reader = (old, new) if change.direction == "backward" else (new, old)
        assert accepts(writer_of(document(writer)), change.witness)
        assert not accepts(reader_of(document(reader)), change.witness)


@pytest.mark.parametrize("name", [name for name in MODELS if name not in LENIENT])
def test_the_models_agree_about_the_witness(name: str) -> None:
    """The writing model takes it, the reading model does not."""
    old, new = MODELS[name]
    for change in compare(old, new).changes:
        if change.direction is not None:
            writer, reader = (old, new) if change.direction == "backward" else (new, old)
            assert takes(writer, change.witness)
            assert not takes(reader, change.witness)


def takes(model: type[BaseModel], value: Any) -> bool:
    try:
        model.model_validate(value)
    except ValidationError:
        return False
    return True


def test_a_verdict_that_breaks_names_a_change() -> None:
    """There is no break without the change that causes it."""
    for old, new in MODELS.values():
        report: Report = compare(old, new)
        for direction in ("backward", "forward"):
            named = any(change.direction == direction for change in report.changes)
            assert named == (getattr(report, direction) == "breaking")

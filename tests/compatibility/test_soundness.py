"""No payload that one side writes and the other rejects is ever missed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError, create_model

from services_communication.contracts import PayloadModel
from services_communication.contracts.codec import encode_model
from services_communication.contracts.compatibility import compare
from services_communication.contracts.report import Report
from services_communication.contracts.schema import document, reader_of, writer_of
from tests.compatibility.schemas import DRAFT_7, NEWEST, changed, payloads, plain, schemas
from tests.compatibility.validators import accepts, validator

thorough = settings(
    max_examples=250,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def check(report: Report, old: Any, new: Any, values: list[Any]) -> None:
    """What jsonschema says of `values` and of the witnesses agrees with the verdicts."""
    before, after = validator(old), validator(new)
    for value in values:
        fits, fits_now = before.is_valid(value), after.is_valid(value)
        assert not (fits and not fits_now and report.backward == "compatible"), value
        assert not (fits_now and not fits and report.forward == "compatible"), value
    for change in report.changes:
        if change.direction is not None:
            writer, reader = (old, new) if change.direction == "backward" else (new, old)
            assert accepts(writer, change.witness)
            assert not accepts(reader, change.witness)


@thorough
@given(st.data())
def test_plain_schemas(data: st.DataObject) -> None:
    """Of two schemas, one a small change of the other: no payload contradicts a verdict, no witness is wrong."""
    old = data.draw(schemas, "old")
    new = data.draw(changed(old), "new")
    check(compare(old, new, roles=False), old, new, data.draw(st.lists(payloads, min_size=12, max_size=20), "payloads"))


@thorough
@given(schemas, schemas, st.lists(payloads, min_size=8, max_size=12))
def test_unrelated_schemas(old: Any, new: Any, values: list[Any]) -> None:
    """The same of schemas that have nothing to do with each other."""
    check(compare(old, new, roles=False), old, new, values)


@thorough
@given(st.data())
def test_schemas_of_two_drafts(data: st.DataObject) -> None:
    """The same where one is of draft 7 and the other of draft 2020-12: keywords mean different things there."""
    old = data.draw(plain.filter(lambda schema: isinstance(schema, dict)), "old")
    new = data.draw(changed(old).filter(lambda schema: isinstance(schema, dict)), "new")
    drafts = [{**old, "$schema": NEWEST}, {**new, "$schema": DRAFT_7}]
    if data.draw(st.booleans()):
        drafts = [{**old, "$schema": DRAFT_7}, {**new, "$schema": NEWEST}]
    before, after = (validator(schema, 7 if schema["$schema"] == DRAFT_7 else 2020) for schema in drafts)
    report = compare(*drafts, roles=False)
    for value in data.draw(st.lists(payloads, min_size=12, max_size=20), "payloads"):
        fits, fits_now = before.is_valid(value), after.is_valid(value)
        assert not (fits and not fits_now and report.backward == "compatible"), value
        assert not (fits_now and not fits and report.forward == "compatible"), value


@thorough
@given(st.data())
def test_roles_of_plain_schemas(data: st.DataObject) -> None:
    """What a closed writer emits and an open reader rejects is never called compatible."""
    old = data.draw(schemas, "old")
    new = data.draw(changed(old), "new")
    assume(isinstance(old, dict) and isinstance(new, dict))
    report = compare(old, new)
    writes, reads = writer_of(old), reader_of(new)
    for value in data.draw(st.lists(payloads, min_size=12, max_size=20), "payloads"):
        if accepts(writes, value) and not accepts(reads, value):
            assert report.backward != "compatible", value


class Inner(PayloadModel):
    number: int
    text: str = "x"


class Tagged(PayloadModel):
    kind: Literal["tagged"]
    size: int


TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, st.integers(-100, 100)),
    "small": (Annotated[int, Field(ge=0, lt=10)], st.integers(0, 9)),
    "float": (float, st.floats(-10, 10, width=16)),
    "bool": (bool, st.booleans()),
    "str": (str, st.text("abc", max_size=6)),
    "short": (Annotated[str, Field(max_length=3)], st.text("abc", max_size=3)),
    "pattern": (Annotated[str, Field(pattern="^a+$")], st.sampled_from(["a", "aa"])),
    "letters": (Literal["a", "b"], st.sampled_from(["a", "b"])),
    "more": (Literal["a", "b", "c"], st.sampled_from(["a", "b", "c"])),
    "decimal": (Decimal, st.decimals(-100, 100, places=2)),
    "price": (Annotated[Decimal, Field(gt=0, decimal_places=2)], st.decimals(1, 100, places=2)),
    "datetime": (datetime, st.datetimes(datetime(2000, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001  it is given one
    "date": (date, st.dates(date(2000, 1, 1))),
    "list": (list[int], st.lists(st.integers(0, 3), max_size=3)),
    "texts": (list[str], st.lists(st.text("ab", max_size=2), max_size=3)),
    "bounded map": (
        dict[str, Annotated[int, Field(le=2)]],
        st.dictionaries(st.text("ab", max_size=2), st.integers(0, 2), max_size=2),
    ),
    "map": (dict[str, int], st.dictionaries(st.text("ab", max_size=2), st.integers(0, 3), max_size=2)),
    "inner": (Inner, st.builds(Inner, number=st.integers(0, 3), text=st.text("ab", max_size=2))),
    "tagged": (Tagged, st.builds(Tagged, kind=st.just("tagged"), size=st.integers(0, 3))),
}
fields = st.dictionaries(
    st.sampled_from(["first", "second", "third"]),
    st.tuples(st.sampled_from(sorted(TYPES)), st.sampled_from(["required", "optional"])),
    min_size=1,
    max_size=3,
)


def model(chosen: dict[str, tuple[str, str]]) -> type[PayloadModel]:
    made: dict[str, Any] = {
        name: (TYPES[kind][0], ...) if need == "required" else (TYPES[kind][0] | None, None)
        for name, (kind, need) in chosen.items()
    }
    created: type[PayloadModel] = create_model("Made", __base__=PayloadModel, **made)
    return created


@thorough
@given(st.data())
def test_models(data: st.DataObject) -> None:
    """What an instance of the old model is on the wire, and the new model refuses, is never called compatible."""
    before = data.draw(fields, "old")
    after = {
        name: data.draw(st.just(field) | fields.map(lambda f: next(iter(f.values())))) for name, field in before.items()
    }
    if data.draw(st.booleans()):
        after |= data.draw(fields, "added")
    old, new = model(before), model(after)
    values = {
        name: data.draw(TYPES[kind][1] if need == "required" else TYPES[kind][1] | st.none())
        for name, (kind, need) in before.items()
    }
    body = encode_model(old(**values))
    report = compare(old, new)
    try:
        new.model_validate_json(body)
    except ValidationError:
        assert report.backward != "compatible", body
    assert report == compare(document(old), document(new))

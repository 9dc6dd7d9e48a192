"""What JSON Schema alone cannot show of a contract, and what belongs to a call."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import UUID4, BaseModel, Field, PastDate, ValidationError, computed_field, create_model

from services_communication.contracts import CallModel, PayloadModel
from services_communication.contracts.compatibility import compare
from services_communication.contracts.report import Change
from services_communication.contracts.schema import document


def contract(**fields: Any) -> type[PayloadModel]:
    made = {name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()}
    created: type[PayloadModel] = create_model("Made", __base__=PayloadModel, **made)
    return created


def breaks(old: type[BaseModel], new: type[BaseModel]) -> list[Change]:
    return [change for change in compare(old, new).changes if change.direction is not None]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (Field(gt=0), Field(gt=10), "exclusive-minimum-raised"),
        (Field(le=100), Field(le=10), "maximum-lowered"),
        (Field(gt=0), Field(gt=0, decimal_places=2), "multiple-of-added"),
        (Field(max_digits=6, decimal_places=2), Field(max_digits=4, decimal_places=2), "exclusive-maximum-lowered"),
        (Field(ge=0, le=1, max_digits=8), Field(ge=0, le=1, max_digits=5), "max-digits-changed"),
    ],
)
def test_bounds_of_decimals(old: Any, new: Any, rule: str) -> None:
    """A Decimal travels as text, which no keyword of JSON Schema bounds; its bounds count all the same."""
    before, after = contract(price=Annotated[Decimal, old]), contract(price=Annotated[Decimal, new])
    report = compare(before, after)
    assert (report.backward, report.forward) == ("breaking", "compatible")
    found = {change.rule: change for change in breaks(before, after)}
    witness = found[rule].witness
    assert isinstance(witness["price"], str)
    before.model_validate(witness, strict=False)
    with pytest.raises(ValidationError):
        after.model_validate(witness, strict=False)


def test_contracts_always_write_every_field() -> None:
    """So a field with a default may become required, and the other way round."""
    report = compare(contract(note=(str, "")), contract(note=str))
    assert (report.backward, report.forward) == ("compatible", "compatible")


def test_datetimes_of_contracts_are_aware() -> None:
    """A plain model's may be naive, which a contract refuses: that is a break, though pydantic's schemas are equal."""

    class Plain(BaseModel):
        at: datetime

    (change,) = breaks(Plain, contract(at=datetime))
    assert (change.rule, change.direction) == ("format-added", "backward")
    assert Plain.model_validate(change.witness).at.tzinfo is None
    with pytest.raises(ValidationError):
        contract(at=datetime).model_validate(change.witness, strict=False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (date, Annotated[date, Field(ge=date(2020, 1, 1))]),
        (timedelta, Annotated[timedelta, Field(le=timedelta(days=1))]),
        (Annotated[date, Field(le=date(2030, 1, 1))], PastDate),
    ],
)
def test_bounds_of_dates_are_not_looked_into(old: Any, new: Any) -> None:
    """JSON Schema has no words for them: a change is told, and never called compatible."""
    report = compare(contract(on=old), contract(on=new))
    assert report.backward == "unknown"
    assert next(change.rule for change in report.changes).startswith("bounds-")


def test_a_version_of_uuids() -> None:
    """A UUID of any version may be no UUID4; a UUID4 is a UUID."""
    report = compare(contract(id=UUID), contract(id=UUID4))
    assert (report.backward, report.forward) == ("breaking", "compatible")


def test_a_reply_that_goes() -> None:
    """Who asks waits for it."""
    with_reply = {"x-contract": {"reply": {"type": "string"}}}
    report = compare(with_reply, {"x-contract": {}})
    assert (report.backward, report.forward) == ("breaking", "breaking")
    assert {change.rule for change in report.changes} == {"reply-removed"}


def test_a_model_that_becomes_a_map() -> None:
    """Its fields must fit what all values of the map must fit."""

    class Size(PayloadModel):
        width: int
        height: int

    old, new = contract(size=Size), contract(size=dict[str, Annotated[int, Field(le=100)]])
    assert compare(old, new).backward == "breaking"
    body = '{"size":{"width":500,"height":1}}'
    old.model_validate_json(body)
    with pytest.raises(ValidationError):
        new.model_validate_json(body)


def test_strictness_is_told() -> None:
    """A reader that no longer converts breaks no writer, which never wrote "5" for 5; but it is told."""

    class Lax(BaseModel):
        number: int

    report = compare(Lax, contract(number=int))
    assert (report.backward, report.forward) == ("compatible", "compatible")
    assert [change.rule for change in report.changes] == ["lax-removed"]


def test_a_field_that_is_only_written() -> None:
    """A computed field is no reader's business; a reader that asks for it later depends on it."""

    class Computed(PayloadModel):
        a: int

        @computed_field  # type: ignore[prop-decorator]  # mypy cannot stack it on a property
        @property
        def double(self) -> int:
            return 2 * self.a

    assert "writer" in document(Computed)["x-contract"]
    report = compare(Computed, contract(a=int, double=int))
    assert (report.backward, report.forward) == ("compatible", "compatible")
    assert compare(contract(a=int), contract(a=int, double=int)).backward == "breaking"


class Quote(PayloadModel):
    amount: Decimal


class NewQuote(PayloadModel):
    amount: Decimal
    currency: str


def call(reply: Any, **fields: Any) -> type[BaseModel]:
    base: Any = CallModel[reply]
    made: Any = {name: (field, ...) for name, field in fields.items()}
    created: type[BaseModel] = create_model("Ask", __base__=base, __cls_kwargs__={"abstract": True}, **made)
    return created


def test_a_calls_reply_is_judged_too() -> None:
    """It is written by the one who answers: a field more in it breaks only a reader who needs it."""
    old, new = call(Quote, product_id=int), call(NewQuote, product_id=int)
    (change,) = breaks(old, new)
    assert (change.rule, change.direction) == ("required-added", "backward")
    assert change.pointer == "/x-contract/reply/properties/currency"
    assert change.witness.keys() == {"amount"}


def test_equal_documents() -> None:
    """Nothing changes, nothing is said."""
    report = compare(document(Quote), document(Quote))
    assert (report.backward, report.forward, report.changes) == ("compatible", "compatible", ())

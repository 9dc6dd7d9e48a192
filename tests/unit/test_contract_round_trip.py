"""Whatever a contract takes comes back equal from its bytes (Hypothesis)."""

from __future__ import annotations

import enum
import json
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from services_communication.contracts import PayloadModel
from services_communication.contracts.codec import encode_model

M = TypeVar("M", bound=PayloadModel)


class Color(enum.Enum):
    RED = "red"
    DARK_BLUE = "darkBlue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Cat(PayloadModel):
    kind: Literal["cat"] = "cat"
    lives_left: int


class Dog(PayloadModel):
    kind: Literal["dog"] = "dog"
    good_boy: bool


class Everything(PayloadModel):
    whole_number: int
    real: float
    flag: bool
    text: str
    raw: bytes
    money: Decimal
    moment: datetime
    day: date
    clock: time
    span: timedelta
    uuid: UUID
    color: Color
    level: Level
    kind: Literal["a", "b", 3]
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    pets_by_name: dict[str, Cat]
    numbers: list[int]
    pair: tuple[int, str]
    many: tuple[UUID, ...]
    bag: set[int]
    frozen: frozenset[str]
    optional: str | None
    anything: Any


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


def instances(model: type[M], **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[M]:
    """Not instances(): it would add arguments for the signature's camelCase names."""
    return st.fixed_dictionaries(fields).map(lambda values: model(**values))


integers = st.integers(-(10**30), 10**30)
cats = instances(Cat, lives_left=integers)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
everything = instances(
    Everything,
    whole_number=integers,
    real=st.floats(allow_nan=False, allow_infinity=False),
    flag=st.booleans(),
    text=texts,
    raw=st.binary(),
    money=st.decimals(allow_nan=False, allow_infinity=False),
    moment=st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC) | offsets),  # noqa: DTZ001  naive on purpose
    day=st.dates(),
    clock=st.times(),
    span=st.timedeltas(timedelta(days=-10_000), timedelta(days=10_000)),
    uuid=st.uuids(),
    color=st.sampled_from(Color),
    level=st.sampled_from(Level),
    kind=st.sampled_from(["a", "b", 3]),
    pet=cats | instances(Dog, good_boy=st.booleans()),
    pets_by_name=st.dictionaries(texts, cats, max_size=3),
    numbers=st.lists(integers, max_size=5),
    pair=st.tuples(integers, texts),
    many=st.lists(st.uuids(), max_size=3).map(tuple),
    bag=st.sets(integers, max_size=5),
    frozen=st.frozensets(texts, max_size=3),
    optional=st.none() | texts,
    anything=json_values,
)


@given(everything)
def test_every_type_comes_back_equal(value: Everything) -> None:
    """Reading what was written gives the same instance, of the same classes."""
    back = Everything.model_validate_json(encode_model(value))
    assert back == value
    assert type(back.pet) is type(value.pet)
    assert type(back.level) is Level


@given(everything)
def test_every_body_is_json_of_one_form(value: Everything) -> None:
    """Any JSON parser reads it; money and spans are strings, moments are in UTC."""
    body = json.loads(encode_model(value), parse_constant=lambda constant: 1 / 0)
    assert Decimal(body["money"]) == value.money
    assert isinstance(body["money"], str)
    assert isinstance(body["span"], str)
    assert body["moment"].endswith("Z")
    assert datetime.fromisoformat(body["moment"]) == value.moment
    assert body["color"] in ("red", "darkBlue")
    assert set(body["petsByName"]) == set(value.pets_by_name)

"""Which values a contract takes, in code and from the wire."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import Field, ValidationError

from services_communication.contracts import PayloadModel
from services_communication.contracts.codec import encode_model, encode_plain, model_from_plain
from services_communication.errors import EncodeError


class Color(enum.Enum):
    RED = "red"


class Address(PayloadModel):
    street_name: str
    city_code: str = ""


class Person(PayloadModel):
    user_id: int
    first_name: str = ""
    home_address: Address | None = None


class Free(PayloadModel):
    text: str = ""
    texts: list[str] = []  # noqa: RUF012  pydantic copies it
    names: dict[str, int] = {}  # noqa: RUF012  pydantic copies it
    values: dict[str, str] = {}  # noqa: RUF012  pydantic copies it
    anything: Any = None
    nested: list[dict[str, list[str]]] = []  # noqa: RUF012  pydantic copies it
    either: int | str = 0
    pair: tuple[str, int] = ("", 0)
    bag: set[str] = set()  # noqa: RUF012  pydantic copies it
    short: Annotated[str, Field(max_length=10)] = ""
    address: Address | None = None


class When(PayloadModel):
    at: datetime


def test_both_spellings_are_accepted_in_code_and_on_input() -> None:
    """A field is given as first_name or as firstName."""
    expected = Person(user_id=1, first_name="A", home_address=Address(street_name="S"))
    assert Person(userId=1, firstName="A", homeAddress={"streetName": "S"}) == expected
    for body in (
        '{"userId":1,"firstName":"A","homeAddress":{"streetName":"S"}}',
        '{"user_id":1,"first_name":"A","home_address":{"street_name":"S"}}',
        '{"user_id":1,"firstName":"A","homeAddress":{"street_name":"S"}}',
    ):
        assert Person.model_validate_json(body) == expected


def test_camel_case_is_written() -> None:
    """No option has to be given: both of pydantic's ways of writing use the wire's names."""
    person = Person(user_id=1, first_name="A", home_address=Address(street_name="S"))
    body = '{"userId":1,"firstName":"A","homeAddress":{"streetName":"S","cityCode":""}}'
    assert person.model_dump_json() == body
    assert encode_model(person) == body.encode()
    assert list(person.model_dump()) == ["userId", "firstName", "homeAddress"]


def test_keys_of_data_are_not_rewritten() -> None:
    """Only field names change case: a map's keys are data."""
    assert encode_model(Free(names={"user_id": 1, "aB": 2})).count(b'"names":{"user_id":1,"aB":2}') == 1


def test_unknown_keys_are_ignored() -> None:
    """A writer may add fields, at any depth."""
    assert Person.model_validate_json('{"userId":1,"new":[1],"homeAddress":{"streetName":"S","new":null}}') == Person(
        user_id=1, home_address=Address(street_name="S")
    )


def test_instances_are_frozen() -> None:
    """A published event cannot be changed afterwards."""
    with pytest.raises(ValidationError, match="frozen"):
        Person(user_id=1).user_id = 2  # type: ignore[misc]  # wrong on purpose


WRONG_JSON = ['"5"', "true", "5.5", "null", "[]", "1e400", "NaN", '""', "5.0e-1"]


@pytest.mark.parametrize("value", WRONG_JSON)
def test_an_int_is_no_other_json_value(value: str) -> None:
    """ "5", true and null are not 5."""
    with pytest.raises(ValidationError):
        Person.model_validate_json(f'{{"userId":{value}}}')


@pytest.mark.parametrize("value", ["5", True, 5.0, None, b"5", Decimal(5)])
def test_an_int_is_no_other_python_value(value: object) -> None:
    """The constructor is as strict as the wire."""
    with pytest.raises(ValidationError):
        Person(user_id=value)  # type: ignore[arg-type]  # wrong on purpose


def test_defaults_are_validated() -> None:
    """A default that the type forbids fails when it is used, not at the reader."""

    class Wrong(PayloadModel):
        count: int = "5"  # type: ignore[assignment]  # wrong on purpose

    with pytest.raises(ValidationError):
        Wrong()


BAD_TEXT = ["\x00", "a\x00b", "\ud800", "ж\udfff"]
PLACES: list[tuple[str, Any]] = [
    ("text", lambda text: text),
    ("texts", lambda text: ["fine", text]),
    ("names", lambda text: {text: 1}),
    ("values", lambda text: {"key": text}),
    ("anything", lambda text: text),
    ("anything", lambda text: {"a": [{"b": (text,)}]}),
    ("anything", lambda text: {text: 1}),
    ("nested", lambda text: [{"a": [text]}]),
    ("nested", lambda text: [{text: []}]),
    ("either", lambda text: text),
    ("pair", lambda text: (text, 1)),
    ("bag", lambda text: {text}),
    ("short", lambda text: text),
    ("address", lambda text: Address.model_construct(street_name=text).model_dump()),
]


@pytest.mark.parametrize("text", BAD_TEXT, ids=ascii)
@pytest.mark.parametrize(("field", "put"), PLACES, ids=[f"{p[0]}-{n}" for n, p in enumerate(PLACES)])
def test_nul_and_lone_surrogates_are_refused_everywhere(field: str, put: Any, text: str) -> None:
    """PostgreSQL cannot store NUL and UTF-8 cannot carry a surrogate; SQLite would hide both."""
    with pytest.raises(ValidationError):
        Free(**{field: put(text)})


@pytest.mark.parametrize("field", ["text", "anything"])
def test_nul_is_refused_from_the_wire(field: str) -> None:
    """The escaped form is the same character."""
    with pytest.raises(ValidationError, match="NUL"):
        Free.model_validate_json(f'{{"{field}":"\\u0000"}}')


@pytest.mark.parametrize("text", ["\x01\x1f\x7f", "\u202eabc", "a\nb\r", "😀", "ж" * 1000, "'; --"])
def test_other_characters_travel(text: str) -> None:
    """Control characters, marks and emoji are text."""
    assert Free.model_validate_json(encode_model(Free(text=text, anything=text))).text == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_nan_and_infinity_are_refused(value: float) -> None:
    """JSON has no such numbers: in float fields, in Any, nested, as Decimal."""

    class Number(PayloadModel):
        number: float = 0
        money: Decimal = Decimal(0)
        anything: Any = None

    for wrong in (
        {"number": value},
        {"money": Decimal(str(value))},
        {"anything": value},
        {"anything": {"a": [value]}},
        {"anything": Decimal(str(value))},
    ):
        with pytest.raises(ValidationError):
            Number(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    for literal in ("NaN", "Infinity", "-Infinity", "1e999"):
        for field in ("number", "anything"):
            with pytest.raises(ValidationError):
                Number.model_validate_json(f'{{"{field}":{literal}}}')


def test_a_naive_datetime_is_refused() -> None:
    """It means another instant to each reader; the message says what to do."""
    with pytest.raises(ValidationError, match="aware"):
        When(at=datetime(2023, 6, 2, 10, 58, 58))  # noqa: DTZ001  naive on purpose
    with pytest.raises(ValidationError, match="aware"):
        When.model_validate_json('{"at":"2023-06-02T10:58:58"}')


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC), b'{"at":"2023-06-02T10:58:58Z"}'),
        (datetime(2023, 6, 2, 10, 58, 58, 340174, UTC), b'{"at":"2023-06-02T10:58:58.340174Z"}'),
        (datetime(2023, 6, 2, 15, 58, 58, tzinfo=timezone(timedelta(hours=5))), b'{"at":"2023-06-02T10:58:58Z"}'),
        (datetime(2023, 1, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), b'{"at":"2022-12-31T23:30:00Z"}'),
        (datetime(1, 1, 1, tzinfo=UTC), b'{"at":"0001-01-01T00:00:00Z"}'),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), b'{"at":"9999-12-31T23:59:59Z"}'),
    ],
)
def test_an_aware_datetime_is_written_in_utc(at: datetime, written: bytes) -> None:
    """One instant has one form, with Z."""
    assert encode_model(When(at=at)) == written


@pytest.mark.parametrize("text", ["2023-06-02T10:58:58Z", "2023-06-02T10:58:58+00:00", "2023-06-02T15:58:58.000+05:00"])
def test_a_datetime_is_read_in_every_form(text: str) -> None:
    """With or without fraction, Z or an offset."""
    assert When.model_validate_json(f'{{"at":"{text}"}}').at == datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC)


def test_a_datetime_beyond_the_calendar_is_refused() -> None:
    """Year 1 east of Greenwich is year 0 in UTC."""
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        When(at=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))))


@pytest.mark.parametrize("value", ["1685703538", '"2023-06-02T10:58:60Z"', "true", '"yesterday"'])
def test_what_is_no_datetime_is_refused(value: str) -> None:
    """Neither an epoch number nor a leap second."""
    with pytest.raises(ValidationError):
        When.model_validate_json(f'{{"at":{value}}}')


class Every(PayloadModel):
    money: Decimal
    at: datetime
    day: date
    span: timedelta
    uuid: UUID
    raw: bytes
    color: Color
    kind: Literal["a", "b"]


def test_each_type_has_one_form() -> None:
    """Decimal and timedelta are strings, bytes base64 (RFC 4648 §5), enums their values."""
    every = Every(
        money=Decimal("0.10"),
        at=datetime(2023, 6, 2, tzinfo=UTC),
        day=date(2023, 6, 2),
        span=timedelta(minutes=1, seconds=30),
        uuid=UUID(int=1),
        raw=b"\xff\xfe",
        color=Color.RED,
        kind="b",
    )
    assert encode_model(every) == (
        b'{"money":"0.10","at":"2023-06-02T00:00:00Z","day":"2023-06-02","span":"PT1M30S",'
        b'"uuid":"00000000-0000-0000-0000-000000000001","raw":"__4=","color":"red","kind":"b"}'
    )


def test_an_error_does_not_hold_the_value() -> None:
    """Errors are logged; what a person typed is not to be in the log."""
    with pytest.raises(ValidationError) as caught:
        Person(user_id="secret-value")  # type: ignore[arg-type]  # wrong on purpose
    assert "secret-value" not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [float("nan"), {"a": [float("inf")]}, "\x00", {"\x00": 1}, ["\ud800"], Decimal("NaN"), object(), {1: object()}],
    ids=repr,
)
def test_untyped_values_obey_the_same_rules(value: object) -> None:
    """The historical forms refuse what a contract would."""
    with pytest.raises(EncodeError):
        encode_plain(value)


def test_an_untyped_naive_datetime_is_refused() -> None:
    """Also where no contract looks at it."""
    with pytest.raises(EncodeError, match="aware"):
        encode_plain({"at": datetime(2023, 6, 2)})  # noqa: DTZ001  naive on purpose


def test_an_untyped_value_without_end_is_refused() -> None:
    """A list that holds itself must not end the process."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodeError):
        encode_plain(endless)


def test_untyped_data_is_judged_as_if_it_had_come_by_wire() -> None:
    """A contract takes a dictionary in snake_case, with the types that JSON has, and names the path of a fault."""
    assert model_from_plain(Person, {"user_id": 1, "home_address": {"street_name": "S"}}) == Person(
        user_id=1, home_address=Address(street_name="S")
    )
    with pytest.raises(EncodeError, match="userId") as caught:
        model_from_plain(Person, {"user_id": "secret-value"})
    assert "secret-value" not in str(caught.value)

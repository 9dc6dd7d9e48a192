"""Document → package → document: a generated contract is the contract that its document was made of.

The contracts below are declared, and the generated ones imported, in processes of their own: both want one address.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from services_codegen.__main__ import main

ROOT = Path(__file__).resolve().parents[2]

# What gives the same bytes again.
FAITHFUL = r'''
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, Field, PositiveInt

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel


class Address(PayloadModel):
    """Where somebody lives."""

    street_name: str = Field(min_length=1, max_length=50, pattern="^[A-Z]")
    city_code: str = "T"


class Cat(PayloadModel):
    kind: Literal["cat"]
    lives: int


class Dog(PayloadModel):
    kind: Literal["dog", "wolf"] = "dog"
    name: str


class Empty(PayloadModel):
    """Nothing."""


class Node(PayloadModel):
    """A node \\ with "quotes" and \"\"\"three\"\"\".

    - a long line, a long line, a long line, a long line, a long line, a long line, a long line, a long line, a long one
      indented
    """

    value: int = 0
    left: Node | None = None
    children: list[Node] = []
    pets: dict[str, Cat | Dog] = {}
    empty: Empty = Empty()


Item = TypeVar("Item")


class Page(PayloadModel, Generic[Item]):
    items: list[Item]
    total: int


class Quote(PayloadModel):
    """What it costs."""

    amount: Decimal
    address: Address


class Numbers(EventModel, aggregate="trip", event_type="numbers", version=2, key="number_id", owner="shop"):
    """Numbers.

    Second paragraph.
    """

    number_id: int
    small: Annotated[int, Field(ge=1, le=10, multiple_of=3)]
    positive: PositiveInt
    ratio: Annotated[float, Field(gt=0.5, lt=10)] = 1.5
    negative: float = -1.5
    amount: Decimal
    price: Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
    cost: Annotated[Decimal, Field(gt=0, decimal_places=2)]
    whole: Annotated[Decimal, Field(decimal_places=0)]
    fee: Annotated[Decimal, Field(ge=0, le=Decimal("99.5"), multiple_of=Decimal("0.05"))] | None = None
    digits: Annotated[Decimal, Field(max_digits=5)]
    preset: Decimal = Decimal("1.50")
    nullable: Annotated[Decimal | None, Field(gt=Decimal("-0.1"))] = None
    amounts: list[Decimal] = [Decimal("1.50")]
    by_name: dict[str, Decimal] = {"a": Decimal("-1.5")}


class Texts(EventModel, aggregate="trip", event_type="texts", unroutable_ok=True):
    at: datetime
    aware: AwareDatetime
    day: date = date(2024, 1, 2)
    clock: time
    span: timedelta = timedelta(minutes=90)
    uid: UUID
    raw: bytes = b"\xff\x00"
    limited: Annotated[bytes, Field(max_length=4)]
    ip: IPv4Address
    ip6: IPv6Address
    letters: Literal["a", "b", 3, None]
    one: Literal["x"]
    yes: Literal[True]
    signs: Literal[-1, 2] = -1
    odd: str = "it's \"x\" \n é \\ "
    flag: bool = True
    date_: date = Field(alias="date")
    time_: time | None = Field(None, alias="time")
    list_: list[int] = Field([], alias="list")
    set_: set[int] = Field({1}, alias="set")
    wire: int = Field(alias="ODD_wire")


class Collections(EventModel, aggregate="trip", event_type="collections"):
    tags: set[str]
    frozen: frozenset[int] = frozenset({3, 1})
    none: set[UUID] = set()
    numbers: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=3)] = [1]
    pair: tuple[int, str] = (1, "a")
    nested_pair: tuple[tuple[int, int], Address]
    single: tuple[int] = (1,)
    many: tuple[int, ...]
    counts: dict[str, int]
    by_id: dict[int, int]
    by_uuid: dict[UUID, str]
    by_day: dict[date, Address] = {}
    by_letter: dict[Literal["a", "b"], int]
    by_pattern: dict[Annotated[str, Field(pattern="^a")], int]
    by_length: Annotated[dict[str, int], Field(min_length=1, max_length=9)]
    free: dict[str, Any]
    values: list[Any] = [1, "a", None]
    lists: list[list[int]]
    deep: dict[str, dict[str, list[tuple[int, Decimal]]]]
    fresh_list: list[str] = Field(default_factory=list)
    fresh_map: dict[str, int] = Field(default_factory=dict)
    fresh_set: set[int] = Field(default_factory=set)


class Models(EventModel, aggregate="trip", event_type="models"):
    address: Address
    nullable: Address | None = None
    preset: Address = Address(street_name="X")
    addresses: list[Address] = []
    node: Node
    nodes: list[Node] = [Node(left=Node())]
    empty: Empty
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]]
    perhaps: Annotated[Cat | Dog | None, Field(discriminator="kind")] = None
    untagged: Cat | Dog
    mixed: int | str
    rule: Annotated[str, Field(min_length=1)] | int
    union: list[int] | dict[str, int] | None = None
    anything: Any = None
    given: Any = {"a": [1]}
    page: Page[int]
    addressed: Page[Address]
    described: int = Field(description="Said of a field.", examples=[1, 2], deprecated=True)
    place: Annotated[Address, Field(description='An "address".')]
    perhaps_described: Annotated[str | None, Field(description="An optional text.")] = None


class Send(CommandModel, service="trip", command_name="send", key="phone", owner="sms"):
    phone: str


class Bare(CommandModel, service="trip"):
    pass


class GetQuote(CallModel[Quote], service="trip", method_name="quote", owner="shop"):
    product_id: int
    address: Address


class GetQuotes(CallModel[list[Quote]], service="trip", method_name="quotes"):
    product_id: int


class GetCount(CallModel[int], service="trip", method_name="count"):
    product_id: int


class Forget(CallModel[None], service="trip", method_name="forget"):
    product_id: int


class GetTree(CallModel[Node], service="trip", method_name="tree"):
    root: Node


class GetPet(CallModel[Annotated[Cat | Dog, Field(discriminator="kind")]], service="trip", method_name="pet"):
    name: str


class GetPets(CallModel[dict[str, Cat] | None], service="trip", method_name="pets"):
    name: str


class Zone(PayloadModel, resource="zones/sub", version=3, owner="delivery"):
    """A zone, which may lie in another."""

    zone_id: int
    parent: Zone | None = None
'''

# What comes back in another form, and the reason.
CHANGED = r"""
from __future__ import annotations

import enum
from typing import Generic, TypeVar
from uuid import UUID, uuid4

from pydantic import AnyUrl, Field, computed_field

from services_communication.contracts import CallModel, EventModel, PayloadModel

Item = TypeVar("Item")


class Page(PayloadModel, Generic[Item]):
    items: list[Item]


class Colour(enum.StrEnum):
    RED = "red"


class Painted(EventModel, aggregate="trip", event_type="painted"):
    colour: Colour


class Summed(EventModel, aggregate="trip", event_type="summed"):
    one: int

    @computed_field
    @property
    def two(self) -> int:
        return self.one * 2


class Linked(EventModel, aggregate="trip", event_type="linked"):
    url: AnyUrl


class Made(EventModel, aggregate="trip", event_type="made"):
    uid: UUID = Field(default_factory=uuid4)


class GetPage(CallModel[Page[int]], service="trip", method_name="page"):
    one: int
"""

WRITE = """
import json, sys
from pathlib import Path
from pydantic import BaseModel
sys.path.insert(0, sys.argv[1])
package = __import__(sys.argv[2])
from services_communication.contracts import registry
from services_communication.contracts.registry import resources
from services_communication.contracts.schema import canonical, document
folder = Path(sys.argv[3])
folder.mkdir(parents=True)
for contract in [*registry, *resources]:
    (folder / f"{contract.__name__}.json").write_bytes(canonical(document(contract)))
"""


def write_documents(folder: Path, package: str, target: Path) -> None:
    """The documents of all contracts that the import of `package`, which lies in `folder`, declares."""
    command = [sys.executable, "-W", "error", "-c", WRITE, str(folder), package, str(target)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


class Trip:
    """Contracts there and back: the folders of the first and of the second documents, and the package between."""

    def __init__(self, folder: Path, source: str) -> None:
        folder.joinpath("declared.py").write_text(source)
        self.first, self.second, self.package = folder / "first", folder / "second", folder / "made" / "trip_package"
        write_documents(folder, "declared", self.first)
        assert main(["generate", str(self.first), "-o", str(self.package)]) == 0
        write_documents(self.package.parent, self.package.name, self.second)

    def documents(self, name: str) -> tuple[Any, Any]:
        first, second = (json.loads((folder / f"{name}.json").read_bytes()) for folder in (self.first, self.second))
        return first, second


@pytest.fixture(scope="module")
def faithful(tmp_path_factory: pytest.TempPathFactory) -> Trip:
    return Trip(tmp_path_factory.mktemp("faithful"), FAITHFUL)


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Trip:
    return Trip(tmp_path_factory.mktemp("changed"), CHANGED)


@pytest.mark.parametrize(
    "name",
    [
        *("Numbers", "Texts", "Collections", "Models", "Send", "Bare", "GetQuote", "GetQuotes", "GetCount", "Forget"),
        *("GetTree", "GetPet", "GetPets", "Zone"),
    ],
)
def test_same_document(faithful: Trip, name: str) -> None:
    """The document of the generated class has the bytes of the one that it was generated from."""
    assert (faithful.second / f"{name}.json").read_bytes() == (faithful.first / f"{name}.json").read_bytes()


def test_no_contract_is_lost(faithful: Trip) -> None:
    """There is a generated contract for each that was declared."""
    declared = {path.name for path in faithful.first.iterdir()}
    assert len(declared) == 14
    assert {path.name for path in faithful.second.iterdir()} == declared


def test_types(faithful: Trip, changed: Trip, check_types: Callable[..., str]) -> None:
    """mypy --strict finds nothing in the generated packages."""
    assert check_types(faithful.package) == ""
    assert check_types(changed.package) == ""


def test_enumerations_become_literals(changed: Trip) -> None:
    """The names of an enumeration's members are not in its document, so the values stand in the field."""
    first, second = changed.documents("Painted")
    assert first.pop("$defs") == {"Colour": {"enum": ["red"], "type": "string"}}
    assert first["properties"].pop("colour") == {"$ref": "#/$defs/Colour"}
    assert second["properties"].pop("colour") == {"const": "red", "type": "string"}
    assert second == first


def test_computed_fields_are_left_out(changed: Trip) -> None:
    """What only the writer computes has no place in the class that reads: it is derived from the other fields."""
    first, second = changed.documents("Summed")
    assert list(first["x-contract"].pop("writer")["properties"]) == ["one", "two"]
    assert second == first


def test_formats_without_a_type(changed: Trip) -> None:
    """A URL stays a text, which travels as it is; its format is not claimed, because the class does not check it."""
    first, second = changed.documents("Linked")
    assert first["properties"].pop("url") == {"format": "uri", "minLength": 1, "type": "string"}
    assert second["properties"].pop("url") == {"minLength": 1, "type": "string"}
    assert second == first


def test_values_made_anew(changed: Trip) -> None:
    """What makes a value for each instance is not in the document: the field may be left out, and is None then."""
    first, second = changed.documents("Made")
    assert first["properties"].pop("uid") == {"format": "uuid", "type": "string"}
    assert second["properties"].pop("uid") == {
        "anyOf": [{"format": "uuid", "type": "string"}, {"type": "null"}],
        "default": None,
    }
    assert second == first


def test_parametrised_replies(changed: Trip) -> None:
    """The title of a reply is the name of a class, which cannot hold brackets."""
    first, second = changed.documents("GetPage")
    assert first["x-contract"]["reply"].pop("title") == "Page[int]"
    assert second["x-contract"]["reply"].pop("title") == "Page_int"
    assert second == first

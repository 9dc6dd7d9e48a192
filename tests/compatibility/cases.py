"""The models of ``role_cases.json``, before and after, by the names of the cases. Plain pydantic, as the table says."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, Field, create_model

TwoValues = Enum("TwoValues", {"a": "a", "b": "b"})
ThreeValues = Enum("ThreeValues", {"a": "a", "b": "b", "c": "c"})


class K1(BaseModel):
    kind: Literal["k1"]
    x: int


class K2(BaseModel):
    kind: Literal["k2"]
    y: int


class K3(BaseModel):
    kind: Literal["k3"]
    z: int


Two = Annotated[K1 | K2, Field(discriminator="kind")]
Three = Annotated[K1 | K2 | K3, Field(discriminator="kind")]


def model(**fields: Any) -> type[BaseModel]:
    """`fields`: a type, or a pair of a type and a default."""
    made = {name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()}
    created: type[BaseModel] = create_model("M", **made)  # type: ignore[call-overload]  # fields are made here
    return created


def nested(**fields: Any) -> type[BaseModel]:
    return model(n=model(**fields))


MODELS: dict[str, tuple[type[BaseModel], type[BaseModel]]] = {
    "add required field": (model(a=int), model(a=int, b=str)),
    "add optional field (default)": (model(a=int), model(a=int, b=(str, "x"))),
    "add optional nullable field (= None)": (model(a=int), model(a=int, b=(str | None, None))),
    "remove required field": (model(a=int, b=str), model(a=int)),
    "remove optional field": (model(a=int, b=(str, "x")), model(a=int)),
    "optional -> required": (model(b=(str, "x")), model(b=str)),
    "required -> optional (default)": (model(b=str), model(b=(str, "x"))),
    "rename field (no alias)": (model(a=int), model(b=int)),
    "int -> float": (model(a=int), model(a=float)),
    "float -> int": (model(a=float), model(a=int)),
    "int -> str": (model(a=int), model(a=str)),
    "int -> int | str": (model(a=int), model(a=int | str)),
    "T -> T | None (still required)": (model(a=int), model(a=int | None)),
    "T | None -> T (still required)": (model(a=int | None), model(a=int)),
    "enum value added": (model(a=TwoValues), model(a=ThreeValues)),
    "enum value removed": (model(a=ThreeValues), model(a=TwoValues)),
    "str -> enum": (model(a=str), model(a=TwoValues)),
    "enum -> str": (model(a=TwoValues), model(a=str)),
    "max_length tightened": (
        model(a=Annotated[str, Field(max_length=10)]),
        model(a=Annotated[str, Field(max_length=5)]),
    ),
    "max_length loosened": (
        model(a=Annotated[str, Field(max_length=5)]),
        model(a=Annotated[str, Field(max_length=10)]),
    ),
    "pattern added": (model(a=str), model(a=Annotated[str, Field(pattern="^a$")])),
    "ge added": (model(a=int), model(a=Annotated[int, Field(ge=0)])),
    "tagged-union variant added": (model(p=Two), model(p=Three)),
    "tagged-union variant removed": (model(p=Three), model(p=Two)),
    "list item type int -> str": (model(a=list[int]), model(a=list[str])),
    "list -> set (uniqueItems)": (model(a=list[int]), model(a=set[int])),
    "scalar -> list": (model(a=int), model(a=list[int])),
    "nested: optional added": (nested(a=int), nested(a=int, b=(int, 0))),
    "nested: required added": (nested(a=int), nested(a=int, b=int)),
    "datetime -> AwareDatetime": (model(a=datetime), model(a=AwareDatetime)),
    "Decimal -> float": (model(a=Decimal), model(a=float)),
    "float -> Decimal": (model(a=float), model(a=Decimal)),
    "str -> datetime": (model(a=str), model(a=datetime)),
    "default changed": (model(a=(int, 1)), model(a=(int, 2))),
    "dict value type int -> str": (model(a=dict[str, int]), model(a=dict[str, str])),
}

# What mypy must reject about up-casters. Each wrong line says the code of its error.
from __future__ import annotations

from typing import Any

from services_communication.contracts import EventModel, PayloadModel


class Address(PayloadModel):
    street_name: str


class UserUpdated(EventModel, aggregate="user", event_type="update.base", version=2):
    user_id: int


@UserUpdated.upcast(1)  # E: type-var
def takes_the_contract(payload: UserUpdated) -> dict[str, Any]:
    return {}


@UserUpdated.upcast(1)  # E: type-var
def returns_the_contract(payload: dict[str, Any]) -> UserUpdated:
    return UserUpdated(user_id=1)


@UserUpdated.upcast(1)  # E: type-var
def returns_nothing(payload: dict[str, Any]) -> None: ...


@UserUpdated.upcast(1)  # E: type-var
def perhaps_returns(payload: dict[str, Any]) -> dict[str, Any] | None: ...


@UserUpdated.upcast(1)  # E: type-var
def two_parameters(payload: dict[str, Any], context: Any) -> dict[str, Any]:
    return {}


@UserUpdated.upcast(1)  # E: type-var
def no_parameter() -> dict[str, Any]:
    return {}


@UserUpdated.upcast(1)  # E: type-var
async def asynchronous(payload: dict[str, Any]) -> dict[str, Any]:
    return {}


@UserUpdated.upcast(1)  # E: type-var
def of_another_mapping(payload: dict[int, str]) -> dict[str, Any]:
    return {}


@UserUpdated.upcast("1")  # E: arg-type
def a_text(payload: dict[str, Any]) -> dict[str, Any]:
    return {}


@UserUpdated.upcast  # E: arg-type
def no_parentheses(payload: dict[str, Any]) -> dict[str, Any]:
    return {}


Address.upcast(1)  # E: attr-defined

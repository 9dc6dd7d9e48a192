"""makecontracts --check --consumers: three services, of which one reads a field and one does not."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pydantic import create_model

from services_communication.consumer import MessageRouter
from services_communication.contracts import CommandModel, EventModel
from tests.support.contracts import ROUTER, nothing_declared, router

FILE = "shop/events/order.placed.v1.json"

Declares = Callable[[MessageRouter], None]


@pytest.fixture
def service(configure: Any) -> Callable[..., Any]:
    """service("shop", declares, "makecontracts", …) runs a command in a service that has these contracts alone."""

    def run(name: str, declares: Declares, *command: str) -> tuple[int, str]:
        out = StringIO()
        with nothing_declared(), router() as made:
            configure(APP_ID=name, MESSAGE_CONSUMER=f"{ROUTER}.router")
            declares(made)
            try:
                call_command(*command, stdout=out, stderr=out)
            except CommandError as error:
                return error.returncode, f"{out.getvalue()}{error}"
        return 0, out.getvalue()

    return run


def order(version: int = 1, **fields: Any) -> type[EventModel]:
    given: dict[str, Any] = {
        name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()
    }
    keywords = {"aggregate": "order", "event_type": "placed", "version": version, "owner": "shop"}
    return create_model("OrderPlaced", __base__=EventModel, __module__=__name__, __cls_kwargs__=keywords, **given)


def publishes(version: int = 1, **fields: Any) -> Declares:
    def declare(_: MessageRouter) -> None:
        order(version, **fields)

    return declare


def reads(version: int = 1, **fields: Any) -> Declares:
    def declare(made: MessageRouter) -> None:
        @made.consumer(order(version, **fields))
        def on_order(event: Any) -> None: ...

    return declare


@pytest.fixture
def three(service: Any, tmp_path: Path) -> list[str]:
    """The shop's documents and the needs of billing and mailing are written; what the shop's check is told of them."""
    assert service("shop", publishes(order_id=int, total=int, note=int), *make(tmp_path))[0] == 0
    assert service("billing", reads(order_id=int, total=int), *needs(tmp_path / "billing"))[0] == 0
    assert service("mailing", reads(order_id=int), *needs(tmp_path / "mailing"))[0] == 0
    return [*make(tmp_path), "--check", "--consumers", str(tmp_path / "billing"), str(tmp_path / "mailing")]


def make(root: Path) -> list[str]:
    return ["makecontracts", "--output", str(root / "schemas")]


def needs(root: Path) -> list[str]:
    return ["contracts", "needs", "--output", str(root / "schemas")]


def test_dropping_a_field_that_nobody_reads(service: Any, three: list[str], tmp_path: Path) -> None:
    """Without --consumers it is a break; with them it is written, and then the check passes."""
    without = publishes(order_id=int, total=int)
    code, said = service("shop", without, *make(tmp_path), "--check")
    assert code == 1
    assert "note" in said
    writing = [word for word in three if word != "--check"]
    assert service("shop", without, *writing)[0] == 0
    assert service("shop", without, *three)[0] == 0


def test_dropping_a_field_that_is_read(service: Any, three: list[str]) -> None:
    """The check fails, names who reads it, and says that consumers go first."""
    code, said = service("shop", publishes(order_id=int, note=int), *three)
    assert code == 1
    assert "billing reads event order.placed v1: " in said
    assert "consumers first: release billing, which must do without total" in said
    assert "mailing reads" not in said


def test_once_the_consumer_is_released_the_field_can_go(service: Any, three: list[str], tmp_path: Path) -> None:
    """Its need says that it does without."""
    assert service("billing", reads(order_id=int, total=(int, 0)), *needs(tmp_path / "billing"))[0] == 0
    writing = [word for word in three if word != "--check"]
    assert service("shop", publishes(order_id=int, note=int), *writing)[0] == 0


def test_what_old_messages_need_is_not_the_consumers_to_decide(service: Any, three: list[str]) -> None:
    """A new required field breaks this service's own reading of what it wrote before."""
    code, said = service("shop", publishes(order_id=int, total=int, note=int, city=str), *three)
    assert code == 1
    assert "required" in said
    assert "city" in said


def test_a_version_that_somebody_still_reads(service: Any, three: list[str]) -> None:
    """With an up-caster old messages are read here, and yet no consumer of version 1 gets anything any more."""

    def raised(_: MessageRouter) -> None:
        @order(2, order_id=int).upcast(1)
        def from_1(payload: dict[str, Any]) -> dict[str, Any]:
            return payload

    code, said = service("shop", raised, *three)
    assert code == 1
    assert "billing reads event order.placed v1, which is not here; this service has version 2" in said
    assert "release billing first" in said
    assert "mailing reads event order.placed v1" in said


def test_a_need_that_cannot_be_read_fails_the_check(service: Any, three: list[str], tmp_path: Path) -> None:
    (tmp_path / "billing/schemas/billing/needs/events/order.placed.v1.json").write_text("{")
    code, said = service("shop", publishes(order_id=int, total=int, note=int), *three)
    assert code == 1
    assert "need-unreadable" in said


def test_the_place_of_a_need_is_found_from_the_directory_of_schemas(
    service: Any, three: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of every finding, so that a pull request shows it at the file, wherever the command was started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    (tmp_path / "billing/schemas/billing/needs/events/order.placed.v1.json").write_text("{")
    change = publishes(order_id=int, total=int, note=int)
    assert "need-unreadable at ../billing/schemas/billing/needs/events/" in service("shop", change, *three)[1]
    _, said = service("shop", change, *three, "--format", "github")
    assert "file=billing/schemas/billing/needs/events/order.placed.v1.json,title=need-unreadable" in said


def test_who_only_sends_a_command_does_not_answer_for_it(service: Any, tmp_path: Path) -> None:
    """The document of another service's command lies in its own files too; senders of it are that service's concern."""

    def sends(**fields: Any) -> Declares:
        def declare(_: MessageRouter) -> None:
            given: dict[str, Any] = {name: (kind, ...) for name, kind in fields.items()}
            keywords = {"service": "sms", "command_name": "send"}
            create_model("Send", __base__=CommandModel, __module__=__name__, __cls_kwargs__=keywords, **given)

        return declare

    assert service("billing", sends(phone=str), *needs(tmp_path / "billing"))[0] == 0
    assert service("shop", sends(phone=str, text=str), *make(tmp_path))[0] == 0
    check = [*make(tmp_path), "--check", "--consumers", str(tmp_path / "billing")]
    assert service("shop", sends(phone=str, text=str), *check)[0] == 0

"""contracts list, show and graph: what is declared, and who does what with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

import pytest
from django.core.management import CommandError, call_command
from pydantic import Field

from services_communication.consumer import MessageRouter
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.files.owned import owned_document
from services_communication.contracts.schema import canonical
from tests.support.contracts import ROUTER, declare_shop, nothing_declared, router


@pytest.fixture(autouse=True)
def shop(configure: Any) -> Iterator[MessageRouter]:
    """The service of these tests: its router is empty, and nothing is declared yet."""
    with nothing_declared(), router() as made:
        configure(APP_ID="shop", MESSAGE_CONSUMER=f"{ROUTER}.router")
        yield made


def run(*arguments: str, **options: Any) -> str:
    out = StringIO()
    call_command("contracts", *arguments, stdout=out, **options)
    return out.getvalue()


def refused(*arguments: str) -> str:
    """The message of an error that ends the process with 2."""
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert caught.value.returncode == 2
    return str(caught.value)


def rows_of(listed: str) -> dict[str, dict[str, Any]]:
    return {row["address"]: row for row in json.loads(listed)}


def test_list_says_what_this_service_does_with_each_contract(shop: MessageRouter) -> None:
    """Sent and handled, by which functions, whose it is: for each kind of contract."""
    declare_shop(shop)
    rows = rows_of(run("list", "--format", "json"))
    assert {address: (row["kind"], row["owner"], row["sent"]) for address, row in rows.items()} == {
        "order.placed": ("event", "shop", True),
        "sms/send": ("command", "sms", True),
        "shop": ("command", "shop", False),
        "user.update.base": ("event", "users", False),
        "zones/all": ("rest", "delivery", False),
        "pricing/quote": ("call", "pricing", True),
    }
    here = "tests.support.contracts.declare_shop.<locals>"
    assert rows["user.update.base"]["handled_by"] == [f"{here}.on_user"]
    assert rows["shop"]["handled_by"] == [f"{here}.reserve"]
    assert (rows["pricing/quote"]["handled_by"], rows["pricing/quote"]["replies_handled_by"]) == (
        [],
        [f"{here}.quoted"],
    )


def test_list_is_a_table_without_colours_where_no_terminal_reads_it(shop: MessageRouter) -> None:
    """Columns stand below each other, sorted by kind, address and version."""
    declare_shop(shop)
    header, *lines = run("list").splitlines()
    assert header.split() == ["KIND", "ADDRESS", "VERSION", "OWNER", "CLASS", "SENT", "HANDLED", "BY"]
    assert [line.split()[:3] for line in lines] == [
        ["call", "pricing/quote", "v1"],
        ["command", "shop", "v1"],
        ["command", "sms/send", "v1"],
        ["event", "order.placed", "v1"],
        ["event", "user.update.base", "v1"],
        ["rest", "zones/all", "v1"],
    ]
    assert {line.index("tests.support.contracts.declare_shop") for line in lines} == {header.index("CLASS")}
    assert "\x1b" not in header


def test_colours_can_be_forced(shop: MessageRouter) -> None:
    """As everywhere in Django."""
    declare_shop(shop)
    assert "\x1b[" in run("list", "--force-color")


def test_a_long_last_column_goes_on_below(monkeypatch: pytest.MonkeyPatch, shop: MessageRouter) -> None:
    """On a terminal no line is wider than it, unless a name alone is."""

    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    class Seen(EventModel, aggregate="a", event_type="b", owner="x"):
        n: int

    for name in ("one", "two", "three"):

        def handler(event: Seen) -> None: ...

        handler.__module__, handler.__qualname__ = "m", f"{name * 8}"
        shop.consumer(Seen)(handler)
    out = Terminal()
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("NO_COLOR", "1")
    call_command("contracts", "list", stdout=out)
    _, *lines = out.getvalue().splitlines()
    assert len(lines) > 1
    assert "".join(lines[1:]).split()[-1] == f"m.{'three' * 8}"
    assert "\x1b" not in out.getvalue()


def test_list_of_nothing(shop: MessageRouter) -> None:
    """It says where contracts are looked for."""
    assert "contracts.py" in run("list")
    assert run("list", "--format", "json") == "[]\n"


def test_an_event_that_is_handled_and_that_nobody_owns(shop: MessageRouter) -> None:
    """Whether this service publishes it too cannot be known, and the owner is an assumption."""

    class Seen(EventModel, aggregate="a", event_type="b"):
        n: int

    @shop.consumer(Seen)
    def seen(event: Seen) -> None: ...

    assert rows_of(run("list", "--format", "json"))["a.b"]["sent"] is None
    assert "shop (assumed)" in run("list")


def test_versions_that_upcasters_read(shop: MessageRouter) -> None:
    """A class that reads older versions says so, in the list and alone."""

    class Old(EventModel, aggregate="a", event_type="b", version=2):
        n: int

    class New(EventModel, aggregate="a", event_type="b", version=3):
        m: int

    @New.upcast(2)
    def from_2(payload: dict[str, Any]) -> dict[str, Any]:
        return {"m": payload["n"]}

    assert [row["reads_versions_from"] for row in json.loads(run("list", "--format", "json"))] == [2, 2]
    assert "v3 (reads v2 to v3)" in run("list")
    shown = run("show", "a.b")
    assert shown.startswith("New v3")
    assert "v2 → v3" in shown
    assert f"v2 {__name__}.test_versions_that_upcasters_read.<locals>.Old" in shown
    assert run("show", "a.b.v2").startswith("Old v2")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("OrderPlaced", "OrderPlaced"),
        ("tests.support.contracts.declare_shop.<locals>.OrderPlaced", "OrderPlaced"),
        ("order.placed", "OrderPlaced"),
        ("event order.placed", "OrderPlaced"),
        ("order/placed", "OrderPlaced"),
        ("ORDER.PLACED", "OrderPlaced"),
        ("order.placed.v1", "OrderPlaced"),
        ("order.placed@1", "OrderPlaced"),
        ("shop/events/order.placed.v1.json", "OrderPlaced"),
        ("./schemas/shop/events/order.placed.v1.json", "OrderPlaced"),
        ("events/order.placed.v1.json", "OrderPlaced"),
        ("sms/send", "SendSms"),
        ("shop", "Reserve"),
        ("zones/all", "Zone"),
        ("shop/needs/events/user.update.base.v1.json", "UserUpdated"),
    ],
)
def test_show_finds_a_contract_by_many_names(shop: MessageRouter, name: str, shown: str) -> None:
    declare_shop(shop)
    assert run("show", name).startswith(f"{shown} v1\n")


def test_show_of_a_name_that_nothing_has(shop: MessageRouter) -> None:
    """The error says what may have been meant."""
    declare_shop(shop)
    assert "did you mean" in refused("show", "OrderPlacd")
    assert "order.placed" in refused("show", "OrderPlacd")
    assert "contracts list" in refused("show", "zzzzzzzz")
    assert refused("show", "order.placed.v7").startswith("no contract is called 'order.placed.v7'")


def test_show_of_a_name_that_two_have(shop: MessageRouter) -> None:
    """The error names both, so that one can be chosen."""

    class Send(CommandModel, service="both", command_name="send"):
        n: int

    class Sent(EventModel, aggregate="both", event_type="send"):
        n: int

    error = refused("show", "both/send")
    assert "command both/send" in error
    assert "event both.send" in error
    assert run("show", "command both/send").startswith("Send v1")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Line(PayloadModel):
    sku: Annotated[str, Field(min_length=1, max_length=20)]
    count: Annotated[int, Field(ge=1)] = 1


def test_show_tells_all_of_a_contract(shop: MessageRouter, tmp_path: Path) -> None:
    """Description, address, key, owner, handlers, document, and each field with type, default and constraints."""

    class Rich(EventModel, aggregate="order", event_type="rich", key="order_id", owner="shop"):
        """What was ordered."""

        order_id: int
        lines: list[Line]
        colour: Colour | None = None
        prices: dict[str, Decimal] = Field(default={})

    @shop.consumer(Rich)
    def on_rich(event: Rich) -> None: ...

    lines = [line.split() for line in run("show", "Rich", "--output", str(tmp_path)).splitlines()]
    file = tmp_path / "shop/events/order.rich.v1.json"
    for wanted in (
        "What was ordered.",
        "address event order.rich",
        "exchange order",
        "routing key rich",
        "key order_id (events of one order_id keep their order)",
        "owner shop",
        f"handled by {__name__}.test_show_tells_all_of_a_contract.<locals>.on_rich",
        "sent here yes",
        f"document {file} (not written yet)",
        "FIELD TYPE REQUIRED DEFAULT CONSTRAINTS",
        "orderId integer yes",
        "lines array of Line yes",
        "colour Colour | null no null",
        "prices map of decimal no {}",
        'Colour = "red" | "blue"',
        "sku string yes maxLength 20, minLength 1",
        "count integer no 1 ≥ 1",
    ):
        assert wanted.split() in lines
    file.parent.mkdir(parents=True)
    file.write_bytes(b"{}")
    assert f"{file}\n" in run("show", "Rich", "--output", str(tmp_path))


def test_show_of_a_call_tells_its_reply(shop: MessageRouter) -> None:
    """A model with its fields, a plain type by its name."""

    class Quoted(CallModel[Line], service="s", method_name="line"):
        n: int

    class Priced(CallModel[int], service="s", method_name="price"):
        n: int

    assert "Reply: Line" in run("show", "Quoted").splitlines()
    assert "Reply: integer" in run("show", "Priced").splitlines()


def test_show_for_machines(shop: MessageRouter) -> None:
    """JSON holds the document, Markdown a table for each part."""
    declare_shop(shop)
    shown = json.loads(run("show", "OrderPlaced", "--format", "json"))
    assert (shown["document"], shown["need"]) == ("shop/events/order.placed.v1.json", None)
    assert shown["schema"]["x-contract"]["address"] == {"aggregate": "order", "event_type": "placed"}
    assert "| orderId | integer | yes |  |  |" in run("show", "OrderPlaced", "--format", "markdown")


def test_a_model_that_json_cannot_hold_is_an_error_of_words(shop: MessageRouter) -> None:
    """Not a traceback of pydantic's."""

    class Odd(EventModel, aggregate="a", event_type="odd"):
        call_back: Callable[[], None]

    assert "Odd has no JSON Schema" in refused("show", "Odd")


def test_settings_with_mistakes_end_with_two(configure: Any) -> None:
    configure(APP_ID="shop", MESSAGE_CONSUMER="no.such.router")
    assert "MESSAGE_CONSUMER" in refused("list")


def test_help_tells_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Of the command, and of the subcommands that have a say in CI."""
    from services_communication.management.commands.contracts import Command

    for arguments in ([], ["diff"], ["needs"]):
        parser = Command().create_parser("manage.py", "contracts")
        with pytest.raises(SystemExit) as caught:
            parser.parse_args([*arguments, "--help"])
        assert caught.value.code == 0
        told = " ".join(capsys.readouterr().out.split())
        for code in ("Exit code 0:", "1:", "2:"):
            assert code in told


def test_a_wrong_option_is_wrong_usage() -> None:
    """The parser's own error, which ends a process with 2."""
    with pytest.raises(CommandError, match="nonsense"):
        call_command("contracts", "list", "--nonsense")
    with pytest.raises(CommandError, match="list"):
        call_command("contracts")


@pytest.mark.parametrize(
    "name", ["a.b.v2", "a.b@2", "event a.b v2", "New@2", "shop/events/a.b.v2.json", "events/a.b.v2.json"]
)
def test_show_of_a_version_without_a_class(shop: MessageRouter, tmp_path: Path, name: str) -> None:
    """Its document tells, and who reads its messages now."""
    with nothing_declared():

        class Old(EventModel, aggregate="a", event_type="b", version=2, key="n"):
            """What it was."""

            n: int

        path = tmp_path / "shop/events/a.b.v2.json"
        path.parent.mkdir(parents=True)
        path.write_bytes(canonical(owned_document(Old, "shop")))

    class New(EventModel, aggregate="a", event_type="b", version=3):
        m: int

    assert "no contract is called" in refused("show", "a.b.v1", "--output", str(tmp_path))

    @New.upcast(2)
    def from_2(payload: dict[str, Any]) -> dict[str, Any]:
        return {"m": payload["n"]}

    shown = run("show", name, "--output", str(tmp_path))
    assert shown.startswith("Old v2\nWhat it was.\n")
    assert "none any more; this is its document, and v3 reads its messages through up-casters" in shown
    assert "integer" in shown
    assert json.loads(run("show", name, "--output", str(tmp_path), "--format", "json"))["class"] is None
    path.write_text("{")
    assert f"{path} cannot be read" in refused("show", name, "--output", str(tmp_path))

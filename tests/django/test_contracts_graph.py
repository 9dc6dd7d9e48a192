"""contracts graph: who publishes and consumes what, from the files of several services and the code of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from services_communication.consumer import MessageRouter
from services_communication.contracts import CommandModel, EventModel, PayloadModel
from services_communication.contracts.schema import canonical, document
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


def write(root: Path, file: str, value: Any) -> None:
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(value))


def need(contract: type[PayloadModel], service: str, uses: str) -> dict[str, Any]:
    made = document(contract)
    return {**made, "x-contract": {**made["x-contract"], "service": service, "uses": uses}}


@pytest.fixture
def three(tmp_path: Path, shop: MessageRouter) -> Path:
    """Directories of users and billing beside the code of shop, which handles and asks as `declare_shop` says."""
    with nothing_declared():

        class UserUpdated(EventModel, aggregate="user", event_type="update.base", owner="users"):
            user_id: int
            name: str

        class OrderPlaced(EventModel, aggregate="order", event_type="placed", version=1):
            order_id: int

        class Reserve(CommandModel, service="shop"):
            sku: str

    write(tmp_path, "users/events/user.update.base.v1.json", document(UserUpdated))
    write(tmp_path, "billing/events/order.placed.v1.json", document(OrderPlaced))
    write(tmp_path, "billing/needs/events/order.placed.v1.json", need(OrderPlaced, "billing", "reads"))
    write(tmp_path, "billing/needs/commands/shop._.v1.json", need(Reserve, "billing", "writes"))
    write(tmp_path, "envelopes/event.json", {"type": "object"})
    declare_shop(shop)
    return tmp_path


def test_graph_of_several_services(three: Path) -> None:
    """Documents say who publishes, needs who consumes, and of this service the code says both."""
    made = json.loads(run("graph", "--output", str(three), "--format", "json"))
    assert made["services"] == ["billing", "delivery", "pricing", "shop", "sms", "users"]
    assert {item["address"]: (item["kind"], item["from"], item["to"]) for item in made["contracts"]} == {
        "pricing/quote": ("call", ["shop"], ["pricing"]),
        "shop": ("command", ["billing"], ["shop"]),
        "sms/send": ("command", ["shop"], ["sms"]),
        "order.placed": ("event", ["shop"], ["billing"]),
        "user.update.base": ("event", ["users"], ["shop"]),
        "zones/all": ("rest", ["delivery"], ["shop"]),
    }


def test_graph_as_text_and_markdown(three: Path) -> None:
    lines = [line.split() for line in run("graph", "--output", str(three)).splitlines()]
    assert ["event", "order.placed", "v1", "shop", "billing"] in lines
    markdown = run("graph", "--output", str(three), "--format", "markdown")
    assert "| event | order.placed | v1 | shop | billing |" in markdown.splitlines()


def test_graph_for_programs_that_draw(three: Path) -> None:
    """Services and contracts are nodes, and an arrow is the way of a message."""
    dot = run("graph", "--output", str(three), "--format", "dot")
    assert dot.startswith("digraph contracts {")
    assert '  "service shop" -> "event order.placed";' in dot.splitlines()
    assert '  "event order.placed" -> "service billing";' in dot.splitlines()
    mermaid = run("graph", "--output", str(three), "--format", "mermaid").splitlines()
    assert mermaid[0] == "flowchart LR"
    assert '  s1["billing"]' in mermaid
    event = next(line.split("(")[0].strip() for line in mermaid if "event order.placed" in line)
    assert f"  {event} --> s1" in mermaid


def test_names_from_files_cannot_draw_or_colour(three: Path) -> None:
    """A hostile service's name is text in every format."""
    name = 'ev"il"];\x1b[31m|`<b>'
    hostile = {**need_of_order(), "x-contract": {**need_of_order()["x-contract"], "service": name.replace("\x1b", "")}}
    write(three, "evil/needs/events/order.placed.v1.json", hostile)
    write(three, "evil\x1b[31m/events/x.y.v1.json", document(made_event()))
    for form in ("text", "dot", "mermaid", "markdown"):
        assert "\x1b" not in run("graph", "--output", str(three), "--format", form)
    assert 'label="ev\\"il\\"];[31m|`<b>"' in run("graph", "--output", str(three), "--format", "dot")
    mermaid = run("graph", "--output", str(three), "--format", "mermaid")
    assert '["ev#34;il#34;]#59;[31m|#96;#60;b#62;"]' in mermaid


def made_event() -> type[EventModel]:
    with nothing_declared():

        class Made(EventModel, aggregate="x", event_type="y"):
            n: int

    return Made


def need_of_order() -> dict[str, Any]:
    with nothing_declared():

        class OrderPlaced(EventModel, aggregate="order", event_type="placed"):
            order_id: int

    return need(OrderPlaced, "billing", "reads")


def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_drawn(three: Path) -> None:
    """graph describes; it is no check."""
    (three / "users/events/broken.v1.json").write_text("{")
    err = StringIO()
    drawn = run("graph", "--output", str(three), stderr=err)
    assert "broken.v1.json cannot be read: it is not JSON" in err.getvalue()
    assert "order.placed" in drawn


def test_graph_without_files(tmp_path: Path, shop: MessageRouter) -> None:
    """The code alone is drawn, and nothing is nothing."""
    assert "No contract" in run("graph", "--output", str(tmp_path / "none"))
    declare_shop(shop)
    assert "sms/send" in run("graph", "--output", str(tmp_path / "none"))

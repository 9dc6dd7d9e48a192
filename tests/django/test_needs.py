"""contracts needs: what a service uses of others' contracts, as files; and three services that check each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from services_communication.consumer import MessageRouter
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.schema import canonical, document
from tests.support.contracts import ROUTER, nothing_declared, router


@pytest.fixture(autouse=True)
def billing(configure: Any) -> Iterator[MessageRouter]:
    """The service of these tests: its router is empty, and nothing is declared yet."""
    with nothing_declared(), router() as made:
        configure(APP_ID="billing", MESSAGE_CONSUMER=f"{ROUTER}.router")
        yield made


def needs(root: Path, *options: str) -> str:
    out = StringIO()
    call_command("contracts", "needs", "--output", str(root), *options, stdout=out)
    return out.getvalue()


def refused(root: Path, *options: str) -> str:
    with pytest.raises(CommandError) as caught:
        needs(root, *options)
    assert caught.value.returncode == 2
    return str(caught.value)


def differs(root: Path) -> str:
    """What ``--check`` prints when it exits with 1."""
    out = StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("contracts", "needs", "--output", str(root), "--check", stdout=out)
    assert caught.value.code == 1
    return out.getvalue()


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def reads_orders(billing: MessageRouter) -> type[EventModel]:
    class OrderPlaced(EventModel, aggregate="order", event_type="placed", owner="shop"):
        order_id: int

    @billing.consumer(OrderPlaced)
    def on_order(event: OrderPlaced) -> None: ...

    return OrderPlaced


def test_a_need_is_the_document_with_who_and_how(billing: MessageRouter, tmp_path: Path) -> None:
    """x-contract also says which service needs it, and that it reads it."""
    contract = reads_orders(billing)
    assert needs(tmp_path) == f"write {tmp_path}/billing/needs/events/order.placed.v1.json\n"
    expected = document(contract)
    expected["x-contract"] |= {"service": "billing", "uses": "reads"}
    written = (tmp_path / "billing/needs/events/order.placed.v1.json").read_bytes()
    assert written == canonical(expected)


def test_needs_of_every_kind(billing: MessageRouter, tmp_path: Path) -> None:
    """Events that are handled, commands and calls that are sent, REST payloads of others; nothing of its own."""
    reads_orders(billing)

    class Unread(EventModel, aggregate="order", event_type="unread", owner="shop"):
        order_id: int

    class Unowned(EventModel, aggregate="user", event_type="made"):
        user_id: int

    class Own(EventModel, aggregate="bill", event_type="made", owner="billing"):
        bill_id: int

    class Send(CommandModel, service="sms", command_name="send"):
        phone: str

    class Plain(CommandModel, service="mail"):
        address: str

    class Ask(CallModel[int], service="pricing", method_name="quote"):
        product_id: int

    class Answered(CommandModel, service="bills", command_name="pay"):
        bill_id: int

    class Commissioned(CommandModel, service="bills", command_name="void", owner="shop"):
        bill_id: int

    class Zone(PayloadModel, resource="zones/all", owner="delivery"):
        name: str

    class Bill(PayloadModel, resource="bills"):
        bill_id: int

    for contract in (Unowned, Own, Answered, Commissioned):

        def handler(message: Any) -> None: ...

        handler.__qualname__ = contract.__name__
        billing.consumer(contract)(handler)
    needs(tmp_path)
    found = {file: json.loads((tmp_path / file).read_bytes())["x-contract"]["uses"] for file in files(tmp_path)}
    assert found == {
        "billing/needs/events/order.placed.v1.json": "reads",
        "billing/needs/events/user.made.v1.json": "reads",
        "billing/needs/commands/sms.send.v1.json": "writes",
        "billing/needs/commands/mail._.v1.json": "writes",
        "billing/needs/commands/bills.void.v1.json": "reads",
        "billing/needs/calls/pricing.quote.v1.json": "writes",
        "billing/needs/rest/zones.all.v1.json": "both",
    }


def test_an_untyped_handler_reads_too(billing: MessageRouter, tmp_path: Path) -> None:
    """Its messages are validated through the contract of their address."""

    class Seen(EventModel, aggregate="order", event_type="seen", owner="shop"):
        order_id: int

    @billing.consumer("order", "seen")
    def on_seen(routing_key: str, body: Any) -> None: ...

    needs(tmp_path)
    assert files(tmp_path) == ["billing/needs/events/order.seen.v1.json"]


def test_needs_that_are_written_are_up_to_date(billing: MessageRouter, tmp_path: Path) -> None:
    """A second run and --check have nothing to do; --check writes nothing."""
    reads_orders(billing)
    assert "is missing" in differs(tmp_path)
    assert files(tmp_path) == []
    needs(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert "up to date" in needs(tmp_path)
    assert "up to date" in needs(tmp_path, "--check")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == before


@pytest.mark.parametrize("damage", [b"", b"{", b"<<<<<<< ours\n{}", b"\xff\xfe", b"[" * 100_000])
def test_a_damaged_need_is_written_anew(billing: MessageRouter, tmp_path: Path, damage: bytes) -> None:
    """It follows from the code alone, so nothing is lost; --check says that it differs."""
    reads_orders(billing)
    needs(tmp_path)
    path = tmp_path / "billing/needs/events/order.placed.v1.json"
    good = path.read_bytes()
    path.write_bytes(damage)
    assert "differs from the code" in differs(tmp_path)
    assert needs(tmp_path) == f"rewrite {path}\n"
    assert path.read_bytes() == good


def test_an_edited_need_is_written_anew(billing: MessageRouter, tmp_path: Path) -> None:
    reads_orders(billing)
    needs(tmp_path)
    path = tmp_path / "billing/needs/events/order.placed.v1.json"
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"integer"', b'"string"'))
    assert needs(tmp_path) == f"rewrite {path}\n"
    assert path.read_bytes() == good


def test_a_need_that_is_no_more_is_removed(billing: MessageRouter, tmp_path: Path) -> None:
    """Whoever looks for consumers must not find one that is gone."""
    reads_orders(billing)
    needs(tmp_path)
    with nothing_declared():
        assert "that the code has no more" in differs(tmp_path)
        assert needs(tmp_path) == f"remove {tmp_path}/billing/needs/events/order.placed.v1.json\n"
        assert files(tmp_path) == []


def test_files_of_others_are_left_alone(billing: MessageRouter, tmp_path: Path) -> None:
    """Neither rewritten nor removed: in the place of a need they are an error, beside it nothing."""
    reads_orders(billing)
    path = tmp_path / "billing/needs/events/order.placed.v1.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"type": "object"}')
    assert "move that file away" in refused(tmp_path)
    assert path.read_text() == '{"type": "object"}'
    path.rename(path.with_name("beside.json"))
    needs(tmp_path)
    assert files(tmp_path) == ["billing/needs/events/beside.json", "billing/needs/events/order.placed.v1.json"]
    foreign = path.read_text().replace('"service": "billing"', '"service": "books"')
    path.write_text(foreign)
    assert "a need of books" in refused(tmp_path)
    assert path.read_text() == foreign


def test_a_foreign_file_that_cannot_be_read_is_an_error(billing: MessageRouter, tmp_path: Path) -> None:
    """It may be an old need, which must not stay; and it may be something else, which must not be removed."""
    reads_orders(billing)
    needs(tmp_path)
    (tmp_path / "billing/needs/events/notes.json").write_text("buy milk")
    assert "notes.json cannot be read" in refused(tmp_path)
    assert "notes.json cannot be read" in refused(tmp_path, "--check")


def test_a_directory_in_the_place_of_a_need(billing: MessageRouter, tmp_path: Path) -> None:
    """An error of words."""
    reads_orders(billing)
    (tmp_path / "billing/needs/events/order.placed.v1.json").mkdir(parents=True)
    assert "cannot be read" in refused(tmp_path)


def test_a_place_that_cannot_be_written(billing: MessageRouter, tmp_path: Path) -> None:
    """An error of words."""
    reads_orders(billing)
    (tmp_path / "billing").write_text("a file")
    assert "billing" in refused(tmp_path)


def test_two_needs_of_one_file_are_refused(billing: MessageRouter, tmp_path: Path) -> None:
    """'a.b' with 'c' and 'a' with 'b.c' join to one name, and Send and send are one on some systems."""

    class One(CommandModel, service="a.b", command_name="c"):
        n: int

    class Two(CommandModel, service="a", command_name="b.c"):
        n: int

    error = refused(tmp_path)
    assert "One" in error
    assert "Two" in error
    assert files(tmp_path) == []

"""`manage.py contracts diff OLD NEW`: two files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services_communication.consumer import MessageRouter
from services_communication.contracts.schema import canonical
from services_communication.management.service import this_service
from tests.support.contracts import ROUTER, nothing_declared, router
from tests.support.contracts_diff import diff, event, findings, former, refused


@pytest.fixture(autouse=True)
def shop(configure: Any) -> Iterator[MessageRouter]:
    """The service of these tests: its router is empty, and nothing is declared yet."""
    with nothing_declared(), router() as made:
        configure(APP_ID="shop", MESSAGE_CONSUMER=f"{ROUTER}.router")
        yield made


def test_two_files(tmp_path: Path) -> None:
    """Exit code by what changed from the first to the second; order matters."""
    narrow, wide = tmp_path / "narrow.json", tmp_path / "wide.json"
    narrow.write_bytes(canonical(former(n=int)))
    wide.write_bytes(canonical(former(n=int, email=str)))
    assert diff(narrow, narrow)[0] == 0
    assert diff(narrow, wide, "--mode", "BACKWARD")[0] == 1
    assert diff(wide, narrow, "--mode", "BACKWARD")[0] == 0
    assert diff(wide, narrow)[0] == 1


def test_two_asyncapi_files(tmp_path: Path, shop: MessageRouter) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    event(n=int)
    old.write_bytes(canonical(this_service().asyncapi()))
    with nothing_declared():
        event(n=str)
        new.write_bytes(canonical(this_service().asyncapi()))
    assert diff(old, old)[0] == 0
    assert diff(old, new)[0] == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a": 1, "a": 2}'])
def test_a_file_that_is_no_document(tmp_path: Path, text: str) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(canonical(former(n=int)))
    bad.write_text(text)
    assert "bad.json" in refused(bad, good)
    assert "bad.json" in refused(good, bad)


def test_files_that_cannot_be_compared(tmp_path: Path) -> None:
    """One that is not there, two kinds, three files."""
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    one.write_bytes(canonical(former(n=int)))
    two.write_text('{"asyncapi": "3.0.0"}')
    assert "cannot be read" in refused(one, tmp_path / "none.json")
    assert "only one of them is an AsyncAPI document" in refused(one, two)
    assert "two files" in refused(one, one, one)
    one.write_text('{"type": "object"}')
    two.write_text('{"type": 3}')
    assert "cannot be compared" in refused(one, two)


@pytest.mark.parametrize(
    ("extension", "why"),
    [
        (5, "it has no 'x-contract' object"),
        ([], "it has no 'x-contract' object"),
        ({"kind": "gossip"}, "x-contract.kind is 'gossip'"),
        ({"kind": "event", "address": 5, "version": 1}, "x-contract.address lacks"),
        ({"kind": "event", "address": {"aggregate": "a", "event_type": "b"}, "version": "1"}, "x-contract.version"),
        ({"key": 5}, "x-contract.key is no text"),
        ({"owner": ""}, "x-contract.owner is no text"),
        ({"unroutable_ok": "yes"}, "x-contract.unroutable_ok is neither true nor false"),
        ({"writer": 5}, "x-contract.writer is no schema"),
        ({"reply": None}, "x-contract.reply is no schema"),
        ({"revisions": {}}, "x-contract.revisions is no list"),
        ({"revisions": [{"reader": {}, "writer": "x"}]}, "x-contract.revisions[0].writer is no schema"),
    ],
)
def test_an_extension_of_another_shape(tmp_path: Path, extension: Any, why: str) -> None:
    """It is said which part is wrong, whichever side it is."""
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    document = former(n=int)
    good.write_bytes(canonical(document))
    whole = isinstance(extension, dict) and "kind" not in extension
    held = {**document["x-contract"], **extension} if whole else extension
    bad.write_bytes(canonical({**document, "x-contract": held}))
    assert refused(bad, good) == f"{bad} cannot be read: {refused(good, bad).partition('read: ')[2]}"
    assert why in refused(bad, good)


def test_files_that_are_no_schemas(tmp_path: Path) -> None:
    """A lock and a list of examples are no documents, and nothing is invented about them."""
    lock, order, plain = tmp_path / "contracts.lock.json", tmp_path / "order.json", tmp_path / "plain.json"
    lock.write_bytes(canonical({"events/order.placed.v1.json": "0" * 64}))
    order.write_bytes(canonical(former(n=int)))
    plain.write_text('{"type": "object"}')
    assert f"{lock} is no contract document" in refused(lock, order)
    assert f"{lock} is no contract document" in refused(order, lock)
    assert f"{lock} is no contract document" in refused(lock, lock)
    assert "only one of them is a contract's document" in refused(plain, order)
    assert diff(plain, plain)[0] == 0


def test_two_files_with_another_key(tmp_path: Path) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    document = former(n=int)
    old.write_bytes(canonical({**document, "x-contract": {**document["x-contract"], "key": "n"}}))
    new.write_bytes(canonical(document))
    assert findings(old, new) == (0, [("warning", "key-changed", new.as_posix())])

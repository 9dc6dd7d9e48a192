"""The files of contracts: where they lie, and what a run writes. Nothing here is Django.

The judge is a small one that knows two rules; the real one has tests of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel, resources
from services_communication.contracts.files.paths import file_of
from services_communication.contracts.files.review import Review
from services_communication.contracts.schema import canonical
from tests.support import contract_files
from tests.support.contract_files import ORDER, errors, load, order, rules, tree


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Review]:
    """run(contract…) is `makecontracts`, on a directory of the test."""
    return partial(contract_files.run, tmp_path / "schemas")


class Sms(CommandModel, service="files-sms", command_name="send"):
    text: str


class Ring(CommandModel, service="files-bell"):
    pass


class Quote(CallModel[int], service="shop", method_name="files.quote"):
    product: int


class Theirs(EventModel, aggregate="files", event_type="theirs", owner="users"):
    pass


class Odd(EventModel, aggregate="a/b c~", event_type="ü.x"):
    pass


class Hidden(CommandModel, service=".."):
    pass


def test_where_documents_lie() -> None:
    """Under the owner, by kind; what is not plain in a name is percent-encoded, so that no name leads elsewhere."""

    class Receipt(PayloadModel, resource="orders/receipt"):
        pass

    try:
        assert {
            contract.__name__: file_of(contract, "shop") for contract in (Sms, Ring, Quote, Theirs, Odd, Receipt)
        } == {
            "Sms": "files-sms/commands/send.v1.json",
            "Ring": "files-bell/commands/_.v1.json",
            "Quote": "shop/calls/files.quote.v1.json",
            "Theirs": "users/events/files.theirs.v1.json",
            "Odd": "shop/events/a%2Fb%20c%7E.%C3%BC.x.v1.json",
            "Receipt": "shop/rest/orders.receipt.v1.json",
        }
    finally:
        resources.discard(Receipt)
    assert file_of(order(), "shop") == ORDER
    assert file_of(Hidden, "shop") == "%2E./commands/_.v1.json"


def test_the_first_run(run: Callable[..., Review], tmp_path: Path) -> None:
    """Each contract becomes a document, byte for byte the same, and the lock holds the digests."""
    found = run(order(), Sms, Theirs)
    assert rules(found) == [
        ("info", "document-new", "files-sms/commands/send.v1.json"),
        ("info", "document-new", ORDER),
    ]
    data = (tmp_path / "schemas" / ORDER).read_bytes()
    assert data.decode() == (
        "{\n"
        '  "$schema": "https://json-schema.org/draft/2020-12/schema",\n'
        '  "properties": {\n'
        '    "id": {\n'
        '      "type": "integer"\n'
        "    }\n"
        "  },\n"
        '  "required": [\n'
        '    "id"\n'
        "  ],\n"
        '  "title": "OrderPlaced",\n'
        '  "type": "object",\n'
        '  "x-contract": {\n'
        '    "address": {\n'
        '      "aggregate": "files",\n'
        '      "event_type": "placed"\n'
        "    },\n"
        '    "kind": "event",\n'
        '    "owner": "shop",\n'
        '    "version": 1\n'
        "  }\n"
        "}\n"
    )
    assert (tmp_path / "schemas/shop/contracts.lock.json").read_text() == (
        '{\n  "events/files.placed.v1.json": "' + hashlib.sha256(data).hexdigest() + '"\n}\n'
    )
    assert sorted(tree(tmp_path / "schemas")) == [
        "files-sms/commands/send.v1.json",
        "files-sms/contracts.lock.json",
        "shop/contracts.lock.json",
        ORDER,
    ]


def test_a_second_run_finds_nothing_to_do(run: Callable[..., Review], tmp_path: Path) -> None:
    """Same code, same bytes: no finding, no file touched."""
    run(order(), Sms)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    found = run(order(), Sms)
    assert (found.findings, found.writings, found.documents) == ([], [], 2)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_check_writes_nothing(run: Callable[..., Review], tmp_path: Path) -> None:
    """What is new is found, and nothing is there afterwards."""
    assert rules(run(order(), check=True)) == [("info", "document-new", ORDER)]
    assert tree(tmp_path) == {}


def test_a_compatible_change(run: Callable[..., Review], tmp_path: Path) -> None:
    """The document is written anew; the former form is kept in it, without address and version."""
    run(order())
    found = run(order(note=(str, "")))
    assert rules(found) == [
        ("info", "document-changed", ORDER),
        ("info", "optional-added", f"{ORDER}#/properties/note"),
    ]
    document = load(tmp_path / "schemas" / ORDER)
    assert document["properties"] == {"id": {"type": "integer"}, "note": {"default": "", "type": "string"}}
    assert document["x-contract"]["revisions"] == [
        {
            "reader": {
                "properties": {"id": {"type": "integer"}},
                "required": ["id"],
                "title": "OrderPlaced",
                "type": "object",
            }
        }
    ]
    assert rules(run(order(note=(str, "")))) == []


def test_each_form_is_kept_once(run: Callable[..., Review], tmp_path: Path) -> None:
    """A change that is taken back and made again adds no form that is there already."""
    narrow, wide = order(), order(note=(str, ""))
    for contract in (narrow, wide, narrow, wide, narrow):
        run(contract)
    kept = load(tmp_path / "schemas" / ORDER)["x-contract"]["revisions"]
    assert [sorted(form["reader"]["properties"]) for form in kept] == [["id"], ["id", "note"]]


def test_descriptions_are_no_revision(run: Callable[..., Review], tmp_path: Path) -> None:
    """The document follows the docstring; no reader could see a difference, so no form is kept."""
    run(order())
    described = order()
    described.__doc__ = "An order was placed."
    described.model_rebuild(force=True)
    found = run(described)
    assert rules(found) == [("info", "document-changed", ORDER)]
    assert found.findings[0].sentence == "differs from the code in descriptions only"
    document = load(tmp_path / "schemas" / ORDER)
    assert document["description"] == "An order was placed."
    assert "revisions" not in document["x-contract"]


def test_two_contracts_that_want_one_file(run: Callable[..., Review], tmp_path: Path) -> None:
    """Also where only upper and lower case tell them apart: some systems do not."""

    class One(EventModel, aggregate="a.b", event_type="c"):
        pass

    class Two(EventModel, aggregate="a", event_type="b.c"):
        pass

    class Three(EventModel, aggregate="A", event_type="b.c"):
        pass

    for first, second in ((One, Two), (Two, Three)):
        (error,) = errors(run(first, second))
        assert error.rule == "file-shared"
        assert f"{__name__}.{first.__qualname__}" in error.sentence
        assert f"{__name__}.{second.__qualname__}" in error.sentence
    assert tree(tmp_path) == {}


def test_a_name_that_is_too_long(run: Callable[..., Review]) -> None:
    """File systems allow 255 bytes; percent-encoding counts."""

    class Long(EventModel, aggregate="ü" * 60, event_type="x"):
        pass

    (error,) = errors(run(Long))
    assert error.rule == "name-too-long"


def test_a_type_without_a_schema(run: Callable[..., Review]) -> None:
    """The class is named, and there is no traceback."""

    class Free(EventModel, aggregate="free", event_type="x"):
        anything: Callable[[], int]

    (error,) = errors(run(Free))
    assert error.rule == "document-impossible"
    assert "Free has no JSON Schema" in error.sentence


def test_some_contracts_only(run: Callable[..., Review], tmp_path: Path) -> None:
    """With a selection the others are left alone: neither written nor missed."""
    run(order(), Quote)
    found = run(order(note=(str, "")), Quote, Sms, selected=[Quote])
    assert rules(found) == []
    assert not run(Quote, selected=[Quote]).refused
    assert not (tmp_path / "schemas/files-sms").exists()


def test_derived_documents(run: Callable[..., Review], tmp_path: Path) -> None:
    """They follow the code without a judgement; an edit is seen, but one that makes them right does not matter."""
    path = tmp_path / "schemas/shop/asyncapi.json"
    first, second = {"asyncapi": "3.0.0"}, {"asyncapi": "3.0.0", "info": {"title": "shop"}}
    assert ("info", "document-new", "shop/asyncapi.json") in rules(
        run(order(), derived={"shop": {"asyncapi.json": first}})
    )
    changed = run(order(), derived={"shop": {"asyncapi.json": second}})
    assert rules(changed) == [("info", "document-changed", "shop/asyncapi.json")]
    path.write_bytes(canonical(first))
    (error,) = errors(run(order(), derived={"shop": {"asyncapi.json": second}}))
    assert error.rule == "document-edited"
    assert not run(order(), derived={"shop": {"asyncapi.json": first}}).refused
    assert rules(run(order(), derived={"shop": {"asyncapi.json": first}})) == []
    assert rules(run(order())) == [("info", "document-removed", "shop/asyncapi.json")]
    assert not path.exists()


def test_the_same_bytes_in_any_order(run: Callable[..., Review], tmp_path: Path) -> None:
    """The order in which classes were made, and the run that wrote them, cannot be seen."""
    run(order(), Quote, Sms)
    together = tree(tmp_path)
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    run(Sms)
    run(Quote, Sms)
    run(Sms, order(), Quote)
    assert tree(tmp_path) == together
    assert not list((tmp_path / "schemas").rglob(".*"))

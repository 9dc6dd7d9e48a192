"""What a document says of a contract beside its schema: its owner is always said, and changes are named."""

from __future__ import annotations

from pathlib import Path
from types import new_class
from typing import Any, cast

import pytest

from services_communication.contracts import EventModel, registry
from services_communication.contracts.files.lock import digest
from services_communication.contracts.schema import canonical
from tests.support.contract_files import load, rules, run, tree

FILE = "shop/events/paid.it.v1.json"


@pytest.fixture(autouse=True)
def _only_contracts_of_the_test() -> Any:
    with registry.isolated():
        yield


def paid(doc: str = "", version: int = 1, **keywords: Any) -> type[EventModel]:
    """The event paid.it with these class keywords."""
    for contract in registry:
        if contract.__contract__.version == version:
            registry.discard(contract)
    namespace = {"__module__": __name__, "__annotations__": {"id": int, "sku": str}, "__doc__": doc or None}
    given = {"aggregate": "paid", "event_type": "it", "version": version, **keywords}
    return cast("type[EventModel]", new_class("Paid", (EventModel,), given, lambda body: body.update(namespace)))


def told(root: Path, contract: type[EventModel], file: str = FILE) -> list[tuple[str, str, str]]:
    found = run(root, contract).findings
    return [(finding.level, finding.rule, finding.sentence) for finding in found if finding.file == file]


def forget_owner(root: Path, name: str = "events/paid.it.v1.json") -> None:
    """The document as it was written before it said its owner."""
    document = load(root / "shop" / name)
    del document["x-contract"]["owner"]
    data = canonical(document)
    (root / "shop" / name).write_bytes(data)
    lock = root / "shop/contracts.lock.json"
    lock.write_bytes(canonical({**load(lock), name: digest(data)}))


def test_the_owner_is_always_said(tmp_path: Path) -> None:
    """Other services generate their classes from the document, and must not take the contract for their own."""
    run(tmp_path, paid())
    assert load(tmp_path / FILE)["x-contract"]["owner"] == "shop"
    before = tree(tmp_path)
    assert rules(run(tmp_path, paid(owner="shop"))) == []
    assert tree(tmp_path) == before


def test_an_old_document_without_its_owner(tmp_path: Path) -> None:
    """It is rewritten, and nothing else is told: no reader sees a difference, so no former form is kept."""
    run(tmp_path, paid())
    forget_owner(tmp_path)
    assert told(tmp_path, paid()) == [("info", "document-changed", "its owner is now said: shop")]
    assert load(tmp_path / FILE)["x-contract"] == {
        "address": {"aggregate": "paid", "event_type": "it"},
        "kind": "event",
        "owner": "shop",
        "version": 1,
    }


def test_an_old_version_without_its_owner_and_without_a_class(tmp_path: Path) -> None:
    """It stays as it is: documents of versions that the code has no more are never written."""
    run(tmp_path, paid())
    forget_owner(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    run(tmp_path, paid(version=2))
    assert (tmp_path / FILE).read_bytes() == before
    assert load(tmp_path / "shop/events/paid.it.v2.json")["x-contract"]["owner"] == "shop"


@pytest.mark.parametrize(
    ("before", "after", "level", "rule", "sentence", "what"),
    [
        (
            {"key": "id"},
            {},
            "warning",
            "key-changed",
            "has no key any more: messages of one id may overtake each other",
            "its key",
        ),
        (
            {"key": "id"},
            {"key": "sku"},
            "warning",
            "key-changed",
            "its key is sku, and was id: messages of one id may overtake each other",
            "its key",
        ),
        (
            {},
            {"key": "id"},
            "info",
            "key-changed",
            "its key is id now, which orders its messages once all senders are released",
            "its key",
        ),
        (
            {},
            {"unroutable_ok": True},
            "info",
            "unroutable-ok-changed",
            "a message that no queue is bound for is dropped in silence now (unroutable_ok)",
            "its unroutable_ok",
        ),
    ],
)
def test_an_attribute_that_changes(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], level: str, rule: str, sentence: str, what: str
) -> None:
    """It is named, and fails nothing; descriptions are not blamed for it."""
    run(tmp_path, paid(**before))
    assert sorted(told(tmp_path, paid(**after))) == sorted(
        [("info", "document-changed", f"differs from the code in {what}"), (level, rule, sentence)]
    )
    assert "revisions" not in load(tmp_path / FILE)["x-contract"]


def test_an_attribute_and_a_description(tmp_path: Path) -> None:
    run(tmp_path, paid(key="id"))
    sentences = [sentence for _, _, sentence in told(tmp_path, paid("Money came.", key="sku"))]
    assert "differs from the code in its key and in descriptions" in sentences
    assert told(tmp_path, paid("Money has come.", key="sku")) == [
        ("info", "document-changed", "differs from the code in descriptions only")
    ]

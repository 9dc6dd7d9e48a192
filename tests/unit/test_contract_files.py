"""The files of contracts: where they lie, what is found wrong with them, and what a run writes. Nothing here is Django.

The judge is a small one that knows two rules; the real one has tests of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from types import new_class
from typing import Any, cast

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel, resources
from services_communication.contracts.files.paths import file_of
from services_communication.contracts.files.review import Request, Review, review
from services_communication.contracts.files.waivers import Waiver
from services_communication.contracts.files.writing import write
from services_communication.contracts.finding import Finding
from services_communication.contracts.report import Change, Mode, Report
from services_communication.contracts.schema import canonical, reader_of
from services_communication.errors import ConfigurationError

TODAY = date(2030, 6, 1)
ORDER = "shop/events/files.placed.v1.json"
EMAIL = f"{ORDER}#/properties/email"


def judge(former: Sequence[dict[str, Any]], new: dict[str, Any], mode: Mode) -> Report:
    """A required field that is new breaks old messages; optional ones come and go."""
    changes: dict[str, Change] = {}
    for document in former:
        old: Any = reader_of(document)
        for name in sorted(new["properties"].keys() - old["properties"].keys()):
            required = name in new.get("required", [])
            changes[name] = Change(
                "required-added" if required else "optional-added",
                f"/properties/{name}",
                ...,
                new["properties"][name],
                "backward" if required else None,
                f"{'required' if required else 'optional'} field added at {name}",
                {} if required else ...,
            )
        for name in sorted(old["properties"].keys() - new["properties"].keys()):
            gone = f"optional field removed at {name}"
            changes[name] = Change("optional-removed", f"/properties/{name}", old["properties"][name], ..., None, gone)
    broken = any(change.direction for change in changes.values())
    return Report("breaking" if broken else "compatible", "compatible", tuple(changes.values()))


def order(version: int = 1, **fields: Any) -> type[EventModel]:
    """The event files.placed of this version, with an id and these fields."""
    annotations = {"id": int, **{name: kind[0] if isinstance(kind, tuple) else kind for name, kind in fields.items()}}
    defaults = {name: kind[1] for name, kind in fields.items() if isinstance(kind, tuple)}
    namespace = {"__module__": __name__, "__annotations__": annotations, **defaults}
    keywords = {"aggregate": "files", "event_type": "placed", "version": version}
    return cast(
        "type[EventModel]", new_class("OrderPlaced", (EventModel,), keywords, lambda body: body.update(namespace))
    )


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Review]:
    """run(contract…) is `makecontracts`: it writes unless something is refused. check=True never writes."""

    def run(*contracts: type[PayloadModel], check: bool = False, today: date = TODAY, **asked: Any) -> Review:
        found = review(Request(tmp_path / "schemas", "shop", contracts, **asked), judge, today)
        if not check and not found.refused:
            write(found.writings)
        return found

    return run


def rules(found: Review) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.rule, finding.place) for finding in found.findings]


def errors(found: Review) -> list[Finding]:
    return [finding for finding in found.findings if finding.level == "error"]


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


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


def test_a_breaking_change_is_refused(run: Callable[..., Review], tmp_path: Path) -> None:
    """Rule, place, sentence and witness are given, and two ways out; nothing is written, new contracts neither."""
    run(order())
    before = tree(tmp_path)
    found = run(order(email=str), Sms)
    (error,) = errors(found)
    assert (error.rule, error.place, error.sentence) == ("required-added", EMAIL, "required field added at email")
    assert error.change is not None
    assert error.change.witness == {}
    assert error.hint == (
        "raise version= and add an up-caster (@OrderPlaced.upcast(1)); or accept it: makecontracts "
        f"--allow-breaking 'required-added:{EMAIL}' --reason '…' --until YYYY-MM-DD"
    )
    assert tree(tmp_path) == before


def test_a_mode_without_the_direction(run: Callable[..., Review]) -> None:
    """Who asks for FORWARD only does not care whether old messages are read."""
    run(order())
    found = run(order(email=str), mode=Mode.FORWARD)
    assert rules(found) == [("info", "document-changed", ORDER), ("info", "required-added", EMAIL)]


@pytest.mark.parametrize("verdict", ["unknown", "breaking"])
def test_what_is_not_proved_is_refused(run: Callable[..., Review], tmp_path: Path, verdict: Any) -> None:
    """Neither a direction without a proof nor a break without an explanation passes."""
    run(order())

    def unsure(former: Sequence[dict[str, Any]], new: dict[str, Any], mode: Mode) -> Report:
        return Report("compatible", verdict, (), ("patterns differ",))

    found = review(Request(tmp_path / "schemas", "shop", [order(note=str)]), unsure, TODAY)
    (error,) = errors(found)
    assert (error.rule, error.place) == ("compatibility-unknown", ORDER)
    assert error.sentence == f"forward compatibility is {verdict}: patterns differ"


def accept(until: date = date(2030, 12, 31), rule: str = "required-added", place: str = EMAIL) -> dict[str, Any]:
    return {"accept": [Waiver(place, rule, "the shop is the only reader", until)]}


def test_a_break_is_accepted_until_a_day(run: Callable[..., Review], tmp_path: Path) -> None:
    """The waiver is kept in a file; the break stays under watch and is an error again on the day after."""
    run(order())
    broken = order(email=str)
    found = run(broken, **accept())
    assert not found.refused
    assert load(tmp_path / "schemas/shop/waivers.json") == [
        {"place": EMAIL, "reason": "the shop is the only reader", "rule": "required-added", "until": "2030-12-31"}
    ]
    assert [error.rule for error in errors(run(broken, check=True))] == []
    assert rules(run(broken, check=True, today=date(2030, 12, 31))) == [("info", "required-added", EMAIL)]
    (error,) = errors(run(broken, check=True, today=date(2031, 1, 1)))
    assert (error.rule, error.place) == ("waiver-expired", EMAIL)
    assert error.sentence.startswith(
        "required-added was accepted until 2030-12-31 (the shop is the only reader), and is still there: required field"
    )
    assert f"--allow-breaking 'required-added:{EMAIL}'" in error.hint
    assert f"--forget-revisions {ORDER}" in error.hint


def test_a_waiver_is_renewed(run: Callable[..., Review], tmp_path: Path) -> None:
    """--allow-breaking again gives it another last day."""
    run(order())
    broken = order(email=str)
    run(broken, **accept())
    later = date(2031, 3, 1)
    assert not run(broken, today=later, **accept(date(2031, 6, 30))).refused
    assert [waiver["until"] for waiver in load(tmp_path / "schemas/shop/waivers.json")] == ["2031-06-30"]
    assert errors(run(broken, check=True, today=later)) == []


def test_former_forms_are_forgotten(run: Callable[..., Review], tmp_path: Path) -> None:
    """When no old message is left, the document loses them, and its waivers go with them."""
    run(order())
    broken = order(email=str)
    run(broken, **accept())
    found = run(broken, forget=[ORDER], today=date(2031, 1, 1))
    assert rules(found) == [("info", "revisions-forgotten", ORDER)]
    assert "revisions" not in load(tmp_path / "schemas" / ORDER)["x-contract"]
    assert not (tmp_path / "schemas/shop/waivers.json").exists()
    assert rules(run(broken, check=True, today=date(2031, 1, 1))) == []


def test_a_waiver_for_nothing_is_a_mistake(run: Callable[..., Review], tmp_path: Path) -> None:
    """The text lists what is refused; nothing is written."""
    run(order())
    with pytest.raises(ConfigurationError, match=f"nothing is refused .*; there is required-added:{EMAIL}"):
        run(order(email=str), **accept(rule="required-aded"))
    assert not (tmp_path / "schemas/shop/waivers.json").exists()


def test_a_new_version_keeps_the_old_document(run: Callable[..., Review], tmp_path: Path) -> None:
    """It is frozen: not compared, not touched, whether its class is still there or not."""
    run(order())
    before = (tmp_path / "schemas" / ORDER).read_bytes()
    found = run(order(2, email=str))
    assert rules(found) == [("info", "document-new", "shop/events/files.placed.v2.json")]
    assert found.documents == 2
    assert (tmp_path / "schemas" / ORDER).read_bytes() == before
    assert rules(run(order(2, email=str))) == []


def test_an_old_version_needs_a_chain_of_up_casters(run: Callable[..., Review]) -> None:
    """Where its class is gone, messages of it are read through up-casters only."""
    run(order())
    (error,) = errors(run(order(2, email=str), missing_step=lambda contract, version: version))
    assert (error.rule, error.place) == ("upcaster-missing", ORDER)
    assert "@OrderPlaced.upcast(1)" in error.hint
    assert f"--retire {ORDER}" in error.hint
    assert not run(order(2, email=str), missing_step=lambda contract, version: None).refused


def test_old_and_new_class_side_by_side_need_no_chain(run: Callable[..., Review]) -> None:
    """Each version's messages are read by its own class."""
    first, second = order(), order(2, email=str)
    assert not run(first, second, missing_step=lambda contract, version: version).refused


def test_a_contract_that_left_the_code(run: Callable[..., Review], tmp_path: Path) -> None:
    """Its document is an error until it is retired; then document, lock line and examples are gone."""
    run(order(), Quote)
    examples = tmp_path / "schemas/shop/events/files.placed.v1.examples.json"
    examples.write_text("[]")
    (error,) = errors(run(Quote))
    assert (error.rule, error.place, error.sentence) == (
        "contract-missing",
        ORDER,
        "is in the files but not in the code",
    )
    assert error.hint == f"restore the class, or retire it: makecontracts --retire {ORDER}"
    assert rules(run(Quote, retire=[ORDER])) == [("info", "document-removed", ORDER)]
    assert sorted(tree(tmp_path / "schemas")) == ["shop/calls/files.quote.v1.json", "shop/contracts.lock.json"]
    assert list(load(tmp_path / "schemas/shop/contracts.lock.json")) == ["calls/files.quote.v1.json"]
    assert rules(run(Quote)) == []


def test_a_version_that_was_lowered(run: Callable[..., Review]) -> None:
    """The newest document has no class: somebody may have written messages of it already."""
    run(order(), order(2))
    (error,) = errors(run(order()))
    assert (error.rule, error.file) == ("contract-missing", "shop/events/files.placed.v2.json")
    assert "whose newest version is 1" in error.sentence


@pytest.mark.parametrize("place", ["shop/events/nothing.v1.json", ORDER, "../x", "shop"])
def test_only_what_is_no_class_any_more_is_retired(run: Callable[..., Review], tmp_path: Path, place: str) -> None:
    """The text says whether there is no such document, or a class that still has it."""
    run(order())
    before = tree(tmp_path)
    with pytest.raises(
        ConfigurationError, match=r"is in the code; remove the class|is no such document|is no document"
    ):
        run(order(), retire=[place])
    assert tree(tmp_path) == before


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

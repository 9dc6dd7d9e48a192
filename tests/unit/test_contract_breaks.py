"""What breaks somebody is refused, and the ways out: a new version, a waiver with a last day, giving a contract up."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel
from services_communication.contracts.files.owned import owned_document
from services_communication.contracts.files.review import Request, Review, review
from services_communication.contracts.files.waivers import Waiver
from services_communication.contracts.files.writing import write
from services_communication.contracts.finding import Finding
from services_communication.contracts.report import Mode, Report
from services_communication.contracts.schema import canonical
from services_communication.errors import ConfigurationError
from tests.support import contract_files
from tests.support.contract_files import EMAIL, ORDER, TODAY, errors, judge, load, order, rules, tree


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Review]:
    """run(contract…) is `makecontracts`, on a directory of the test."""
    return partial(contract_files.run, tmp_path / "schemas")


class Sms(CommandModel, service="breaks-sms", command_name="send"):
    text: str


class Quote(CallModel[int], service="shop", method_name="breaks.quote"):
    product: int


class Theirs(EventModel, aggregate="breaks", event_type="theirs", owner="users"):
    pass


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


def test_what_is_not_proved_is_accepted_once(run: Callable[..., Review], tmp_path: Path) -> None:
    """For the document that was looked at: the next change of the same file is refused again, until it is accepted."""
    root = tmp_path / "schemas"
    run(order())

    def unsure(former: Sequence[dict[str, Any]], new: dict[str, Any], mode: Mode) -> Report:
        return Report("unknown", "unknown", (), ("patterns differ",))

    def ran(contract: type[EventModel], **asked: Any) -> Review:
        found = review(Request(root, "shop", [contract], **asked), unsure, TODAY)
        if not found.refused:
            write(found.writings)
        return found

    first, second = order(note=(str, "")), order(note=(int, 0))
    accepted = accept(rule="compatibility-unknown", place=ORDER)
    assert not ran(first, **accepted).refused
    (waiver,) = load(root / "shop/waivers.json")
    assert waiver["digest"] == hashlib.sha256(canonical(owned_document(first, "shop"))).hexdigest()
    assert not ran(first).refused
    (error,) = errors(ran(second))
    assert (error.rule, error.place) == ("compatibility-unknown", ORDER)
    assert not ran(second, **accepted).refused
    assert not ran(second).refused
    assert len(load(root / "shop/waivers.json")) == 1


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
    assert not run(broken, today=later, **accept(date(2032, 3, 1))).refused
    assert [waiver["until"] for waiver in load(tmp_path / "schemas/shop/waivers.json")] == ["2032-03-01"]
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
    assert sorted(tree(tmp_path / "schemas")) == ["shop/calls/breaks.quote.v1.json", "shop/contracts.lock.json"]
    assert list(load(tmp_path / "schemas/shop/contracts.lock.json")) == ["calls/breaks.quote.v1.json"]
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


def test_consumers_are_asked(run: Callable[..., Review], tmp_path: Path) -> None:
    """They see the findings and the documents, new and former, and what they make of them is what counts."""
    run(order())

    def nobody_minds(findings: Sequence[Finding], new: Any, former: Any) -> list[Finding]:
        assert "email" in new[ORDER]["properties"]
        assert "email" not in former[ORDER]["properties"]
        return [replace(finding, level="info") for finding in findings]

    assert not run(order(email=str), consumers=nobody_minds).refused
    assert "email" in load(tmp_path / "schemas" / ORDER)["properties"]


def test_another_services_directory(run: Callable[..., Review], tmp_path: Path) -> None:
    """What it keeps there itself looks like contracts that left this code; the hint says how to tell them apart."""
    derived = {"breaks-sms": {"asyncapi.json": {"asyncapi": "3.0.0"}}}
    asked = Request(tmp_path / "schemas", "breaks-sms", [Sms, Theirs, order()], derived=derived)
    review_there = review(asked, judge, TODAY)
    write(review_there.writings)
    (error,) = errors(run(Sms))
    assert (error.rule, error.file) == ("contract-missing", "breaks-sms/events/files.placed.v1.json")
    assert "declare owner=" in error.hint

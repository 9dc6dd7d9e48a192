"""`manage.py makecontracts` with the real judge: what is refused, and each way out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services_communication.contracts import EventModel, registry
from services_communication.contracts.files.lock import digest
from services_communication.contracts.schema import canonical
from services_communication.contracts.usage import needs_of
from tests.support import makecontracts
from tests.support.contracts import nothing_declared
from tests.support.makecontracts import FILE, Ran, declare

pytest.importorskip("jsonschema_rs", reason="comparing needs services-communication[contracts]")


@pytest.fixture(autouse=True)
def _only_contracts_of_the_test() -> Iterator[None]:
    with nothing_declared():
        yield


@pytest.fixture
def schemas(tmp_path: Path) -> Path:
    return tmp_path / "schemas"


@pytest.fixture
def make(schemas: Path) -> Callable[..., Ran]:
    """make("--check") calls the command on the directory of schemas."""
    return partial(makecontracts.make, schemas)


def findings(ran: Ran, level: str = "error") -> list[dict[str, Any]]:
    return [finding for finding in json.loads(ran.out)["findings"] if finding["level"] == level]


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


LATER = (datetime.now(UTC).date() + timedelta(days=300)).isoformat()
ACCEPT = ("--reason", "nothing else reads it", "--until", LATER)


def test_a_required_field_more(make: Callable[..., Ran], schemas: Path) -> None:
    """Refused with rule, place, sentence and a payload that the old class writes and the new one rejects."""
    old = declare()
    make()
    before = files(schemas)
    new = declare(email=str)
    declare("Other")
    for arguments in ([], ["--check"]):
        ran = make(*arguments, "--format", "json")
        assert ran.code == 1
        (broken,) = [finding for finding in findings(ran) if "change" in finding]
        assert (broken["file"], broken["pointer"]) == (FILE, "/properties/email")
        assert broken["change"]["direction"] == "backward"
        assert "email" in broken["sentence"]
        assert f"--allow-breaking {broken['rule']}:{FILE}#/properties/email" in broken["hint"].replace("'", "")
        witness = json.dumps(broken["change"]["witness"])
        old.model_validate_json(witness)
        with pytest.raises(ValidationError):
            new.model_validate_json(witness)
    assert files(schemas) == before


def test_a_refused_check_does_not_advise_to_write(make: Callable[..., Ran]) -> None:
    """makecontracts would refuse as well, so differences are no errors. A break of both directions is one change."""
    declare()
    make()
    declare(id=str)
    ran = make("--check", "--format", "json")
    (changed,) = [f for f in findings(ran, "info") if f["file"] == FILE and f["pointer"] == ""]
    assert (changed["sentence"], changed["hint"]) == ("differs from the code: 1 change", "")
    assert {finding["change"]["direction"] for finding in findings(ran) if "change" in finding} == {
        "backward",
        "forward",
    }
    assert "commit what it writes" not in ran.out


def test_an_optional_field_more(make: Callable[..., Ran], schemas: Path) -> None:
    """Written, and told."""
    declare()
    make()
    declare(note=(str, ""))
    ran = make("--format", "json")
    assert ran.code == 0
    assert f"{FILE}#/properties/note" in [finding["place"] for finding in findings(ran, "info")]
    assert len(json.loads((schemas / FILE).read_bytes())["x-contract"]["revisions"]) == 1
    assert make("--check").code == 0


def test_a_break_that_is_accepted_stays_under_watch(make: Callable[..., Ran], schemas: Path) -> None:
    """Through its last day it is told; then it fails, until it is renewed or the former form is forgotten."""
    declare()
    make()
    declare(email=str)
    (broken,) = findings(make("--format", "json"))
    assert make("--allow-breaking", f"{broken['rule']}:{broken['place']}", *ACCEPT).code == 0
    assert make("--check").code == 0
    path = schemas / "tests/waivers.json"
    path.write_text(path.read_text().replace(LATER, "2020-12-31"))
    ran = make("--check")
    assert ran.code == 1
    assert "waiver-expired" in ran.err
    assert "2020-12-31 (nothing else reads it)" in ran.err
    assert make("--allow-breaking", f"{broken['rule']}:{broken['place']}", *ACCEPT).code == 0
    assert make("--check").code == 0
    path.write_text(path.read_text().replace(LATER, "2020-12-31"))
    assert make("--forget-revisions", FILE).code == 0
    assert not path.exists()
    assert make("--check").code == 0


def test_the_form_before_the_last_counts(make: Callable[..., Ran]) -> None:
    """A → B → C, each harmless after the one before it, and C breaks messages of A: refused, unless only B is asked."""
    declare(note=(str, ""))
    make()
    declare()
    assert make().code == 0
    declare(note=(int, 0))  # no message of the form before holds a note
    assert make("--check", "--mode", "BACKWARD", "--format", "json").code == 1  # the file is not written yet
    (broken,) = [
        finding for finding in findings(make("--format", "json")) if finding["change"]["direction"] == "backward"
    ]
    assert broken["pointer"].startswith("/properties/note")
    assert "--forget-revisions" in broken["hint"]
    assert make("--mode", "BACKWARD").code == 0


def test_another_version(make: Callable[..., Ran], schemas: Path) -> None:
    """The way that breaks nobody: the old document stays, and an up-caster leads on from it."""
    old = declare()
    make()
    before = (schemas / FILE).read_bytes()
    new = declare(version=2, email=str)
    registry.discard(old)
    ran = make("--check")
    assert ran.code == 1
    assert f"upcaster-missing at {FILE}" in ran.err
    new.upcast(1)(lambda payload: {**payload, "email": "unknown"})
    assert make().code == 0
    assert make("--check").code == 0
    assert (schemas / FILE).read_bytes() == before


def test_consumers_decide(make: Callable[..., Ran], tmp_path: Path) -> None:
    """A field that nobody reads may go; one that somebody reads may not, and the finding names the service."""
    consumers = tmp_path / "billing"

    def billing_reads(contract: type[EventModel]) -> None:
        ((_, _, need),) = needs_of([contract], "billing", {contract})
        path = consumers / "schemas/billing/needs/events/made.it.v1.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(canonical(need))

    billing_reads(declare(email=str))
    make()
    narrow = declare()
    assert make().code == 1
    ran = make("--consumers", str(consumers))
    assert ran.code == 1
    assert "billing" in ran.err
    billing_reads(narrow)
    assert make("--consumers", str(consumers)).code == 0
    assert make("--check", "--consumers", str(consumers)).code == 0


def test_a_document_that_is_no_schema(make: Callable[..., Ran], schemas: Path) -> None:
    """Written by hand, and the lock with it: the finding says that it cannot be judged, and there is no traceback."""
    declare()
    make()
    path, lock = schemas / FILE, schemas / "tests/contracts.lock.json"
    old = path.read_bytes()
    path.write_bytes(old.replace(b'"type": "integer"', b'"type": "whole", "$ref": "#/nowhere"'))
    lock.write_text(lock.read_text().replace(digest(old), digest(path.read_bytes())))
    ran = make("--check")
    assert ran.code == 1
    assert f"compatibility-unknown at {FILE}" in ran.err

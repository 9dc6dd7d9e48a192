"""`manage.py makecontracts`, as a user calls it."""

from __future__ import annotations

import io
import json
import sys
import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings

from services_communication.contracts import CommandModel, registry
from services_communication.contracts.files.alone import alone
from services_communication.management.service import this_service
from tests.support import makecontracts
from tests.support.contracts import nothing_declared
from tests.support.makecontracts import FILE, Ran, declare

LATER = (datetime.now(UTC).date() + timedelta(days=300)).isoformat()


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


def test_the_first_run_and_the_check_after_it(make: Callable[..., Ran], schemas: Path) -> None:
    """The documents are told and written; --check agrees then, and finds a new contract without writing it."""
    declare()
    assert make("--check") == Ran(
        1,
        "",
        f"error: document-new at tests/asyncapi.json\n  is new\n"
        f"  what to do: run 'manage.py makecontracts' and commit what it writes\n"
        f"error: document-new at {FILE}\n  is new: tests.support.makecontracts.Made has no document yet\n"
        f"  what to do: run 'manage.py makecontracts' and commit what it writes\n"
        "Contracts and files differ: 2 errors",
    )
    assert not schemas.exists()
    assert make() == Ran(
        0,
        "info: document-new at tests/asyncapi.json\n  is new\n"
        f"info: document-new at {FILE}\n  is new: tests.support.makecontracts.Made has no document yet\n"
        "Wrote 2 files, and the lock; commit them.\n",
        "",
    )
    assert sorted(path.relative_to(schemas).as_posix() for path in schemas.rglob("*.json")) == [
        "tests/asyncapi.json",
        "tests/contracts.lock.json",
        FILE,
    ]
    assert make("--check") == Ran(0, "Contracts and files agree: 1 document.\n", "")
    declare("Other")
    assert make("--check").code == 1
    assert not (schemas / "tests/events/other.it.v1.json").exists()


def test_quiet(make: Callable[..., Ran]) -> None:
    """With --verbosity 0 only errors are said."""
    declare()
    assert make(verbosity=0) == Ran(0, "", "")
    declare("Other")
    assert "document-new" in make("--check", verbosity=0).err


def test_the_asyncapi_document(make: Callable[..., Ran], schemas: Path) -> None:
    """It is that of the service, and follows the contracts; the lock knows it."""
    declare()
    make()
    path = schemas / "tests/asyncapi.json"
    assert json.loads(path.read_bytes()) == this_service().asyncapi()
    assert list(json.loads((schemas / "tests/contracts.lock.json").read_bytes())) == [
        "asyncapi.json",
        "events/made.it.v1.json",
    ]
    path.write_text(path.read_text().replace("3.0.0", "2.0.0"))
    ran = make()
    assert ran.code == 1
    assert "document-edited at tests/asyncapi.json" in ran.err


def test_an_app(make: Callable[..., Ran], schemas: Path) -> None:
    """Only contracts whose module belongs to it."""
    declare("Mine", module="services_communication.contracts")
    declare("Other", module="django.contrib.auth.contracts")
    assert make("--app", "auth").code == 0
    assert [path.name for path in (schemas / "tests/events").iterdir()] == ["other.it.v1.json"]
    ran = make("--app", "nothing")
    assert ran == Ran(
        2, "", "--app nothing: there is no such app; installed are auth, contenttypes, services_communication"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--allow-breaking", "a:b"], "--allow-breaking needs --reason and --until"),
        (["--allow-breaking", "a:b", "--reason", " ", "--until", LATER], "needs --reason"),
        (["--reason", "x"], "belong to --allow-breaking"),
        (["--allow-breaking", "a", "--reason", "x", "--until", LATER], "write it as RULE:PLACE"),
        (["--allow-breaking", "a:b", "--reason", "x", "--until", "soon"], "--until is 'soon', no date like 2031-12-31"),
        (["--allow-breaking", "a:b", "--reason", "x", "--until", "2020-01-01"], "--until 2020-01-01 is over"),
        (["--allow-breaking", "a:b", "--reason", "x", "--until", LATER], "nothing is refused by this rule"),
        (["--check", "--allow-breaking", "a:b", "--reason", "x", "--until", LATER], "--check writes nothing"),
        (["--allow-breaking", "a:b", "--reason", "x", "--until", "9999-12-31"], "is more than 366 days ahead"),
        (["--retire", "tests/asyncapi.json"], "it is made from all contracts of the service"),
        (["--check", "--retire", FILE], "--check writes nothing: leave out --retire"),
        (["--check", "--forget-revisions", FILE], "leave out --forget-revisions"),
        (["--retire", FILE], "is in the code; remove the class first"),
        (["--retire", "tests/events/x.v1.json"], "there is no such document"),
        (["--retire", "../../x"], "is no document"),
        (["--forget-revisions", "tests/events/x.v1.json"], "there is no such document"),
    ],
)
def test_wrong_usage(make: Callable[..., Ran], arguments: list[str], text: str) -> None:
    """Exit code 2 and what to change."""
    declare()
    make()
    ran = make(*arguments)
    assert ran.code == 2
    assert text in ran.err


@pytest.mark.parametrize("below", ["", "/schemas"])
def test_output_that_is_no_directory(make: Callable[..., Ran], tmp_path: Path, below: str) -> None:
    """Exit code 2, and the path."""
    file = tmp_path / "file"
    file.write_text("")
    assert make(output=f"{file}{below}") == Ran(2, "", f"--output {file}{below}: {file} is no directory")


def test_output_that_cannot_be_written(make: Callable[..., Ran], schemas: Path, tmp_path: Path) -> None:
    """Exit code 2; what was begun is undone."""
    declare()
    schemas.mkdir()
    (schemas / "tests").symlink_to("loop")  # a link to nothing, where the directory has to be
    ran = make()
    assert ran.code == 1
    assert "document-unreadable at tests" in ran.err
    assert [path.name for path in schemas.iterdir()] == ["tests"]


def test_a_run_beside_another(make: Callable[..., Ran], schemas: Path) -> None:
    """Exit code 2 for the second one, which finds nothing out and writes nothing; a check disturbs nobody."""
    declare()
    with alone([schemas / "tests"]):
        text = f"another makecontracts is writing into {schemas / 'tests'}: run it again when that one has ended"
        assert make() == Ran(2, "", text)
        assert make("--check").code == 1
    assert make().code == 0


def test_where_schemas_are_by_default(
    make: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """schemas/ in BASE_DIR; without that setting in the working directory."""
    declare()
    with override_settings(BASE_DIR=tmp_path / "project"):
        assert make(output=None).code == 0
    assert (tmp_path / "project/schemas" / FILE).exists()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert make(output=None).code == 0
    assert (tmp_path / "here/schemas" / FILE).exists()


def test_a_retired_contract(make: Callable[..., Ran], schemas: Path) -> None:
    """Document and lock line go; the path that the shell completes is understood too."""
    made = declare()
    declare("Other")
    make()
    registry.discard(made)
    ran = make("--check")
    assert ran.code == 1
    assert f"error: contract-missing at {FILE}" in ran.err
    assert f"makecontracts --retire {FILE}" in ran.err
    assert make("--retire", str(schemas / FILE)).code == 0
    assert not (schemas / FILE).exists()
    assert make("--check").code == 0


def test_machines_get_findings_on_stdout(
    make: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else; the exit code is the same. Paths are those of the repository where a machine needs them."""
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    declare()
    ran = make("--check", "--format", "json")
    assert (ran.code, ran.err) == (1, "Contracts and files differ: 2 errors")
    assert [finding["rule"] for finding in json.loads(ran.out)["findings"]] == ["document-new", "document-new"]
    assert (
        make("--check", "--format", "github")
        .out.splitlines()[1]
        .startswith(f"::error file=schemas/{FILE},title=document-new::is new: ")
    )
    assert ET.fromstring(make("--check", "--format", "junit").out)[0].get("failures") == "2"
    assert make("--check", "--format", "markdown").out.startswith("**Contracts:** 2 errors\n")
    make()
    ran = make("--check", "--format", "json")
    assert (ran.code, json.loads(ran.out)["ok"]) == (0, True)


def test_wrong_settings(make: Callable[..., Ran]) -> None:
    """Exit code 2 and the name of the setting."""
    with override_settings(MICROSERVICES_COMMUNICATION_SETTINGS={"QUEUE": 5}):
        ran = make("--check")
    assert ran.code == 2
    assert "QUEUE" in ran.err


def test_no_colours_in_a_pipe(make: Callable[..., Ran]) -> None:
    """Unless they are asked for."""
    declare()
    assert "\x1b" not in make("--check").err
    assert "\x1b[" in make("--check", force_color=True).err


def test_nothing_is_compared_where_nothing_changed(make: Callable[..., Ran]) -> None:
    """The judge is not even imported: a check of unchanged contracts is fast."""
    declare()
    make()
    name = "services_communication.contracts.compatibility"
    held, sys.modules[name] = sys.modules.get(name), types.ModuleType(name)  # one without a judge
    try:
        assert make("--check").code == 0
    finally:
        del sys.modules[name]
        if held is not None:
            sys.modules[name] = held


def test_the_exit_code_of_failed_system_checks(tmp_path: Path) -> None:
    """2, as of all wrong settings: CI tells them from contracts that differ."""
    with (
        override_settings(MICROSERVICES_COMMUNICATION_SETTINGS={"QUEUE": 5}),
        pytest.raises(CommandError) as caught,
    ):
        call_command("makecontracts", "--check", output=str(tmp_path), skip_checks=False, stderr=io.StringIO())
    assert caught.value.returncode == 2


@pytest.mark.parametrize("check", [[], ["--check"]])
def test_a_type_that_json_cannot_hold(make: Callable[..., Ran], schemas: Path, check: list[str]) -> None:
    """It is a finding that names the class, and the AsyncAPI document, which cannot be made, is left alone."""
    declare()
    make()
    declare(work=Callable[[], int])
    ran = make(*check, "--format", "json")
    assert ran.code == 1
    (finding,) = json.loads(ran.out)["findings"]
    assert (finding["level"], finding["rule"], finding["file"]) == ("error", "document-impossible", FILE)
    assert "tests.support.makecontracts.Made has no JSON Schema" in finding["sentence"]
    assert (schemas / "tests/asyncapi.json").exists()


def test_a_number_that_json_cannot_hold(make: Callable[..., Ran]) -> None:
    """NaN as a default is told of both documents."""
    declare(part=(float, float("nan")))
    ran = make("--format", "json")
    assert ran.code == 1
    assert [finding["rule"] for finding in json.loads(ran.out)["findings"]] == [
        "asyncapi-impossible",
        "document-impossible",
    ]


def test_a_type_of_another_service_that_json_cannot_hold(make: Callable[..., Ran], configure: Any) -> None:
    """A contract that is not written here stands in the AsyncAPI document all the same."""
    keywords = {"service": "sms", "command_name": "send", "owner": "sms"}
    namespace = {"__module__": __name__, "__annotations__": {"work": Callable[[], int]}}
    types.new_class("Send", (CommandModel,), keywords, lambda body: body.update(namespace))
    ran = make("--format", "json")
    assert [(finding["rule"], finding["file"]) for finding in json.loads(ran.out)["findings"]] == [
        ("document-impossible", "sms/commands/send.v1.json")
    ]


def test_a_path_from_the_working_directory(
    make: Callable[..., Ran], schemas: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell completes it there, and the directory of schemas is named in full."""
    registry.discard(declare())
    declare("Other")
    monkeypatch.chdir(schemas.parent)
    for place in (f"schemas/{FILE}", f"./schemas/../schemas/{FILE}", FILE):
        made = declare()
        assert make().code == 0
        registry.discard(made)
        assert make("--retire", place).code == 0
        assert not (schemas / FILE).exists()

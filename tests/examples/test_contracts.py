"""The example services' contracts in ``schemas/``: written by their commands, and read by the code of today."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
EXAMPLES = sorted(SCHEMAS.rglob("*.examples.json"))

services = pytest.mark.parametrize("service", ["shop", "delivery"])


def python(*arguments: str, directory: Path = ROOT, **variables: str) -> tuple[int, str]:
    """The exit code, and what was written to both streams."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env={**os.environ, "PYTHONUTF8": "1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    print(done.stdout)  # pytest shows it when the test fails
    return done.returncode, done.stdout


def manage(service: str, *arguments: str) -> tuple[int, str]:
    settings = f"examples.{service}.settings"  # the variable is set to this test run's own
    return python("-m", f"examples.{service}.manage", *arguments, DJANGO_SETTINGS_MODULE=settings)


@services
def test_the_documents_are_up_to_date_and_break_no_consumer(service: str) -> None:
    code, shown = manage(service, "makecontracts", "--check", "--output", "schemas", "--consumers", "schemas")
    assert (code, shown) == (0, "Contracts and files agree: 3 documents.\n")


@services
def test_the_needs_are_up_to_date(service: str) -> None:
    code, shown = manage(service, "contracts", "needs", "--check", "--output", "schemas")
    assert code == 0
    assert "up to date" in shown


def test_each_service_needs_of_the_other_what_it_handles_and_sends() -> None:
    """A module that a service does not import is not among its needs, though both services share the package."""
    found = {path.relative_to(SCHEMAS).as_posix() for path in SCHEMAS.glob("*/needs/*/*")}
    assert found == {
        "delivery/needs/events/order.placed.v1.json",
        "shop/needs/calls/delivery.quote.v1.json",
        "shop/needs/commands/delivery.book-courier.v1.json",
        "shop/needs/rest/zones.v1.json",
    }


def test_every_document_has_examples() -> None:
    documents = {path for path in SCHEMAS.glob("*/*/*.v*.json") if ".examples." not in path.name}
    assert len(documents) == 6
    assert {path.with_name(path.name.replace(".json", ".examples.json")) for path in documents} == set(EXAMPLES)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_examples_fit_their_document(file: Path) -> None:
    document = json.loads(file.with_name(file.name.replace(".examples.json", ".json")).read_bytes())
    for payload in json.loads(file.read_bytes()).values():
        jsonschema.validate(payload, document, jsonschema.Draft202012Validator)


def test_pytest_in_the_examples_replays_each_of_them() -> None:
    """The shipped plugin finds them by examples/pytest.ini; the project's own tests are not slowed by it."""
    payloads = sum(len(json.loads(file.read_bytes())) for file in EXAMPLES)
    code, shown = python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "services_communication.testing.plugin"),
        directory=ROOT / "examples",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",  # the plugin once, by its name, wherever it is known
        PYTEST_ADDOPTS="",
    )
    assert code == 0
    assert f"{payloads} passed" in shown

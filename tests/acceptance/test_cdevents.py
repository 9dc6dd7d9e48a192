"""The corpus: 39 schemas of CDEvents become contracts, and each example travels as one, equal at both ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts import EventModel, registry
from services_communication.testing.consuming import wait_until
from tests.acceptance.cdevents_service import generated_contracts
from tests.integration.databases import Postgres
from tests.integration.fixtures import MakeService
from tests.integration.processes import ROOT

CORPUS = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "cdevents" / "v0.3"
NUMBER = 39
PACKAGE = "generated_cdevents"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus shared/testdata/cdevents is not here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the generated package is."""
    folder = tmp_path_factory.mktemp("generated")
    command = [
        sys.executable,
        "-m",
        "services_codegen",
        "generate",
        str(CORPUS / "schemas"),
        "-o",
        str(folder / PACKAGE),
    ]
    options = ["--kind", "event", "--aggregate", "cdevents"]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "codegen")])
    done = subprocess.run(
        [*command, *options], env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def contracts(folder: Path) -> Iterator[dict[str, type[EventModel]]]:
    """By event type, which is the name of the schema's file."""
    sys.path.insert(0, str(folder))
    try:
        found = {contract.__contract__.address.routing_key: contract for contract in generated_contracts(PACKAGE)}
        yield found
        for contract in found.values():
            registry.discard(contract)
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]


@pytest.fixture(scope="module")
def examples() -> dict[str, bytes]:
    return {path.stem.replace("_", ""): path.read_bytes() for path in sorted((CORPUS / "examples").glob("*.json"))}


def test_there_is_a_contract_for_each_example(
    contracts: dict[str, type[EventModel]], examples: dict[str, bytes]
) -> None:
    assert len(contracts) == len(examples) == NUMBER
    assert contracts.keys() == examples.keys()


def test_a_contract_holds_all_of_its_example(
    contracts: dict[str, type[EventModel]], examples: dict[str, bytes]
) -> None:
    """What is written is what was read: same keys, same values."""
    for name, example in examples.items():
        written = contracts[name].model_validate_json(example).model_dump(mode="json", by_alias=True, exclude_none=True)
        assert with_moments(written) == with_moments(json.loads(example)), name


def test_every_example_travels(
    contracts: dict[str, type[EventModel]],
    examples: dict[str, bytes],
    folder: Path,
    tmp_path: Path,
    amqp_url: str,
    postgres_databases: Postgres,
    make_service: MakeService,
) -> None:
    """Outbox on PostgreSQL, relay process, RabbitMQ, consumer process, typed handler."""
    with postgres_databases.fresh() as database, make_service(amqp_url, database) as service:
        service.applications = ["tests.acceptance.cdevents_service"]
        service.extra_environment = {
            "CDEVENTS": PACKAGE,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "codegen"), str(folder)]),
        }
        service.settings["BINDS"] = []
        service.consumer()
        service.relay()
        sent = {name: contracts[name].model_validate_json(example) for name, example in examples.items()}
        ids = dict(zip(sent, service.publish(*sent.values()), strict=True))
        told = tmp_path / "runs"
        wait_until(lambda: told.exists() and len(told.read_text().splitlines()) >= NUMBER, "all are handled", 90)
        service.wait_until_empty()
        assert service.dead() == []
    lines = [line.split(" ", 2) for line in told.read_text().splitlines()]
    assert {name: message_id for name, message_id, _ in lines} == ids
    received = {name: contracts[name].model_validate_json(body) for name, _, body in lines}
    assert received == sent
    assert len(lines) == NUMBER


def with_moments(value: Any) -> Any:
    """Timestamps are compared as moments, however they are written."""
    if isinstance(value, dict):
        return {
            key: datetime.fromisoformat(item) if key == "timestamp" else with_moments(item)
            for key, item in value.items()
        }
    return [with_moments(item) for item in value] if isinstance(value, list) else value

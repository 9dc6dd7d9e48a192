"""The official parser, @asyncapi/parser, reads our AsyncAPI documents: scripts/asyncapi installs and runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services_communication.contracts.schema import canonical
from tests.asyncapi.rich import rich
from tests.conftest import SERVERS_REQUIRED

ROOT = Path(__file__).resolve().parents[2]
NOT_TO_BE_HAD = 2

pytestmark = pytest.mark.timeout(900)  # the first run installs it


def parse(directory: Path, *documents: bytes) -> tuple[int, list[str]]:
    """The exit code, and what was printed, without the directory's name."""
    if not SERVERS_REQUIRED and not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not installed")
    paths = [directory / f"{number}.json" for number in range(len(documents))]
    for path, document in zip(paths, documents, strict=True):
        path.write_bytes(document)
    done = subprocess.run(
        [ROOT / "scripts" / "asyncapi", *paths],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    if done.returncode == NOT_TO_BE_HAD and not SERVERS_REQUIRED:
        pytest.skip(f"the parser could not be installed: {done.stderr[-500:]}")
    print(done.stdout, done.stderr)  # pytest shows it when the test fails
    return done.returncode, done.stdout.replace(f"{directory}/", "").splitlines()


def example(service: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "tests.asyncapi.export_example"],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": f"examples.{service}.settings"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_it_reads_the_example_services(tmp_path: Path) -> None:
    """No diagnostics at all: a line for each document says what was found in it."""
    code, printed = parse(tmp_path, example("shop"), example("delivery"))

    assert code == 0
    assert len(printed) == 2
    assert printed[0].startswith("0.json: read; ")
    assert printed[1].startswith("1.json: read; ")


def test_it_reads_a_rich_service(tmp_path: Path) -> None:
    """Recursion, tuples, discriminators, calls in both directions, names that are not ASCII."""
    code, printed = parse(tmp_path, canonical(rich()))

    assert (code, printed) == (0, ["0.json: read; 8 channels, 5 operations, 7 messages"])


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        ("channels/order.placed/messages/OrderPlaced.v1/$ref", "#/components/messages/Nothing", "invalid-ref"),
        ("operations/receive.event.order.placed/action", "shout", "asyncapi-document-resolved"),
        ("channels/order.placed/bindings/amqp/is", "letter box", "asyncapi-document-resolved"),
        (
            "operations/receive.event.order.placed/messages",
            [{"$ref": "#/channels/builder/messages/Build.v1"}],
            "asyncapi3-operation-messages-from-referred-channel",
        ),
        ("components/schemas/OrderPlaced.v1/type", "order", "asyncapi-document-resolved"),
    ],
)
def test_it_would_complain(tmp_path: Path, place: str, value: Any, complaint: str) -> None:
    """It looks into references, bindings, operations and schemas: a document broken there is refused."""
    document = rich()
    *path, last = place.split("/")
    node = document
    for name in path:
        node = node[name]
    assert last in node
    node[last] = value

    code, printed = parse(tmp_path, json.dumps(document).encode())

    assert code == 1
    assert any(f" error {complaint} " in line for line in printed)

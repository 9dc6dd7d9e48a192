"""The walk through a contract's life, as scripts/walk runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
V1, V2 = "shop/events/order.placed.v1.json#/properties", "shop/events/order.placed.v2.json#/properties"


class Run(NamedTuple):
    command: str
    output: str
    code: int


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[Run]]:
    """What each step ran. The walk succeeds, and leaves no file behind, neither in the tree nor elsewhere."""
    directory, before = tmp_path_factory.mktemp("walk"), files()
    done = subprocess.run(
        [sys.executable, "-m", "examples.evolution"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=250,
        check=False,
    )
    print(done.stdout)  # pytest shows it when the test fails
    assert done.returncode == 0
    assert done.stdout.endswith("\nEach step did what it should.\n")
    assert files() == before
    assert list(directory.iterdir()) == []
    return steps(done.stdout)


def files() -> dict[str, bytes]:
    found = [path for name in ("examples", "schemas") for path in (ROOT / name).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in found if "__pycache__" not in path.parts}


def steps(text: str) -> dict[int, list[Run]]:
    """Step → its commands that have an exit code, in order."""
    found: dict[int, list[Run]] = {}
    for part in re.split(r"^(?=\d\. )", text, flags=re.MULTILINE)[1:]:
        commands = re.findall(r"^    \$ python -m (.*)\n((?:    .*\n)*?)    → exit code (\d+)$", part, re.MULTILINE)
        found[int(part[0])] = [Run(command, output, int(code)) for command, output, code in commands]
    return found


def test_each_command_ends_as_its_step_says(runs: dict[int, list[Run]]) -> None:
    assert {number: [run.code for run in commands] for number, commands in runs.items()} == {
        1: [0, 0],  # written; checked
        2: [1],
        3: [1],
        4: [0, 0, 0],  # version 2 written; checked; the message of version 1 delivered
        5: [0, 0],
        6: [1, 0, 0],  # refused; accepted; checked
        7: [1, 0, 0, 0],  # refused; the needs written; passed with them; checked
        8: [1],
    }


@pytest.mark.parametrize(
    ("number", "place", "sentence"),
    [
        (2, f"required-added at {V1}/currency", "required field added at currency: old messages lack it"),
        (3, f"type-changed at {V1}/orderId/type", "type changed from integer to string at orderId"),
        (6, f"minimum-added at {V2}/orderId/minimum", "minimum added (1) at orderId"),
        (7, f"required-removed at {V2}/city", "required field removed at city: new messages may lack it"),
        (8, f"required-removed at {V2}/total", "billing reads event order.placed v2: required field removed at total"),
    ],
)
def test_a_break_is_refused_with_rule_place_sentence_and_witness(
    runs: dict[int, list[Run]], number: int, place: str, sentence: str
) -> None:
    assert re.search(
        rf"error: {re.escape(place)}\n +{re.escape(sentence)}.*\n +for example: {{", runs[number][0].output
    )


def test_the_new_version_lies_beside_the_old_and_takes_its_messages(runs: dict[int, list[Run]]) -> None:
    written, checked, delivered = runs[4]
    assert "document-new at shop/events/order.placed.v2.json" in written.output
    assert "order.placed.v1.json" not in written.output
    assert "Contracts and files agree: 2 documents." in checked.output
    assert 'delivered: version 1 {"payload": {"city": "skd", "orderId": 1, "total": "120"}}' in delivered.output
    assert "handled: OrderPlaced(order_id=1, city='skd', total=Decimal('120'), currency='UZS')" in delivered.output


def test_a_compatible_edit_is_told(runs: dict[int, list[Run]]) -> None:
    assert f"info: property-added at {V2}/note\n      field added at note\n" in runs[5][0].output
    assert "error" not in runs[5][0].output


def test_an_accepted_break_is_told_with_its_reason(runs: dict[int, list[Run]]) -> None:
    for run in runs[6][1:]:
        assert f"info: minimum-added at {V2}/orderId/minimum\n" in run.output
        assert re.search(r"accepted until \d{4}-\d\d-\d\d: order numbers have always begun with 1", run.output)


def test_a_consumer_decides_what_may_go(runs: dict[int, list[Run]]) -> None:
    """The same edit without and with its needs; and what it does read is kept for it."""
    alone, _, known, _ = runs[7]
    assert (alone.command, known.command) == (
        "shop.manage makecontracts",
        "shop.manage makecontracts --consumers schemas",
    )
    assert f"info: required-removed at {V2}/city\n" in known.output
    assert "consumers first: release billing, which must do without total" in runs[8][0].output
    assert f"error: required-removed at {V2}/city" not in runs[8][0].output

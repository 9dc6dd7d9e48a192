"""``makecontracts --check`` of many contract versions, and the judge on as many changed ones.

Beside a thousand stand five hundred, in the same run: the ratio of the rates is 1.0 where time grows linearly.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import create_model

from benchmarks.measure import Result, side_by_side
from services_communication.contracts import EventModel, PayloadModel, registry
from services_communication.contracts.compatibility import compare, compare_all
from services_communication.contracts.files import writing
from services_communication.contracts.files.review import Request, Review, review
from services_communication.contracts.schema import document

VERSIONS = 1000
HALF = VERSIONS // 2


class Address(PayloadModel):
    street_name: str
    city_code: str


Contract = type[EventModel]


def _contracts(number: int, **more: Any) -> list[Contract]:
    """Two versions of each address, so that half of them are old ones."""
    fields: dict[str, Any] = {
        "order_id": (int, ...),
        "customer": (str, ...),
        "placed_at": (datetime, ...),
        "total": (Decimal, ...),
        "address": (Address | None, None),
        "tags": (list[str], []),
        **more,
    }
    made: list[Contract] = []
    for index in range(number):
        keywords = {
            "aggregate": f"bench{index // 2 % 20}",
            "event_type": f"type{index // 2}",
            "key": "order_id",
            "version": 1 + index % 2,
        }
        made.append(create_model(f"Event{index}", __base__=EventModel, __cls_kwargs__=keywords, **fields))
    for contract in made:
        registry.discard(contract)
    return made


def run_check() -> Result:
    with _written(VERSIONS) as all_of_them, _written(HALF) as half:
        return side_by_side(
            "check",
            f"makecontracts --check, {VERSIONS} versions",
            lambda: _rate(VERSIONS, *all_of_them),
            f"the same, {HALF} versions",
            lambda: _rate(HALF, *half),
            rounds=3,
        )


def run_judge() -> Result:
    old = [document(contract) for contract in _contracts(VERSIONS)]
    new = [document(contract) for contract in _contracts(VERSIONS, note=(str | None, None))]
    for number, (one, other) in enumerate(zip(old, new, strict=True)):  # no two pairs are alike
        for part in (one, other):
            part["properties"][f"field{number}"] = {"type": "string", "maxLength": 10 + number}
            part["x-contract"].pop("writer", None)
    return side_by_side(
        "judge",
        f"both verdicts on {VERSIONS} changed versions",
        lambda: _judged(old, new),
        f"the same, {HALF} versions",
        lambda: _judged(old[:HALF], new[:HALF]),
        rounds=3,
    )


@contextmanager
def _written(number: int) -> Iterator[tuple[Path, list[Contract]]]:
    contracts = _contracts(number)
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        writing.write(_review(root, contracts).writings)
        yield root, contracts


def _review(root: Path, contracts: list[Contract]) -> Review:
    today: date = datetime.now(UTC).date()
    return review(Request(root, "bench", contracts), compare_all, today)


def _rate(number: int, root: Path, contracts: list[Contract]) -> float:
    began = time.perf_counter()
    found = _review(root, contracts)
    taken = time.perf_counter() - began
    if found.findings:
        raise RuntimeError(f"code and files should agree: {found.findings[0]}")
    return number / taken


def _judged(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> float:
    began = time.perf_counter()
    for one, other in zip(old, new, strict=True):
        report = compare(one, other)
        if report.verdict() != "compatible":
            raise RuntimeError(f"an optional field breaks nobody: {report}")
    return len(old) / (time.perf_counter() - began)

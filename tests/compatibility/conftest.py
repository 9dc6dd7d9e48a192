"""Public data with verdicts, outside of the project; tests that need it are skipped where it is absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "testdata" / "compat"


def read(name: str) -> Any:
    if not DATA.is_dir():
        pytest.skip(f"the public corpus is not here: {DATA.parent.name}/{DATA.name}/{name}")
    return (DATA / name).read_text()


@pytest.fixture(scope="session")
def role_cases() -> dict[str, dict[str, Any]]:
    return {case["name"]: case for case in json.loads(read("role_cases.json"))}


@pytest.fixture(scope="session")
def pairs() -> list[dict[str, Any]]:
    return [json.loads(line) for line in read("pairs.jsonl").splitlines()]

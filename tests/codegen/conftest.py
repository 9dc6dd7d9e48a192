"""Schemas in, packages out: what the tests of the generator share."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from services_codegen.__main__ import main

from services_communication.contracts import registry

ROOT = Path(__file__).resolve().parents[2]
_numbers = itertools.count(1)


class Workshop:
    """An input directory, an output package of a name of its own, and what one does with them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.schemas = folder / "schemas"
        self.schemas.mkdir()
        self.package = folder / f"generated_{next(_numbers)}"
        self._monkeypatch = monkeypatch

    def write(self, name: str, schema: object) -> None:
        path = self.schemas / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema))

    def generate(self, *options: str) -> int:
        return main(["generate", str(self.schemas), "-o", str(self.package), *options])

    def load(self) -> ModuleType:
        self._monkeypatch.syspath_prepend(str(self.package.parent))
        return importlib.import_module(self.package.name)

    def build(self, schema: dict[str, Any], *options: str) -> Any:
        """The class of one schema, whose title is ``Thing``."""
        self.write("thing.json", {"title": "Thing", "type": "object"} | schema)
        assert self.generate(*options) == 0
        return self.load().Thing

    def text(self, name: str) -> str:
        return (self.package / name).read_text()


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    """A workshop whose contracts are forgotten afterwards."""
    known = set(registry)
    made = Workshop(tmp_path, monkeypatch)
    yield made
    for contract in set(registry) - known:
        registry.discard(contract)
    for name in [name for name in sys.modules if name.partition(".")[0] == made.package.name]:
        del sys.modules[name]


@pytest.fixture
def check_types(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """``mypy --strict`` over paths, as a user of the plain type checker runs it; returns what it says."""

    def run(*paths: Path) -> str:
        configuration = tmp_path / "mypy.ini"
        cache = tmp_path_factory.getbasetemp() / "mypy"  # one for all tests: the library is analysed once
        configuration.write_text(f"[mypy]\nstrict = True\ncache_dir = {cache}\n")
        result = subprocess.run(
            [sys.executable, "-m", "mypy", "--config-file", str(configuration), *map(str, paths)],
            cwd=tmp_path,
            env=os.environ | {"MYPYPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        return "" if result.returncode == 0 else result.stdout + result.stderr

    return run

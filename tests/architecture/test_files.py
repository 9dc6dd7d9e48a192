"""Rules about files that no linter knows."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "services_communication"
MOST_LINES = 400


def python_files() -> list[Path]:
    """The tracked ones, and those that will be; without git all that are not in a hidden folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*.py") if not any(part[0] == "." for part in path.relative_to(ROOT).parts)]
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def imported(path: Path) -> set[str]:
    """The top-level packages that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def test_files_stay_short() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in python_files()}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > MOST_LINES} == {}


@pytest.mark.parametrize(("package", "place"), [("pika", "transport/amqp"), ("httpx", "rest_api/http.py")])
def test_a_client_library_is_imported_in_one_place(package: str, place: str) -> None:
    importers = [path for path in python_files() if path.is_relative_to(LIBRARY) and package in imported(path)]
    assert [path for path in importers if not path.is_relative_to(LIBRARY / place)] == []


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        ("import pika", {"pika"}),
        ("def connect():\n    from pika.adapters import blocking_connection", {"pika"}),
        ("import os.path, httpx as h", {"os", "httpx"}),
        ("from . import pika", set()),
        ("'import pika'", set()),
    ],
)
def test_imports_are_found(tmp_path: Path, source: str, packages: set[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert imported(path) == packages

"""mypy --strict over code as users write it: what is right passes, what is wrong fails at its line with its code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ACCEPTED = HERE / "accepted.py"
REJECTED = sorted((HERE / "rejected").glob("*.py"))

CONFIG = """
[mypy]
python_version = 3.11
strict = True
follow_imports = silent
enable_error_code = ignore-without-code
{plugins}
[mypy.plugins.django-stubs]
django_settings_module = tests.settings
"""
PLUGINS = {"no plugin": "", "the Django plugin": "plugins = mypy_django_plugin.main"}
FOUND = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$", re.MULTILINE)
WANTED = re.compile(r"# E: (?P<code>[a-z-]+)$")


@pytest.fixture(scope="module", params=PLUGINS)
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> set[tuple[str, int, str]]:
    """Every error that mypy finds, as file, line and code; neither with pydantic's plugin."""
    directory = tmp_path_factory.mktemp("mypy")
    config = directory / "mypy.ini"
    config.write_text(CONFIG.format(plugins=PLUGINS[request.param]))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(directory / "cache")),
            *("--no-error-summary", "--hide-error-context", "--no-pretty", "--explicit-package-bases"),
            *map(str, [ACCEPTED, *REJECTED]),
        ],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT), "MYPY_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return {(Path(m["file"]).name, int(m["line"]), m["code"]) for m in FOUND.finditer(ended.stdout)}


def wanted(path: Path) -> set[tuple[str, int, str]]:
    lines = enumerate(path.read_text().splitlines(), start=1)
    return {(path.name, number, match["code"]) for number, line in lines if (match := WANTED.search(line))}


def test_correct_code_is_accepted(found: set[tuple[str, int, str]]) -> None:
    """Every form of DESIGN §2, typed and historical."""
    assert {error for error in found if error[0] == ACCEPTED.name} == set()


@pytest.mark.parametrize("path", REJECTED, ids=lambda path: path.stem)
def test_wrong_code_is_rejected(found: set[tuple[str, int, str]], path: Path) -> None:
    """At exactly the lines that say so, with exactly the code that they say."""
    assert wanted(path)
    assert {error for error in found if error[0] == path.name} == wanted(path)

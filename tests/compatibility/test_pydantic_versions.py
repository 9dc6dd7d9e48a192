"""The same bytes from the oldest pydantic that is supported and from the one that is installed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pydantic
import pytest

from tests.codegen.test_round_trip import CHANGED, FAITHFUL

ROOT = Path(__file__).resolve().parents[2]
WRITE = """
import sys
import pydantic, changed, faithful
from services_communication.contracts import registry, resources
from services_communication.contracts.schema import canonical, document
sys.stderr.write(pydantic.VERSION)
sys.stdout.buffer.write(b"".join(canonical(document(contract)) for contract in [*registry, *resources]))
"""


def oldest() -> str:
    """What pyproject.toml asks for at least: ``2.11``."""
    found = re.search(r'"pydantic>=([\d.]+)', (ROOT / "pyproject.toml").read_text())
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def oldest_pydantic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with that release, beside the environment."""
    target = tmp_path_factory.mktemp("pydantic")
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--target", str(target)]
    result = subprocess.run([*command, f"pydantic~={oldest()}.0"], capture_output=True, text=True, check=False)
    if result.returncode != 0:
        why = f"pydantic {oldest()} cannot be installed: {result.stderr.strip()[-300:]}"
        if os.environ.get("SERVICES_COMMUNICATION_REQUIRE_SERVERS"):
            pytest.fail(why, pytrace=False)
        pytest.skip(why)
    return target


def documents(folder: Path, *paths: Path) -> tuple[str, bytes]:
    """pydantic's version, and the documents of all contracts that `folder` declares."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*paths, folder, ROOT)))}
    result = subprocess.run(
        [sys.executable, "-c", WRITE], env=environment, cwd=folder, capture_output=True, check=False
    )
    assert result.returncode == 0, result.stderr.decode()
    return result.stderr.decode(), result.stdout


def test_documents_do_not_change_with_pydantic(oldest_pydantic: Path, tmp_path: Path) -> None:
    """An upgrade of pydantic rewrites no document."""
    (tmp_path / "faithful.py").write_text(FAITHFUL)
    (tmp_path / "changed.py").write_text(CHANGED)
    version, then = documents(tmp_path, oldest_pydantic)
    assert version.startswith(f"{oldest()}.")
    installed, now = documents(tmp_path)
    assert installed == pydantic.VERSION
    assert now == then

"""datamodel-code-generator, run on the clean copies.

It runs in a process of its own: it cannot touch the caller's state, its warnings and crashes stay there, and a schema
that makes it run for ever is cut off. It reads no configuration file, fetches nothing and writes into one directory.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services_codegen.errors import InputError

TIMEOUT = 300  # seconds
OPTIONS = (
    "--input-file-type=jsonschema",
    "--output-model-type=pydantic_v2.BaseModel",
    "--base-class=services_communication.contracts.PayloadModel",
    "--target-python-version=3.11",
    "--formatters=builtin",
    "--output-datetime-class=AwareDatetime",
    "--enum-field-as-literal=all",
    "--ignore-pyproject",
    "--no-allow-remote-refs",
    "--disable-timestamp",
    "--disable-warnings",
    "--snake-case-field",
    "--strict-nullable",
    "--collapse-root-models",
    "--use-annotated",
    "--use-standard-collections",
    "--use-union-operator",
    "--use-schema-description",
)


def generate(copies: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Module name → source, for `copies`: module name → schema. `folder` is a scratch directory.

    Raises InputError when the generator gives up.
    """
    if importlib.util.find_spec("datamodel_code_generator") is None:
        raise InputError('datamodel-code-generator is not installed: pip install "services-communication[codegen]"')
    source, target = folder / "schemas", folder / "generated"
    source.mkdir()
    for name, schema in copies.items():
        (source / f"{name}.json").write_text(json.dumps(schema), encoding="utf-8")
    command = ["-m", "datamodel_code_generator", f"--input={source}", f"--output={target}", *OPTIONS]
    result = run_python(command, folder)
    if result.returncode:
        lines = [line for line in result.stderr.splitlines() if line.strip()]
        raise InputError(
            f"datamodel-code-generator cannot read these schemas: {lines[-1] if lines else 'no reason given'}"
        )
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(target.glob("*.py"))}


def run_python(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Python in `folder`, with this process's import path. Raises InputError when it takes too long."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        return subprocess.run(  # noqa: S603  the arguments are ours
            [sys.executable, "-P", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"the schemas take longer than {TIMEOUT} seconds; simplify them") from None

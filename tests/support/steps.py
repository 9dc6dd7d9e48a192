"""What scripts/test runs, one step after the other, in the project's environment. A failed step does not hide the next.

python -m tests.support.steps everything|lint [PYTEST ARGUMENT...]
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.provide import ROOT, NoServersError, prepare_signals, provide, run
from tests.support.servers import ServerError

BIN = Path(sys.executable).parent
NOTHING_COLLECTED = 5
# Each is checked alone: two examples may have modules of the same name.
TYPED = (
    ("services_communication", "codegen"),
    ("examples",),
    ("tests/typing",),
    ("tests/support", "tests/settings.py", "tests/conftest.py"),
)


class Steps:
    """Runs commands and remembers how they ended."""

    def __init__(self) -> None:
        self.results: list[tuple[str, bool, float]] = []

    def step(
        self, name: str, *command: str, variables: Mapping[str, str] | None = None, accept: Sequence[int] = (0,)
    ) -> None:
        print(f"\n=== {name} ===", flush=True)
        began = time.monotonic()
        ended = run([str(BIN / command[0]), *command[1:]], variables or {})
        self.results.append((name, ended in accept, time.monotonic() - began))

    @property
    def failed(self) -> bool:
        return not all(passed for _, passed, _ in self.results)

    def report(self) -> None:
        print("\n=== Summary ===")
        for name, passed, seconds in self.results:
            print(f"{'passed' if passed else 'FAILED'}  {name} ({seconds:.0f} s)", flush=True)


def lint(steps: Steps) -> None:
    steps.step("ruff check", "ruff", "check", ".")
    steps.step("ruff format", "ruff", "format", "--check", ".")
    for paths in TYPED:
        present = [path for path in paths if _has_python(ROOT / path)]
        if present:
            steps.step(f"mypy {' '.join(present)}", "mypy", "--explicit-package-bases", *present)
    steps.step("import-linter", "lint-imports")


def _has_python(path: Path) -> bool:
    return path.is_file() or any(path.rglob("*.py"))


def tests(steps: Steps, arguments: Sequence[str]) -> None:
    """All on SQLite, then once more what uses the database on each of the others."""
    # A selection by the caller may well leave nothing to repeat.
    repeated = (0, NOTHING_COLLECTED) if arguments else (0,)
    with provide() as servers:
        variables = {**servers, "SERVICES_COMMUNICATION_REQUIRE_SERVERS": "1"}
        steps.step(
            "pytest on SQLite", "pytest", *arguments, variables={**variables, "SERVICES_TEST_DATABASE": "sqlite"}
        )
        for name, key in (("PostgreSQL", "postgres"), ("MariaDB", "mysql")):
            steps.step(
                f"pytest on {name}",
                *("pytest", "-m", "database", *arguments),
                variables={**variables, "SERVICES_TEST_DATABASE": key},
                accept=repeated,
            )


def main(arguments: Sequence[str]) -> int:
    prepare_signals()
    os.chdir(ROOT)
    steps = Steps()
    try:
        lint(steps)
        if arguments[0] == "everything":
            tests(steps, arguments[1:])
    except (NoServersError, ServerError) as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        steps.report()
        return 2
    except KeyboardInterrupt:
        return 130
    steps.report()
    return int(steps.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

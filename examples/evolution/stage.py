"""Where the walk happens: a temporary directory with both services, whose files are edited and whose commands run."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
SERVICES = ("shop", "billing")
COLOURS = re.compile(r"\x1b\[[\d;]*m")


class UnexpectedError(Exception):
    """A command did not do what the walk says it does."""


class Stage:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._contracts = directory / "shop" / "contracts.py"
        self._coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        for service in SERVICES:
            shutil.copytree(HERE / service, directory / service, ignore=shutil.ignore_patterns("__pycache__"))

    def title(self, text: str) -> None:
        print(f"\n\033[1m{text}\033[0m" if self._coloured else f"\n{text}")

    def say(self, text: str) -> None:
        print(f"\n{text}")

    def show(self, file: str) -> None:
        self._print(f"$ cat {file}", (self._directory / file).read_text())

    def copy(self, step: str, file: str) -> None:
        shutil.copyfile(HERE / "steps" / step, self._directory / file)
        self.show(file)

    def edit(self, step: str) -> None:
        """The shop's contracts become those of the step; what differs is shown."""
        before = self._contracts.read_text()
        shutil.copyfile(HERE / "steps" / step, self._contracts)
        lines = difflib.unified_diff(before.splitlines(), self._contracts.read_text().splitlines(), n=0, lineterm="")
        changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
        self._print(f"$ edit {self._contracts.relative_to(self._directory)}", "\n".join(changed))

    @contextmanager
    def tried(self, step: str) -> Iterator[None]:
        """An edit that is taken back in the end."""
        before = self._contracts.read_text()
        self.edit(step)
        yield
        self._contracts.write_text(before)

    def manage(self, service: str, *arguments: str, exits: int = 0, says: Sequence[str]) -> None:
        """Run a command of the service. Raises UnexpectedError unless it exits so and says all of that."""
        command = [f"{service}.manage", *arguments]
        done = subprocess.run(
            [sys.executable, "-m", *command, *(["--force-color"] if self._coloured else [])],
            cwd=self._directory,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        self._print(f"$ python -m {shlex.join(command)}", done.stdout)
        print(f"    → exit code {done.returncode}", flush=True)
        if done.returncode != exits:
            raise UnexpectedError(f"the exit code is {done.returncode} and not {exits}")
        for text in says:
            if text not in COLOURS.sub("", done.stdout):
                raise UnexpectedError(f"this was not said: {text}")

    def _print(self, command: str, output: str) -> None:
        print(f"\n    {command}")
        print("\n".join(f"    {line}".rstrip() for line in output.splitlines()), flush=True)


def _environment() -> dict[str, str]:
    """Modules are read from their files: an edit within a second would be overlooked in a compiled one."""
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}

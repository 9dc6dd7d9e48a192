"""A process that a test starts, listens to, signals and ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from services_communication.testing.consuming import wait_until

ROOT = Path(__file__).resolve().parents[2]


class ManagedProcess:
    """``python -m django COMMAND``, its output in a file."""

    def __init__(self, name: str, arguments: tuple[str, ...], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "django", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=dict(environment),
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def process_id(self) -> int:
        return self._process.pid

    def wait_for(self, text: str, times: int = 1, seconds: float = 60) -> None:
        """Until `text` stands in the output `times` times. A process that ends before fails the test."""

        def said() -> bool:
            found = self.output.count(text) >= times
            assert found or self.running, f"{self.name} ended with {self._process.poll()}:\n{self.output[-4000:]}"
            return found

        try:
            wait_until(said, f"{self.name} says {text!r}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output[-4000:]}") from None

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self, seconds: float = 60) -> int:
        """Waits for the end."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} is still running:\n{self.output[-4000:]}") from None

    def terminate(self, seconds: float = 60) -> int:
        self.send(signal.SIGTERM)
        return self.exit_code(seconds)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def ended_afterwards(processes: list[ManagedProcess]) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.kill()

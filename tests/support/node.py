"""What every private server has in common: a process of its own, started, watched and ended. Standard library only."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

# Runs a command, and kills its process group as soon as this process is gone: then the pipe ends.
TIED = """exec 3<&0
(trap "" INT TERM HUP; cat <&3 >/dev/null; kill -KILL 0) &
exec "$@" 3<&- </dev/null"""
POLL_SECONDS = 0.05


class MissingServerError(Exception):
    """The server's binaries are not installed."""


class ServerError(Exception):
    """The server did not start, or a command of it failed."""


@contextlib.contextmanager
def private_directory() -> Iterator[Path]:
    """A temporary directory that PostgreSQL's user may traverse; it is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="servers-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name).resolve()


def free_port() -> int:
    """A port that nothing listens on, below those that the system hands out to outgoing connections."""
    choose = random.SystemRandom()  # the common generator is seeded alike in every test run
    while True:
        port = choose.randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def find_program(name: str, *folders: str) -> Path:
    """`name` in the newest of `folders` (patterns), else on the path. Raises MissingServerError."""
    places = [place for folder in folders for place in sorted(Path("/").glob(folder[1:]), key=_version, reverse=True)]
    path = os.pathsep.join(
        [*map(str, places), os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    )
    if found := shutil.which(name, path=path):
        return Path(found)
    raise MissingServerError(name)


def _version(folder: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", str(folder))]


class Server(ABC):
    """One node. `start` returns when it answers; `url` stays the same through every restart."""

    name: ClassVar[str]
    variable: ClassVar[str]
    """The environment variable that tests read the URL from."""
    package: ClassVar[str]
    """Debian's and Ubuntu's."""
    greeting: ClassVar[bytes] = b""
    """What a client says first; the node is ready when it answers."""
    user: ClassVar[str | None] = None
    """Whom to run as when this process is root."""
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = (directory / self.name).resolve()
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @classmethod
    @abstractmethod
    def find(cls) -> Path:
        """The program. Raises MissingServerError."""

    @property
    @abstractmethod
    def url(self) -> str: ...

    @abstractmethod
    def prepare(self) -> None:
        """Make what the first start needs; `directory` is there and empty."""

    @abstractmethod
    def command(self) -> Sequence[str]:
        """What runs the node in the foreground."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process that uses the node needs to know."""
        return {self.variable: self.url}

    @property
    def process_id(self) -> int:
        if self._process is None:
            raise ServerError(f"{self.name} is not running")
        return self._process.pid

    def start(self, timeout: float = 90) -> None:
        if self._process is not None:
            raise ServerError(f"{self.name} is running already")
        if not self._prepared:
            self.directory.mkdir(parents=True, mode=0o700)
            if (account := self._account()) is not None:
                os.chown(self.directory, account.pw_uid, account.pw_gid)
            self.prepare()
            self._prepared = True
        with self._log.open("ab") as log:
            self._process = process = subprocess.Popen(
                ["/bin/sh", "-c", TIED, "sh", *self.command()],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                env=self.process_environment(),
                start_new_session=True,
                **self._identity(),
            )
        deadline = time.monotonic() + timeout
        while not self.answers():
            if process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise ServerError(f"{self.name} did not start; the end of its log:\n{self._log_end()}")
            time.sleep(POLL_SECONDS)

    def stop(self, timeout: float = 40) -> None:
        """Politely. Without effect on a node that is not running."""
        if (process := self._process) is None:
            return
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            os.kill(self.process_id, self.stop_signal)
            process.wait(timeout)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the whole node. Without effect on one that is not running."""
        process, self._process = self._process, None
        if process is None:
            return
        # The watcher that TIED started is still in the group, so its number cannot be anyone else's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdin:
            process.stdin.close()

    def restart(self, mode: str = "immediate") -> None:
        """`immediate` is a crash, anything else a polite stop before."""
        if mode == "immediate":
            self.kill()
        self.stop()
        self.start()

    def answers(self) -> bool:
        """Whether a new client gets an answer now."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as client:
                client.sendall(self.greeting)
                return bool(client.recv(1))
        except OSError:
            return False

    def process_environment(self) -> dict[str, str]:
        return {**os.environ, "HOME": str(self.directory)}

    def run(self, *command: str) -> str:
        """Run a tool of the server to its end. Raises ServerError with what it said."""
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.directory,
            env=self.process_environment(),
            **self._identity(),
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise ServerError(f"{shlex.join(command)} ended with {done.returncode}:\n{done.stdout[-4000:]}")
        return done.stdout

    def _account(self) -> pwd.struct_passwd | None:
        if self.user is None or os.geteuid() != 0:
            return None
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(self.user)
        return pwd.getpwnam("nobody")

    def _identity(self) -> dict[str, Any]:
        account = self._account()
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}

    @property
    def _log(self) -> Path:
        return self.directory / "output.log"

    def _log_end(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text(errors="replace")[-4000:]
        return "(nothing was logged)"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

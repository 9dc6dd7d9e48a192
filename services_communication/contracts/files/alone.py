"""One writing run at a time: the second one would take the first one's half-written files for those of a crash.

    with alone([root / "shop"]):
        ...   # read, review, write

The lock is the system's (flock) and on the directory itself: it leaves no file, and ends with the process.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from services_communication.errors import CommunicationError


class WriteConflictError(CommunicationError):
    """Somebody else writes, or wrote, the same files. The text says what to do."""


@contextmanager
def alone(directories: Iterable[Path]) -> Iterator[None]:
    """Hold all of `directories`; one that is not there is made, and removed again where nothing was put into it.

    Raises WriteConflictError at once where another run holds one.
    """
    with ExitStack() as stack:
        for directory in sorted(set(directories)):
            stack.enter_context(_held(directory))
        yield


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    number = _locked(directory)
    try:
        yield
    finally:
        with suppress(OSError):  # it is not empty
            for path in missing:
                path.rmdir()
        if number is not None:
            os.close(number)


def _locked(directory: Path) -> int | None:
    """None where nothing can be locked: in what cannot be made or opened nothing can be written, and some file systems
    have no locks (`writing` looks at each file once more all the same).
    """
    while True:
        try:
            directory.mkdir(parents=True, exist_ok=True)
            number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            return None
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(number), directory.stat()):
                return number
        except BlockingIOError:
            os.close(number)
            raise WriteConflictError(
                f"another makecontracts is writing into {directory}: run it again when that one has ended"
            ) from None
        except FileNotFoundError:
            pass
        except OSError:
            os.close(number)
            return None
        os.close(number)  # the run that held it has removed it as empty: this is another directory by now

"""Writing many files so that a reader, or a run that is cut off, finds the old directory or the new one.

Every new file is put beside its place first, and the new lock under a name of its own; only then is anything renamed,
the lock last. A run that was cut off while it renamed is recognised by that lock (`store.read` takes both for true),
and the next one finishes what it began.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services_communication.contracts.files import lock
from services_communication.contracts.files.store import STAGED, STAGED_LOCK

_MODE = 0o644


@dataclass(frozen=True, slots=True)
class Writing:
    """What is to become of one directory."""

    path: Path
    contents: Mapping[str, bytes | None]
    """Name, relative to the directory → what it holds afterwards; None removes it."""
    before: Mapping[str, str]
    after: Mapping[str, str]
    """The lock's entries as the directory is, and as it will be."""
    left_over: Iterable[Path] = ()
    """Files of a run that was cut off."""


def write(writings: Iterable[Writing]) -> None:
    """Carry out all of them. Raises OSError; then nothing was renamed, or the next run finishes what was begun."""
    writings = list(writings)
    for writing in writings:
        _clean(writing)
    staged = _stage_all(writings)
    for temporary, target in staged:
        temporary.replace(target)
    for writing in writings:
        for name, data in writing.contents.items():
            if data is None:
                (writing.path / name).unlink(missing_ok=True)
    for directory in {target.parent for _, target in staged}:
        _sync(directory)
    for writing in writings:
        (writing.path / STAGED_LOCK).replace(writing.path / lock.LOCK)
        _sync(writing.path)


def _stage_all(writings: Sequence[Writing]) -> list[tuple[Path, Path]]:
    staged: list[tuple[Path, Path]] = []
    try:
        for writing in writings:
            for name, data in writing.contents.items():
                if data is not None:
                    _stage(writing.path / name, data, staged)
        for writing in writings:
            _put(writing.path / STAGED_LOCK, lock.dump(writing.after))
    except OSError:
        for path in [*(writing.path / STAGED_LOCK for writing in writings), *(temporary for temporary, _ in staged)]:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise
    return staged


def _clean(writing: Writing) -> None:
    """After a run that was cut off, the lock first says what is there: no later crash can confuse three states."""
    for path in writing.left_over:
        if path.name == STAGED_LOCK:
            _put(writing.path / lock.LOCK, lock.dump(writing.before))
    for path in writing.left_over:
        path.unlink(missing_ok=True)


def _put(path: Path, data: bytes) -> None:
    staged: list[tuple[Path, Path]] = []
    try:
        _stage(path, data, staged)
        for temporary, target in staged:
            temporary.replace(target)
    except OSError:
        for temporary, _ in staged:
            temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _stage(target: Path, data: bytes, staged: list[tuple[Path, Path]]) -> None:
    """Write `data` beside `target`, and say so in `staged` before anything can fail."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=STAGED, dir=target.parent)
    staged.append((Path(name), target))
    with os.fdopen(number, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(number, _MODE)
        os.fsync(number)


def _sync(directory: Path) -> None:
    """Make the renames in `directory` outlast a power cut, where the system can."""
    with suppress(OSError):
        number = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)

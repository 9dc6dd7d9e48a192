"""Writing many files so that a reader, or a run that is cut off, finds the old directory or the new one.

Every new file is put beside its place first, and the new lock under a name of its own; only then is anything renamed,
the lock last. A run that was cut off while it renamed is recognised by that lock (`store.read` takes both for true),
and the next one finishes what it began. What somebody else wrote since the files were read is never overwritten.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from services_communication.contracts.files import lock
from services_communication.contracts.files.alone import WriteConflictError
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
    seen: Mapping[str, str]
    """Name → digest of what was read. Whatever else is there by now is somebody else's."""
    left_over: Iterable[Path] = ()
    """Files of a run that was cut off."""


def write(writings: Iterable[Writing]) -> None:
    """Carry out all of them.

    Raises OSError, and WriteConflictError for a file that is not as it was read; then nothing was renamed, or the next
    run finishes what was begun.
    """
    writings = list(writings)
    for writing in writings:
        _check_all(writing)
    for writing in writings:
        _clean(writing)
    staged = _stage_all(writings)
    for one in staged:
        _place(one)
    for writing in writings:
        for name, data in writing.contents.items():
            if data is None:
                _check(writing, name)
                (writing.path / name).unlink(missing_ok=True)
    for directory in {one.target.parent for one in staged}:
        _sync(directory)
    for writing in writings:
        (writing.path / STAGED_LOCK).replace(writing.path / lock.LOCK)
        _sync(writing.path)


@dataclass(frozen=True, slots=True)
class _Staged:
    temporary: Path
    target: Path
    writing: Writing
    name: str


def _check_all(writing: Writing) -> None:
    for name, data in writing.contents.items():
        _check(writing, name)
        if data is not None and name not in writing.seen and os.path.lexists(writing.path / name):
            raise _conflict(writing.path / name)
    _check(writing, lock.LOCK)


def _check(writing: Writing, name: str) -> None:
    """Raise WriteConflictError where a file that was read is another one now."""
    if name not in writing.seen:
        return
    try:
        same = lock.digest((writing.path / name).read_bytes()) == writing.seen[name]
    except FileNotFoundError:
        same = False
    if not same:
        raise _conflict(writing.path / name)


def _place(one: _Staged) -> None:
    if one.name in one.writing.seen:
        _check(one.writing, one.name)
        one.temporary.replace(one.target)
        return
    try:
        os.link(one.temporary, one.target)  # unlike a rename it never takes another file's place
    except FileExistsError:
        raise _conflict(one.target) from None
    except OSError:  # a file system without links
        if os.path.lexists(one.target):
            raise _conflict(one.target) from None
        one.temporary.replace(one.target)
    else:
        one.temporary.unlink()


def _conflict(path: Path) -> WriteConflictError:
    return WriteConflictError(
        f"{path} was changed by somebody else while makecontracts ran, and was left as it is: run makecontracts again"
    )


def _stage_all(writings: Sequence[Writing]) -> list[_Staged]:
    staged: list[_Staged] = []
    temporaries: list[Path] = []
    try:
        for writing in writings:
            for name, data in writing.contents.items():
                if data is not None:
                    target = writing.path / name
                    staged.append(_Staged(_stage(target, data, temporaries), target, writing, name))
        for writing in writings:
            _put(writing.path / STAGED_LOCK, lock.dump(writing.after))
    except OSError:
        for path in [*(writing.path / STAGED_LOCK for writing in writings), *temporaries]:
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
    temporaries: list[Path] = []
    try:
        _stage(path, data, temporaries).replace(path)
    except OSError:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def _stage(target: Path, data: bytes, temporaries: list[Path]) -> Path:
    """Write `data` beside `target`, and say so in `temporaries` before anything can fail."""
    target.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=STAGED, dir=target.parent)
    temporaries.append(Path(name))
    with os.fdopen(number, "wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(number, _MODE)
        os.fsync(number)
    return Path(name)


def _sync(directory: Path) -> None:
    """Make the renames in `directory` outlast a power cut, where the system can."""
    with suppress(OSError):
        number = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)

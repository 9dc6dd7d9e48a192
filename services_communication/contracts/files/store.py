"""A service's directory of documents, read together with everything that is wrong in it.

Reading never raises and never follows a link out of the directory: what is wrong becomes a finding.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from services_communication.contracts.files import lock, strict, waivers
from services_communication.contracts.files.faults import Faults
from services_communication.contracts.files.paths import identity_in, name_for
from services_communication.contracts.files.shape import check_shape
from services_communication.contracts.schema import EXTENSION

STAGED = ".makecontracts-"  # begins the name of a file that is being written
STAGED_LOCK = f"{STAGED}{lock.LOCK}"
DERIVED = frozenset({"asyncapi.json"})  # made from the contracts, and no contract's document
NEEDS = "needs"  # what the service reads of other services' contracts; not of this lock
_OWN = frozenset({lock.LOCK, STAGED_LOCK, waivers.NAME})
_FREE = frozenset({"README.md", ".gitattributes", ".gitignore", ".gitkeep"})

Files: TypeAlias = "Mapping[str, os.DirEntry[str]]"


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as it lies in the directory."""

    data: bytes
    document: dict[str, Any]


@dataclass(slots=True)
class Directory:
    """What was read. Names are relative to the directory: ``events/order.placed.v1.json``."""

    path: Path
    faults: Faults
    lock: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Stored] = field(default_factory=dict)
    """Those that are as the lock says."""
    derived: dict[str, bytes] = field(default_factory=dict)
    """Documents that are no contract's, whatever the lock says of them."""
    foreign: dict[str, Stored] = field(default_factory=dict)
    """Documents that the lock does not know."""
    waivers: list[waivers.Waiver] = field(default_factory=list)
    examples: frozenset[str] = frozenset()
    seen: dict[str, str] = field(default_factory=dict)
    """The digest of every file that was read, as it was then."""
    left_over: tuple[Path, ...] = ()
    """Files of a run that was cut off while it wrote."""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def interrupted(self) -> bool:
        """Whether some documents may be written already, and the lock not yet."""
        return any(path.name == STAGED_LOCK for path in self.left_over)


def read(root: Path, name: str) -> Directory:
    """Read ``<root>/<name>``; one that is not there is an empty one."""
    path = root / name
    found = Directory(path, Faults(name, os.path.relpath(path)))
    try:
        kind = path.lstat()
    except FileNotFoundError:
        return found
    except OSError as error:
        found.faults.unreadable("", _reason(error))
        return found
    if stat.S_ISLNK(kind.st_mode) and not _leads_into(path, root):
        found.faults.unreadable("", "it is a symbolic link that leads out of the directory of schemas")
    elif not path.is_dir():
        found.faults.unreadable("", "it is no directory")
    else:
        _read_files(found, _files(found))
    return found


def _files(found: Directory) -> Files:
    """What lies in the directory, at any depth, but for what belongs to others. Also directories named as documents."""
    files: dict[str, os.DirEntry[str]] = {}
    for name, entry in _walk(found, found.path, ""):
        if name.endswith(".examples.json"):
            found.examples |= {name}
        elif entry.name.startswith(STAGED):
            found.left_over += (Path(entry.path),)
            files.update({name: entry} if name == STAGED_LOCK else {})
        elif entry.name not in _FREE:
            files[name] = entry
    return files


def _walk(found: Directory, directory: Path, prefix: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    try:
        with os.scandir(directory) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
    except OSError as error:
        found.faults.unreadable(prefix.rstrip("/"), _reason(error))
        return
    for entry in entries:
        name = f"{prefix}{entry.name}"
        if not entry.is_dir(follow_symlinks=False) or name.endswith(".json"):
            yield name, entry
        elif name != NEEDS:
            yield from _walk(found, Path(entry.path), f"{name}/")


def _read_files(found: Directory, files: Files) -> None:
    if waivers.NAME in files:
        try:
            found.waivers = waivers.load(_content(found, files[waivers.NAME]), found.name)
        except ValueError as error:
            found.faults.waivers_unreadable(waivers.NAME, str(error))
    documents = [name for name in files if name not in _OWN]
    if lock.LOCK in files:
        try:
            found.lock = lock.load(_content(found, files[lock.LOCK]))
        except ValueError as error:
            found.faults.lock_unreadable(lock.LOCK, str(error))
            return
    elif any(name.endswith(".json") for name in documents) and not found.interrupted:
        found.faults.lock_missing(lock.LOCK, len(documents))
        return
    _read_documents(found, files, sorted({*documents, *found.lock}))


def _read_documents(found: Directory, files: Files, names: list[str]) -> None:
    before = found.lock
    after = _staged_lock(found, files)
    for name in names:
        if name in DERIVED and name in files:
            _read_derived(found, name, files[name])
        accepted = {entries[name] for entries in (before, after) if name in entries}
        if not accepted:
            found.faults.foreign(name)
            _read_foreign(found, name, files[name])
        elif name in files:
            _read_document(found, name, files[name], accepted)
        elif name in before and name in after and found.faults.about(name) is None:
            found.faults.deleted(name)
    # After a run that was cut off, the lock is what is there.
    found.lock = {name: entry for name, entry in before.items() if name in after} | {
        name: lock.digest(stored.data) for name, stored in found.documents.items()
    }


def _staged_lock(found: Directory, files: Files) -> dict[str, str]:
    """The lock that a run which was cut off was about to write; else the lock itself."""
    if STAGED_LOCK in files:
        try:
            return lock.load(_content(found, files[STAGED_LOCK]))
        except ValueError:
            pass  # cut off while it was written, before any document was
    return found.lock


def _read_derived(found: Directory, name: str, entry: os.DirEntry[str]) -> None:
    with suppress(ValueError):  # said below, or that it is foreign
        found.derived[name] = _content(found, entry)


def _read_foreign(found: Directory, name: str, entry: os.DirEntry[str]) -> None:
    with suppress(ValueError):  # that it is foreign says enough
        data = _content(found, entry)
        document = strict.loads(data)
        if isinstance(document, dict):
            _check_document(name, document)
            found.foreign[name] = Stored(data, document)


def _read_document(found: Directory, name: str, entry: os.DirEntry[str], accepted: set[str]) -> None:
    try:
        data = found.derived[name] if name in found.derived else _content(found, entry)
        document = strict.loads(data)
        if not isinstance(document, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004, TRY301  a file is wrong, no argument
        if name not in DERIVED:
            _check_document(name, document)
    except ValueError as error:
        found.faults.unreadable(name, str(error))
        return
    if lock.digest(data) in accepted:
        found.documents[name] = Stored(data, document)
    else:
        found.faults.edited(name, only_line_ends=lock.digest(data.replace(b"\r\n", b"\n")) in accepted)


def _check_document(name: str, document: dict[str, Any]) -> None:
    identity, version = identity_in(document)
    if name_for(identity, version) != name:
        raise ValueError(f"its {EXTENSION} is that of {name_for(identity, version)}")
    check_shape(document)


def _content(found: Directory, entry: os.DirEntry[str]) -> bytes:
    """The bytes of a plain file. Raises ValueError with a clause that says why they cannot be had."""
    path = Path(entry.path)
    try:
        if entry.is_symlink() and not _leads_into(path, found.path):
            raise ValueError("it is a symbolic link that leads out of its directory")
        kind = path.stat()
        if stat.S_ISDIR(kind.st_mode):
            raise ValueError("it is a directory")
        if not stat.S_ISREG(kind.st_mode):  # opening a pipe would wait for ever
            raise ValueError("it is no plain file")
        if kind.st_size > strict.MOST_BYTES:
            raise ValueError(strict.TOO_LARGE)
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(_reason(error)) from None
    found.seen[path.relative_to(found.path).as_posix()] = lock.digest(data)
    return data


def _leads_into(path: Path, directory: Path) -> bool:
    try:
        return path.resolve(strict=True).is_relative_to(directory.resolve())
    except (OSError, RuntimeError):  # a link to nothing, or to itself
        return False


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()

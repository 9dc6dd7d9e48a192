"""A version whose class is gone and whose document is kept: found among the files by an address with a version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from services_communication.contracts.files.paths import Identity, directory_of, identity_in, identity_of, name_for
from services_communication.contracts.files.shape import check_shape
from services_communication.contracts.schema import reader_of
from services_communication.contracts.usage import read_json
from services_communication.management.contracts.declared import Declared, UnknownNameError, find, split_version


@dataclass(frozen=True, slots=True)
class Kept:
    kind: str
    address: str
    version: int
    document: dict[str, Any]
    file: str
    """Relative to the directory of schemas."""
    path: Path
    reader: str
    """What the newest version in the code does with its messages: a clause, or nothing."""


def kept(name: str, known: Sequence[Declared], root: Path) -> Kept | None:
    """The document that `name`, an address with a version or a document's path, means; None where a class has it.

    Raises CommandError for a document that cannot be read.
    """
    split = split_version(name.strip().replace("\\", "/").removesuffix(".json"))
    if split is None:
        return None
    base, version = split
    newest = _named(base, known)
    if newest is None or any(_same(item, newest) and item.version == version for item in known):
        return None
    identity = identity_of(newest.contract.__contract__.address)
    file = f"{directory_of(newest.owner)}/{name_for(identity, version)}"
    path = root / file
    if not path.is_file():
        return None
    reads = newest.oldest <= version < newest.version
    reader = f", and v{newest.version} reads its messages through up-casters" if reads else ""
    return Kept(newest.kind, newest.address, version, _read(path, identity, version), file, path, reader)


def _named(base: str, known: Sequence[Declared]) -> Declared | None:
    """`base` is a name without its version, or a document's path without it: ``shop/events/order.placed``."""
    try:
        return find(base, list(known))[0]
    except UnknownNameError:
        pass
    for item in known:
        named = name_for(identity_of(item.contract.__contract__.address), 1).removesuffix(".v1.json")
        if base == named or base.endswith(f"/{named}"):
            return item
    return None


def _same(one: Declared, other: Declared) -> bool:
    return (one.kind, one.address) == (other.kind, other.address)


def _read(path: Path, identity: Identity, version: int) -> dict[str, Any]:
    try:
        value = read_json(path)
        if not isinstance(value, dict):
            raise ValueError("it is no JSON object")  # noqa: TRY004, TRY301  a file is wrong, no argument
        if identity_in(value) != (identity, version):
            raise ValueError("its x-contract is another contract's")  # noqa: TRY301  as above
        check_shape(value)
        if not isinstance(reader_of(value), dict):
            raise ValueError("it is no schema")  # noqa: TRY004, TRY301  as above
    except ValueError as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=2) from None
    return value

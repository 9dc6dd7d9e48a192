"""Which file a contract's document is: ``shop/events/order.placed.v1.json``.

The first part is the service that owns the contract. What is no ASCII letter, digit, ``.``, ``_`` or ``-`` is
percent-encoded, so that a name means one file on every system and never leads out of its directory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

from services_communication.contracts.finding import Finding
from services_communication.contracts.model import PayloadModel
from services_communication.contracts.registry import Address
from services_communication.contracts.schema import ADDRESS_NAMES, EXTENSION

FOLDERS = {"event": "events", "command": "commands", "call": "calls", "rest": "rest"}
MOST_NAME_BYTES = 255  # of one part of a path: what ext4, APFS and NTFS allow

Identity: TypeAlias = "tuple[str, ...]"
"""An address without its version: its kind and names, ``("event", "order", "placed")``."""


def owner_of(contract: type[PayloadModel], service: str) -> str:
    """The service whose contract it is, seen from the process of `service` (its APP_ID)."""
    info = contract.__contract__
    if info.owner is not None:
        return info.owner
    return info.address.exchange if info.address.kind in ("command", "call") else service


def is_written_by(contract: type[PayloadModel], service: str) -> bool:
    """Whether `service` writes the document: not where the class names another service as its owner."""
    return contract.__contract__.owner in (None, service)


def file_of(contract: type[PayloadModel], service: str) -> str:
    """The document's file, relative to the directory of schemas, with slashes."""
    return f"{directory_of(owner_of(contract, service))}/{name_of(contract)}"


def name_of(contract: type[PayloadModel]) -> str:
    """The document's file, relative to its owner's directory: ``events/order.placed.v1.json``."""
    info = contract.__contract__
    return name_for(identity_of(info.address), info.version)


def name_for(identity: Identity, version: int) -> str:
    kind, *names = identity
    if kind == "event":
        name = ".".join(names)
    elif kind == "rest":
        name = names[0].replace("/", ".")
    else:  # the service is the directory; a command may have no name
        name = names[1] or "_"
    return f"{FOLDERS[kind]}/{encoded(name)}.v{version}.json"


def identity_of(address: Address) -> Identity:
    return (address.kind, address.routing_key) if address.kind == "rest" else (address.kind, *address.route)


def identity_in(document: Mapping[str, Any]) -> tuple[Identity, int]:
    """Address and version as the document's ``x-contract`` says. Raises ValueError saying what is wrong with it."""
    extension = document.get(EXTENSION)
    if not isinstance(extension, dict):
        raise ValueError(f"it has no {EXTENSION!r} object")  # noqa: TRY004  a file is wrong, no argument
    kind, address, version = (extension.get(name) for name in ("kind", "address", "version"))
    if not isinstance(kind, str) or kind not in FOLDERS:
        raise ValueError(f"{EXTENSION}.kind is {kind!r}, not one of {', '.join(FOLDERS)}")
    names = ADDRESS_NAMES[kind]
    if not isinstance(address, dict) or not all(isinstance(address.get(name), str) for name in names):
        raise ValueError(f"{EXTENSION}.address lacks {' or '.join(names)}")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"{EXTENSION}.version is no whole number from 1")
    return (kind, *(address[name] for name in names)), version


def directory_of(owner: str) -> str:
    return encoded(owner)


def examples_of(name: str) -> str:
    """Where the examples of a document lie: beside it, ``events/order.placed.v1.examples.json``."""
    return f"{name.removesuffix('.json')}.examples.json"


def encoded(name: str) -> str:
    """`name` as a part of a path. A dot at its beginning is encoded too: such files are hidden, or directories."""
    safe = quote(name, safe="", errors="surrogatepass").replace("~", "%7E")
    return f"%2E{safe[1:]}" if safe.startswith(".") else safe


def unfit(files: Iterable[tuple[str, str]]) -> list[Finding]:
    """What stands against writing these files, given with the names of what wants them, classes or files.

    Two of them are one file where the system ignores upper and lower case, or a name is longer than systems allow.
    """
    found: list[Finding] = []
    holders: dict[str, dict[tuple[str, str], None]] = {}
    for file, wanted_by in files:
        holders.setdefault(file.casefold(), {})[file, wanted_by] = None
        if any(len(part) > MOST_NAME_BYTES for part in file.split("/")):
            sentence = f"{wanted_by}: the file's name has more than {MOST_NAME_BYTES} bytes"
            found.append(Finding("error", "name-too-long", file, "", sentence, "shorten the names of its address"))
    for same in holders.values():
        if len(same) > 1:
            (file, first), *others = sorted(same)
            names = " and ".join([first, *(wanted_by for _, wanted_by in others)])
            sentence = f"{names} want the same file (upper and lower case are the same to some systems)"
            found.append(Finding("error", "file-shared", file, "", sentence, "rename the address of one of them"))
    owners: dict[str, set[str]] = {}
    for same in holders.values():
        for file, _ in same:
            owner = file.partition("/")[0]
            owners.setdefault(owner.casefold(), set()).add(owner)
    for spellings in owners.values():
        if len(spellings) > 1:
            sentence = f"the directories {' and '.join(sorted(spellings))} are one to systems that ignore case"
            found.append(Finding("error", "file-shared", min(spellings), "", sentence, "spell the service in one way"))
    return found

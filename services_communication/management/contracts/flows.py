"""Who sends what to whom: from the documents of several services, and from the code of this one.

A service's directory holds the documents of its contracts, and its needs say what it uses of others'. Of this service
the code is asked instead, which is never older than its files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from services_communication.contracts import PayloadModel
from services_communication.contracts.files.paths import FOLDERS, Identity, directory_of, identity_in, identity_of
from services_communication.contracts.schema import EXTENSION
from services_communication.contracts.usage import FOLDER, need_in, read_json, spoken
from services_communication.management.contracts.declared import Declared, declared
from services_communication.management.service import Service


@dataclass(slots=True)
class Flow:
    """One address, all its versions."""

    identity: Identity
    versions: set[int] = field(default_factory=set)
    owners: set[str] = field(default_factory=set)
    """Where it was declared whose it is."""
    holders: set[str] = field(default_factory=set)
    """Services that have its document: who publishes the event, answers the command or call, serves the resource."""
    users: set[str] = field(default_factory=set)
    """Who reads the event or the resource, sends the command, asks the call."""
    handlers: set[str] = field(default_factory=set)
    """Dotted names of the functions that handle it in this process."""

    @property
    def kind(self) -> str:
        return self.identity[0]

    @property
    def address(self) -> str:
        return spoken(self.identity).removeprefix(f"{self.kind} ")

    @property
    def providers(self) -> set[str]:
        """A service that reads an event without knowing its owner writes a document of it too, so holders who also
        use it are no publishers, unless nobody else is."""
        return self.owners or (self.holders - self.users) or self.holders

    @property
    def senders(self) -> list[str]:
        """Who publishes, sends, asks, or serves."""
        return sorted(self.users if self.kind in ("command", "call") else self.providers)

    @property
    def receivers(self) -> list[str]:
        return sorted(self.providers if self.kind in ("command", "call") else self.users)


class Flows:
    def __init__(self) -> None:
        self._flows: dict[Identity, Flow] = {}
        self.faults: list[str] = []
        """Sentences about files that could not be read."""

    def at(self, identity: Identity, version: int) -> Flow:
        flow = self._flows.setdefault(identity, Flow(identity))
        flow.versions.add(version)
        return flow

    def __iter__(self) -> Iterator[Flow]:
        return iter(sorted(self._flows.values(), key=lambda flow: flow.identity))

    def services(self) -> list[str]:
        return sorted({name for flow in self._flows.values() for name in (*flow.senders, *flow.receivers)})


def flows(service: Service, root: Path) -> Flows:
    """`root` is the directory of schemas; where there is none, the code alone tells."""
    found = Flows()
    for item in declared(service):
        _add_declared(found, service, item)
    for directory in _directories(root, found):
        if directory.name != directory_of(service.name):
            _add_directory(found, service, directory)
    return found


def _add_declared(found: Flows, service: Service, item: Declared) -> None:
    contract = item.contract
    flow = found.at(_identity(contract), item.version)
    flow.handlers.update(item.handlers)
    declared_owner = contract.__contract__.owner
    if declared_owner is not None:
        flow.owners.add(declared_owner)
    if item.kind in ("command", "call"):
        handled = service.name if item.handlers and declared_owner is None else item.owner
        flow.holders.add(handled)
        if declared_owner is None and item.handlers:
            flow.owners = {service.name}  # whatever its exchange is called
        if item.uses == "writes":
            flow.users.add(service.name)
    elif item.owner == service.name:
        flow.holders.add(service.name)
        flow.users.update([service.name] if item.handlers else [])
    elif item.uses is not None:
        flow.users.add(service.name)


def _add_directory(found: Flows, service: Service, directory: Path) -> None:
    name = unquote(directory.name)
    for path in _json_files(directory, FOLDERS.values(), found):
        _add(found, path, holder=name, service=service)
    for path in _json_files(directory / FOLDER, FOLDERS.values(), found):
        _add(found, path, holder=None, service=service)


def _add(found: Flows, path: Path, *, holder: str | None, service: Service) -> None:
    try:
        value = read_json(path)
        need = need_in(value, path.as_posix())
        if need is None and (not isinstance(value, dict) or EXTENSION not in value):
            return
        identity, version = identity_in(value)
    except ValueError as error:
        found.faults.append(f"{path} cannot be read: {error}")
        return
    if need is not None and need.service == service.name:
        return  # the code has told it
    flow = found.at(identity, version)
    owner = value[EXTENSION].get("owner")
    if isinstance(owner, str) and (need is not None or owner != holder):  # a holder's own claim is no more than holding
        flow.owners.add(owner)
    if need is not None:
        flow.users.add(need.service)
    elif holder is not None:
        flow.holders.add(holder)


def _directories(root: Path, found: Flows) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        found.faults.append(f"{root} cannot be read: {error.strerror}")
        return []


def _json_files(directory: Path, folders: Iterable[str], found: Flows) -> Iterator[Path]:
    for folder in folders:
        try:
            paths = sorted((directory / folder).iterdir())
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            found.faults.append(f"{directory / folder} cannot be read: {error.strerror}")
            continue
        for path in paths:
            if path.name.endswith(".json") and not path.name.endswith(".examples.json"):
                yield path


def _identity(contract: type[PayloadModel]) -> Identity:
    return identity_of(contract.__contract__.address)

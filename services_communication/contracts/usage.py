"""Needs: what a service uses of other services' contracts, as documents that their owners can judge a change by.

    billing/needs/events/order.placed.v1.json      billing reads it: its own model, which may be narrower
    billing/needs/commands/sms.send.v1.json        billing writes it

A need is the document of the model that this service has, and in ``x-contract`` also ``service`` (who needs it) and
``uses``: ``reads`` what it handles, ``writes`` what it sends (of a call it writes the question and reads the reply),
``both`` for a REST payload, of which only its client's code knows the direction.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

from services_communication.contracts.files import strict
from services_communication.contracts.files.paths import (
    FOLDERS,
    Identity,
    directory_of,
    encoded,
    identity_in,
    identity_of,
    owner_of,
)
from services_communication.contracts.files.shape import check_shape
from services_communication.contracts.finding import Finding
from services_communication.contracts.model import PayloadModel
from services_communication.contracts.schema import EXTENSION, document

Uses: TypeAlias = Literal["reads", "writes", "both"]
FOLDER = "needs"
MOST_SERVICE_CHARACTERS = 255


def needs_of(
    contracts: Iterable[type[PayloadModel]],
    service: str,
    handled: Collection[type[PayloadModel]],
    make: Callable[[type[PayloadModel]], dict[str, Any]] = document,
) -> list[tuple[str, type[PayloadModel], dict[str, Any]]]:
    """File, class and document of everything that `service` uses and others own, among the `contracts` of its process.

    `handled` are those that it has handlers for; `make` is for whoever wants another error for a model that has no
    JSON Schema. Files are relative to the directory of schemas. Sorted by file; `files.paths.unfit` says whether two
    are one.
    """
    found = []
    for contract in contracts:
        uses = use_of(contract, service, handled=contract in handled)
        if uses is not None:
            made = make(contract)
            need = {**made, EXTENSION: {**made[EXTENSION], "service": service, "uses": uses}}
            found.append((file_of_need(contract, service), contract, need))
    return sorted(found, key=lambda item: item[0])


def use_of(contract: type[PayloadModel], service: str, *, handled: bool) -> Uses | None:
    """How `service` uses `contract`; None where nobody else has to know.

    An event without a declared owner is a need where it is handled: somebody publishes it. A command or call that has
    no handler here is declared to be sent; one that has, is this service's own, whatever its exchange is called.
    """
    info = contract.__contract__
    kind, foreign = info.address.kind, owner_of(contract, service) != service
    if kind == "rest":
        return "both" if foreign else None
    if kind == "event":
        return "reads" if handled and info.owner != service else None
    if handled:
        return "reads" if info.owner is not None and foreign else None
    return "writes" if foreign else None


def file_of_need(contract: type[PayloadModel], service: str) -> str:
    """The file of a need, relative to the directory of schemas.

    Needs of several services lie in one directory, so a command's or call's name is not enough there.
    """
    info = contract.__contract__
    kind, *names = identity_of(info.address)
    name = names[0].replace("/", ".") if kind == "rest" else f"{names[0]}.{names[1] or '_'}"
    return f"{directory_of(service)}/{FOLDER}/{FOLDERS[kind]}/{encoded(name)}.v{info.version}.json"


@dataclass(frozen=True, slots=True)
class Need:
    service: str
    uses: Uses
    identity: Identity
    version: int
    file: str
    """Where it was found."""
    document: Mapping[str, Any]

    @property
    def owner(self) -> str | None:
        """Whose contract it is, as far as the need knows."""
        declared = self.document[EXTENSION].get("owner")
        if isinstance(declared, str):
            return declared
        return self.identity[1] if self.identity[0] in ("command", "call") else None

    @property
    def name(self) -> str:
        """For a person: ``event order.placed v1``."""
        return f"{spoken(self.identity)} v{self.version}"


def spoken(identity: Identity) -> str:
    """An address for a person: ``event order.placed``, ``command sms/send``, ``rest orders/receipt``."""
    kind, *names = identity
    return f"{kind} {('.' if kind == 'event' else '/').join(name for name in names if name)}"


def need_in(value: Any, file: str) -> Need | None:
    """The need that a file holds; None for what is no need. Raises ValueError for one that is not as it must be."""
    extension = value.get(EXTENSION) if isinstance(value, dict) else None
    if not isinstance(extension, dict) or "uses" not in extension:
        return None
    service, uses = extension.get("service"), extension["uses"]
    if uses not in get_args(Uses):
        raise ValueError(f"{EXTENSION}.uses is {uses!r}, not one of {', '.join(get_args(Uses))}")
    # It is shown to people and becomes a part of sentences, and another repository's file is not ours to trust.
    if not isinstance(service, str) or not service.isprintable() or not 0 < len(service) <= MOST_SERVICE_CHARACTERS:
        raise ValueError(f"{EXTENSION}.service is no name of a service")
    identity, version = identity_in(value)
    check_shape(value)
    return Need(service, uses, identity, version, file, value)


def read_needs(directories: Sequence[Path], service: str | None = None) -> tuple[list[Need], list[Finding]]:
    """All needs below `directories`, sorted by service and address, and what could not be read.

    Every ``*.json`` is looked at but those in hidden directories: a file that cannot be read might be a need. A
    directory without any need is an error, for then every break would pass; those of `service` itself do not count.
    """
    needs: dict[str, Need] = {}  # one directory may lie in another
    faults: list[Finding] = []
    for directory in directories:
        if not directory.is_dir():
            sentence = f"{directory} is no directory"
            faults.append(unreadable(str(directory), sentence, "name the schemas directories of the consumers"))
            continue
        known = len(faults)
        found = _below(directory, faults)
        needs.update(found)
        if len(faults) == known and all(need.service == service for need in found.values()):
            sentence = f"there is no need of any{' other' if found else ''} service below {directory}"
            hint = "name a consumer's directory of schemas; 'manage.py contracts needs' writes them there"
            faults.append(Finding("error", "needs-missing", directory.as_posix(), "", sentence, hint))
    ordered = sorted(needs.values(), key=lambda need: (need.service, need.identity, need.version, need.file))
    return ordered, faults


def _below(directory: Path, faults: list[Finding]) -> dict[str, Need]:
    def forbidden(error: OSError) -> None:
        faults.append(unreadable(str(error.filename), f"the directory cannot be read: {error.strerror}"))

    found: dict[str, Need] = {}
    for folder, folders, names in os.walk(directory, onerror=forbidden):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.endswith(".json") or name.startswith("."):
                continue
            path = Path(folder, name)
            try:
                need = need_in(read_json(path), path.as_posix())
            except ValueError as error:
                faults.append(unreadable(path.as_posix(), f"the file cannot be read: {error}"))
            else:
                if need is not None:
                    found[str(path.resolve())] = need
    return found


def read_json(path: Path) -> Any:
    """Raises ValueError with a clause that completes "the file cannot be read: …"."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for ever
            raise ValueError("it is no file")
        with path.open("rb") as file:
            data = file.read(strict.MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(error.strerror or type(error).__name__) from None
    if len(data) > strict.MOST_BYTES:
        raise ValueError(f"it has more than {strict.MOST_BYTES} bytes")
    return strict.loads(data)


def unreadable(
    file: str, sentence: str, hint: str = "write it again with 'manage.py contracts needs' there"
) -> Finding:
    return Finding("error", "need-unreadable", file, "", sentence, hint)

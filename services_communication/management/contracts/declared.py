"""The contracts of this process, and what this service does with each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from django.core.management.base import CommandError

from services_communication.contracts import AddressedModel, PayloadModel
from services_communication.contracts.files.paths import file_of, identity_of, is_written_by
from services_communication.contracts.schema import NoSchemaError, document
from services_communication.contracts.upcast import oldest
from services_communication.contracts.usage import Uses, file_of_need, spoken, use_of
from services_communication.management.service import Service

_VERSION = re.compile(r"(?P<name>.+?)(?:\.v| v|@)(?P<version>[0-9]{1,9})")
MOST_SUGGESTIONS = 5


@dataclass(frozen=True, slots=True)
class Declared:
    """One version of a contract, seen from this service."""

    contract: type[PayloadModel]
    owner: str
    handlers: tuple[str, ...]
    """Dotted names of the functions that handle it here."""
    reply_handlers: tuple[str, ...]
    """Those that handle the replies to it."""
    sent: bool | None
    """Whether it is this service that publishes or sends it. None for an event that it handles and nobody owns."""
    file: str | None
    """Its document, relative to the directory of schemas; None where another service writes it."""
    uses: Uses | None
    need: str | None
    """The file of the need, where this service uses another's contract."""

    @property
    def kind(self) -> str:
        return self.contract.__contract__.address.kind

    @property
    def address(self) -> str:
        """``order.placed``, ``sms/send``, ``orders/receipt``."""
        return spoken(identity_of(self.contract.__contract__.address)).removeprefix(f"{self.kind} ").strip()

    @property
    def version(self) -> int:
        return self.contract.__contract__.version

    @property
    def oldest(self) -> int:
        """The oldest version that its up-casters turn into it."""
        return oldest(self.contract) if issubclass(self.contract, AddressedModel) else self.version

    @property
    def versions(self) -> str:
        """``v3``, or ``v3 (reads v1 to v3)``."""
        return f"v{self.version}" + (
            f" (reads v{self.oldest} to v{self.version})" if self.oldest < self.version else ""
        )

    @property
    def owned(self) -> str:
        """The owner for a person. Of an event or a resource that names none it is only assumed."""
        assumed = self.contract.__contract__.owner is None and self.kind in ("event", "rest")
        return f"{self.owner} (assumed)" if assumed else self.owner

    @property
    def path(self) -> str:
        """The class."""
        return f"{self.contract.__module__}.{self.contract.__qualname__}"

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "address": self.address,
            "version": self.version,
            "reads_versions_from": self.oldest,
            "owner": self.owner,
            "class": self.path,
            "handled_by": list(self.handlers),
            "replies_handled_by": list(self.reply_handlers),
            "sent": self.sent,
            "uses": self.uses,
            "document": self.file,
            "need": self.need,
        }


def declared(service: Service) -> list[Declared]:
    """Every contract of the process, sorted by kind, address and version."""
    return [_declared(service, contract) for contract in service.declared]


def _declared(service: Service, contract: type[PayloadModel]) -> Declared:
    info = contract.__contract__
    handlers, reply_handlers = _handlers(service, contract, reply=False), _handlers(service, contract, reply=True)
    uses = use_of(contract, service.name, handled=bool(handlers))
    sent: bool | None = uses == "writes" or bool(reply_handlers)
    if info.address.kind == "event":
        unknown = info.owner is None and bool(handlers)
        sent = None if unknown else contract in service.sent
    file = file_of(contract, service.name) if is_written_by(contract, service.name) else None
    need = file_of_need(contract, service.name) if uses is not None else None
    return Declared(contract, service.owner_of(contract), handlers, reply_handlers, sent, file, uses, need)


def _handlers(service: Service, contract: type[PayloadModel], *, reply: bool) -> tuple[str, ...]:
    return tuple(item.handler for item in service.handled if contract in item.contracts and item.reply == reply)


def document_of(contract: type[PayloadModel]) -> dict[str, Any]:
    """Its document. Raises CommandError for a model that has no JSON Schema."""
    try:
        return document(contract)
    except NoSchemaError as error:
        raise CommandError(f"{error}; use types that JSON can hold", returncode=2) from None


class UnknownNameError(LookupError):
    """No contract, or more than one, is called so; the text says which were meant."""


def find(name: str, known: list[Declared]) -> list[Declared]:
    """The versions of the contract that `name` names, the one that is meant first. Raises UnknownNameError.

    `name` is a class or its dotted path, an address with or without its kind and version, or a document's path.
    """
    wanted = name.strip()
    matching = [item for item in known if wanted in _spellings(item)]
    if not matching:
        matching = [item for item in known if wanted.casefold() in map(str.casefold, _spellings(item))]
    if not matching:
        matching = [item for item in known for file in (item.file, item.need) if file and _is_path(wanted, file)]
    split = split_version(wanted)
    if not matching and split is not None:
        at = [item for item in known if item.version == split[1]]
        matching = [item for item in at if split[0].casefold() in map(str.casefold, _spellings(item))]
    contracts = {(item.kind, item.address) for item in matching}
    if not matching:
        raise UnknownNameError(f"no contract is called {name!r}{_suggestion(wanted, known)}")
    if len(contracts) > 1:
        raise UnknownNameError(f"{name!r} is the name of {len(contracts)} contracts; name one of {_named(matching)}")
    newest = max(matching, key=lambda item: item.version)
    versions = [item for item in known if (item.kind, item.address) == (newest.kind, newest.address)]
    return [newest, *(item for item in versions if item is not newest)]


def split_version(name: str) -> tuple[str, int] | None:
    """``order.placed.v1``, ``order.placed v1`` or ``order.placed@1`` without its version, and the version."""
    split = _VERSION.fullmatch(name)
    return None if split is None else (split["name"], int(split["version"]))


def _spellings(item: Declared) -> set[str]:
    contract, address = item.contract, item.contract.__contract__.address
    spelled = {item.address, f"{address.exchange}/{address.routing_key}".strip("/")}
    if item.kind != "rest":
        spelled.add(f"{address.exchange}.{address.routing_key}".strip("."))
    kinds = {f"{item.kind} {text}" for text in spelled}
    return {contract.__name__, contract.__qualname__, item.path, item.file or "", item.need or ""} | spelled | kinds


def _is_path(wanted: str, file: str) -> bool:
    """Whether it is the document's path with the directory of schemas before it, or without its owner's directory."""
    wanted = wanted.replace("\\", "/").removeprefix("./")
    return wanted.endswith(f"/{file}") or ("/" in wanted and file.endswith(f"/{wanted}"))


def _suggestion(wanted: str, known: list[Declared]) -> str:
    if not known:
        return ": this process declares none; a module contracts.py of an installed app is imported by itself"
    spelled: dict[str, Declared] = {}
    for item in known:
        spelled.update((text.casefold(), item) for text in sorted(_spellings(item)))
    close = get_close_matches(wanted.casefold(), spelled, n=3 * MOST_SUGGESTIONS, cutoff=0.6)
    close += [text for text in spelled if len(wanted) > 2 and wanted.casefold() in text]  # noqa: PLR2004  two letters are in everything
    meant = list(dict.fromkeys(spelled[text].path for text in close))[:MOST_SUGGESTIONS]
    found = [item for path in meant for item in known if item.path == path]
    return f"; did you mean {_named(found)}?" if found else "; 'contracts list' shows all"


def _named(items: list[Declared]) -> str:
    texts = list(dict.fromkeys(f"{item.path} ({item.kind} {item.address})" for item in items))
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"

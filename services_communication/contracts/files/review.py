"""One run of makecontracts over all directories of a service: what it finds, and what it would write.

found = review(request, judge, today)
found.findings        everything there is to say
found.refused         whether any of it is an error: then nothing is written
found.writings        for `writing.write`
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

from services_communication.contracts.files import lock, store, waivers
from services_communication.contracts.files.owned import owned_document
from services_communication.contracts.files.paths import (
    Identity,
    directory_of,
    file_of,
    identity_of,
    is_written_by,
    unfit,
)
from services_communication.contracts.files.plan import Code, Judge, Newest, Plan, Wanted, plan
from services_communication.contracts.files.waivers import Waiver
from services_communication.contracts.files.writing import Writing
from services_communication.contracts.finding import Finding
from services_communication.contracts.model import PayloadModel
from services_communication.contracts.report import Mode
from services_communication.contracts.schema import NoSchemaError
from services_communication.errors import ConfigurationError

Contract: TypeAlias = "type[PayloadModel]"
MissingStep: TypeAlias = Callable[[Any, int], "int | None"]
Excuse: TypeAlias = Callable[[Sequence[Finding], Mapping[str, Any], Mapping[str, Any]], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a run."""

    root: Path
    """The directory of schemas."""
    service: str
    """The APP_ID."""
    contracts: Sequence[Contract]
    """All that are registered."""
    selected: Collection[Contract] | None = None
    """Those to look at; None for all."""
    mode: Mode = Mode.FULL_TRANSITIVE
    retire: Sequence[str] = ()
    """Files of documents that are given up."""
    forget: Sequence[str] = ()
    """Files of documents whose former forms are given up."""
    accept: Sequence[Waiver] = ()
    """Breaks to accept."""
    derived: Mapping[str, Mapping[str, Any]] | None = field(default_factory=dict)
    """Directory → name → document, of those that are made from all contracts; None where they could not be made."""
    told: Sequence[Finding] = ()
    """What else is wrong with the contracts."""
    missing_step: MissingStep | None = None
    """`upcast.missing_step`."""
    consumers: Excuse | None = None
    """What the needs of consumers make of the findings: (findings, documents, former documents) → findings."""


@dataclass(frozen=True, slots=True)
class Review:
    findings: list[Finding]
    writings: list[Writing]
    documents: int
    """How many there are, the kept ones included."""

    @property
    def refused(self) -> bool:
        return any(finding.level == "error" for finding in self.findings)


def directories(request: Request) -> list[Path]:
    """Where a run may write: what has to be held from reading to writing."""
    own = (contract for contract in request.contracts if is_written_by(contract, request.service))
    files = [*(file_of(contract, request.service) for contract in own), *request.retire, *request.forget]
    names = {directory_of(request.service), *(file.partition("/")[0] for file in files)}
    return [request.root / name for name in sorted(names) if name not in ("", ".", "..")]


def review(request: Request, judge: Judge, today: date) -> Review:
    """Raises ConfigurationError for a retire=, forget= or accept= that names nothing."""
    _check_spelling(request)
    code = _code(request)
    plans = [
        plan(
            store.read(request.root, name),
            code.of[name],
            judge,
            request.mode,
            _names_in(name, request.retire),
            _names_in(name, request.forget),
        )
        for name in sorted(code.of)
    ]
    _check_places(request, plans, code)
    findings = [*request.told, *code.findings, *_clashes(code, plans)]
    for made in plans:
        findings += made.findings
    documents = {made.file(name): document for made in plans for name, document in made.documents.items()}
    if request.consumers is not None:
        former = {made.file(name): old.document for made in plans for name, old in made.directory.documents.items()}
        findings = [*request.consumers(findings, documents, former)]
    _check_accepted(request.accept, findings)
    digests = {file: waivers.digest_of(document) for file, document in documents.items()}
    accepted = [replace(w, digest=digests[w.file]) if w.rule == waivers.UNKNOWN else w for w in request.accept]
    held = {made.directory.name: _waivers(made, request, accepted, findings) for made in plans}
    files = {made.file(name) for made in plans for name in made.documents}
    complete = request.selected is None
    settled = waivers.settle(
        findings,
        [waiver for some in held.values() for waiver in some],
        today,
        judged=lambda file: complete or file in files,
        digests=digests,
    )
    settled.sort(key=lambda finding: (finding.file, finding.pointer, finding.rule, finding.level))
    writings = [_writing(made, held[made.directory.name]) for made in plans]
    return Review(settled, [writing for writing in writings if writing is not None], len(documents))


@dataclass(frozen=True, slots=True)
class _Declared:
    of: dict[str, Code]
    findings: list[Finding]
    labels: list[tuple[str, str]]
    """(file, class) of everything that has a document."""


def _code(request: Request) -> _Declared:
    own = [contract for contract in request.contracts if is_written_by(contract, request.service)]
    findings: list[Finding] = []
    wanted: dict[str, dict[str, Wanted]] = {}
    labels: list[tuple[str, str]] = []
    for contract in own:
        file, label = file_of(contract, request.service), f"{contract.__module__}.{contract.__qualname__}"
        directory, _, name = file.partition("/")
        labels.append((file, label))
        there = wanted.setdefault(directory, {})
        if request.selected is None or contract in request.selected:
            made = _made(contract, request.service)
            if isinstance(made, Finding):
                findings.append(made)
            else:
                info = contract.__contract__
                there.setdefault(name, Wanted(name, label, made, identity_of(info.address), info.version))
    newest = _newest(request, own)
    places = [place.partition("/")[0] for place in (*request.retire, *request.forget)]
    names = {directory_of(request.service), *wanted, *places}
    codes = {
        name: Code(
            list(wanted.get(name, {}).values()),
            newest.get(name, {}),
            None if request.derived is None else request.derived.get(name, {}),
            complete=request.selected is None,
            guest=name != directory_of(request.service),
        )
        for name in names
    }
    return _Declared(codes, findings, labels)


def _made(contract: Contract, service: str) -> dict[str, Any] | Finding:
    try:
        return owned_document(contract, service)
    except NoSchemaError as error:
        return impossible(file_of(contract, service), error)


def impossible(file: str, error: NoSchemaError) -> Finding:
    return Finding("error", "document-impossible", file, "", str(error), "use types that JSON can hold")


def _newest(request: Request, contracts: Iterable[Contract]) -> dict[str, dict[Identity, Newest]]:
    """Directory → address → the newest version, among all that are registered."""
    found: dict[str, dict[Identity, list[Contract]]] = {}
    for contract in contracts:
        directory = file_of(contract, request.service).partition("/")[0]
        identity = identity_of(contract.__contract__.address)
        found.setdefault(directory, {}).setdefault(identity, []).append(contract)
    return {
        directory: {identity: _newest_of(same, request.missing_step) for identity, same in addresses.items()}
        for directory, addresses in found.items()
    }


def _newest_of(contracts: Sequence[Contract], missing_step: MissingStep | None) -> Newest:
    contract = max(contracts, key=lambda contract: contract.__contract__.version)
    info = contract.__contract__
    has_casters = missing_step is not None and info.address.kind != "rest"
    return Newest(
        info.version,
        f"{contract.__module__}.{contract.__qualname__}",
        frozenset(other.__contract__.version for other in contracts),
        (lambda version: missing_step(contract, version)) if missing_step is not None and has_casters else None,
    )


def _clashes(code: _Declared, plans: Sequence[Plan]) -> list[Finding]:
    held = {file for file, _ in code.labels}
    stored = [made.file(name) for made in plans for name in made.directory.lock]
    return unfit([*code.labels, *((file, f"the file {file}") for file in stored if file not in held)])


def _names_in(directory: str, places: Iterable[str]) -> list[str]:
    return [place.partition("/")[2] for place in places if place.partition("/")[0] == directory]


def _check_spelling(request: Request) -> None:
    """Places become paths."""
    for place in (*request.retire, *request.forget):
        parts = place.split("/")
        if len(parts) < 2 or any(part in ("", ".", "..") for part in parts):  # noqa: PLR2004  a directory and a file
            raise ConfigurationError(
                f"{place!r} is no document: write it as findings do, shop/events/order.placed.v1.json"
            )


def _check_places(request: Request, plans: Sequence[Plan], code: _Declared) -> None:
    locked = {made.file(name) for made in plans for name in made.directory.lock}
    wanted = dict(code.labels)
    if any(made.directory.faults.hide_all for made in plans):
        return  # what is wrong there comes first
    for place in request.retire:
        if place in wanted:
            raise ConfigurationError(f"--retire {place}: {wanted[place]} is in the code; remove the class first")
        if place.partition("/")[2] in store.DERIVED:
            raise ConfigurationError(
                f"--retire {place}: it is made from all contracts of the service, and goes with the last of them"
            )
        if place not in locked:
            raise ConfigurationError(f"--retire {place}: there is no such document; {_known(locked - wanted.keys())}")
    for place in request.forget:
        if place not in wanted or place not in locked:
            raise ConfigurationError(
                f"--forget-revisions {place}: there is no such document of the code; {_known(locked & wanted.keys())}"
            )


def _check_accepted(accept: Iterable[Waiver], findings: Sequence[Finding]) -> None:
    refused = [finding for finding in findings if finding.level == "error" and waivers.is_waivable(finding)]
    for waiver in accept:
        if not any(waiver.covers(finding) for finding in refused):
            raise ConfigurationError(
                f"--allow-breaking {waiver.rule}:{waiver.place}: nothing is refused by this rule at this place; "
                f"{_known(f'{finding.rule}:{finding.place}' for finding in refused)}"
            )


def _known(names: Iterable[str]) -> str:
    ordered = sorted(set(names))
    more = f" and {len(ordered) - 10} more" if len(ordered) > 10 else ""  # noqa: PLR2004  a line that can be read
    return f"there is {', '.join(ordered[:10])}{more}" if ordered else "there is none"


def _waivers(made: Plan, request: Request, accepted: Iterable[Waiver], findings: Sequence[Finding]) -> list[Waiver]:
    """Those of the file and the new ones, without those that were about what is given up."""
    name = made.directory.name
    kept = {(waiver.place, waiver.rule): waiver for waiver in made.directory.waivers}
    kept |= {(waiver.place, waiver.rule): waiver for waiver in accepted if waiver.place.startswith(f"{name}/")}
    needed = {(finding.place, finding.rule) for finding in findings}
    dropped = {file for file in (*request.retire, *request.forget) if file.startswith(f"{name}/")}
    return sorted(
        w for slot, w in kept.items() if w.file not in dropped or (w.file in request.forget and slot in needed)
    )


def _writing(made: Plan, held: Sequence[Waiver]) -> Writing | None:
    directory = made.directory
    contents = dict(made.contents)
    if sorted(directory.waivers) != list(held):
        contents[waivers.NAME] = waivers.dump(held) if held else None
    if not contents and not directory.interrupted:
        return None
    after = dict(directory.lock)
    for name, data in contents.items():
        if data is None:
            after.pop(name, None)
        elif name != waivers.NAME:
            after[name] = lock.digest(data)
    return Writing(directory.path, contents, directory.lock, after, directory.seen, directory.left_over)

"""The code against the files of one service: what is new, changed, missing, and what of it breaks somebody.

Nothing is written here. A difference is a finding of level ``info`` (it will be written); `as_check` makes errors of
differences, for a run that must not write.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from services_communication.contracts.files import revisions
from services_communication.contracts.files.attributes import attribute_changes, with_attributes_of
from services_communication.contracts.files.paths import Identity, examples_of, identity_in
from services_communication.contracts.files.store import DERIVED, Directory, Stored
from services_communication.contracts.finding import Finding
from services_communication.contracts.report import Change, Mode, Report
from services_communication.contracts.schema import canonical

Document: TypeAlias = "dict[str, Any]"
Judge: TypeAlias = Callable[[Sequence[Document], Document, Mode], Report]
"""`compatibility.compare_all`: the former documents, the oldest first; the new one; which directions must hold."""

DIFFERENCES = frozenset(
    {"document-new", "document-changed", "document-removed", "revisions-forgotten", "write-interrupted"}
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The document of a contract in the code."""

    name: str
    """Its file, relative to the service's directory."""
    label: str
    """The class: ``shop.contracts.OrderPlaced``."""
    document: Document
    identity: Identity
    version: int


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version of an address in the code."""

    version: int
    label: str
    versions: frozenset[int]
    """All of them."""
    missing_step: Callable[[int], int | None] | None = None
    """The first up-caster that lacks in the chain from an old version; None where there are no up-casters (REST)."""


@dataclass(frozen=True, slots=True)
class Code:
    """What the code declares of one service's contracts."""

    wanted: Sequence[Wanted]
    newest: Mapping[Identity, Newest]
    """Of every address, also of those that are not wanted now."""
    derived: Mapping[str, Document] | None = field(default_factory=dict)
    """None: they could not be made, and those in the files are left alone."""
    complete: bool = True
    """False: only some of the contracts are looked at (--app)."""
    guest: bool = False
    """True: the directory is another service's, and what lies there may be written by that service itself."""


@dataclass(slots=True)
class Plan:
    directory: Directory
    findings: list[Finding] = field(default_factory=list)
    contents: dict[str, bytes | None] = field(default_factory=dict)
    """Documents to write; None is to be removed."""
    documents: dict[str, Document] = field(default_factory=dict)
    """As they will be, without the derived."""

    def file(self, name: str) -> str:
        return f"{self.directory.name}/{name}"

    def say(self, level: Any, rule: str, name: str, sentence: str, hint: str = "") -> None:
        self.findings.append(Finding(level, rule, self.file(name), "", sentence, hint))

    def write(self, rule: str, name: str, data: bytes, sentence: str) -> None:
        self.contents[name] = data
        self.say("info", rule, name, sentence)


def plan(
    directory: Directory,
    code: Code,
    judge: Judge,
    mode: Mode,
    retired: Iterable[str] = (),
    forgotten: Iterable[str] = (),
) -> Plan:
    """`retired` are names of documents to remove, `forgotten` those whose former forms are to be dropped."""
    made = Plan(directory)
    retired, forgotten = frozenset(retired), frozenset(forgotten)
    for name in retired:
        _retire(made, name)
    made.findings.extend(directory.faults.findings)
    if directory.faults.hide_all:
        return made
    if directory.interrupted:
        made.say("info", "write-interrupted", "contracts.lock.json", "a former run was cut off while it wrote")
    for wanted in code.wanted:
        made.documents[wanted.name] = wanted.document
        _compare(made, wanted, judge, mode, forget=wanted.name in forgotten)
    for name, stored in directory.documents.items():
        if name not in DERIVED and name not in made.documents and name not in retired:
            made.documents[name] = stored.document
            made.findings.extend(_kept(made.file(name), stored, code))
    if code.complete and not code.guest and code.derived is not None:
        _derive_all(made, code.derived)
    return made


def as_check(findings: Iterable[Finding]) -> list[Finding]:
    """Differences are errors for a run that writes nothing, unless there are others: those say what is to be done."""
    found = list(findings)
    if any(finding.level == "error" for finding in found):
        return found
    hint = "run 'manage.py makecontracts' and commit what it writes"
    return [
        replace(finding, level="error", hint=finding.hint or hint) if finding.rule in DIFFERENCES else finding
        for finding in found
    ]


def _compare(made: Plan, wanted: Wanted, judge: Judge, mode: Mode, *, forget: bool) -> None:
    stored = made.directory.documents.get(wanted.name) or _adopted(made, wanted)
    if stored is None:
        if made.directory.faults.about(wanted.name) is None:
            data = canonical(wanted.document)
            made.write("document-new", wanted.name, data, f"is new: {wanted.label} has no document yet")
        return
    forms = [] if forget else revisions.forms_in(stored.document)
    former = [] if forget else revisions.former_documents(stored.document)
    same = canonical(revisions.with_revisions(wanted.document, forms))
    if same == stored.data:
        now: Report | None = None
    else:
        alike = with_attributes_of(revisions.without_revisions(stored.document), wanted.document)
        now = _asked(judge, [alike], wanted.document, mode)
        seen = bool(now.changes) or now.verdict(Mode.FULL) != "compatible"
        data = canonical(revisions.with_revisions(wanted.document, [*forms, revisions.form_of(stored.document)]))
        told = attribute_changes(made.file(wanted.name), stored.document, wanted.document)
        if seen:
            rule, sentence = "document-changed", _counted(now)
        elif forget:
            rule, sentence = "revisions-forgotten", "its former forms are no longer judged"
        else:
            rule, sentence = "document-changed", _unseen(told, described=canonical(alike) != canonical(wanted.document))
        made.write(rule, wanted.name, data if seen else same, sentence)
        made.findings.extend(finding for finding in told if finding.sentence != sentence)
    then = _asked(judge, former, wanted.document, mode) if former and mode.transitive else None
    made.findings.extend(_judged(made.file(wanted.name), wanted, now, then, mode))


def _adopted(made: Plan, wanted: Wanted) -> Stored | None:
    """A document that the lock does not know and that is what the code says: another branch has written it."""
    found = made.directory.foreign.get(wanted.name)
    if found is None or canonical(found.document) != found.data:
        return None
    if canonical(revisions.without_revisions(found.document)) != canonical(wanted.document):
        return None
    _forgive(made, wanted.name)
    made.write("document-new", wanted.name, found.data, "is as the code says, and new in the lock")
    return found


def _forgive(made: Plan, name: str) -> None:
    made.directory.faults.forget(name)
    made.findings[:] = [finding for finding in made.findings if finding.file != made.file(name)]


def _asked(judge: Judge, former: Sequence[Document], new: Document, mode: Mode) -> Report:
    """A document that is no schema was written by hand, and the lock with it: nothing can be said of it."""
    try:
        return judge(former, new, mode)
    except ValueError as error:
        return Report("unknown", "unknown", reasons=(str(error),))


def _counted(report: Report) -> str:
    number = len({(change.rule, change.pointer) for change in report.changes})  # one may break both directions
    counted = f"{number} change{'s' if number != 1 else ''}" if number else "a change that was not proved harmless"
    return f"differs from the code: {counted}"


def _unseen(told: Sequence[Finding], *, described: bool) -> str:
    """About a difference that no payload shows: of attributes, of descriptions, or of both."""
    if not told:
        return "differs from the code in descriptions only"
    if len(told) == 1 and told[0].rule == "owner-changed" and not described:
        return told[0].sentence
    names = " and ".join(f"its {finding.pointer.rpartition('/')[2]}" for finding in told)
    return f"differs from the code in {names}{' and in descriptions' if described else ''}"


def _judged(file: str, wanted: Wanted, now: Report | None, then: Report | None, mode: Mode) -> Iterator[Finding]:
    """Breaks are errors; what else changed since the document was written is told."""
    told: set[tuple[str, str]] = set()
    if now is not None:
        breaks = now.breaks(mode)
        for change in now.changes:
            if change not in breaks:
                yield _finding(file, change, "info", change.sentence)
                continue
            told.add((change.rule, change.pointer))
            finding = _finding(file, change, "error", change.sentence)
            yield replace(finding, hint=_way_out(finding, wanted))
        yield from _unproved(file, wanted, now, mode)
    if then is not None:
        for change in then.breaks(mode):
            if (change.rule, change.pointer) not in told:
                finding = _finding(file, change, "error", f"{change.sentence} (against a former form of this version)")
                yield replace(finding, hint=f"{_way_out(finding, wanted)}{_forget(file)}")
        if now is None or now.verdict(mode) == "compatible":
            yield from _unproved(file, wanted, then, mode, _forget(file))


def _finding(file: str, change: Change, level: Any, sentence: str) -> Finding:
    return Finding(level, change.rule, file, change.pointer, sentence, change=change)


def _unproved(file: str, wanted: Wanted, report: Report, mode: Mode, more: str = "") -> Iterator[Finding]:
    """Directions without a proof, and breaks without an explanation: neither may pass in silence."""
    explained = {change.direction for change in report.breaks(mode)}
    for direction in mode.directions:
        verdict = report.backward if direction == "backward" else report.forward
        if verdict == "unknown" or (verdict == "breaking" and direction not in explained):
            reasons = "; ".join(report.reasons) or "no reason was found"
            sentence = f"{direction} compatibility is {verdict}: {reasons}"
            finding = Finding("error", "compatibility-unknown", file, "", sentence)
            yield replace(finding, hint=f"{_way_out(finding, wanted)}{more}")
            return


def _way_out(finding: Finding, wanted: Wanted) -> str:
    name = wanted.label.rpartition(".")[2]
    caster = "" if wanted.identity[0] == "rest" else f" and add an up-caster (@{name}.upcast({wanted.version}))"
    accepted = shlex.quote(f"{finding.rule}:{finding.place}")
    return (
        f"raise version={caster}; or accept it: "
        f"makecontracts --allow-breaking {accepted} --reason '…' --until YYYY-MM-DD"
    )


def _forget(file: str) -> str:
    return (
        f"; or, when every service is released and no old message is left: "
        f"makecontracts --forget-revisions {shlex.quote(file)}"
    )


def _kept(file: str, stored: Stored, code: Code) -> Iterator[Finding]:
    """A document whose contract is not among the wanted: of an older version, of another app, or forgotten."""
    identity, version = identity_in(stored.document)
    newest = code.newest.get(identity)
    theirs = "; or declare owner= on the classes of that service, if it keeps its documents here itself"
    retire = f"retire it: makecontracts --retire {shlex.quote(file)}{theirs if code.guest else ''}"
    if newest is None:
        if code.complete:
            hint = f"restore the class, or {retire}"
            yield Finding("error", "contract-missing", file, "", "is in the files but not in the code", hint)
    elif version in newest.versions:
        return
    elif version > newest.version:
        sentence = f"is in the files but not in the code, whose newest version is {newest.version} ({newest.label})"
        yield Finding("error", "contract-missing", file, "", sentence, f"restore the class, or {retire}")
    elif newest.missing_step is not None and (step := newest.missing_step(version)) is not None:
        name = newest.label.rpartition(".")[2]
        sentence = f"messages of version {version} cannot be read any more: {newest.label} has no upcast({step})"
        hint = f"declare @{name}.upcast({step}); or, when no message of version {version} is left, {retire}"
        yield Finding("error", "upcaster-missing", file, "", sentence, hint)


def _derive_all(made: Plan, derived: Mapping[str, Document]) -> None:
    for name, document in derived.items():
        try:
            data = canonical(document)
        except ValueError as error:  # NaN: the finding about the contract says where
            made.say("error", "asyncapi-impossible", name, f"JSON cannot hold it: {error}", "mend its contracts")
        else:
            _derive(made, name, data)
    for name in DERIVED & made.directory.documents.keys() - derived.keys():
        made.contents[name] = None
        made.say("info", "document-removed", name, "nothing is left to describe")


def _derive(made: Plan, name: str, data: bytes) -> None:
    """A derived document's bytes follow from the code, so where they are right it does not matter who wrote them."""
    directory = made.directory
    if directory.derived.get(name) == data:
        if directory.faults.about(name) is not None:
            _forgive(made, name)
            made.write("document-changed", name, data, "is right, and its line in the lock is not")
    elif name in directory.documents:
        made.write("document-changed", name, data, "differs from the code")
    elif directory.faults.about(name) is None:
        made.write("document-new", name, data, "is new")


def _retire(made: Plan, name: str) -> None:
    examples = examples_of(name)
    made.directory.faults.forget(name)
    made.contents[name] = None
    if examples in made.directory.examples:
        made.contents[examples] = None
    made.say("info", "document-removed", name, "is retired")

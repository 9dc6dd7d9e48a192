"""Findings about what changed from a former set of a service's documents to its code: what diff shows."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from services_communication.contracts.files.attributes import attribute_changes, with_attributes_of
from services_communication.contracts.files.paths import Identity, identity_in
from services_communication.contracts.files.revisions import former_documents, without_revisions
from services_communication.contracts.finding import Finding, Level
from services_communication.contracts.report import Mode, Report
from services_communication.contracts.schema import canonical
from services_communication.contracts.usage import spoken

Document = dict[str, Any]
Judge = Callable[[Sequence[Document], Document, Mode], Report]
"""`compatibility.compare_all`."""
UNKNOWN = "compatibility-unknown"


def changes(
    former: Mapping[str, Document],
    now: Mapping[str, Document],
    judge: Judge,
    mode: Mode,
    oldest: Mapping[Identity, int],
) -> Iterator[Finding]:
    """`former` and `now` map file → document; `oldest` says which versions of an address the code still reads.

    Raises ValueError naming the file of a former document that is no schema.
    """
    newest, before = _newest(now.values()), _newest(former.values())
    for file in sorted(former.keys() | now.keys()):
        if file not in former:
            identity, version = identity_in(now[file])
            sentence = f"{spoken(identity)} v{version} is new"
            yield Finding("info", "document-new", file, "", sentence)
        elif file not in now:
            yield from _removed(file, former[file], newest, oldest, before)
        else:
            yield from _changed(file, former[file], now[file], judge, mode)


def _newest(documents: Iterable[Document]) -> dict[Identity, int]:
    found: dict[Identity, int] = {}
    for identity, version in map(identity_in, documents):
        found[identity] = max(version, found.get(identity, 0))
    return found


def _removed(
    file: str,
    document: Document,
    newest: Mapping[Identity, int],
    oldest: Mapping[Identity, int],
    before: Mapping[Identity, int],
) -> Iterator[Finding]:
    identity, version = identity_in(document)
    name = f"{spoken(identity)} v{version}"
    if identity not in newest:
        hint = f"restore the class; or retire it when nobody needs it: makecontracts --retire {shlex.quote(file)}"
        yield Finding("error", "contract-missing", file, "", f"{name} is in the code no more", hint)
    elif not oldest[identity] <= version < newest[identity]:
        sentence = f"{name} is in the code no more, and its v{newest[identity]} does not read messages of v{version}"
        hint = f"restore the class, or declare upcast({version})"
        yield Finding("error", "contract-missing", file, "", sentence, hint)
    elif before[identity] < newest[identity]:  # else it was replaced then already, and nothing has changed
        sentence = f"{name} is replaced by v{newest[identity]}, which reads its messages through up-casters"
        yield Finding("info", "document-replaced", file, "", sentence)


def _changed(file: str, old: Document, new: Document, judge: Judge, mode: Mode) -> Iterator[Finding]:
    plain = without_revisions(old)
    if canonical(plain) == canonical(without_revisions(new)):
        return
    try:
        former = [with_attributes_of(form, new) for form in (*former_documents(old), plain)]
        report = judge(former, new, mode)
    except ValueError as error:
        raise ValueError(f"{file} is no document of a contract: {error}") from None
    found = [*attribute_changes(file, old, new), *findings_of(report, file, mode)]
    if found:
        yield from found
    else:
        yield Finding("info", "document-changed", file, "", "differs in nothing that a reader or a writer could see")


def findings_of(report: Report, file: str, mode: Mode) -> Iterator[Finding]:
    """Breaks of a direction of `mode`, and a direction that cannot be decided, are errors; other changes are told."""
    breaks = report.breaks(mode)
    for change in report.changes:
        level: Level = "error" if change in breaks else "info"
        yield Finding(level, change.rule, file, change.pointer, change.sentence, change=change)
    explained = {change.direction for change in breaks}
    for direction in mode.directions:
        verdict = report.backward if direction == "backward" else report.forward
        if verdict == "unknown" or (verdict == "breaking" and direction not in explained):
            reasons = "; ".join(report.reasons) or "no reason was found"
            yield Finding("error", UNKNOWN, file, "", f"{direction} compatibility is {verdict}: {reasons}")

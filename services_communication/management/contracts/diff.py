"""``contracts diff``: what changed since a git revision, or from one file to another, and whom it breaks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from services_communication.contracts import AddressedModel, PayloadModel
from services_communication.contracts.files import strict
from services_communication.contracts.files.attributes import attribute_changes, with_attributes_of
from services_communication.contracts.files.owned import owned_document
from services_communication.contracts.files.paths import (
    FOLDERS,
    Identity,
    directory_of,
    file_of,
    identity_in,
    identity_of,
    is_written_by,
)
from services_communication.contracts.files.shape import check_shape
from services_communication.contracts.finding import Finding
from services_communication.contracts.rendering import FORMATS, Format, render, summary
from services_communication.contracts.report import Mode, Report
from services_communication.contracts.schema import EXTENSION, NoSchemaError
from services_communication.contracts.upcast import oldest
from services_communication.contracts.usage import read_json
from services_communication.errors import ContractDefinitionError
from services_communication.management.contracts import changes
from services_communication.management.contracts.git import GitError, Revision
from services_communication.management.contracts.output import Output, schemas_directory
from services_communication.management.service import Service, this_service

HELP = "What changed since a git revision, or between two files, and whether it breaks somebody."
DESCRIPTION = """\
contracts diff [REF]           the documents as they were at git revision REF (default HEAD) against the code now
contracts diff OLD NEW         one file against another: two contract documents, or two AsyncAPI documents

Exit code 0: nothing breaks; 1: something breaks, or it cannot be decided; 2: wrong usage (no git, no such revision, a
file that cannot be read). Only git's own files are read: nothing is checked out and no network is asked."""
ASYNCAPI = "asyncapi.json"
KEYWORDS = frozenset(
    {"$schema", "$ref", "$defs", "definitions", "type", "properties", "required", "enum", "const", "items", "allOf"}
    | {"anyOf", "oneOf", "not", "additionalProperties", "patternProperties", "pattern", "format", "minimum", "maximum"}
    | {"minLength", "maxLength", "minItems", "maxItems", "prefixItems", "contains", "if", "then", "dependentRequired"}
)
"""Whatever is a schema has one of these."""
JUDGED = ("unknown", "breaking")  # asyncapi.diff's rules for payloads without an explained change


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "sides", metavar="REF | OLD NEW", nargs="*", help="A git revision, or two files. Default: HEAD."
    )
    parser.add_argument(
        "--output", metavar="DIR", help="The directory of schemas. Default: schemas/ in BASE_DIR, or here."
    )
    parser.add_argument(
        "--mode",
        type=str.upper,
        choices=[mode.value for mode in Mode],
        default=Mode.FULL_TRANSITIVE.value,
        help="Which directions must hold. Default: FULL_TRANSITIVE.",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="Default: text.")


def run(out: Output, *, sides: list[str], output: str | None, mode: str, format: Format, **_: Any) -> int:  # noqa: A002  the option's name
    if len(sides) > 2:  # noqa: PLR2004  a diff has two sides
        raise CommandError("diff takes a git revision, or two files", returncode=2)
    chosen, root = Mode(mode), schemas_directory(output)
    if len(sides) == 2:  # noqa: PLR2004  as above
        found = list(_of_files(Path(sides[0]), Path(sides[1]), chosen))
        about, place = f"{sides[0]} and {sides[1]}", ""
    else:
        name = sides[0] if sides else "HEAD"
        found = list(_since(name, root, chosen))
        about, place = f"{name} and the code", _from_the_top(root)
    _show(out, found, format, about, place)
    return 1 if any(finding.level == "error" for finding in found) else 0


def _from_the_top(root: Path) -> str:
    """GitHub finds a file by its path in the repository."""
    return Path(os.path.relpath(root, os.environ.get("GITHUB_WORKSPACE") or Path.cwd())).as_posix()


def _show(out: Output, found: list[Finding], form: Format, about: str, root: str) -> None:
    styles = {"error": out.style.ERROR, "warning": out.style.WARNING, "info": out.style.NOTICE}
    out.out.write(render(found, form, root=root, paint=lambda level, text: styles[level](text)), ending="")
    if form != "text":
        return
    if not found:
        out.line(out.style.SUCCESS(f"No contract differs between {about}."))
    elif not summary(found):
        out.line(out.style.SUCCESS(f"What differs between {about} breaks nobody."))
    else:
        out.line(out.style.ERROR(f"Between {about}: {summary(found)}"))


def _of_files(old: Path, new: Path, mode: Mode) -> Iterator[Finding]:
    before, after = _read(old), _read(new)
    kinds = ["asyncapi" in before, "asyncapi" in after]
    contracts = [EXTENSION in before, EXTENSION in after]
    if all(kinds):
        yield from _of_asyncapi(before, after, new.as_posix(), mode)
    elif any(kinds):
        raise CommandError(f"{old} and {new}: only one of them is an AsyncAPI document", returncode=2)
    elif any(contracts) and not all(contracts):
        raise CommandError(f"{old} and {new}: only one of them is a contract's document", returncode=2)
    else:
        yield from _of_documents(old, before, new, after, mode)


def _of_documents(old: Path, before: dict[str, Any], new: Path, after: dict[str, Any], mode: Mode) -> Iterator[Finding]:
    file = new.as_posix()
    if EXTENSION in before:
        yield from attribute_changes(file, before, after)
        before = with_attributes_of(before, after)
    try:
        report = _judge([before], after, mode)
    except ValueError as error:
        raise CommandError(f"{old} and {new} cannot be compared: {error}", returncode=2) from None
    yield from changes.findings_of(report, file, mode)


def _judge(former: Sequence[dict[str, Any]], new: dict[str, Any], mode: Mode) -> Report:
    from services_communication.contracts.compatibility import compare_all  # noqa: PLC0415  only diff needs the judge

    return compare_all(former, new, mode)


def _of_asyncapi(old: dict[str, Any], new: dict[str, Any], file: str, mode: Mode) -> Iterator[Finding]:
    from services_communication.contracts.asyncapi import diff  # noqa: PLC0415  as above

    for finding in diff(old, new, file=file):
        told = finding.change is not None and finding.change.direction not in mode.directions
        yield replace(finding, level="info", hint="") if told and finding.level == "error" else finding


def _read(path: Path) -> dict[str, Any]:
    try:
        value = read_json(path)
    except ValueError as error:
        raise CommandError(f"{path} cannot be read: {error}", returncode=2) from None
    if not isinstance(value, dict):
        raise CommandError(f"{path} is no JSON object, so no document of a contract", returncode=2)
    if EXTENSION in value:
        try:
            check_shape(value)
        except ValueError as error:
            raise CommandError(f"{path} cannot be read: {error}", returncode=2) from None
    elif "asyncapi" not in value and not value.keys() & KEYWORDS:
        raise CommandError(
            f"{path} is no contract document: it has no {EXTENSION}, and no keyword of JSON Schema", returncode=2
        )
    return value


def _since(name: str, root: Path, mode: Mode) -> Iterator[Finding]:
    service = this_service()
    try:
        files = Revision.of(name, root).files(root)
    except GitError as error:
        raise CommandError(str(error), returncode=2) from None
    now = {
        file_of(contract, service.name): _owned(contract, service)
        for contract in service.declared
        if is_written_by(contract, service.name)
    }
    former = dict(_documents(files, name, _directories(service), now))
    try:
        yield from changes.changes(former, now, _judge, mode, _oldest(service))
    except ValueError as error:
        raise CommandError(f"{name}:{error}", returncode=2) from None
    own = f"{directory_of(service.name)}/{ASYNCAPI}"
    if own in files:
        found = _of_asyncapi(_parsed(files[own], f"{name}:{own}"), _asyncapi(service), own, mode)
        yield from (finding for finding in found if not former or _is_topology(finding))


def _owned(contract: type[PayloadModel], service: Service) -> dict[str, Any]:
    try:
        return owned_document(contract, service.name)
    except NoSchemaError as error:
        raise CommandError(f"{error}; use types that JSON can hold", returncode=2) from None


def _is_topology(finding: Finding) -> bool:
    """What a contract's document cannot tell. Messages it tells better: it knows their versions and up-casters."""
    return finding.change is None and not finding.rule.startswith("message-") and finding.rule not in JUDGED


def _asyncapi(service: Service) -> dict[str, Any]:
    try:
        return service.asyncapi()
    except ContractDefinitionError as error:
        raise CommandError(f"the code has no AsyncAPI document: {error}", returncode=2) from None


def _directories(service: Service) -> set[str]:
    """Where a document that the code lacks is one that it lost: in other directories it is another service's."""
    written = (contract for contract in service.received if is_written_by(contract, service.name))
    return {directory_of(service.name), *(file_of(contract, service.name).partition("/")[0] for contract in written)}


def _documents(
    files: dict[str, bytes], name: str, directories: set[str], wanted: Collection[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for file, data in files.items():
        directory, _, inside = file.partition("/")
        folder, _, last = inside.partition("/")
        if folder not in FOLDERS.values() or "/" in last or last.endswith(".examples.json"):
            continue
        if file in wanted or directory in directories:
            value = _parsed(data, f"{name}:{file}")
            try:
                identity_in(value)
                check_shape(value)
            except ValueError as error:
                raise CommandError(f"{name}:{file} is no document of a contract: {error}", returncode=2) from None
            yield file, value


def _parsed(data: bytes, place: str) -> dict[str, Any]:
    try:
        value = strict.loads(data)
    except ValueError as error:
        raise CommandError(f"{place} cannot be read: {error}", returncode=2) from None
    if not isinstance(value, dict):
        raise CommandError(f"{place} is no JSON object", returncode=2)
    return value


def _oldest(service: Service) -> dict[Identity, int]:
    """Address → the oldest version that the code reads; every one of a REST payload, which knows no up-casters."""
    found: dict[Identity, int] = {}
    for contract in service.declared:
        first = oldest(contract) if issubclass(contract, AddressedModel) else 1
        identity = identity_of(contract.__contract__.address)
        found[identity] = min(first, found.get(identity, first))
    return found

"""``contracts needs``: what this service uses of others' contracts, as files that their owners' checks read.

The files follow from the code alone and are no history, so no lock guards them: what differs is written anew. Only what
is a need of this service is ever rewritten or removed; a file of somebody else in that place is an error.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from services_communication.contracts.files.paths import directory_of, unfit
from services_communication.contracts.schema import canonical
from services_communication.contracts.usage import FOLDER, need_in, needs_of, read_json
from services_communication.management.contracts.declared import document_of
from services_communication.management.contracts.output import Output, printable, schemas_directory
from services_communication.management.service import Service, this_service

HELP = "Write what this service reads and sends of other services' contracts, for their checks."
DESCRIPTION = """\
Write what this service uses of other services' contracts, to <output>/<APP_ID>/needs/: the events that it handles, and
the commands, calls and REST payloads that it sends. Commit these files: the owner of those contracts checks its changes
against them with 'makecontracts --check --consumers'.

Exit code 0: written, or nothing to do; 1: --check found a difference; 2: a file cannot be written, or is not ours."""


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--output", metavar="DIR", help="The directory of schemas. Default: schemas/ in BASE_DIR, or here."
    )
    parser.add_argument("--check", action="store_true", help="Write nothing; exit 1 when files and code differ.")


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done with one file."""

    path: Path
    verb: str
    """``write``, ``rewrite`` or ``remove``."""
    data: bytes | None


def run(out: Output, *, output: str | None, check: bool, verbosity: int = 1, **_: Any) -> int:
    service, root = this_service(), schemas_directory(output)
    wanted = _wanted(service)
    work = list(_work(root, service.name, wanted))
    if check:
        for item in work:
            out.line(out.style.ERROR(_difference(item)))
        if work:
            out.line(
                f"Run 'manage.py contracts needs --output {printable(root.as_posix())}' and commit what it writes."
            )
        elif verbosity:
            out.line(out.style.SUCCESS(f"The needs of {service.name} are up to date: {len(wanted)}"))
        return 1 if work else 0
    for item in work:
        try:
            _carry_out(item)
        except OSError as error:
            raise CommandError(f"{item.path} cannot be written: {error.strerror or error}", returncode=2) from None
        if verbosity:
            out.line(f"{item.verb} {printable(item.path.as_posix())}")
    if verbosity and not work:
        out.line(f"Nothing to write: {service.name} has {_counted(len(wanted))} up to date.")
    return 0


def _counted(number: int) -> str:
    return "1 need, and its file is" if number == 1 else f"{number} needs, and their files are"


def _wanted(service: Service) -> dict[str, bytes]:
    needs = needs_of(service.declared, service.name, service.received, document_of)
    # Upper and lower case, and addresses whose parts join to one name, may make one file of two.
    faults = unfit((file, f"{contract.__module__}.{contract.__qualname__}") for file, contract, _ in needs)
    if faults:
        raise CommandError("; ".join(f"{fault.sentence}: {fault.hint}" for fault in faults), returncode=2)
    return {file: canonical(document) for file, _, document in needs}


def _work(root: Path, service: str, wanted: dict[str, bytes]) -> Iterator[Work]:
    """What makes the files be as wanted. Raises CommandError for a file that is not this service's need."""
    for file, data in wanted.items():
        path = root / file
        found = _content(path)
        if found is None:
            yield Work(path, "write", data)
        elif found != data:
            _refuse_foreign(path, service)
            yield Work(path, "rewrite", data)
    for path in _files(root / directory_of(service) / FOLDER):
        if path.relative_to(root).as_posix() not in wanted and _is_need_of(path, service):
            yield Work(path, "remove", None)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror or error}", returncode=2) from None


def _files(directory: Path) -> list[Path]:
    found = [Path(folder, name) for folder, _, names in os.walk(directory) for name in names if name.endswith(".json")]
    return sorted(found)


def _refuse_foreign(path: Path, service: str) -> None:
    """A damaged file may be written anew, for nothing is lost: what it held follows from the code."""
    try:
        value = read_json(path)
    except ValueError:
        return
    try:
        need = need_in(value, path.as_posix())
    except ValueError:
        return
    if need is None or need.service != service:
        owner = "no need of a service" if need is None else f"a need of {need.service}"
        raise CommandError(
            f"{path} is {printable(owner)}, and the need of {service} belongs there: move that file away", returncode=2
        )


def _is_need_of(path: Path, service: str) -> bool:
    try:
        need = need_in(read_json(path), path.as_posix())
    except ValueError as error:
        raise CommandError(f"{path} cannot be read: {error}; no need belongs there, remove it", returncode=2) from None
    return need is not None and need.service == service


def _difference(item: Work) -> str:
    words = {
        "write": "is missing",
        "rewrite": "differs from the code",
        "remove": "is a need that the code has no more",
    }
    return f"{printable(item.path.as_posix())} {words[item.verb]}"


def _carry_out(item: Work) -> None:
    if item.data is None:
        item.path.unlink(missing_ok=True)
        return
    item.path.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=".need-", dir=item.path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(item.data)
            os.fchmod(number, 0o644)
        Path(name).replace(item.path)  # a reader finds the old file or the new one
    except OSError:
        with suppress(OSError):
            Path(name).unlink(missing_ok=True)
        raise

"""``contracts show NAME``: one contract, its fields, who handles it here, and where its document is."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from services_communication.contracts import AddressedModel
from services_communication.contracts.schema import EXTENSION, reader_of, reply_of
from services_communication.management.contracts import fields
from services_communication.management.contracts.declared import Declared, UnknownNameError, declared, document_of, find
from services_communication.management.contracts.kept import Kept, kept
from services_communication.management.contracts.output import (
    Output,
    markdown_table,
    markdown_text,
    printable,
    schemas_directory,
)
from services_communication.management.service import this_service

HELP = "One contract: its description, address, versions, fields, handlers and document."
FORMATS = ("text", "json", "markdown")

SENT = {True: "yes", False: "no", None: "unknown: it is handled here, and the class names no owner="}


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME",
        help="A class (UserUpdated, shop.contracts.UserUpdated), an address (user.update.base, sms/send, "
        "user.update.base.v1), or the path of a document.",
    )
    parser.add_argument(
        "--output", metavar="DIR", help="The directory of schemas. Default: schemas/ in BASE_DIR, or here."
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="Default: text.")


def run(out: Output, *, name: str, output: str | None, format: str, **_: Any) -> int:  # noqa: A002  the option's name
    known, root = declared(this_service()), schemas_directory(output)
    try:
        shown, *others = find(name, known)
    except UnknownNameError as error:
        found = kept(name, known, root)
        if found is None:
            raise CommandError(str(error), returncode=2) from None
        _show_kept(out, found, format)
        return 0
    made = document_of(shown.contract)
    facts = list(_facts(shown, others, root))
    if format == "json":
        out.line(json.dumps({**shown.as_json(), "schema": made}, indent=2, ensure_ascii=False))
    elif format == "markdown":
        _markdown(out, _Head(shown.contract.__name__, shown.version, shown.contract.__doc__), facts, made)
    else:
        _text(out, _Head(shown.contract.__name__, shown.version, shown.contract.__doc__), facts, made)
    return 0


@dataclass(frozen=True, slots=True)
class _Head:
    name: str
    version: int
    description: str | None


def _show_kept(out: Output, found: Kept, form: str) -> None:
    """A version that has no class any more, from its document."""
    made = found.document
    description = "\n".join(map(printable, str(made.get("description", "")).splitlines()))
    head = _Head(str(made.get("title", found.address)), found.version, description)
    facts = list(_facts_of_kept(found))
    if form == "json":
        described = {"kind": found.kind, "address": found.address, "version": found.version, "class": None}
        out.line(json.dumps({**described, "document": found.file, "schema": made}, indent=2, ensure_ascii=False))
    elif form == "markdown":
        _markdown(out, head, facts, made)
    else:
        _text(out, head, facts, made)


def _facts_of_kept(found: Kept) -> Iterable[tuple[str, str]]:
    extension = found.document[EXTENSION]
    yield "address", f"{found.kind} {found.address}"
    yield "version", f"v{found.version}"
    for name in ("key", "owner"):
        if name in extension:
            yield name, printable(extension[name])
    yield "class", f"none any more; this is its document{found.reader}"
    yield "document", found.path.as_posix()


def _facts(shown: Declared, others: list[Declared], output: Path) -> Iterable[tuple[str, str]]:
    info = shown.contract.__contract__
    yield "address", f"{shown.kind} {shown.address}"
    if shown.kind != "rest":
        yield "exchange", info.address.exchange
        yield "routing key", info.address.routing_key or "(none)"
    yield "version", shown.versions
    for other in sorted(others, key=lambda other: other.version):
        yield "beside it", f"v{other.version} {other.path}"
    if shown.oldest < shown.version:
        steps = " → ".join(f"v{version}" for version in range(shown.oldest, shown.version + 1))
        yield "up-casts", steps
    if info.key is not None:
        yield "key", f"{info.key} (events of one {info.key} keep their order)"
    yield "owner", shown.owned
    yield "class", shown.path
    for handler in shown.handlers:
        yield "handled by", handler
    for handler in shown.reply_handlers:
        yield "replies to", handler
    if not shown.handlers and issubclass(shown.contract, AddressedModel):
        yield "handled by", "nothing here"
    yield "sent here", SENT[shown.sent]
    if shown.file is not None:
        yield "document", _place(output / shown.file)
    else:
        yield "document", f"written by {shown.owner}"
    if shown.need is not None:
        yield "need", _place(output / shown.need)


def _place(path: Path) -> str:
    return path.as_posix() + ("" if path.is_file() else " (not written yet)")


def _parts(made: Mapping[str, Any]) -> Iterable[tuple[str, list[tuple[str, ...]]]]:
    """Heading and rows of every table: the contract's own fields, its definitions, and a call's reply."""
    schema = reader_of(made)
    if isinstance(schema, dict):
        for name, rows in fields.tables(schema):
            yield _heading(schema, name, rows) if name else "Fields", rows
    reply = reply_of(made)
    if reply is not None:
        for name, rows in fields.tables(reply):
            heading = _heading(reply, name, rows) if name else reply.get("title") or fields.type_text(reply)
            yield f"Reply: {heading}", rows


def _heading(schema: Mapping[str, Any], name: str, rows: list[tuple[str, ...]]) -> str:
    """An enumeration has no fields: its values stand in the heading."""
    part = schema["$defs"][name]
    return name if rows else ", ".join(filter(None, [f"{name} = {fields.type_text(part)}", fields.constraints(part)]))


def _text(out: Output, head: _Head, facts: list[tuple[str, str]], made: Mapping[str, Any]) -> None:
    out.title(f"{printable(head.name)} v{head.version}")
    if head.description:
        out.line(inspect.cleandoc(head.description))
    out.line()
    out.columns(facts)
    for heading, rows in _parts(made):
        out.line()
        out.title(heading)
        if rows:
            out.table(fields.HEADER, rows)
        elif heading == "Fields":
            out.line("none")


def _markdown(out: Output, head: _Head, facts: list[tuple[str, str]], made: Mapping[str, Any]) -> None:
    out.line(f"## {markdown_text(head.name)} v{head.version}")
    if head.description:
        out.line()
        out.line(inspect.cleandoc(head.description))
    out.line()
    out.line(markdown_table(("", ""), facts))
    for heading, rows in _parts(made):
        out.line()
        out.line(f"### {markdown_text(heading)}")
        if rows:
            out.line()
            out.line(markdown_table([cell.lower() for cell in fields.HEADER], rows))

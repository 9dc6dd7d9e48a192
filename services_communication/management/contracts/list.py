"""``contracts list``: every declared contract, and what this service does with it."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from services_communication.management.contracts.declared import Declared, declared
from services_communication.management.contracts.output import Output, markdown_table
from services_communication.management.service import this_service

HELP = (
    "Every declared contract: its address, version, owner and class; whether it is sent or handled here, and by what."
)
FORMATS = ("text", "json", "markdown")
SENT = {True: "yes", False: "-", None: "unknown"}
HEADER = ("kind", "address", "version", "owner", "class", "sent", "handled by")


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument("--format", choices=FORMATS, default="text", help="Default: text.")


def run(out: Output, *, format: str, **_: Any) -> int:  # noqa: A002  the option's name
    service = this_service()
    known = declared(service)
    rows = [_row(item) for item in known]
    if format == "json":
        out.line(json.dumps([item.as_json() for item in known], indent=2, ensure_ascii=False))
    elif format == "markdown":
        out.line(markdown_table(HEADER, rows))
    elif not known:
        out.line(
            f"{service.name} declares no contract. A module contracts.py of an installed app is imported by itself."
        )
    else:
        out.table([cell.upper() for cell in HEADER], rows)
    return 0


def _row(item: Declared) -> tuple[str, ...]:
    handlers = [*item.handlers, *(f"{handler} (replies)" for handler in item.reply_handlers)]
    return item.kind, item.address, item.versions, item.owned, item.path, SENT[item.sent], ", ".join(handlers) or "-"

"""``contracts graph``: who publishes and consumes what, as text or for a program that draws."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from services_communication.management.contracts.flows import Flow, Flows, flows
from services_communication.management.contracts.output import Output, markdown_table, printable, schemas_directory
from services_communication.management.service import this_service

HELP = "Who publishes and consumes what, from the schemas of several services and the handlers of this one."
FORMATS = ("text", "json", "dot", "mermaid", "markdown")
HEADER = ("kind", "address", "versions", "from", "to")
NOBODY = "(nobody known)"


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--output", metavar="DIR", help="The directory of schemas. Default: schemas/ in BASE_DIR, or here."
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="Default: text.")


def run(out: Output, *, output: str | None, format: str, **_: Any) -> int:  # noqa: A002  the option's name
    found = flows(this_service(), schemas_directory(output))
    for fault in found.faults:
        out.warn(printable(fault))
    if format == "json":
        out.line(as_json(found))
    elif format == "dot":
        out.line(as_dot(found))
    elif format == "mermaid":
        out.line(as_mermaid(found))
    elif format == "markdown":
        out.line(markdown_table(HEADER, map(_row, found)))
    elif not found.services():
        out.line("No contract is declared, and there is no document of any.")
    else:
        out.table([cell.upper() for cell in HEADER], map(_row, found))
    return 0


def _row(flow: Flow) -> tuple[str, ...]:
    versions = ", ".join(f"v{version}" for version in sorted(flow.versions))
    return flow.kind, flow.address, versions, _names(flow.senders), _names(flow.receivers)


def _names(services: list[str]) -> str:
    return ", ".join(services) or NOBODY


def as_json(found: Flows) -> str:
    contracts = [
        {
            "kind": flow.kind,
            "address": flow.address,
            "versions": sorted(flow.versions),
            "from": flow.senders,
            "to": flow.receivers,
            "handled_here_by": sorted(flow.handlers),
        }
        for flow in found
    ]
    return json.dumps({"services": found.services(), "contracts": contracts}, indent=2, ensure_ascii=False)


def as_dot(found: Flows) -> str:
    """For Graphviz: services are boxes, contracts ellipses between them."""
    lines = ["digraph contracts {", "  rankdir=LR;"]
    lines += [f"  {_quoted(f'service {name}')} [label={_quoted(name)}, shape=box];" for name in found.services()]
    for flow in found:
        node = _quoted(f"{flow.kind} {flow.address}")
        lines.append(f"  {node} [label={node}, shape=ellipse];")
        lines += [f"  {_quoted(f'service {name}')} -> {node};" for name in flow.senders]
        lines += [f"  {node} -> {_quoted(f'service {name}')};" for name in flow.receivers]
    return "\n".join([*lines, "}"])


def as_mermaid(found: Flows) -> str:
    """A flowchart, which GitHub draws in a Markdown file."""
    services = {name: f"s{number}" for number, name in enumerate(found.services(), 1)}
    lines = ["flowchart LR", *(f"  {node}[{_labelled(name)}]" for name, node in services.items())]
    for number, flow in enumerate(found, 1):
        node = f"c{number}"
        lines.append(f"  {node}([{_labelled(f'{flow.kind} {flow.address}')}])")
        lines += [f"  {services[name]} --> {node}" for name in flow.senders]
        lines += [f"  {node} --> {services[name]}" for name in flow.receivers]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _labelled(text: str) -> str:
    """In quotes; what Mermaid or HTML would take for more than text is written by its code."""
    return '"' + "".join(f"#{ord(sign)};" if sign in '"#<>&;`\\' else sign for sign in printable(text)) + '"'

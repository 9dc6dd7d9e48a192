from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from services_communication.errors import ConfigurationError
from services_communication.management.contracts import diff, graph, list, needs, show  # noqa: A004  a file's name is its subcommand's
from services_communication.management.contracts.output import Output

SUBCOMMANDS = {"list": list, "show": show, "diff": diff, "graph": graph, "needs": needs}


class Command(BaseCommand):
    help = (
        "The contracts of this service. Exit code 0: done, and nothing breaks; 1: diff found a break or what cannot be "
        "decided, or needs --check found a difference; 2: wrong usage or settings."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        subparsers = parser.add_subparsers(
            dest="subcommand", required=True, metavar="list | show | diff | graph | needs"
        )
        for name, module in SUBCOMMANDS.items():
            subparser = subparsers.add_parser(
                name,
                help=module.HELP,
                description=getattr(module, "DESCRIPTION", module.HELP),
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
            module.add_arguments(subparser)
            _add_options_of_django(subparser)

    def handle(self, *args: Any, subcommand: str, **options: Any) -> None:
        out = Output(self, force_color=options["force_color"])
        try:
            code = SUBCOMMANDS[subcommand].run(out, **options)
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=2) from None
        if code:
            sys.exit(code)


def _add_options_of_django(parser: CommandParser) -> None:
    """Django's own options also after the subcommand's name, where people write them."""
    add = parser.add_argument
    for name in ("--no-color", "--force-color", "--traceback", "--skip-checks"):
        add(name, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    for name in ("--settings", "--pythonpath"):
        add(name, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    add("-v", "--verbosity", type=int, choices=range(4), default=argparse.SUPPRESS, help=argparse.SUPPRESS)

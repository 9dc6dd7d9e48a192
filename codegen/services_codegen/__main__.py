"""``services-codegen``, which is ``python -m services_codegen``. Exit codes: 0 done, 1 the input is wrong, 2 usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from services_codegen.contracts import contract_files
from services_codegen.errors import InputError
from services_codegen.package import check_place, differences, replace
from services_codegen.plan import AddressRule


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` and return its exit code."""
    try:
        options, rule = _options(argv)
    except SystemExit as stop:  # argparse has said why
        return stop.code if isinstance(stop.code, int) else 2
    try:
        return _generate(options.directory, options.output, rule, check=options.check)
    except InputError as error:
        print(f"services-codegen: {error}", file=sys.stderr)
    except RecursionError:
        print("services-codegen: the schemas are nested or linked too deeply; flatten them", file=sys.stderr)
    except OSError as error:
        print(f"services-codegen: {error.filename}: {error.strerror}", file=sys.stderr)
    return 1


def _generate(source: Path, package: Path, rule: AddressRule, *, check: bool) -> int:
    check_place(package, source)
    files, notes = contract_files(source, rule, package.name)
    for note in notes:
        print(f"services-codegen: {note}", file=sys.stderr)
    changed = differences(package, files)
    if not changed:
        return 0
    if check:
        raise InputError(
            f"{package}: differs from the schemas ({', '.join(changed[:5])}); run services-codegen generate"
        )
    replace(package, files)
    return 0


def _options(argv: Sequence[str] | None) -> tuple[argparse.Namespace, AddressRule]:
    parser = argparse.ArgumentParser("services-codegen", description="Typed contracts from shared schemas.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    generate = commands.add_parser("generate", help="JSON Schemas to a package of contracts")
    generate.add_argument("directory", type=Path, metavar="DIR", help="the directory of the *.json schemas")
    generate.add_argument("-o", "--output", type=Path, required=True, metavar="PACKAGE", help="e.g. src/shop_contracts")
    generate.add_argument("--check", action="store_true", help="write nothing; exit 1 when PACKAGE is not up to date")
    rule = generate.add_argument_group(
        "documents without x-contract",
        "Addresses may hold {stem}, {path} and {title} of the document, and {field:a.b}: the one value that the "
        "property b of the property a may have.",
    )
    rule.add_argument("--kind", choices=("payload", "event", "command"), default="payload")
    rule.add_argument("--aggregate", help="of events")
    rule.add_argument("--event-type", help="of events; {stem} when not given")
    rule.add_argument("--service", help="of commands")
    rule.add_argument("--command-name", help="of commands; {stem} when not given")
    options = parser.parse_args(argv)
    return options, _rule(options, generate)


def _rule(options: argparse.Namespace, parser: argparse.ArgumentParser) -> AddressRule:
    given = {
        "event": {"aggregate": options.aggregate, "event_type": options.event_type},
        "command": {"service": options.service, "command_name": options.command_name},
    }
    for kind, values in given.items():
        wrong = [name for name, value in values.items() if value is not None and kind != options.kind]
        if wrong:
            parser.error(f"--{wrong[0].replace('_', '-')} needs --kind {kind}")
    if options.kind == "payload":
        return AddressRule()
    exchange, routing_key = given[options.kind]
    if not given[options.kind][exchange]:
        parser.error(f"--kind {options.kind} needs --{exchange}")
    template = given[options.kind][routing_key]
    return AddressRule(
        options.kind,
        {exchange: given[options.kind][exchange], routing_key: "{stem}" if template is None else template},
    )


if __name__ == "__main__":
    sys.exit(main())

from __future__ import annotations

import os
from argparse import RawDescriptionHelpFormatter
from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper, SystemCheckError

from services_communication.contracts import PayloadModel
from services_communication.contracts.files import plan, waivers, writing
from services_communication.contracts.files.alone import WriteConflictError, alone
from services_communication.contracts.files.paths import directory_of, file_of, is_written_by
from services_communication.contracts.files.review import Request, Review, directories, impossible, review
from services_communication.contracts.finding import Finding, Level
from services_communication.contracts.rendering import FORMATS, Format, render, summary
from services_communication.contracts.report import Mode, Report
from services_communication.contracts.schema import NoSchemaError
from services_communication.contracts.upcast import dead_ends, missing_step
from services_communication.errors import ConfigurationError, ContractDefinitionError
from services_communication.management.contracts.consumers import excuse
from services_communication.management.service import Service, this_service

HELP = """\
Write a JSON Schema document for every contract that this service owns, and one AsyncAPI document, to be committed.
A change that breaks what was written before is refused, and then nothing is written.

  makecontracts                                      write what is new and what has changed compatibly
  makecontracts --check                              write nothing; for CI
  makecontracts --allow-breaking RULE:PLACE --reason "…" --until YYYY-MM-DD
  makecontracts --forget-revisions FILE              no message of the document's former forms is left
  makecontracts --retire FILE                        nobody needs the contract any more

Exit code 0: code and files agree, or were made to; 1: they differ, a change was refused, or a file is not as it was
written; 2: wrong usage or settings, or the files cannot be written (another run is writing them, say)."""


class Command(BaseCommand):
    help = HELP

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        return super().create_parser(prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs)

    def check(self, *args: Any, **options: Any) -> None:
        """The system checks also load the URLs, and with them contracts that only views import."""
        try:
            super().check(*args, **options)
        except SystemCheckError as error:
            error.returncode = 2
            raise

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add("--app", nargs="+", default=[], metavar="LABEL", help="Only contracts whose modules are in these apps.")
        add("--output", metavar="DIR", help="The directory of schemas. Default: schemas/ in BASE_DIR, or here.")
        add("--check", action="store_true", help="Write nothing; exit 1 when code and files differ.")
        add(
            "--mode",
            type=str.upper,
            choices=[mode.value for mode in Mode],
            default=Mode.FULL_TRANSITIVE.value,
            metavar="MODE",
            help=f"What a change must not break: {', '.join(Mode)}. Default: FULL_TRANSITIVE.",
        )
        add("--format", choices=FORMATS, default="text", help="How findings are shown. Default: text.")
        add(
            "--allow-breaking",
            nargs="+",
            default=[],
            metavar="RULE:PLACE",
            help="Accept these breaks, as they are named where they are refused. Needs --reason and --until.",
        )
        add("--reason", help="Why they are accepted.")
        add("--until", metavar="YYYY-MM-DD", help="The last day on which they are; afterwards --check fails.")
        add(
            "--consumers",
            nargs="+",
            default=[],
            metavar="DIR",
            help="Directories with the needs of other services: only what one of them uses must not break.",
        )
        add("--retire", nargs="+", default=[], metavar="FILE", help="Remove these documents.")
        add(
            "--forget-revisions",
            nargs="+",
            default=[],
            metavar="FILE",
            help="Drop the former forms of these documents: no message of theirs is left.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        today = datetime.now(UTC).date()
        check = options["check"]
        _check_usage(options)
        try:
            request = _request(options, today)
            with nullcontext() if check else alone(directories(request)):
                found = review(request, _judge, today)
                if not check and not found.refused:
                    _write(found, request.root)
        except (ConfigurationError, WriteConflictError) as error:
            raise CommandError(str(error), returncode=2) from None
        findings = plan.as_check(found.findings) if check else found.findings
        refused = found.refused or any(finding.level == "error" for finding in findings)
        self._show(findings, options, request.root)
        if refused:
            what = "Contracts and files differ" if check else "Nothing was written"
            raise CommandError(f"{what}: {summary(findings)}", returncode=1)
        if options["format"] == "text" and options["verbosity"]:
            self.stdout.write(self._painted(self.stdout, options, self.style.SUCCESS, _success(found, check)))

    def _show(self, findings: Sequence[Finding], options: Mapping[str, Any], root: Path) -> None:
        form: Format = options["format"]
        if form != "text":
            top = os.environ.get("GITHUB_WORKSPACE") or Path.cwd()
            self.stdout.write(render(findings, form, root=Path(os.path.relpath(root, top)).as_posix()), ending="")
            return
        styles = {"error": self.style.ERROR, "warning": self.style.WARNING, "info": self.style.NOTICE}
        for finding in findings:
            out = self.stdout if finding.level == "info" else self.stderr
            if finding.level != "info" or options["verbosity"]:

                def paint(level: Level, text: str, out: OutputWrapper = out) -> str:
                    return self._painted(out, options, styles[level], text)

                out.write(render([finding], paint=paint), style_func=str, ending="")

    def _painted(self, out: OutputWrapper, options: Mapping[str, Any], style: Any, text: str) -> str:
        coloured = options["force_color"] or (out.isatty() and not os.environ.get("NO_COLOR"))
        return style(text) if coloured else text


def extra_documents(service: Service) -> Mapping[str, Mapping[str, Any]]:
    """Directory → name → document, of what is made from all contracts of the service together.

    Raises ContractDefinitionError where the contracts contradict each other.
    """
    if not service.sent and not service.received:
        return {}
    return {directory_of(service.name): {"asyncapi.json": service.asyncapi()}}


def _check_usage(options: Mapping[str, Any]) -> None:
    """Raise CommandError for options that contradict each other."""
    accept, reason, until = options["allow_breaking"], options["reason"], options["until"]
    if accept and not ((reason or "").strip() and until):
        raise CommandError("--allow-breaking needs --reason and --until", returncode=2)
    if (reason or until) and not accept:
        raise CommandError("--reason and --until belong to --allow-breaking", returncode=2)
    for name in ("allow_breaking", "retire", "forget_revisions"):
        if options["check"] and options[name]:
            raise CommandError(f"--check writes nothing: leave out --{name.replace('_', '-')}", returncode=2)


def _request(options: Mapping[str, Any], today: date) -> Request:
    """Raises ConfigurationError, and CommandError for wrong usage."""
    service = this_service()
    root = _root(options["output"])
    told = dead_ends(lambda contract: file_of(contract, service.name))
    derived: Mapping[str, Mapping[str, Any]] | None = {}
    try:
        derived = {} if options["app"] else extra_documents(service)
    except NoSchemaError as error:
        derived = None
        if not is_written_by(error.contract, service.name):  # else the review of its own document tells it
            told.append(impossible(file_of(error.contract, service.name), error))
    except ContractDefinitionError as error:
        derived = None
        file = f"{directory_of(service.name)}/asyncapi.json"
        told.append(Finding("error", "asyncapi-impossible", file, "", str(error), "rename one of the models"))
    return Request(
        root,
        service.name,
        service.declared,
        selected=_selected(options["app"], service.declared),
        mode=Mode(options["mode"]),
        retire=[_file(place, root) for place in options["retire"]],
        forget=[_file(place, root) for place in options["forget_revisions"]],
        accept=_accepted(options, today),
        derived=derived,
        told=told,
        missing_step=missing_step,
        consumers=excuse(service, [Path(name) for name in options["consumers"]], root)
        if options["consumers"]
        else None,
    )


def _root(output: str | None) -> Path:
    base = getattr(django_settings, "BASE_DIR", None)
    root = Path(output) if output is not None else Path(base or ".") / "schemas"
    there = next(path for path in (root, *root.absolute().parents) if os.path.lexists(path))
    if not there.is_dir():
        raise CommandError(f"--output {root}: {there} is no directory", returncode=2)
    return root


def _selected(labels: Sequence[str], contracts: Sequence[type[PayloadModel]]) -> Collection[type[PayloadModel]] | None:
    if not labels:
        return None
    known = {config.label for config in apps.get_app_configs()}
    for label in labels:
        if label not in known:
            installed = ", ".join(sorted(known))
            raise CommandError(f"--app {label}: there is no such app; installed are {installed}", returncode=2)
    return {contract for contract in contracts if _label(contract) in labels}


def _label(contract: type[PayloadModel]) -> str | None:
    config = apps.get_containing_app_config(contract.__module__)
    return config.label if config is not None else None


def _file(place: str, root: Path) -> str:
    """A document as findings name it; a path that the shell completed is taken too, from the working directory on."""
    path, top = Path(os.path.abspath(place)), Path(os.path.abspath(root))  # noqa: PTH100  ".." goes, links stay
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else Path(place).as_posix()


def _accepted(options: Mapping[str, Any], today: date) -> list[waivers.Waiver]:
    if not options["allow_breaking"]:
        return []
    try:
        until = waivers.day(options["until"], "--until")
    except ValueError as error:
        raise CommandError(str(error), returncode=2) from None
    if until < today:
        raise CommandError(f"--until {until} is over; today is {today} (UTC)", returncode=2)
    if until > today + waivers.LONGEST:
        raise CommandError(
            f"--until {until} is more than {waivers.LONGEST.days} days ahead; today is {today} (UTC): "
            f"accept the break for less, and look at it again then, or raise the version",
            returncode=2,
        )
    found = []
    for text in options["allow_breaking"]:
        rule, colon, place = text.partition(":")
        if not (rule and colon and place):
            raise CommandError(f"--allow-breaking {text}: write it as RULE:PLACE", returncode=2)
        found.append(waivers.Waiver(place, rule, options["reason"].strip(), until))
    return found


def _judge(former: Sequence[dict[str, Any]], new: dict[str, Any], mode: Mode) -> Report:
    from services_communication.contracts.compatibility import compare_all  # noqa: PLC0415  only where files differ

    return compare_all(former, new, mode)


def _write(found: Review, root: Path) -> None:
    try:
        writing.write(found.writings)
    except OSError as error:
        where = error.filename or root
        raise CommandError(f"{where} cannot be written: {error.strerror or error}", returncode=2) from None


def _success(found: Review, check: bool) -> str:
    number = sum(len(one.contents) for one in found.writings)
    if number and not check:
        return f"Wrote {number} file{'s' if number != 1 else ''}, and the lock; commit them."
    return f"Contracts and files agree: {found.documents} document{'s' if found.documents != 1 else ''}."

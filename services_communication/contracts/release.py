"""Which service must be released first, so that a change breaks nobody while both sides run.

A reader can always be made to take more before the writer changes, and a writer of commands can send a new field before
its reader asks for it: unknown keys are ignored. So it is the other service that goes first. Only where a writer would
have to send what the running reader still refuses, this service must take both forms first.
"""

from __future__ import annotations

from services_communication.contracts.report import Change, Report
from services_communication.contracts.usage import Need

# A message may now lack what a reader asks for; and a reader now asks for what a message may lack.
LACKING = ("property-removed", "required-removed")
ASKED_FOR = ("property-added", "required-added")


def order_of_release(need: Need, change: Change, report: Report) -> str:
    """For a person. `report` is the judgement of the consumer's model against the new document; `change` breaks it."""
    field = field_of(change.pointer)
    where = f"{field}" if field else "the message"
    if change.direction == "forward":
        return f"consumers first: release {need.service}, {_reading(change, where)}; then this service"
    if _both_ways(change, report):
        return (
            f"this service first, with {where} as it was and as it will be; then release {need.service}, which sends "
            f"the new form; then drop the old one"
        )
    return f"senders first: release {need.service}, {_writing(change, where)}; then this service"


def field_of(pointer: str) -> str:
    """``/properties/lines/items/properties/sku`` → ``lines[].sku``."""
    names: list[str] = []
    words = iter(pointer.split("/")[1:])
    for word in words:
        if word in ("properties", "patternProperties"):
            names.append(f".{next(words, '').replace('~1', '/').replace('~0', '~')}")
        elif word == "$defs":
            names = [f".{next(words, '')}"]
        elif word in ("items", "prefixItems", "contains"):
            names.append("[]")
        elif word == "additionalProperties":
            names.append(".*")
    return "".join(names).removeprefix(".")


def _reading(change: Change, where: str) -> str:
    if change.rule in LACKING:
        return f"which must do without {where} (make it optional, or stop reading it)"
    return f"which must accept the new form of {where} beside the old one"


def _writing(change: Change, where: str) -> str:
    if change.rule in ASKED_FOR:
        return f"which must send {where}"
    return f"which must send nothing in {where} that is refused now"


def _both_ways(change: Change, report: Report) -> bool:
    """Whether what the consumer would have to send is refused by a reader like its own, as the running one may be."""
    return any(other.direction == "forward" and other.pointer == change.pointer for other in report.changes)

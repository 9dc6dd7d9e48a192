"""What tests of contracts' files share: a contract with any fields, a small judge, short forms of what was found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import new_class
from typing import Any, cast

from services_communication.contracts import EventModel, PayloadModel
from services_communication.contracts.files.review import Request, Review, review
from services_communication.contracts.files.writing import write
from services_communication.contracts.finding import Finding
from services_communication.contracts.report import Change, Mode, Report
from services_communication.contracts.schema import reader_of

TODAY = date(2030, 6, 1)
ORDER = "shop/events/files.placed.v1.json"
EMAIL = f"{ORDER}#/properties/email"


def judge(former: Sequence[dict[str, Any]], new: dict[str, Any], mode: Mode) -> Report:
    """A required field that is new breaks old messages; optional ones come and go."""
    changes: dict[str, Change] = {}
    for document in former:
        old: Any = reader_of(document)
        for name in sorted(new["properties"].keys() - old["properties"].keys()):
            required = name in new.get("required", [])
            changes[name] = Change(
                "required-added" if required else "optional-added",
                f"/properties/{name}",
                ...,
                new["properties"][name],
                "backward" if required else None,
                f"{'required' if required else 'optional'} field added at {name}",
                {} if required else ...,
            )
        for name in sorted(old["properties"].keys() - new["properties"].keys()):
            gone = f"optional field removed at {name}"
            changes[name] = Change("optional-removed", f"/properties/{name}", old["properties"][name], ..., None, gone)
    broken = any(change.direction for change in changes.values())
    return Report("breaking" if broken else "compatible", "compatible", tuple(changes.values()))


def order(version: int = 1, **fields: Any) -> type[EventModel]:
    """The event files.placed of this version, with an id and these fields."""
    annotations = {"id": int, **{name: kind[0] if isinstance(kind, tuple) else kind for name, kind in fields.items()}}
    defaults = {name: kind[1] for name, kind in fields.items() if isinstance(kind, tuple)}
    namespace = {"__module__": __name__, "__annotations__": annotations, **defaults}
    keywords = {"aggregate": "files", "event_type": "placed", "version": version}
    return cast(
        "type[EventModel]", new_class("OrderPlaced", (EventModel,), keywords, lambda body: body.update(namespace))
    )


def rules(found: Review) -> list[tuple[str, str, str]]:
    return [(finding.level, finding.rule, finding.place) for finding in found.findings]


def errors(found: Review) -> list[Finding]:
    return [finding for finding in found.findings if finding.level == "error"]


def tree(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def load(path: Path) -> Any:
    return json.loads(path.read_bytes())


def run(root: Path, *contracts: type[PayloadModel], check: bool = False, today: date = TODAY, **asked: Any) -> Review:
    """`makecontracts` of the service "shop": it writes unless something is refused. check=True never writes."""
    found = review(Request(root, "shop", contracts, **asked), judge, today)
    if not check and not found.refused:
        write(found.writings)
    return found

"""What ``makecontracts --consumers`` asks of the needs of other services, for the contracts that this one provides."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services_communication.contracts.files.paths import directory_of, file_of, identity_in, identity_of
from services_communication.contracts.finding import Finding
from services_communication.contracts.schema import EXTENSION
from services_communication.management.service import Service

Documents = Mapping[str, Mapping[str, Any]]


def excuse(
    service: Service, directories: Sequence[Path], root: Path
) -> Callable[[Sequence[Finding], Documents, Documents], list[Finding]]:
    """What `files.review.Request.consumers` wants: (findings, documents, former documents) → findings."""

    def excused(findings: Sequence[Finding], documents: Documents, former: Documents) -> list[Finding]:
        from services_communication.contracts.needs import Consumers  # noqa: PLC0415  it loads the judge

        known = Consumers.below(directories, service.name)
        own, before = provided(service, documents), provided(service, former)
        written = {file_of(contract, service.name) for contract in service.declared}
        broken = known.findings(own, service=service.name, former=before, written=written)
        return [*known.excused(findings, own, before), *(_placed(finding, own, root) for finding in broken)]

    return excused


def _placed(finding: Finding, own: Documents, root: Path) -> Finding:
    """Every finding names its file from the directory of schemas on; needs are found from the working directory on."""
    if finding.file in own:
        return finding
    return replace(finding, file=Path(os.path.relpath(finding.file, root)).as_posix())


def provided(service: Service, documents: Documents) -> dict[str, Mapping[str, Any]]:
    """Those of `documents` that consumers of `service` may rely on: not those of what it only sends to others."""
    received = {identity_of(contract.__contract__.address) for contract in service.received}
    own = f"{directory_of(service.name)}/"
    return {
        file: document
        for file, document in documents.items()
        if EXTENSION in document and (file.startswith(own) or identity_in(document)[0] in received)
    }

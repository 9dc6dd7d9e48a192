"""``contracts.lock.json``: the SHA-256 of every document that makecontracts wrote into a service's directory.

A sorted object, one line for each file, so that two branches merge. It guards against accidents (a document that was
edited, deleted, cut off or put there), not against an author who rewrites the lock as well: that is seen in review.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from services_communication.contracts.files import strict
from services_communication.contracts.schema import canonical

LOCK = "contracts.lock.json"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def dump(entries: Mapping[str, str]) -> bytes:
    return canonical(dict(entries))


def load(data: bytes) -> dict[str, str]:
    """File, relative to the lock's directory, → digest. Raises ValueError with a clause that says what is wrong."""
    entries = strict.loads(data)
    if not isinstance(entries, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004  a file is wrong, no argument
    for name, value in entries.items():
        if not name or any(part in ("", ".", "..") for part in name.split("/")) or "\\" in name:
            raise ValueError(f"{name!r} is no file in its directory")
        if not isinstance(value, str) or not _DIGEST.fullmatch(value):
            raise ValueError(f"the value of {name!r} is no SHA-256")
    return entries

"""The document of a contract as makecontracts writes it: always with its owner.

Other services generate their classes from it. A class without an owner would be taken there for one of their own.
"""

from __future__ import annotations

from typing import Any

from services_communication.contracts.files.paths import owner_of
from services_communication.contracts.model import PayloadModel
from services_communication.contracts.schema import EXTENSION, NoSchemaError, canonical, document


def owned_document(contract: type[PayloadModel], service: str) -> dict[str, Any]:
    """What the process of `service` writes. Raises NoSchemaError."""
    plain = document(contract)
    try:
        canonical(plain)
    except ValueError as error:  # NaN, or half a surrogate pair
        raise NoSchemaError(contract, error) from None
    return {**plain, EXTENSION: {**plain[EXTENSION], "owner": owner_of(contract, service)}}

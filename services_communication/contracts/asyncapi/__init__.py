"""AsyncAPI 3: a service's contracts as one document, and what a change of such a document means to others."""

from __future__ import annotations

from services_communication.contracts.asyncapi.application import export
from services_communication.contracts.asyncapi.difference import diff

__all__ = ["diff", "export"]

"""Tools to test with: ``conformance`` is the suite that every transport passes, ``consuming`` runs a subscriber."""

from __future__ import annotations

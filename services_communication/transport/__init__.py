"""The broker seam: two protocols, and the transports that keep them. No Django."""

from __future__ import annotations

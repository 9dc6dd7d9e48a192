"""Speed beside peers: two figures measured side by side in one run, and their ratio."""

from __future__ import annotations

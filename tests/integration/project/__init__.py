"""A small service, run in processes of its own by the tests. Its environment says what it is to be (see settings)."""

from __future__ import annotations

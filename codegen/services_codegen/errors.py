"""The one error of the generator."""

from __future__ import annotations


class InputError(Exception):
    """The input or the output directory cannot be used. The text names the file and says what to change."""

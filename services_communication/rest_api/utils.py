"""Calling a request function where an error is a normal outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self


class SilentRaiseWrapper:
    """Calls `function` and returns ``(result, None)``, or ``(None, error)`` instead of raising.

    The callbacks hear of one or the other. What a callback raises is raised.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        on_error_callback: Callable[[Exception], object] | None = None,
        on_success_callback: Callable[[Any], object] | None = None,
    ) -> None:
        self._function = function
        self._on_error_callback = on_error_callback
        self._on_success_callback = on_success_callback

    def on_error(self, func: Callable[[Exception], object]) -> Self:
        self._on_error_callback = func
        return self

    def on_success(self, func: Callable[[Any], object]) -> Self:
        self._on_success_callback = func
        return self

    def call(self, *args: Any, **kwargs: Any) -> tuple[Any, Exception | None]:
        return self(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[Any, Exception | None]:
        try:
            result = self._function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  to silence them is what this class is for
            if self._on_error_callback:
                self._on_error_callback(error)
            return None, error
        if self._on_success_callback:
            self._on_success_callback(result)
        return result, None

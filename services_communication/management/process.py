"""Running a loop in a thread while the main thread waits for signals.

A signal handler only sets a flag: taking a lock there can dead-lock with the very code it interrupts.
"""

from __future__ import annotations

import atexit
import signal
import sys
import threading
from collections.abc import Callable

from django.core.management.base import OutputWrapper
from django.db import connections

from services_communication import broker

CHECK_SECONDS = 0.2


def run_until_signalled(run: Callable[[], None], stop: Callable[[], None], out: OutputWrapper, grace: float) -> None:
    """Call `run` until it returns, or until SIGTERM or SIGINT asks `stop` to make it return.

    A second signal ends the process at once with exit code 1. What `run` raises is raised here. Under the autoreloader,
    which just ends the process, `stop` gets `grace` seconds.
    """
    signals: list[int] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001  raised again in the main thread
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work, name="loop", daemon=True)

    def end() -> None:
        stop()
        thread.join(grace)

    # Under the autoreloader Django's main function runs in a thread, where no handler can be set.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: signals.append(number))
    else:
        atexit.register(end)
    thread.start()
    announced = False
    while thread.is_alive():
        thread.join(CHECK_SECONDS)
        if signals and not announced:
            announced = True
            out.write("Stopping: waiting for what is running. A second signal stops at once.")
            stop()
        if len(signals) > 1:
            sys.exit(1)
    broker.close_publisher()
    if errors:
        raise errors[0]

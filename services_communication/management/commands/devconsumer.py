from __future__ import annotations

from typing import Any

from django.utils import autoreload

from services_communication.management.commands import runconsumer


class Command(runconsumer.Command):
    help = "Like runconsumer, and starts again when a source file changes. For development."

    def handle(self, *args: Any, **options: Any) -> None:
        autoreload.run_with_reloader(super().handle, *args, **options)

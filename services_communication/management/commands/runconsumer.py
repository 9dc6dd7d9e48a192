from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import router

from services_communication.consumer.worker import Worker
from services_communication.errors import ConfigurationError, TopologyError
from services_communication.management.process import run_until_signalled
from services_communication.management.readiness import require_migrations
from services_communication.models import InboxEntry
from services_communication.settings import communication_settings
from services_communication.transport.protocol import UnfinishedError


class Command(BaseCommand):
    help = (
        "Consume this service's queue until SIGTERM or Ctrl-C. "
        "Exit code 0: stopped when asked; 1: a fault that waiting cannot help; 2: settings or migrations are missing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            settings = communication_settings.get()
            worker = Worker(settings)
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=2) from None
        if settings.INBOX:
            require_migrations(router.db_for_write(InboxEntry))
        if not len(worker.router):
            self.stderr.write(self.style.WARNING("No handler is registered: every message will be unmatched."))
        self.stdout.write(f"Consuming {settings.QUEUE} at {settings.broker}; Ctrl-C stops.")
        try:
            run_until_signalled(worker.run, worker.stop, self.stdout, settings.SHUTDOWN_GRACE)
        except (TopologyError, UnfinishedError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(self.style.SUCCESS("Consumer stopped"))

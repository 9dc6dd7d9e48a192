from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from services_communication import broker
from services_communication.errors import ConfigurationError, TopologyError
from services_communication.management.process import run_until_signalled
from services_communication.management.readiness import require_migrations
from services_communication.publisher.relay import Relay
from services_communication.settings import communication_settings


class Command(BaseCommand):
    help = (
        "Send the outbox to the broker until SIGTERM or Ctrl-C. Any number may run: one sends, the others stand by. "
        "Exit code 0: stopped when asked; 1: a fault that waiting cannot help; 2: settings or migrations are missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--until-empty", action="store_true", help="Stop when nothing is due any more.")
        parser.add_argument("--database", default=None, help="The alias of the database that holds the outbox.")

    def handle(self, *args: Any, until_empty: bool, database: str | None, **options: Any) -> None:
        try:
            settings = communication_settings.get()
            publisher = broker.publisher()
        except ConfigurationError as error:
            raise CommandError(str(error), returncode=2) from None
        relay = Relay(publisher, settings, database)
        require_migrations(relay.alias)
        self.stdout.write(f"Sending the outbox to {settings.broker}; Ctrl-C stops.")
        try:
            broker.check_access()
            run_until_signalled(
                lambda: relay.run(until_empty=until_empty), relay.stop, self.stdout, settings.SHUTDOWN_GRACE
            )
        except (TopologyError, DatabaseError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(self.style.SUCCESS("Publisher stopped"))

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import router
from django.db.models import Q

from services_communication.clock import DatabaseNow
from services_communication.management.readiness import require_migrations
from services_communication.models import OutboxMessage


class Command(BaseCommand):
    help = "Whether the relay keeps up. Exit code 0: healthy; 1: too many messages are overdue. For health checks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--max_queue_size", type=int, default=0, help="How many overdue messages are still healthy (default 0)."
        )
        parser.add_argument(
            "--max_delay", type=int, default=10, help="After how many seconds a due message is overdue (default 10)."
        )
        parser.add_argument("--database", default=None, help="The alias of the database that holds the outbox.")

    def handle(self, *args: Any, max_queue_size: int, max_delay: int, database: str | None, **options: Any) -> None:
        alias = database or router.db_for_read(OutboxMessage)
        require_migrations(alias)
        rows = OutboxMessage.objects.using(alias)
        limit = DatabaseNow() - timedelta(seconds=max_delay)
        # Each further attempt has moved due_at on; what it was due first is the message's own time.
        failing = Q(attempts__gt=0, due_at__isnull=False, timestamp__lt=limit)
        overdue = rows.filter(Q(due_at__lt=limit) | failing)
        parked = rows.filter(due_at__isnull=True).count()
        if parked:
            self.stderr.write(self.style.WARNING(f"{parked} messages are parked; their reason says why"))
        found = overdue[: max_queue_size + 1].count()
        if found > max_queue_size:
            raise CommandError(
                f"Publisher unhealthy: more than {max_queue_size} messages wait for over {max_delay} s", returncode=1
            )
        self.stdout.write(self.style.SUCCESS("Publisher healthy"))

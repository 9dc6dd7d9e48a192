"""The service under test: its processes, its database, its queue; and what became of the messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connections, transaction

from services_communication.contracts import EventModel
from services_communication.message import Message
from services_communication.models import OutboxMessage
from services_communication.publisher import publish_aggregate_event
from services_communication.testing.consuming import wait_until
from tests.integration import amqp
from tests.integration.databases import Config
from tests.integration.processes import ROOT, ManagedProcess

PATIENCE = 90.0
DEFAULTS: Mapping[str, Any] = {
    "APP_ID": "integration",
    "RETRY_DELAYS": [0.2, 0.4],
    "PUBLISHER_RETRY_DELAYS": [0.2, 0.2],
    "PUBLISHER_POLL_INTERVAL": 0.1,
    "PUBLISHER_LEASE": 2,
    "BINDS": [["integration-replies", "#"]],
}


def environment(
    database: Config, runs: Path, settings: Mapping[str, Any], applications: Sequence[str] = ()
) -> dict[str, str]:
    service = {
        "database": database,
        "settings": dict(settings),
        "applications": list(applications or ["tests.integration.project"]),
    }
    paths = [str(ROOT), str(ROOT / "codegen"), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.integration.project.settings",
        "PYTHONPATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
        "SERVICE": json.dumps(service),
        "RUNS": str(runs),
    }


def run_to_its_end(variables: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "django", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env=dict(variables),
        timeout=120,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Run:
    """One line of the file that handlers write to."""

    stage: str
    kind: str
    number: int
    message_id: str
    attempt: int
    redelivered: bool
    time: float


class Service:
    def __init__(self, directory: Path, url: str, database: Config, alias: str) -> None:
        self.url, self.database, self.alias = url, database, alias
        self.queue = f"integration.{uuid.uuid4().hex[:12]}"
        self.settings: dict[str, Any] = {**DEFAULTS, "QUEUE": self.queue, "BROKER_CONNECTION_URL": url}
        self.applications: list[str] = []
        self.extra_environment: dict[str, str] = {}
        self._directory = directory
        self._runs = directory / "runs"
        self.processes: list[ManagedProcess] = []

    # -- processes ----------------------------------------------------------------------------------------------

    def start(self, command: str, *arguments: str, **settings: Any) -> ManagedProcess:
        name = f"{command}-{len(self.processes)}"
        process = ManagedProcess(
            name, (command, *arguments), self._environment(settings), self._directory / f"{name}.log"
        )
        self.processes.append(process)
        return process

    def run(self, command: str, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
        return run_to_its_end(self._environment(settings), command, *arguments)

    def consumer(self, **settings: Any) -> ManagedProcess:
        """A consumer that consumes."""
        process = self.start("runconsumer", **settings)
        process.wait_for("consumer: consuming")
        return process

    def relay(self, **settings: Any) -> ManagedProcess:
        """A relay that sends."""
        process = self.start("runpublisher", **settings)
        process.wait_for("this process sends the outbox")
        return process

    def _environment(self, settings: Mapping[str, Any]) -> dict[str, str]:
        merged = {**self.settings, **settings}
        return environment(self.database, self._runs, merged, self.applications) | self.extra_environment

    def end(self) -> None:
        for process in self.processes:
            process.kill()

    def delete_queues(self) -> None:
        delays = [int(delay * 1000) for delay in self.settings["RETRY_DELAYS"]]
        retries = [f"{self.queue}.retry.{delay}" for delay in delays]
        amqp.delete_queues(self.url, self.queue, f"{self.queue}.dead", *retries)

    # -- database -----------------------------------------------------------------------------------------------

    def publish(self, *events: EventModel) -> list[str]:
        """In one transaction. Returns their ids."""
        with transaction.atomic(using=self.alias):
            return [publish_aggregate_event(event, using=self.alias) for event in events]

    def rows(self) -> list[OutboxMessage]:
        return list(OutboxMessage.objects.using(self.alias).order_by("id"))

    def effects(self, kind: str) -> list[int]:
        with connections[self.alias].cursor() as cursor:
            cursor.execute("SELECT number FROM project_effect WHERE kind = %s ORDER BY id", [kind])
            return [number for (number,) in cursor.fetchall()]

    # -- what became of the messages ----------------------------------------------------------------------------

    def runs(self, kind: str, stage: str = "begin") -> list[Run]:
        if not self._runs.exists():
            return []
        found = []
        for line in self._runs.read_text().splitlines():
            a_stage, a_kind, number, message_id, attempt, redelivered, time = line.split(" ")
            if (a_stage, a_kind) == (stage, kind):
                found.append(Run(stage, kind, int(number), message_id, int(attempt), redelivered == "1", float(time)))
        return found

    def dead(self) -> list[Message]:
        """Takes them."""
        return amqp.drain(self.url, f"{self.queue}.dead")

    def wait_for_effects(self, kind: str, numbers: Iterable[int], seconds: float = PATIENCE) -> None:
        wanted = set(numbers)
        self._wait(lambda: wanted <= set(self.effects(kind)), f"effects {kind} of all {len(wanted)}", seconds)

    def wait_for_runs(self, kind: str, number: int, stage: str = "begin", seconds: float = PATIENCE) -> list[Run]:
        self._wait(lambda: len(self.runs(kind, stage)) >= number, f"{number} runs of {kind}", seconds)
        return self.runs(kind, stage)

    def wait_for_dead(self, number: int) -> list[Message]:
        found: list[Message] = []

        def enough() -> bool:
            found.extend(self.dead())
            return len(found) >= number

        self._wait(enough, f"{number} dead letters", PATIENCE)
        return found

    def wait_until_empty(self, seconds: float = PATIENCE) -> None:
        """No row in the outbox, no message in the queue."""
        self._wait(lambda: not self.rows(), "the outbox is empty", seconds)
        self._wait(lambda: amqp.depth(self.url, self.queue) == 0, "the queue is empty", seconds)

    def _wait(self, condition: Any, what: str, seconds: float) -> None:
        try:
            wait_until(condition, what, seconds)
        except AssertionError as error:
            logs = "\n".join(f"--- {process.name}\n{process.output[-3000:]}" for process in self.processes)
            raise AssertionError(f"{error}\n{logs}") from None

    def verdict(
        self, committed: set[int], kind: str = "counted", attempted: set[int] | None = None
    ) -> dict[str, object]:
        """As RabbitMQ's own Jepsen test counts: lost, made up, done twice, left. For when everything is quiet."""
        effects = Counter(self.effects(kind))
        drained = Counter(run.number for run in self.runs(kind))
        return {
            "lost": committed - effects.keys(),
            "ghosts": effects.keys() - committed,
            "unexpected": drained.keys() - (attempted or committed),
            "twice": {number for number, times in effects.items() if times > 1},
            "left": len(self.rows()) + max(0, amqp.depth(self.url, self.queue)) + len(self.dead()),
        }

    def duplicates(self, kind: str = "counted") -> int:
        """How many deliveries repeated a message. Read with INBOX off, where each has a run."""
        return sum(times - 1 for times in Counter(run.number for run in self.runs(kind)).values())


NOTHING_WRONG: dict[str, object] = {"lost": set(), "ghosts": set(), "unexpected": set(), "twice": set(), "left": 0}

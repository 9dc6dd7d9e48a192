"""Each service as it runs in production: a web server, a publisher and a consumer, each a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pika
from pika.exceptions import AMQPError

from examples.delivery import settings as delivery
from examples.demo.environment import SERVICES
from examples.demo.watch import DeadLetters, reason_of, wait_until
from examples.shop import settings as shop
from services_communication.consumer import MessageRouter
from services_communication.consumer.worker import topology
from services_communication.settings import read

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
STOP_SECONDS = 20


@contextmanager
def services(down: str | None) -> Iterator[DeadLetters]:
    """Everything runs, save the consumer of the service `down`. Yields what tells why messages were put aside."""
    print("Two services, each with processes of its own: PostgreSQL, RabbitMQ\n", flush=True)
    with ExitStack() as stack:
        migrations = [_Process(service, "migrate", "--verbosity=0") for service in SERVICES]
        stack.callback(_stop, migrations)
        for migration in migrations:
            migration.expect_success()

        stack.callback(_delete_queues)
        consumers = {service: _Process(service, "runconsumer") for service in SERVICES}
        running = list(consumers.values())
        stack.callback(_stop, running)
        for service in SERVICES:
            running.append(_Process(service, "runpublisher"))
            running.append(_Process(service, "runserver", "--noreload", urlsplit(_variable(service, "URL")).netloc))

        def ready() -> bool:
            for process in running:
                process.expect_running()
            return all(_consumes(service) and _listens(service) for service in SERVICES)

        if not wait_until(ready, time.monotonic() + START_SECONDS):
            sys.exit(f"The services were not ready within {START_SECONDS} s")
        if down:  # now that its queue is there: what comes waits for it
            _stop([consumers[down]])
        yield lambda: _dead_letters(f"{_variable('delivery', 'QUEUE')}.dead")


class _Process:
    """A service's manage.py. Its log goes where this program's lines go."""

    def __init__(self, service: str, *arguments: str) -> None:
        self._name = f"{service}/manage.py {arguments[0]}"
        self._popen = subprocess.Popen(
            [sys.executable, "-m", f"examples.{service}.manage", *arguments],
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": f"examples.{service}.settings"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=sys.stdout.fileno(),
            start_new_session=True,  # Ctrl-C is for us; we stop them
        )

    def expect_success(self) -> None:
        if self._popen.wait(START_SECONDS):
            sys.exit(f"{self._name} failed")

    def expect_running(self) -> None:
        if self._popen.poll() is not None:
            sys.exit(f"{self._name} ended with exit code {self._popen.returncode}")

    def terminate(self) -> None:
        self._popen.terminate()

    def wait(self) -> None:
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def _stop(processes: list[_Process]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def _variable(service: str, name: str) -> str:
    return os.environ[f"{service.upper()}_{name}"]


def _listens(service: str) -> bool:
    address = urlsplit(_variable(service, "URL"))
    with suppress(OSError), socket.create_connection((address.hostname, address.port), timeout=1):
        return True
    return False


def _rabbitmq() -> closing[pika.BlockingConnection]:
    return closing(pika.BlockingConnection(pika.URLParameters(os.environ["AMQP_URL"])))


def _consumes(service: str) -> bool:
    with suppress(AMQPError), _rabbitmq() as connection:
        declared = connection.channel().queue_declare(_variable(service, "QUEUE"), passive=True)
        return bool(declared.method.consumer_count)
    return False


def _dead_letters(queue: str) -> list[str]:
    with _rabbitmq() as connection:
        channel = connection.channel()
        frame, properties, _ = channel.basic_get(queue)  # unacknowledged, so it stays there
        if frame is None or properties is None:
            return []
        return [reason_of(properties.headers or {})]


def _delete_queues() -> None:
    with _rabbitmq() as connection:
        channel = connection.channel()
        for module in (shop, delivery):
            names = topology(read(module.MICROSERVICES_COMMUNICATION_SETTINGS), MessageRouter())
            for queue in (names.queue, names.dead_queue, *map(names.retry_queue, names.retry_delays)):
                channel.queue_delete(queue)

"""Both services in this process: threads instead of processes, one outbox, a broker in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from threading import Thread
from urllib.parse import urlsplit

from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from examples.delivery import settings as delivery
from examples.demo.environment import SERVICES
from examples.demo.watch import DeadLetters, reason_of
from examples.shop import settings as shop
from services_communication import broker
from services_communication.consumer import MessageRouter, message_router
from services_communication.consumer.worker import Worker, topology
from services_communication.publisher.relay import Relay
from services_communication.settings import communication_settings, read
from services_communication.transport import memory


@contextmanager
def services(down: str | None) -> Iterator[DeadLetters]:
    """Everything runs, save the consumer of the service `down`. Yields what tells why messages were put aside."""
    print("Two services in one process: SQLite, a broker in memory\n", flush=True)
    call_command("migrate", verbosity=0)
    node = memory.broker("demo")
    with ExitStack() as stack:
        relay = Relay(broker.publisher(), communication_settings.get())
        _start(stack, relay.run, relay.stop)
        for module in (shop, delivery):
            name = module.__name__.split(".")[1]
            settings, router = read(module.MICROSERVICES_COMMUNICATION_SETTINGS), router_of(name)
            node.declare(topology(settings, router))  # at once: what comes before the consumer waits for it
            if name != down:
                worker = Worker(settings, router)
                _start(stack, worker.run, worker.stop)
        for name in SERVICES:
            address = urlsplit(os.environ[f"{name.upper()}_URL"])
            server = ThreadedWSGIServer((address.hostname, address.port), WSGIRequestHandler)
            server.set_app(get_wsgi_application())
            stack.callback(server.server_close)
            _start(stack, server.serve_forever, server.shutdown)
        dead_queue = f"{os.environ['DELIVERY_QUEUE']}.dead"
        yield lambda: [reason_of(message.headers) for message in node.messages(dead_queue)]


def router_of(service: str) -> MessageRouter:
    """The handlers of one service. In one process all of them have registered with one router."""
    router = MessageRouter()
    for binding in message_router:
        if binding.handler.__module__.startswith(f"examples.{service}."):
            router.add(binding)
    return router


def _start(stack: ExitStack, run: Callable[[], None], stop: Callable[[], None]) -> None:
    """`run` in a thread; when the stack is left, `stop`, and wait for its end."""
    thread = Thread(target=run, daemon=True)
    thread.start()
    stack.callback(thread.join, 10)
    stack.callback(stop)

"""One consuming process: settings and router become a subscription, deliveries go to the dispatcher."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, connections
from django.utils.module_loading import import_string

from services_communication import broker
from services_communication.consumer import inbox
from services_communication.consumer.dispatch import Dispatcher
from services_communication.consumer.router import MessageRouter
from services_communication.errors import ConfigurationError
from services_communication.settings import Bind, Settings
from services_communication.transport.protocol import Subscription, Topology

logger = logging.getLogger("services_communication.consumer")

PURGE_SECONDS = 60.0


class Worker:
    """Consumes QUEUE until it is stopped."""

    def __init__(self, settings: Settings, router: MessageRouter | None = None) -> None:
        if not settings.QUEUE:
            raise ConfigurationError("QUEUE is empty; name the queue that this service consumes")
        self.router = router if router is not None else _router(settings)
        self._settings = settings
        self._subscriber = broker.subscriber(
            Subscription(
                topology=topology(settings, self.router),
                prefetch=max(settings.PREFETCH_COUNT, settings.CONCURRENCY),
                concurrency=settings.CONCURRENCY,
                grace=timedelta(seconds=settings.SHUTDOWN_GRACE),
            )
        )
        self._stopping = threading.Event()

    def run(self) -> None:
        """Blocks. Raises TopologyError where waiting cannot help, UnfinishedError when a handler outlived the grace."""
        if self._settings.INBOX:
            threading.Thread(target=self._purge_for_ever, name="inbox purge", daemon=True).start()
        try:
            self._subscriber.subscribe(Dispatcher(self.router, self._settings))
        finally:
            self._stopping.set()

    def stop(self) -> None:
        """Take no more, finish what runs; ``run`` returns then. Safe from any thread."""
        self._stopping.set()
        self._subscriber.close()

    def _purge_for_ever(self) -> None:
        retention = timedelta(seconds=self._settings.INBOX_RETENTION)
        while not self._stopping.wait(PURGE_SECONDS):
            try:
                while inbox.purge(retention) == inbox.PURGE_ROWS and not self._stopping.is_set():
                    pass
            except (DatabaseError, InterfaceError) as error:
                logger.warning("the inbox could not be purged now: %s", type(error).__name__)
            finally:
                connections.close_all()


def topology(settings: Settings, router: MessageRouter) -> Topology:
    """BINDS, and the addresses of typed handlers: a contract with a handler is bound without being listed."""
    binds = dict.fromkeys(settings.BINDS)
    for binding in router:
        if binding.binds_queue and binding.exchange is not None:
            binds.setdefault(Bind(binding.exchange, binding.routing_key or ""))
    exchanges = {bind.exchange: "topic" for bind in binds}
    exchanges.update(settings.EXCHANGES)
    return Topology(
        queue=settings.QUEUE,
        queue_type=settings.QUEUE_TYPE,
        exchanges=tuple(exchanges.items()),
        bindings=tuple((bind.exchange, bind.routing_key) for bind in binds),
        retry_delays=tuple(timedelta(seconds=delay) for delay in settings.RETRY_DELAYS),
        declare=not settings.DO_NOT_DECLARE,
    )


def _router(settings: Settings) -> MessageRouter:
    found = import_string(settings.MESSAGE_CONSUMER)
    if not isinstance(found, MessageRouter):
        raise ConfigurationError(f"MESSAGE_CONSUMER: {settings.MESSAGE_CONSUMER} is not a MessageRouter")
    return found

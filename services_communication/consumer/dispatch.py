"""From a delivery to an outcome: decode, validate, run the handlers, decide.

It never raises: whatever happens becomes exactly one Outcome, and the transport carries that out.
"""

from __future__ import annotations

import logging
import time

from django.db import IntegrityError, InterfaceError, OperationalError, router, transaction

from services_communication.consumer import inbox
from services_communication.consumer.binding import Binding, Call
from services_communication.consumer.database import is_reachable, release_connections, replace_stale_connections
from services_communication.consumer.policy import RetryPolicy
from services_communication.consumer.router import MessageRouter
from services_communication.contracts import AddressedModel
from services_communication.contracts.codec import check_body
from services_communication.contracts.upcast import leads_to, unread
from services_communication.errors import DecodeError, MessageNotConsumed
from services_communication.message import HEADER_VERSION, Ack, DeadLetter, Delivery, Outcome
from services_communication.models import InboxEntry
from services_communication.settings import Settings

logger = logging.getLogger("services_communication.consumer")


class Dispatcher:
    """Callable with a delivery, from any number of threads."""

    def __init__(self, router: MessageRouter, settings: Settings) -> None:
        self._router = router
        self._settings = settings
        self._policy = RetryPolicy(settings.RETRY_DELAYS)

    def __call__(self, delivery: Delivery) -> Outcome:
        started = time.monotonic()
        try:
            outcome = self._decide(delivery)
        finally:
            self._clean_up()
        _log(delivery, outcome, time.monotonic() - started)
        return outcome

    def _decide(self, delivery: Delivery) -> Outcome:
        if delivery.delivery_count >= self._settings.MAX_DELIVERIES:
            return DeadLetter("crashed", f"delivered {delivery.delivery_count + 1} times without an outcome")
        message = delivery.message
        try:
            self._settings.correlation_helper.set_correlation_id(message.correlation_id or message.message_id or None)
            replace_stale_connections()
            return self._run(delivery)
        except DecodeError as error:
            if error.__cause__ is not None:  # an up-caster raised it, and its author needs more than the type's name
                logger.exception("an up-caster failed", exc_info=error.__cause__)
            return DeadLetter(error.reason, error.detail)
        except MessageNotConsumed:
            return self._policy.later(delivery)
        except (OperationalError, InterfaceError) as error:
            if not is_reachable(self._alias()):
                logger.warning("the database is out of reach (%s); the message comes again later", type(error).__name__)
                return self._policy.later(delivery)
            return self._failed(delivery, error)
        except BaseException as error:  # noqa: BLE001  sys.exit() in a handler is a failure like any other
            return self._failed(delivery, error)

    def _clean_up(self) -> None:
        try:
            self._settings.correlation_helper.set_correlation_id(None)
            release_connections()
        except BaseException:
            logger.exception("cleaning up after a message failed")

    def _run(self, delivery: Delivery) -> Outcome:
        message = delivery.message
        bindings = self._router.match(delivery.exchange, delivery.routing_key)
        if not bindings:
            if self._settings.UNMATCHED_MESSAGES == "ignore":
                return Ack()
            return DeadLetter("unmatched", "no handler is registered for this exchange and routing key")
        check_body(message.body, message.content_type, message.content_encoding, self._settings.MAX_BODY_SIZE)
        # All are decoded before the first one runs: a body that does not fit must not be handled by half.
        for binding, call in [(binding, binding.prepare(delivery)) for binding in _of_version(bindings, delivery)]:
            self._run_once(binding, call, message.message_id)
        return Ack()

    def _run_once(self, binding: Binding, call: Call, message_id: str) -> None:
        """The handler and its inbox row, in one transaction. A message without an id cannot be recognised again."""
        if not binding.atomic:
            call()
            return
        alias = self._alias()
        recorded = False
        try:
            with transaction.atomic(using=alias):
                if self._settings.INBOX and message_id:
                    inbox.record(binding.name, message_id, alias)
                recorded = True
                call()
        except IntegrityError:
            if recorded:
                raise
            logger.info("message %s was handled before by %s", message_id, binding.name)

    def _failed(self, delivery: Delivery, error: BaseException) -> Outcome:
        outcome = self._policy.failed(delivery, error)
        logger.error(
            "a handler failed on message %s from %r %r, attempt %d",
            _printable(delivery.message.message_id),
            _printable(delivery.exchange),
            _printable(delivery.routing_key),
            delivery.attempt,
            exc_info=error,
        )
        return outcome

    def _alias(self) -> str:
        return router.db_for_write(InboxEntry)


def _of_version(bindings: list[Binding], delivery: Delivery) -> list[Binding]:
    """The handlers that read the message's version, from each consumer (`Binding.consumer`) those of one version.

    It is this very version where the consumer has it, else the newest that up-casters lead to. A consumer that has
    neither would miss the message, so none gets it then. Untyped handlers take every version. No header: a producer
    that knows no versions, and all get the message.
    """
    version = delivery.message.headers.get(HEADER_VERSION)
    if version is None:
        return bindings
    consumers: dict[str, list[type[AddressedModel]]] = {}
    for binding in bindings:
        if binding.contract is not None:
            consumers.setdefault(binding.consumer, []).append(binding.contract)
    wanted: dict[str, int] = {}
    for consumer, contracts in consumers.items():
        read = [contract.__contract__.version for contract in contracts if leads_to(version, contract)]
        if not read:
            by = f" by {consumer}" if len(consumers) > 1 else ""
            raise DecodeError("unknown_version", unread(version, contracts, by))
        wanted[consumer] = version if version in read else max(read)
    return [binding for binding in bindings if binding.contract is None or binding.version == wanted[binding.consumer]]


def _log(delivery: Delivery, outcome: Outcome, seconds: float) -> None:
    level = logging.WARNING if isinstance(outcome, DeadLetter) else logging.DEBUG
    if logger.isEnabledFor(level):
        logger.log(
            level,
            "%s message %s from %r %r: %s",
            type(outcome).__name__,
            _printable(delivery.message.message_id),
            _printable(delivery.exchange),
            _printable(delivery.routing_key),
            f"{outcome.reason}: {outcome.detail}" if isinstance(outcome, DeadLetter) else "",
            extra={
                "message_id": delivery.message.message_id,
                "queue": delivery.queue,
                "attempt": delivery.attempt,
                "duration_ms": round(seconds * 1000, 3),
            },
        )


def _printable(text: str) -> str:
    """A wire string on one line, bounded."""
    return text.encode("unicode_escape").decode("ascii")[:255]

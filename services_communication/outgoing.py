"""What every outgoing message carries beside its body: who sends it, which version it is, what it belongs to."""

from __future__ import annotations

from datetime import datetime

from services_communication.errors import EncodeError
from services_communication.message import HEADER_VERSION, HeaderValue, Message
from services_communication.settings import communication_settings


def message(
    exchange: str,
    routing_key: str,
    body: bytes,
    *,
    message_id: str,
    type: str,  # noqa: A002  the AMQP property's name
    timestamp: datetime,
    version: int | None = None,
    unroutable_ok: bool = False,
) -> Message:
    """Raises EncodeError for an address that AMQP cannot carry and for a body beyond MAX_BODY_SIZE."""
    settings = communication_settings.get()
    if len(body) > settings.MAX_BODY_SIZE:
        raise EncodeError(f"the body has {len(body)} bytes; MAX_BODY_SIZE allows {settings.MAX_BODY_SIZE}")
    if exchange.startswith("amq."):
        raise EncodeError(f"{exchange[:80]!r}: exchanges that begin with 'amq.' are the broker's own")
    headers: dict[str, HeaderValue] = {} if version is None else {HEADER_VERSION: version}
    headers.update(_trace_context())
    return Message(
        exchange=exchange,
        routing_key=routing_key,
        body=body,
        message_id=message_id,
        type=type,
        app_id=settings.app_id,
        correlation_id=settings.correlation_helper.get_correlation_id(),
        timestamp=timestamp,
        headers=headers,
        mandatory=not (unroutable_ok or settings.UNROUTABLE_OK),
    )


def _trace_context() -> dict[str, HeaderValue]:
    """W3C ``traceparent`` when OpenTelemetry is installed and a trace is active."""
    try:
        from opentelemetry import propagate  # noqa: PLC0415  an optional companion, looked for at the first use
    except ImportError:
        return {}
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return dict(carrier)

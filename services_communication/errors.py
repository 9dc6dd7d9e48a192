"""Every error the library raises, in one tree.

    CommunicationError
    ├── ContractDefinitionError     a contract, handler or binding is declared wrongly (raised at import)
    ├── ConfigurationError          a setting makes the operation impossible
    ├── EncodeError                 this value may not travel; nothing was written
    ├── DecodeError                 what arrived does not fit; carries a reason code and the path
    ├── PublishError
    │   ├── UnroutableError         no queue is bound for the message
    │   ├── RefusedError            the broker (or its client) will not take the message
    │   └── UnconfirmedError        no answer in time: the message may or may not have arrived
    ├── BrokerUnavailableError      no connection now; it is worth trying again
    ├── TopologyError               the broker's exchanges and queues contradict the settings
    ├── LeaseLostError              another relay owns the outbox now
    ├── MessageNotConsumed          raised by a handler: "not now, try later"
    └── RestApiError                the tree of ``services_communication.rest_api.error``

Catch a branch to handle a whole area, a leaf to recover from one cause.
Messages never contain passwords. Ours contain no payload values either; what another service answered to a REST
request is quoted in its error, shortened.
"""

from __future__ import annotations


class CommunicationError(Exception):
    """Anything this library raises on purpose."""


class ContractDefinitionError(CommunicationError, TypeError):
    """A contract, handler or binding is declared wrongly. The text says what to change."""


class ConfigurationError(CommunicationError):
    """A setting makes the operation impossible. The text names the setting."""


class EncodeError(CommunicationError, ValueError):
    """The value may not travel (size, NUL, NaN, a header that AMQP lacks). Nothing was written."""


class DecodeError(CommunicationError, ValueError):
    """What arrived cannot be read.

    ``reason`` is a stable code (``decode``, ``invalid``, ``content_type``, ``too_large``, ``unknown_version``,
    ``upcast``);
    ``detail`` names the path and the rule, never the value.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class PublishError(CommunicationError):
    """A message was not handed over to the broker."""


class UnroutableError(PublishError):
    """The broker took the message and returned it: no queue is bound for its exchange and routing key."""


class RefusedError(PublishError):
    """The broker, or the client library before it, will not take this message; trying again alone will not help."""


class UnconfirmedError(PublishError):
    """The broker gave no answer in time. The message may have arrived; the same message id makes a retry safe."""


class BrokerUnavailableError(CommunicationError):
    """The broker cannot be reached at the moment."""


class TopologyError(CommunicationError):
    """The broker contradicts the settings. Trying again cannot help; the text says what to change."""


class LeaseLostError(CommunicationError):
    """This relay no longer owns the outbox; it must stop publishing at once."""


class MessageNotConsumed(CommunicationError):  # noqa: N818  the name is public in the earlier library
    """Raise it in a handler to have the message delivered again later. It is not counted as a failure."""

    def __init__(self, message: str = "Message not consumed") -> None:
        super().__init__(message)

"""The names that users import, and what importing them needs."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PUBLIC = {
    "services_communication.contracts": {
        "EventModel",
        "CommandModel",
        "CallModel",
        "PayloadModel",
        "AddressedModel",
        "Address",
        "Registry",
        "registry",
        "resources",
    },
    "services_communication.consumer": {
        "message_router",
        "MessageRouter",
        "MessageContext",
        "event_consumer",
        "command_consumer",
        "call_consumer",
        "call_response_consumer",
    },
    "services_communication.publisher": {
        "publish_aggregate_event",
        "publish_future_aggregate_event",
        "cancel_future_aggregate_event",
    },
    "services_communication.call": {"send_command", "send_call"},
    "services_communication.error": {"MessageNotConsumed"},
}

BLOCKER = """
import importlib.abc, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.parametrize("module", PUBLIC)
def test_exported_names(module: str) -> None:
    """DESIGN §2 fixes them: adding one is a promise, removing one breaks users."""
    imported = importlib.import_module(module)
    assert set(imported.__all__) == PUBLIC[module]
    assert all(hasattr(imported, name) for name in PUBLIC[module])


@pytest.mark.parametrize(
    ("module", "blocked"),
    [
        ("services_communication.contracts", ("django", "pika", "httpx")),
        ("services_communication.contracts.codec", ("django", "pika", "httpx")),
        ("services_communication.transport.memory", ("django", "pika", "httpx")),
        ("services_communication.transport.address", ("django", "pika", "httpx")),
        ("services_communication.transport.amqp", ("django", "httpx")),
        ("services_communication.errors", ("django", "pika", "httpx", "pydantic")),
        ("services_communication.message", ("django", "pika", "httpx", "pydantic")),
    ],
)
def test_a_layer_needs_no_more_than_it_says(module: str, blocked: tuple[str, ...]) -> None:
    """Contracts are importable where there is no Django and no broker; transports without Django."""
    code = BLOCKER.format(blocked=blocked) + f"import {module}\n"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_the_blocker_blocks() -> None:
    """The test above can fail."""
    code = BLOCKER.format(blocked=("django",)) + "import services_communication.publisher\n"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode != 0
    assert "ModuleNotFoundError: django" in ended.stderr

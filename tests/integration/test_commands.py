"""Commands go out at once, with a confirm, on a connection that is kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.test import override_settings

from services_communication.call import send_command
from services_communication.errors import CommunicationError, UnconfirmedError, UnroutableError
from services_communication.testing.consuming import wait_until
from tests.integration.project.contracts import Ring
from tests.integration.service import Service
from tests.support.proxy import Proxy


@contextmanager
def sending_to(url: str, **settings: Any) -> Iterator[None]:
    """Leaving it closes the connection."""
    with override_settings(
        MICROSERVICES_COMMUNICATION_SETTINGS={"APP_ID": "commander", "BROKER_CONNECTION_URL": url, **settings}
    ):
        yield


@pytest.fixture
def proxy(amqp_url: str) -> Iterator[Proxy]:
    with Proxy(int(amqp_url.rpartition(":")[2].partition("/")[0])) as made:
        yield made


def through(proxy: Proxy, url: str) -> str:
    before, _, after = url.rpartition(":")
    return f"{before}:{proxy.port}/{after.partition('/')[2]}"


def test_a_command_is_confirmed_and_carried_out(service: Service) -> None:
    service.consumer()
    with sending_to(service.url):
        message_id = send_command(Ring(number=1), timeout=60)
        send_command("integration-bell", {"number": 2}, "ring")
    service.wait_for_effects("ring", {1, 2})
    assert service.runs("ring")[0].message_id == message_id


def test_a_command_that_nobody_hears_raises(service: Service) -> None:
    with sending_to(service.url), pytest.raises(UnroutableError, match="integration-bell"):
        send_command(Ring(number=1))


def test_threads_share_one_kept_connection(service: Service, proxy: Proxy) -> None:
    service.consumer()
    with sending_to(through(proxy, service.url)):
        send_command(Ring(number=0))
        connections = proxy.accepted
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: send_command(Ring(number=number)), range(1, 41)))
        assert proxy.accepted == connections
    service.wait_for_effects("ring", range(41))


def test_a_lost_connection_is_made_again(service: Service, proxy: Proxy) -> None:
    """The command that met the loss is sent again, with the same message id."""
    service.consumer()
    with sending_to(through(proxy, service.url)):
        send_command(Ring(number=0))
        for number in range(1, 4):
            proxy.cut()
            send_command(Ring(number=number))
    service.wait_for_effects("ring", range(4))
    assert sorted(service.effects("ring")) == [0, 1, 2, 3]


@pytest.mark.parametrize("connected", [True, False])
def test_a_silent_broker_is_not_waited_for_longer_than_asked(service: Service, proxy: Proxy, connected: bool) -> None:
    """Neither on the kept connection, nor while the first one is made."""
    service.consumer()
    with sending_to(through(proxy, service.url), COMMAND_CONFIRM_TIMEOUT=1, CONFIRM_TIMEOUT=3):
        if connected:
            send_command(Ring(number=0))
        proxy.mode = "blackhole"
        with pytest.raises(UnconfirmedError, match="within 1 s"):
            send_command(Ring(number=1))
        proxy.mode = "pass"
        send_until_confirmed(Ring(number=2))
    service.wait_for_effects("ring", {2})


def send_until_confirmed(command: Ring) -> None:
    def confirmed() -> bool:
        with contextlib.suppress(UnconfirmedError):
            send_command(command)
            return True
        return False

    wait_until(confirmed, "the command is confirmed")


def test_a_wrong_password_is_named_but_not_shown(service: Service) -> None:
    url = service.url.replace("guest:guest@", "guest:hunter2-secret@")
    sending = sending_to(url, COMMAND_CONFIRM_TIMEOUT=2)
    with sending, pytest.raises(CommunicationError, match="refuses user 'guest'") as caught:
        send_command(Ring(number=1))
    assert "hunter2" not in str(caught.value)

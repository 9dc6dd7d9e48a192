"""The broker fails; nothing is lost, made up or done twice, and every process is back by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.test import override_settings

from services_communication.call import send_command
from services_communication.errors import UnconfirmedError
from services_communication.message import HEADER_REASON
from services_communication.testing.consuming import wait_until
from tests.faults.nodes import WINDOW, assert_nothing_wrong, counted, drained_to, eventually, publish_many
from tests.integration import amqp
from tests.integration.project.contracts import Failing, Ring
from tests.integration.service import Service
from tests.support.proxy import Proxy
from tests.support.servers import RabbitMQ

CONSUMING = "consumer: consuming"


def test_b1_the_broker_is_killed_while_the_relay_sends(broken_broker: Service, private_rabbitmq: RabbitMQ) -> None:
    """Rows stay until the broker is back; what is sent again carries the same id."""
    service = broken_broker
    service.consumer(INBOX=False).terminate()  # its queue is there
    time.sleep(4)  # and written down by the node
    relay = service.relay(PUBLISHER_BATCH_SIZE=100)
    committed = publish_many(service, 3000)
    drained_to(service, 2500)
    private_rabbitmq.kill()
    left = len(service.rows())
    assert left
    service.publish(*counted(3000))
    private_rabbitmq.start()
    drained_to(service, 0)
    assert relay.running
    service.consumer(INBOX=False)
    service.wait_for_effects("counted", {*committed, 3000})
    service.wait_until_empty()
    assert set(service.effects("counted")) == {*committed, 3000}
    assert service.duplicates() <= WINDOW
    by_number = {run.number: set() for run in service.runs("counted")}  # type: dict[int, set[str]]
    for run in service.runs("counted"):
        by_number[run.number].add(run.message_id)
    assert {len(ids) for ids in by_number.values()} == {1}
    assert relay.output.count("rows stay and are sent when it is back") <= 10


@pytest.mark.parametrize("concurrency", [1, 3])
def test_b2_the_broker_is_killed_while_consumers_work(
    broken_broker: Service, private_rabbitmq: RabbitMQ, concurrency: int
) -> None:
    """Unacknowledged messages come again, and the inbox sees to it that they have one effect."""
    service = broken_broker
    service.relay()
    consumer = service.consumer(CONCURRENCY=concurrency, PREFETCH_COUNT=20)
    committed = set(range(200))
    service.publish(*counted(*committed, seconds=0.03 * concurrency))
    service.wait_for_runs("counted", 30)
    private_rabbitmq.kill()
    assert len(service.runs("counted")) < len(committed)
    private_rabbitmq.start()
    consumer.wait_for(CONSUMING, times=2)
    assert_nothing_wrong(service, committed)
    assert consumer.running


def test_b3_the_broker_is_restarted_politely(broken_broker: Service, private_rabbitmq: RabbitMQ) -> None:
    service = broken_broker
    consumer, relay = service.consumer(), service.relay()
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    private_rabbitmq.ctl("stop_app")
    service.publish(*counted(2))
    private_rabbitmq.ctl("start_app")
    assert_nothing_wrong(service, {1, 2})
    for process in (consumer, relay):
        assert process.running
        assert len([line for line in process.output.splitlines() if "WARNING" in line]) <= 6, process.output
        assert "Traceback" not in process.output


def test_b4_the_broker_freezes(broken_broker: Service, private_rabbitmq: RabbitMQ) -> None:
    """Both notice by their heartbeats, and go on when it thaws."""
    service = broken_broker
    consumer, relay = service.consumer(), service.relay()
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    private_rabbitmq.freeze()
    service.publish(*counted(2, 3))
    try:
        consumer.wait_for("AMQPHeartbeatTimeout", seconds=40)
        relay.wait_for("AMQPHeartbeatTimeout", seconds=40)
    finally:
        private_rabbitmq.thaw()
    assert_nothing_wrong(service, {1, 2, 3})
    assert consumer.running
    assert relay.running


def test_b6_an_administrator_closes_the_connections(broken_broker: Service, private_rabbitmq: RabbitMQ) -> None:
    service = broken_broker
    consumer, relay = service.consumer(), service.relay()
    committed = publish_many(service, 200)
    for _ in range(2):
        private_rabbitmq.ctl("close_all_connections", "maintenance")
        number = max(committed) + 1
        service.publish(*counted(number))
        committed.add(number)
        service.wait_for_effects("counted", {number})
    assert_nothing_wrong(service, committed)
    assert consumer.running
    assert relay.running


@pytest.fixture
def alarmed(private_rabbitmq: RabbitMQ) -> Iterator[RabbitMQ]:
    """Is to be alarmed by the test; is calm again afterwards."""
    yield private_rabbitmq
    private_rabbitmq.ctl("set_vm_memory_high_watermark", "0.4")


def a_command_is_not_confirmed() -> bool:
    try:
        send_command(Ring(number=2))
    except UnconfirmedError:
        return True
    return False


def test_b7_a_memory_alarm_blocks_publishing_only(broken_broker: Service, alarmed: RabbitMQ) -> None:
    """Consumers go on and acknowledge, commands fail in time, and rows leave when it is over."""
    service = broken_broker
    consumer, relay = service.consumer(), service.relay()
    settings = {"APP_ID": "c", "BROKER_CONNECTION_URL": service.url, "COMMAND_CONFIRM_TIMEOUT": 2, "CONFIRM_TIMEOUT": 5}
    with override_settings(MICROSERVICES_COMMUNICATION_SETTINGS=settings):
        send_command(Ring(number=1))
        service.publish(*counted(*range(60), seconds=0.1))
        drained_to(service, 0)
        service.wait_for_runs("counted", 3)
        alarmed.ctl("set_vm_memory_high_watermark", "0")
        eventually(service, a_command_is_not_confirmed, "the alarm blocks commands")  # the node looks every few seconds
        service.publish(*counted(100, 101))
        relay.wait_for("blocks publishing")
        service.wait_for_effects("counted", range(60))
        unacknowledged = ["list_queues", "--no-table-headers", "name", "messages"]
        eventually(service, lambda: f"{service.queue}\t0" in alarmed.ctl(*unacknowledged), "all are acknowledged")
        assert len(service.rows()) == 2
        alarmed.ctl("set_vm_memory_high_watermark", "0.4")
    assert_nothing_wrong(service, {*range(60), 100, 101})
    assert consumer.running
    assert relay.running


def test_b9_the_queue_is_deleted_while_it_is_consumed(broken_broker: Service, private_rabbitmq: RabbitMQ) -> None:
    """It is declared and bound again, and consumed."""
    service = broken_broker
    consumer = service.consumer()
    service.relay()
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    amqp.delete_queues(service.url, service.queue)
    consumer.wait_for(CONSUMING, times=2)
    assert "was deleted or moved" in consumer.output
    service.publish(*counted(2))
    assert_nothing_wrong(service, {1, 2})


def test_b9_the_queues_behind_it_are_deleted(broken_broker: Service) -> None:
    """A message that finds its retry or dead-letter queue missing is not lost: they are declared again."""
    service = broken_broker
    service.consumer()
    service.relay()
    amqp.delete_queues(service.url, f"{service.queue}.dead", f"{service.queue}.retry.200")
    service.publish(Failing(number=1, times=1), Failing(number=2, times=99))
    service.wait_for_effects("failing", {1})
    (dead,) = service.wait_for_dead(1)
    assert dead.headers[HEADER_REASON] == "failed"


def test_b17_poison_does_not_spin_and_harms_nobody(service: Service) -> None:
    """Each poisonous message runs as often as the ladder has steps; the good ones among them are handled once."""
    service.consumer()
    service.relay()
    service.publish(*[event for n in range(20) for event in (Failing(number=n, times=99), *counted(n))])
    service.wait_for_effects("counted", range(20))
    dead = service.wait_for_dead(20)
    assert {message.headers[HEADER_REASON] for message in dead} == {"failed"}
    assert len(service.runs("failing")) == 20 * 3
    assert len(service.runs("counted")) == 20
    service.wait_until_empty()


def test_n2_the_connection_is_cut_before_the_confirm_arrives(service: Service) -> None:
    """The broker has the message, the relay does not know: it is sent again with the same id, and has one effect."""
    port = int(service.url.rpartition(":")[2].partition("/")[0])
    with Proxy(port) as proxy:
        relay = service.relay(BROKER_CONNECTION_URL=service.url.replace(f":{port}/", f":{proxy.port}/"))
        service.consumer(INBOX=False).terminate()
        service.publish(*counted(0))
        drained_to(service, 0)
        proxy.mode = "cut_down"
        (message_id,) = service.publish(*counted(1))
        wait_until(lambda: amqp.depth(service.url, service.queue) >= 2, "the broker has the message")
        assert [row.message_id for row in service.rows()] == [message_id]
        proxy.mode = "pass"
        drained_to(service, 0)
        assert relay.running
    service.consumer()
    assert_nothing_wrong(service, {0, 1})
    assert amqp.depth(service.url, service.queue) == 0


def test_n3_the_connection_is_cut_when_the_ack_is_sent(service: Service) -> None:
    """The message is delivered again, and has one effect."""
    port = int(service.url.rpartition(":")[2].partition("/")[0])
    with Proxy(port) as proxy:
        consumer = service.consumer(BROKER_CONNECTION_URL=service.url.replace(f":{port}/", f":{proxy.port}/"))
        service.relay()
        service.publish(*counted(1, seconds=0.5))
        service.wait_for_runs("counted", 1)
        proxy.mode = "cut_up"
        service.wait_for_runs("counted", 1, "end")
        consumer.wait_for("is out of reach")
        proxy.mode = "pass"
        assert_nothing_wrong(service, {1})
        assert consumer.running


def test_b5_a_broker_that_is_away_at_first_is_waited_for(broken_broker: Service, private_rabbitmq: RabbitMQ) -> None:
    service = broken_broker
    private_rabbitmq.kill()
    patient = [0.5] * 100
    consumer, relay = service.start("runconsumer"), service.start("runpublisher", PUBLISHER_RETRY_DELAYS=patient)
    service.publish(*counted(1))
    consumer.wait_for("is out of reach")
    relay.wait_for("is out of reach")
    private_rabbitmq.start()
    consumer.wait_for(CONSUMING)
    assert_nothing_wrong(service, {1})

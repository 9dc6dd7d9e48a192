"""What is at the broker already, is missing there, or is refused there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services_communication.publisher import publish_aggregate_event
from services_communication.testing.consuming import wait_until
from tests.integration import amqp
from tests.integration.databases import SQLite
from tests.integration.fixtures import MakeService
from tests.integration.project.contracts import Counted
from tests.integration.service import Service
from tests.support.servers import MissingServerError, RabbitMQ, private_directory


def counted(*numbers: int, line: str = "a") -> list[Counted]:
    return [Counted(line=line, number=number) for number in numbers]


@pytest.fixture
def exchange(amqp_url: str, service: Service) -> Iterator[str]:
    """A fanout exchange that was there before."""
    name = f"{service.queue}.fanout"
    with amqp.channel(amqp_url) as channel:
        channel.exchange_declare(name, exchange_type="fanout", durable=True)
    yield name
    amqp.delete_exchanges(amqp_url, name)


def test_a_classic_queue_is_used_as_it_is(service: Service) -> None:
    """With one warning that says what to do."""
    with amqp.channel(service.url) as channel:
        channel.queue_declare(service.queue, durable=True)
    consumer = service.consumer()
    service.relay()
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})
    assert consumer.output.count("exists with other properties") == 1
    assert "Set QUEUE_TYPE" in consumer.output


def test_an_exchange_of_another_type_stops_the_consumer(service: Service, exchange: str) -> None:
    """The text says which setting to change; with it the consumer starts."""
    done = service.run("runconsumer", BINDS=[exchange])
    assert done.returncode == 1, done.stdout
    assert "write its real type into EXCHANGES" in done.stdout
    assert exchange in done.stdout
    assert "Traceback" not in done.stdout
    service.consumer(BINDS=[exchange], EXCHANGES=[[exchange, "fanout"]])


def test_a_relay_sends_to_an_exchange_of_another_type(service: Service, exchange: str) -> None:
    with amqp.channel(service.url) as channel:
        channel.queue_declare(service.queue, durable=True)
        channel.queue_bind(service.queue, exchange)
    relay = service.relay()
    publish_aggregate_event(exchange, "made", {"n": 1}, using=service.alias)
    publish_aggregate_event(exchange, "made", {"n": 2}, using=service.alias)
    wait_until(lambda: amqp.depth(service.url, service.queue) == 2, "both arrived")
    assert relay.output.count("is used as it is") == 1


def test_without_declaring_a_missing_queue_stops_the_consumer(service: Service) -> None:
    done = service.run("runconsumer", DO_NOT_DECLARE=True)
    assert done.returncode == 1, done.stdout
    assert f"queue '{service.queue}' does not exist" in done.stdout


def test_without_declaring_everything_may_be_there_already(service: Service) -> None:
    assert service.consumer().terminate() == 0
    service.consumer(DO_NOT_DECLARE=True)
    service.relay(DO_NOT_DECLARE=True)
    service.publish(*counted(1))
    service.wait_for_effects("counted", {1})


def test_without_declaring_a_missing_exchange_parks_its_rows_only(service: Service) -> None:
    service.consumer()
    service.relay(DO_NOT_DECLARE=True)
    missing = f"{service.queue}.missing"
    service.publish(*counted(1))
    publish_aggregate_event(missing, "made", {}, using=service.alias)
    service.publish(*counted(2))
    service.wait_for_effects("counted", {1, 2})
    wait_until(lambda: [row.due_at for row in service.rows()] == [None], "one row is parked")
    (row,) = service.rows()
    assert row.exchange == missing
    assert row.reason.startswith("refused: NOT_FOUND")


class SmallMessages(RabbitMQ):
    def prepare(self) -> None:
        super().prepare()
        with (self.directory / "rabbitmq.conf").open("a") as conf:
            conf.write("max_message_size = 20000\n")


@pytest.fixture
def small_messages() -> Iterator[RabbitMQ]:
    with private_directory() as directory:
        try:
            node = SmallMessages(directory)
            node.start()
        except MissingServerError as error:
            pytest.skip(f"{error} is not installed")
        yield node
        node.stop()


@pytest.mark.rabbitmq
def test_what_the_broker_finds_too_large_is_parked(
    small_messages: RabbitMQ, sqlite_databases: SQLite, make_service: MakeService
) -> None:
    """And the rows before, beside and behind it go on, in their order."""
    with sqlite_databases.fresh() as database, make_service(small_messages.url, database) as service:
        service.consumer()
        service.publish(
            *counted(*range(10)),
            *counted(99, line="x" * 30_000),
            *counted(*range(10, 20)),
            *counted(98, line="y" * 30_000),
        )
        service.relay()
        service.wait_for_effects("counted", range(20))
        wait_until(lambda: [row.due_at for row in service.rows()] == [None, None], "two rows are parked")
        assert {row.reason.partition(" - ")[0] for row in service.rows()} == {"refused: PRECONDITION_FAILED"}
        service.publish(*counted(20))
        service.wait_for_effects("counted", {20})
        assert service.effects("counted") == list(range(21))

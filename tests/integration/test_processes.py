"""How the commands start, stop and end: signals and exit codes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from services_communication.testing.consuming import wait_until
from tests.integration import amqp
from tests.integration.project.contracts import Counted
from tests.integration.service import NOTHING_WRONG, Service


def counted(*numbers: int, seconds: float = 0) -> list[Counted]:
    return [Counted(line="a", number=number, seconds=seconds) for number in numbers]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["runconsumer", "runpublisher"])
def test_an_idle_process_ends_when_asked(service: Service, command: str, number: signal.Signals) -> None:
    process = service.consumer() if command == "runconsumer" else service.relay()
    process.send(number)
    assert process.exit_code(20) == 0
    assert "stopped" in process.output
    assert "Traceback" not in process.output


def test_a_busy_consumer_finishes_what_runs_and_takes_nothing_new(service: Service) -> None:
    consumer = service.consumer()
    service.relay()
    service.publish(*counted(1, seconds=2), *counted(2, 3))
    service.wait_for_runs("counted", 1)
    assert consumer.terminate() == 0
    assert [run.number for run in service.runs("counted", "end")] == [1]
    assert service.effects("counted") == [1]
    wait_until(lambda: amqp.depth(service.url, service.queue) == 2, "the other two went back")


@pytest.mark.parametrize("inbox", [True, False])
def test_a_second_signal_ends_at_once_and_the_message_comes_again(service: Service, inbox: bool) -> None:
    """What the interrupted handler did was rolled back."""
    consumer = service.consumer(INBOX=inbox)
    service.relay()
    service.publish(*counted(1, seconds=5))
    service.wait_for_runs("counted", 1)
    consumer.send(signal.SIGTERM)
    consumer.wait_for("Stopping")
    consumer.send(signal.SIGTERM)
    assert consumer.exit_code() == 1
    assert service.effects("counted") == []
    service.consumer(INBOX=inbox)
    service.wait_for_effects("counted", {1})
    assert [run.redelivered for run in service.runs("counted")] == [False, True]
    service.wait_until_empty()
    assert service.verdict({1}) == NOTHING_WRONG


def test_the_grace_time_ends(service: Service) -> None:
    consumer = service.consumer(SHUTDOWN_GRACE=0.5)
    service.relay()
    service.publish(*counted(1, seconds=20))
    service.wait_for_runs("counted", 1)
    assert consumer.terminate() == 1
    assert "still running after the grace time" in consumer.output
    wait_until(lambda: amqp.depth(service.url, service.queue) == 1, "the message went back")


def test_a_handler_may_take_longer_than_the_heartbeat(service: Service) -> None:
    """Three times as long; the connection lives on and nothing is delivered twice."""
    service.url += "?heartbeat=2"
    consumer = service.consumer(BROKER_CONNECTION_URL=service.url)
    service.relay()
    service.publish(*counted(1, seconds=7))
    service.wait_for_effects("counted", {1})
    service.publish(*counted(2))
    service.wait_for_effects("counted", {2})
    assert consumer.output.count("consumer: consuming") == 1
    assert [run.redelivered for run in service.runs("counted")] == [False, False]


def test_a_relay_that_is_stopped_in_the_middle_sends_nothing_twice(service: Service) -> None:
    service.consumer(INBOX=False)
    service.publish(*counted(*range(2000)))
    for _ in range(3):
        relay = service.relay(PUBLISHER_BATCH_SIZE=20)
        left = len(service.rows())
        wait_until(lambda left=left: len(service.rows()) < left, "it sends")  # type: ignore[misc]  # a default binds the loop's value
        assert relay.terminate() == 0
    assert service.rows()
    assert service.run("runpublisher", "--until-empty").returncode == 0
    service.wait_for_effects("counted", range(2000))
    service.wait_until_empty()
    assert service.duplicates() == 0
    assert service.effects("counted") == list(range(2000))


def test_until_empty_ends_by_itself(service: Service) -> None:
    done = service.run("runpublisher", "--until-empty")
    assert (done.returncode, "Publisher stopped" in done.stdout) == (0, True)


def test_a_missing_queue_is_exit_code_2(service: Service) -> None:
    done = service.run("runconsumer", QUEUE="")
    assert (done.returncode, "QUEUE" in done.stdout, "Traceback" in done.stdout) == (2, True, False), done.stdout


@pytest.mark.parametrize(("command", "key"), [("runconsumer", "PREFETCH"), ("runpublisher", "PUBLISHER_LEASE")])
def test_wrong_settings_are_named(service: Service, command: str, key: str) -> None:
    done = service.run(command, **{key: "much"})
    assert done.returncode != 0
    assert key in done.stdout
    assert "Traceback" not in done.stdout


@pytest.mark.parametrize(
    ("command", "declares"), [("runconsumer", True), ("runconsumer", False), ("runpublisher", True)]
)
def test_a_wrong_password_is_exit_code_1_and_shown_nowhere(service: Service, command: str, declares: bool) -> None:
    service.publish(*counted(1))
    url = service.url.replace("guest:guest@", "guest:hunter2-secret@")
    done = service.run(command, BROKER_CONNECTION_URL=url, DO_NOT_DECLARE=not declares)
    assert done.returncode == 1, done.stdout
    assert "refuses user 'guest'" in done.stdout
    assert "hunter2" not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_relay_that_declares_nothing_says_that_the_password_is_wrong(service: Service) -> None:
    """It meets the refusal while it reconnects, and keeps its rows."""
    service.publish(*counted(1))
    url = service.url.replace("guest:guest@", "guest:hunter2-secret@")
    relay = service.start("runpublisher", BROKER_CONNECTION_URL=url, DO_NOT_DECLARE=True)
    relay.wait_for("refuses user 'guest'")
    assert "hunter2" not in relay.output
    assert len(service.rows()) == 1


def watched(service: Service, directory: Path) -> Path:
    """An application in a file that the test may touch."""
    module = directory / "watched_application"
    module.mkdir()
    (module / "__init__.py").write_text("")
    service.applications = ["tests.integration.project", "watched_application"]
    service.extra_environment = {"PYTHONPATH": f"{directory}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    return module / "__init__.py"


@pytest.mark.parametrize(
    ("command", "ready"), [("devconsumer", "consumer: consuming"), ("devpublisher", "this process sends the outbox")]
)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_development_commands_start_again_and_stop(
    service: Service, tmp_path: Path, command: str, ready: str, number: signal.Signals
) -> None:
    """Ctrl-C reaches both processes, as from a terminal; SIGTERM the one that was started."""
    source = watched(service, tmp_path)
    process = service.start(command)
    process.wait_for(ready)
    times = iter(range(2_000_000_000, 2_100_000_000, 100))

    def started_again() -> bool:
        os.utime(source, (moment := next(times), moment))  # again and again: it may not watch yet
        time.sleep(0.5)
        return process.output.count(ready) > 1

    wait_until(started_again, f"{command} starts again")
    if number is signal.SIGINT:
        os.killpg(process.process_id, number)
    else:
        process.send(number)
    process.exit_code(20)
    assert "Traceback" not in process.output
    wait_until(lambda: not group_exists(process.process_id), "the process that it started is gone too")


def group_exists(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True

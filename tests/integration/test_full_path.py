"""From a transaction to a handler's effect, with real processes, on every database."""

from __future__ import annotations

from django.db import transaction

from services_communication.call import send_call, send_command
from services_communication.message import HEADER_DETAIL, HEADER_REASON
from services_communication.publisher import publish_aggregate_event
from services_communication.testing.consuming import wait_until
from tests.integration import amqp
from tests.integration.project.contracts import Add, Counted, Failing, Ring, Unheard, UnheardAndFine, Unready
from tests.integration.service import NOTHING_WRONG, Service


def counted(*numbers: int, line: str = "a", seconds: float = 0) -> list[Counted]:
    return [Counted(line=line, number=number, seconds=seconds) for number in numbers]


def test_what_commits_is_handled_once_and_in_order(service_on_each: Service) -> None:
    service = service_on_each
    service.consumer()
    service.relay()
    service.publish(*counted(*range(100)))
    with transaction.atomic(using=service.alias):
        publish_aggregate_event(Counted(line="a", number=1000), using=service.alias)
        transaction.set_rollback(True, using=service.alias)
    service.publish(*counted(*range(100, 200)))
    service.wait_for_effects("counted", range(200))
    service.wait_until_empty()
    assert service.effects("counted") == list(range(200))
    assert service.verdict(set(range(200)), attempted=set(range(200)) | {1000}) == NOTHING_WRONG


def test_a_message_that_comes_twice_has_one_effect(service_on_each: Service) -> None:
    """With the inbox; the second delivery is acknowledged without a run."""
    service = service_on_each
    service.consumer()
    body = b'{"eventId":"e-1","aggregate":"integration","eventType":"counted","payload":{"line":"a","number":1}}'
    for _ in range(2):
        amqp.publish(service.url, "integration", "counted", body, message_id="the same", content_type="text/json")
    amqp.publish(service.url, "integration", "counted", body.replace(b'"number":1', b'"number":2'), message_id="other")
    service.wait_for_effects("counted", {1, 2})
    service.wait_until_empty()
    assert service.effects("counted") == [1, 2]


def test_a_failing_handler_climbs_the_ladder(service_on_each: Service) -> None:
    """Its effects are rolled back each time; in the end it succeeds, or is a dead letter."""
    service = service_on_each
    service.consumer()
    service.relay()
    lasting, passing = service.publish(Failing(number=1, times=99), Failing(number=2, times=2))
    service.wait_for_effects("failing", {2})
    (dead,) = service.wait_for_dead(1)
    assert (dead.message_id, dead.headers[HEADER_REASON]) == (lasting, "failed")
    assert dead.headers[HEADER_DETAIL] == "RuntimeError after 3 attempts"
    assert service.effects("failing") == [2]
    for number, message_id in ((1, lasting), (2, passing)):
        runs = [run for run in service.runs("failing") if run.number == number]
        assert [run.attempt for run in runs] == [1, 2, 3]
        assert {run.message_id for run in runs} == {message_id}


def test_a_call_is_answered(service_on_each: Service) -> None:
    """Question, answer and the asker's handler: all through outboxes."""
    service = service_on_each
    service.consumer()
    service.relay()
    with transaction.atomic(using=service.alias):
        call_id = send_call(Add(left=19, right=23), reply_to="integration-replies", using=service.alias)
    service.wait_for_effects("sum", {42})
    (run,) = service.runs("sum")
    assert run.message_id != call_id
    service.wait_until_empty()


def test_what_nobody_hears_is_parked_and_blocks_nobody(service_on_each: Service) -> None:
    service = service_on_each
    service.consumer()
    service.relay()
    service.publish(*counted(1), Unheard(number=1), *counted(2), UnheardAndFine(number=1), *counted(3))
    service.wait_for_effects("counted", {1, 2, 3})
    wait_until(lambda: [row.due_at for row in service.rows()] == [None], "one row is parked")
    (row,) = service.rows()
    assert (row.routing_key, row.attempts) == ("unheard", 3)
    assert row.reason == "returned: NO_ROUTE"


def test_putting_off_is_no_failure(service: Service) -> None:
    """MessageNotConsumed comes again more often than there are attempts."""
    service.consumer()
    service.relay()
    service.publish(Unready(number=1, times=4))
    service.wait_for_effects("unready", {1})
    assert [run.attempt for run in service.runs("unready")] == [1] * 5
    assert service.dead() == []


def test_a_transactional_command_leaves_with_the_transaction(service: Service) -> None:
    service.consumer()
    service.relay()
    with transaction.atomic(using=service.alias):
        send_command(Ring(number=5), transactional=True, using=service.alias)
    service.wait_for_effects("ring", {5})


INVALID = {
    "not JSON": (b"{", "decode", ""),
    "empty": (b"", "decode", ""),
    "a field is missing": (b'{"payload":{"line":"a"}}', "invalid", "Field required at payload.number"),
    "a type is wrong": (b'{"payload":{"line":"a","number":"7"}}', "invalid", "payload.number"),
    "too deep": (b'{"payload":' + b"[" * 100_000, "decode", ""),
    "no payload": (b'{"payload":null}', "invalid", "payload"),
}


def test_what_is_invalid_goes_aside_at_once(service: Service) -> None:
    """With the reason, before any handler runs, and without a retry; the valid one behind it is handled."""
    consumer = service.consumer()
    for name, (body, _, _) in INVALID.items():
        amqp.publish(service.url, "integration", "counted", body, message_id=name)
    good = b'{"event_id":7,"payload":{"line":"a","number":7}}'
    amqp.publish(service.url, "integration", "counted", good)
    service.wait_for_effects("counted", {7})
    dead = {message.message_id: message for message in service.wait_for_dead(len(INVALID))}
    for name, (body, reason, detail) in INVALID.items():
        assert (dead[name].body, dead[name].headers[HEADER_REASON]) == (body, reason), name
        assert detail in str(dead[name].headers[HEADER_DETAIL])
    assert [run.number for run in service.runs("counted")] == [7]
    assert "Traceback" not in consumer.output


def test_what_has_no_handler_goes_aside(service: Service) -> None:
    service.consumer(BINDS=[["integration", "#"]])
    amqp.publish(service.url, "integration", "something.else", b"{}", message_id="unknown")
    (dead,) = service.wait_for_dead(1)
    assert dead.headers[HEADER_REASON] == "unmatched"


def test_handlers_run_side_by_side(service_on_each: Service) -> None:
    """Four at once; each message has one effect all the same."""
    service = service_on_each
    service.consumer(CONCURRENCY=4)
    service.relay()
    for number in range(80):
        service.publish(*counted(number, line=str(number % 7), seconds=0.01))
    service.wait_for_effects("counted", range(80))
    service.wait_until_empty()
    assert service.verdict(set(range(80))) == NOTHING_WRONG

"""Handlers. Each run is told in the file RUNS, also the one whose transaction is rolled back."""

from __future__ import annotations

import os
import time

from services_communication.consumer import MessageContext, call_response_consumer, message_router
from services_communication.errors import MessageNotConsumed
from tests.integration.project.contracts import Add, Counted, Deadly, Failing, Ring, Sum, Unready
from tests.integration.project.models import Effect

REPLIES = "integration-replies"


def tell(kind: str, number: int, context: MessageContext, stage: str = "begin") -> None:
    line = f"{stage} {kind} {number} {context.message_id} {context.attempt} {int(context.redelivered)} {time.time()}\n"
    descriptor = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@message_router.consumer(Counted)
def count(event: Counted, context: MessageContext) -> None:
    tell("counted", event.number, context)
    Effect.objects.create(kind="counted", number=event.number, text=event.line)
    if event.seconds:
        time.sleep(event.seconds)
    tell("counted", event.number, context, "end")


@message_router.consumer(Failing)
def fail(event: Failing, context: MessageContext) -> None:
    tell("failing", event.number, context)
    Effect.objects.create(kind="failing", number=event.number)
    if context.attempt <= event.times:
        raise RuntimeError("this handler fails on purpose")


@message_router.consumer(Unready)
def put_off(event: Unready, context: MessageContext) -> None:
    tell("unready", event.number, context)
    if context.headers.get("x-deferrals", 0) != event.times:
        raise MessageNotConsumed
    Effect.objects.create(kind="unready", number=event.number)


@message_router.consumer(Deadly)
def die(event: Deadly, context: MessageContext) -> None:
    tell("deadly", event.number, context)
    os._exit(3)


@message_router.consumer(Ring)
def ring(command: Ring, context: MessageContext) -> None:
    tell("ring", command.number, context)
    Effect.objects.create(kind="ring", number=command.number)


@message_router.consumer(Add)
def add(call: Add, context: MessageContext) -> Sum:
    tell("add", call.left, context)
    return Sum(total=call.left + call.right)


@message_router.consumer(REPLIES, Add.response_routing_key())
@call_response_consumer(Add)
def on_sum(reply: Sum, context: MessageContext) -> None:
    tell("sum", reply.total, context)
    Effect.objects.create(kind="sum", number=reply.total, text=str(context.call_id))

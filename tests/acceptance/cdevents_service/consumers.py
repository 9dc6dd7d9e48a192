from __future__ import annotations

import os

from services_communication.consumer import MessageContext, message_router
from services_communication.contracts import EventModel
from tests.acceptance.cdevents_service import PACKAGE, generated_contracts


def listen(contract: type[EventModel]) -> None:
    @message_router.consumer(contract)
    def handle(event: EventModel, context: MessageContext) -> None:
        """Tells what it was given: one line in a file."""
        assert type(event) is contract
        line = f"{context.routing_key} {context.message_id} {event.model_dump_json(by_alias=True)}\n"
        descriptor = os.open(os.environ["RUNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, line.encode())
        os.close(descriptor)


for each in generated_contracts(PACKAGE):
    listen(each)

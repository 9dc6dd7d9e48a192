from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from services_communication.consumer import message_router
from services_communication.consumer.dispatch import Dispatcher
from services_communication.message import HEADER_VERSION, Ack, Delivery, Message
from services_communication.settings import communication_settings
from services_communication.testing.examples import load


class Command(BaseCommand):
    help = "Hand stored examples of an event to its handlers, as if the broker had delivered messages of their version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")

    def handle(self, *_: Any, file: str, **__: Any) -> None:
        dispatch = Dispatcher(message_router, communication_settings.get())
        for example in load(Path(file)):
            body = json.dumps({"payload": example.payload})
            self.stdout.write(f"delivered: version {example.version} {body}")
            address, headers = example.address, {HEADER_VERSION: example.version}
            message = Message(address.exchange, address.routing_key, body.encode(), headers=headers)
            outcome = dispatch(Delivery(message, queue="shop"))
            if outcome != Ack():
                raise CommandError(str(outcome))

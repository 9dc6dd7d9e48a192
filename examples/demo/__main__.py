"""python -m examples.demo [--rabbitmq] [--down SERVICE] [--deadline SECONDS]"""

from __future__ import annotations

import argparse
import signal
import sys

import django

from examples.demo import environment


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Two services talk to each other.")
    parser.add_argument("--rabbitmq", action="store_true", help="separate processes, RabbitMQ and PostgreSQL")
    parser.add_argument("--down", choices=["shop", "delivery"], help="the consumer of this service does not run")
    parser.add_argument("--deadline", type=float, default=30, help="seconds within which all must arrive (%(default)s)")
    options = parser.parse_args()
    # SIGTERM unwinds as Ctrl-C does: what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with environment.rabbitmq() if options.rabbitmq else environment.memory():
        django.setup()
        from examples.demo import memory, play, processes  # noqa: PLC0415  they import models: Django comes first

        services = processes.services if options.rabbitmq else memory.services
        with services(options.down) as dead_letters:
            return play.play(dead_letters, options.deadline)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

"""python -m examples.evolution: eight steps of a contract's life, and what the commands say to each of them.

Exit code 0 only when each did what is said here. Everything happens in a temporary directory.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from examples.evolution.stage import Stage, UnexpectedError

CHECK = ("makecontracts", "--check")
AGREE = "Contracts and files agree"
V1 = "shop/events/order.placed.v1.json"
V2 = "shop/events/order.placed.v2.json"
EXAMPLES = "schemas/shop/events/order.placed.v1.examples.json"


def documents(stage: Stage) -> None:
    stage.title("1. A service, shop, has a contract. makecontracts writes its document, which is committed.")
    stage.show("shop/contracts.py")
    stage.manage("shop", "makecontracts", says=[f"document-new at {V1}"])
    stage.say("In CI the code is checked against the documents.")
    stage.manage("shop", *CHECK, says=[f"{AGREE}: 1 document"])
    stage.say("Beside the document lies a message as it was sent. Step 4 needs it.")
    stage.copy("order.placed.v1.examples.json", EXAMPLES)


def breaks(stage: Stage) -> None:
    stage.title("2. A new field is required. Old messages lack it: this is refused, and one of them is shown.")
    with stage.tried("step2_required_field.py"):
        rule = f"error: required-added at {V1}#/properties/currency"
        stage.manage("shop", *CHECK, exits=1, says=[rule, "for example: {"])

    stage.title("3. A field has another type. Old messages do not fit the new code, nor new ones the old code.")
    with stage.tried("step3_other_type.py"):
        rule = f"error: type-changed at {V1}#/properties/orderId/type"
        stage.manage("shop", *CHECK, exits=1, says=[rule, "for example: {"])


def versions(stage: Stage) -> None:
    stage.title("4. The way to a new required field: raise the version, and say what an old message becomes.")
    stage.edit("step4_version_2.py")
    stage.manage("shop", "makecontracts", says=[f"document-new at {V2}"])
    stage.say("Version 1 stays beside it, as it was.")
    stage.manage("shop", *CHECK, says=[f"{AGREE}: 2 documents"])
    stage.say("The message of version 1 reaches the handler of version 2.")
    handled = "handled: OrderPlaced(order_id=1, city='skd', total=Decimal('120'), currency='UZS')"
    stage.manage("shop", "deliver", EXAMPLES, says=["delivered: version 1 ", handled])

    stage.title("5. An optional field breaks nobody: it is told, and the document of version 2 is written anew.")
    stage.edit("step5_optional_field.py")
    stage.manage("shop", "makecontracts", says=[f"info: property-added at {V2}#/properties/note"])
    stage.manage("shop", *CHECK, says=[AGREE])


def waivers(stage: Stage) -> None:
    stage.title("6. A limit is refused too: nobody but you knows that order numbers have always begun with 1.")
    stage.edit("step6_minimum.py")
    place = f"{V2}#/properties/orderId/minimum"
    stage.manage("shop", *CHECK, exits=1, says=[f"error: minimum-added at {place}"])
    stage.say("You accept the break, with a reason and for a time. Both are committed, and seen in review.")
    reason, until = "order numbers have always begun with 1", f"{datetime.now(UTC).date() + timedelta(days=30)}"
    accepted = ("--allow-breaking", f"minimum-added:{place}", "--reason", reason, "--until", until)
    stage.manage("shop", "makecontracts", *accepted, says=[f"(accepted until {until}: {reason})"])
    stage.show("schemas/shop/waivers.json")
    stage.manage("shop", *CHECK, says=[AGREE])


def consumers(stage: Stage) -> None:
    stage.title("7. May the city go? As long as nobody knows the readers, they may all need it: this is refused.")
    stage.edit("step7_without_city.py")
    city = f"required-removed at {V2}#/properties/city"
    stage.manage("shop", "makecontracts", exits=1, says=[f"error: {city}"])
    stage.say("Another service, billing, has a contract of its own for what it reads. It writes down its needs.")
    stage.show("billing/contracts.py")
    stage.manage("billing", "contracts", "needs", says=["write schemas/billing/needs/events/order.placed.v2.json"])
    stage.say("Where the needs of all consumers are known, the same edit passes: nobody reads the city.")
    stage.manage("shop", "makecontracts", "--consumers", "schemas", says=[f"info: {city}"])
    stage.manage("shop", *CHECK, "--consumers", "schemas", says=[AGREE])

    stage.title("8. May the total go as well? billing reads it: it is named, and who must be released first.")
    with stage.tried("step8_without_total.py"):
        total = f"error: required-removed at {V2}#/properties/total"
        says = [total, "billing reads event order.placed v2", "consumers first: release billing"]
        stage.manage("shop", *CHECK, "--consumers", "schemas", exits=1, says=says)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="walk-") as directory:
        stage = Stage(Path(directory))
        try:
            for chapter in (documents, breaks, versions, waivers, consumers):
                chapter(stage)
        except UnexpectedError as error:
            print(f"\nNot as it should be: {error}")
            return 1
    print("\nEach step did what it should.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

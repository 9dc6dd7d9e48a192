"""The demo program, as scripts/demo runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOPS = """
rest     customer  → NewOrder(city='skd', phone='901234567', total=Decimal('120')) → shop
rest     shop      → GET /api/zones/skd → delivery
rest     delivery  → Zone(city='skd', name='Samarkand', days=2) → shop
event    shop      → OrderPlaced(order_id=1, city='skd', total=Decimal('120')) → outbox
rest     shop      → OrderReceipt(order_id=1, days=2) → customer
event    shop      → OrderPlaced(order_id=1, city='skd', total=Decimal('120')) → delivery
call     shop      → QuoteDelivery(city='skd', total=Decimal('120')) → delivery
reply    delivery  → Quote(price=Decimal('25.00'), insured=True) → shop
command  shop      → BookCourier(order_id=1, phone='901234567') → delivery
event    stranger  → {"payload": {"city": "skd", "total": "120"}} → delivery
dead     delivery  → invalid: Field required at payload.orderId → delivery.dead
"""


def run(directory: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code, and the lines with each run of blanks made one."""
    done = subprocess.run(
        [sys.executable, "-m", "examples.demo", *arguments],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory), "PYTHONUTF8": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=200,
        check=False,
    )
    print(done.stdout)  # pytest shows it when the test fails
    assert list(directory.iterdir()) == [], "the demo leaves files behind"
    return done.returncode, lines(done.stdout)


def lines(text: str) -> set[str]:
    return {re.sub(" +", " ", line).strip() for line in text.splitlines() if line.strip()}


def test_every_hop_has_its_line(tmp_path: Path) -> None:
    code, shown = run(tmp_path)
    assert lines(HOPS) - shown == set()
    assert "Everything arrived." in shown
    assert code == 0


@pytest.mark.parametrize(("service", "missing"), [("delivery", "event, command, call, dead"), ("shop", "call")])
def test_what_does_not_arrive_is_named(tmp_path: Path, service: str, missing: str) -> None:
    code, shown = run(tmp_path, "--down", service, "--deadline", "3")
    assert f"Missing: {missing}" in shown
    assert code == 1


def test_processes_show_the_same(tmp_path: Path, amqp_url: str, postgres_url: str) -> None:
    code, shown = run(tmp_path, "--rabbitmq")
    queue = {re.sub(r"-demo-\w+", "", line) for line in shown}
    assert lines(HOPS) - queue == set()
    assert code == 0

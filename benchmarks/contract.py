"""What typing costs: writing and reading one event, beside the untyped way through dictionaries."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from benchmarks.contracts import UserUpdated, event
from benchmarks.measure import Result, side_by_side
from services_communication.contracts.casing import camelize, underscoreize
from services_communication.contracts.codec import decode_event, encode_event
from services_communication.message import utc_now

CALLS = 20_000


def run_encode() -> Result:
    model, now = event(1), utc_now()
    untyped = {
        "event_id": "1",
        "event_time": now.isoformat(),
        "aggregate": "user",
        "event_type": "update.base",
        "payload": model.model_dump(mode="json", by_alias=False),
    }
    return side_by_side(
        "encode",
        "contract → bytes",
        lambda: _rate(lambda: encode_event(model, event_id="1", event_time=now)),
        "camelize + json.dumps of a dict",
        lambda: _rate(lambda: json.dumps(camelize(untyped)).encode()),
    )


def run_decode() -> Result:
    body = encode_event(event(1), event_id="1", event_time=utc_now())
    return side_by_side(
        "decode",
        "bytes → validated contract",
        lambda: _rate(lambda: decode_event(UserUpdated, body)),
        "json.loads + underscoreize to a dict",
        lambda: _rate(lambda: underscoreize(json.loads(body))),
    )


def _rate(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return CALLS / (time.perf_counter() - began)

"""What is said of a message that does not fit names its place, and nothing that it holds."""

from __future__ import annotations

import pytest

from services_communication.contracts import EventModel, PayloadModel
from services_communication.contracts.codec import decode_event
from services_communication.errors import DecodeError


class Phone(PayloadModel):
    area_code: int


class Contacts(EventModel, aggregate="described", event_type="contacts"):
    owner_id: int
    phones: dict[str, Phone]
    several: tuple[Phone, ...] = ()


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (b'{"phones":{}}', "payload.ownerId"),
        (b'{"ownerId":1,"phones":{"998901234567":{"areaCode":"x"}}}', "payload.phones.*.areaCode"),
        (b'{"ownerId":1,"phones":{},"several":[{"areaCode":1},{}]}', "payload.several.1.areaCode"),
    ],
)
def test_a_path_names_what_the_contract_declares(payload: bytes, place: str) -> None:
    """Fields and positions are named; a key of a dictionary is the producer's data, and hidden."""
    with pytest.raises(DecodeError) as caught:
        decode_event(Contacts, b'{"payload":' + payload + b"}")

    assert caught.value.detail.endswith(f" at {place}")
    assert "998901234567" not in str(caught.value)

"""What is written fits the schemas that other teams read the wire format from."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from services_communication.contracts.codec import call_body, command_body, event_body, response_body

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas/envelopes"
ID = "5f0c3a0e-8a57-4c1b-9a6e-2f3d5b8f1a11"
NOW = datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC)

WRITTEN = {
    "event": [event_body("user", "update.base", b'{"userId":1}', ID, NOW)],
    "command": [command_body(b'{"phone":"1"}', NOW), command_body(b'{"phone":"1"}', None), command_body(b"{}", NOW)],
    "call": [call_body(b'{"productId":1}', ID, "shop", NOW, None), call_body(b"null", ID, "shop", NOW, NOW)],
    "response": [response_body(b'{"amount":"1"}', ID, NOW)],
}


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


@pytest.mark.parametrize(("name", "body"), [(name, body) for name, bodies in WRITTEN.items() for body in bodies])
def test_what_is_written_fits_its_schema(name: str, body: bytes) -> None:
    """Each kind of body is valid under the schema of its envelope."""
    validator(name).validate(json.loads(body))


@pytest.mark.parametrize("name", ["event", "call", "response"])
def test_the_schemas_are_closed(name: str) -> None:
    """A key that the wire format does not have is refused, so the schemas cannot fall behind the writer."""
    body = json.loads(WRITTEN[name][0]) | {"unheardOf": 1}

    with pytest.raises(ValidationError):
        validator(name).validate(body)

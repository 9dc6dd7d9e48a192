"""What stands around a contract on the wire, as schemas: strict where it is written, tolerant where it is read.

The written form is that of ``schemas/envelopes/``, with the address put in.
"""

from __future__ import annotations

from typing import Any

from services_communication.contracts.asyncapi.schemas import Role
from services_communication.contracts.registry import Address

TIME_WRITTEN = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$",
}
TIME_READ = {"type": ["string", "null"], "format": "date-time"}
ID_WRITTEN = {"type": "string", "format": "uuid"}
ID_READ = {"type": ["string", "integer"]}
TRACEPARENT = {
    "type": "string",
    "pattern": "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$",
    "description": "W3C Trace Context, when a trace is active.",
}


def event_body(role: Role, address: Address, payload: Any) -> dict[str, Any]:
    if role == "sent":
        return _object(
            role,
            {
                "eventId": ID_WRITTEN,
                "eventTime": TIME_WRITTEN,
                "eventType": {"const": address.routing_key, "type": "string"},
                "aggregate": {"const": address.exchange, "type": "string"},
                "payload": payload,
            },
            "eventId eventTime eventType aggregate payload",
        )
    text = {"type": ["string", "null"]}
    identity = {"eventId": {"type": ["string", "integer", "null"]}, "eventType": text, "aggregate": text}
    return _object(role, {**identity, "eventTime": TIME_READ, "payload": payload}, "payload")


def command_body(role: Role, arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, and beside them ``meta``."""
    deadline = {"description": "After this moment it must not be carried out."}
    if role == "sent":
        meta = _object(role, {"expiredTime": {**TIME_WRITTEN, **deadline}}, "expiredTime")
    else:
        meta = _object(role, {"expiredTime": {**TIME_READ, **deadline}})
    return {**arguments, "properties": {**arguments.get("properties", {}), "meta": meta}}


def call_body(role: Role, data: Any) -> dict[str, Any]:
    time = TIME_WRITTEN if role == "sent" else TIME_READ
    reply_to = {"type": "string", "minLength": 1, "description": "The exchange that the reply is sent to."}
    properties = {"replyTo": reply_to, "time": time, "expiredTime": time}
    meta = _object(role, properties, "replyTo time" if role == "sent" else "replyTo")
    identity = ID_WRITTEN if role == "sent" else ID_READ
    return _object(role, {"id": identity, "meta": meta, "data": data}, "id meta data")


def reply_body(role: Role, data: Any) -> dict[str, Any]:
    if role == "sent":
        meta = _object(role, {"time": TIME_WRITTEN}, "time")
        return _object(role, {"id": {"type": "string"}, "meta": meta, "data": data}, "id meta data")
    meta = _object(role, {"time": TIME_READ})
    return _object(role, {"id": ID_READ, "meta": meta, "data": data}, "id data")


def headers(role: Role, version: int | None) -> dict[str, Any]:
    """Of a reply there are no versions: it belongs to its call."""
    if version is None:
        return {"type": "object", "properties": {"traceparent": TRACEPARENT}}
    numbered = {"type": "integer", "const": version, "description": "The version of the contract."}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"contract-version": numbered, "traceparent": TRACEPARENT},
    }
    return {**schema, "required": ["contract-version"]} if role == "sent" else schema


def _object(role: Role, properties: dict[str, Any], required: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        made["required"] = sorted(required.split())
    if role == "sent":
        made["additionalProperties"] = False
    return made

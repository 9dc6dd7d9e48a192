"""The bytes that come: every form of the earlier library is read, and what cannot be read is refused with a reason."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.codec import (
    check_body,
    decode_call,
    decode_command,
    decode_event,
    decode_plain,
    decode_response,
)
from services_communication.contracts.envelope import CommandMeta
from services_communication.errors import DecodeError

NOW = datetime(2023, 6, 2, 10, 58, 58, 340174, UTC)
WHOLE = datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC)
TIME = "2023-06-02T10:58:58.340174Z"


class UserUpdated(EventModel, aggregate="reading-user", event_type="update.base"):
    user_id: int
    first_name: str = ""
    real: float = 0.0
    numbers: list[int] = []  # noqa: RUF012  pydantic copies it


class SendSms(CommandModel, service="reading-sms"):
    phone_number: str


class Quote(PayloadModel):
    total_amount: int


class GetQuote(CallModel[Quote], service="reading-pricing", method_name="quote"):
    product_id: int


class When(CallModel[datetime], service="reading-pricing", method_name="when"):
    pass


class Raw(CallModel[bytes], service="reading-pricing", method_name="raw"):
    pass


EVENT = {
    "eventId": "id-1",
    "eventTime": TIME,
    "eventType": "update.base",
    "aggregate": "reading-user",
    "payload": {"userId": 7, "firstName": "A"},
}


def body(**changes: Any) -> bytes:
    event = {**EVENT, **changes}
    return json.dumps({key: value for key, value in event.items() if value is not ...}).encode()


READABLE = {
    "as written": body(),
    "snake case": body(
        eventId=..., eventTime=..., eventType=..., event_id="id-1", event_time=TIME, event_type="update.base"
    ),
    "mixed, as the earlier library writes": body(
        eventTime=..., eventType=..., event_time=TIME, event_type="update.base"
    ),
    "payload in snake case": body(payload={"user_id": 7, "first_name": "A"}),
    "payload mixed": body(payload={"userId": 7, "first_name": "A"}),
    "unknown keys": body(extra=[1], payload={"userId": 7, "firstName": "A", "new": {"deep": None}}),
    "blanks": json.dumps(EVENT, indent=4).encode() + b"\n",
    "escaped": body().replace(b'"A"', b'"\\u0041"'),
    "offset": body(eventTime="2023-06-02T10:58:58.340174+00:00"),
    "another offset": body(eventTime="2023-06-02T15:58:58.340174+05:00"),
    "depth 100 in an ignored key": body()[:-1] + b',"new":' + b"[" * 100 + b"]" * 100 + b"}",
    "a key twice: the last one counts": body()[:-1] + b',"eventId":"id-1"}',
}


@pytest.mark.parametrize("form", READABLE.values(), ids=READABLE)
def test_an_event_is_read_in_every_form(form: bytes) -> None:
    """All of them are the same event."""
    envelope = decode_event(UserUpdated, form)
    assert envelope.payload == UserUpdated(user_id=7, first_name="A")
    assert (envelope.event_id, envelope.event_time) == ("id-1", NOW)
    assert (envelope.event_type, envelope.aggregate) == ("update.base", "reading-user")


def test_a_numeric_id_is_read_as_text() -> None:
    """The earlier library's ids are numbers of a database sequence."""
    assert decode_event(UserUpdated, body(eventId=12345678901)).event_id == "12345678901"


@pytest.mark.parametrize("text", ["2023-06-02T10:58:58Z", "2023-06-02T10:58:58+00:00", "2023-06-02T10:58:58.000Z"])
def test_a_whole_second_is_read(text: str) -> None:
    """A fraction may be missing."""
    assert decode_event(UserUpdated, body(eventTime=text)).event_time == WHOLE


def test_an_envelope_may_lack_everything_but_the_payload() -> None:
    """Producers that are no Django services write less."""
    envelope = decode_event(UserUpdated, b'{"payload":{"userId":7}}')
    assert envelope.payload.user_id == 7
    assert (envelope.event_id, envelope.event_time) == (None, None)


@pytest.mark.parametrize("meta", ['{"expiredTime":"%s"}', '{"expired_time":"%s"}', '{"expiredTime":"%s","x":1}'])
def test_a_commands_deadline_is_read(meta: str) -> None:
    """In both spellings; the arguments are validated when they are asked for."""
    text = '{"phoneNumber":"9","meta":' + meta % "2023-06-02T10:58:58Z" + "}"
    found, arguments = decode_command(SendSms, text.encode())
    assert found == CommandMeta(expired_time=WHOLE)
    assert arguments() == SendSms(phone_number="9")


def test_a_command_without_meta_has_no_deadline() -> None:
    """An empty meta has none either."""
    for text in (b'{"phoneNumber":"9"}', b'{"phoneNumber":"9","meta":{}}', b'{"phone_number":"9"}'):
        found, arguments = decode_command(SendSms, text)
        assert found.expired_time is None
        assert arguments() == SendSms(phone_number="9")


def test_an_expired_command_need_not_be_valid() -> None:
    """Its deadline is read first: arguments of an older shape are no fault when it is too late anyway."""
    found, arguments = decode_command(SendSms, b'{"meta":{"expiredTime":"2023-06-02T10:58:58Z"}}')
    assert found.expired_time == WHOLE
    with pytest.raises(DecodeError):
        arguments()


@pytest.mark.parametrize("value", ['"tomorrow"', "1685703538", "true", '"2023-06-02T10:58:58"', "[]"])
def test_a_deadline_that_is_none_is_refused(value: str) -> None:
    """I18: it is not taken for 'no deadline'."""
    with pytest.raises(DecodeError) as caught:
        decode_command(SendSms, f'{{"phoneNumber":"9","meta":{{"expiredTime":{value}}}}}'.encode())
    assert caught.value.reason == "invalid"
    assert "meta.expiredTime" in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        f'{{"id":"c-1","meta":{{"replyTo":"shop","time":"{TIME}"}},"data":{{"productId":5}}}}',
        f'{{"id":"c-1","meta":{{"reply_to":"shop","time":"{TIME}","x":1}},"data":{{"product_id":5}},"y":2}}',
    ],
)
def test_a_call_is_read(text: str) -> None:
    """In both spellings."""
    envelope = decode_call(GetQuote, text.encode())
    assert (envelope.id, envelope.meta.reply_to, envelope.meta.time) == ("c-1", "shop", NOW)
    assert envelope.meta.expired_time is None
    assert envelope.data == GetQuote(product_id=5)


@pytest.mark.parametrize("text", ['{"meta":{"replyTo":"s"},"data":{"productId":5}}', '{"id":1,"data":{"productId":5}}'])
def test_a_call_without_id_or_reply_to_is_refused(text: str) -> None:
    """It could not be answered."""
    with pytest.raises(DecodeError, match="Field required"):
        decode_call(GetQuote, text.encode())


def test_a_response_is_read() -> None:
    """A numeric id is text, meta may be missing, and a reply that is no model obeys a field's rules."""
    envelope = decode_response(GetQuote, b'{"id":5,"data":{"total_amount":3}}')
    assert (envelope.id, envelope.data, envelope.meta.time) == ("5", Quote(total_amount=3), None)
    assert decode_response(Raw, b'{"id":5,"data":"__4="}').data == b"\xff\xfe"
    with pytest.raises(DecodeError, match="aware"):
        decode_response(When, b'{"id":5,"data":"2023-06-02T10:58:58"}')


DEEP = {depth: b"[" * depth + b"]" * depth for depth in (201, 100_000)}  # the parser's limit is 200
NO_JSON = {
    "empty": b"",
    "blank": b" ",
    "truncated": body()[:-1],
    "cut in a string": body()[:10],
    "trailing": body() + b"x",
    "two": body() + body(),
    "single quotes": b"{'payload': {}}",
    "utf-16": body().decode().encode("utf-16"),
    "utf-16 without a mark": body().decode().encode("utf-16-le"),
    "invalid utf-8": body().replace(b'"A"', b'"\xff"'),
    "lone surrogate": body().replace(b'"A"', b'"\\ud800"'),
    "byte order mark": b"\xef\xbb\xbf" + body(),
    "depth 100000": DEEP[100_000],
    "depth 201 in an ignored key": body()[:-1] + b',"new":' + DEEP[201] + b"}",
    "depth 100000 in an ignored key": body()[:-1] + b',"new":' + DEEP[100_000] + b"}",
    "python": b"\x80\x04N.",
    "5000 digits": body().replace(b"7", b"7" * 5000),
}
NO_EVENT = {
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "number": b"1",
    "object": b"{}",
    "payload null": body(payload=None),
    "payload list": body(payload=[]),
    "field missing": body(payload={"firstName": "A"}),
    "text for int": body(payload={"userId": "secret-7"}),
    "true for int": body(payload={"userId": True}),
    "naive time": body(eventTime="2023-06-02T10:58:58"),
    "epoch": body(eventTime=1685703538),
    "id is an object": body(eventId={}),
    "id is true": body(eventId=True),
    "NUL": body(payload={"userId": 7, "firstName": "\x00"}),
    "NaN": body(payload={"userId": 7, "real": float("nan")}),
    "Infinity": body(payload={"userId": 7, "real": float("inf")}),
    "1e999": body().replace(b'"userId": 7', b'"userId": 7, "real": 1e999'),
}


@pytest.mark.parametrize("form", NO_JSON.values(), ids=NO_JSON)
def test_what_is_no_json_is_refused_as_decode(form: bytes) -> None:
    """Typed and untyped alike, at once (I1, I2, I4)."""
    began = time.process_time()
    for decode in (lambda: decode_event(UserUpdated, form), lambda: decode_plain(form)):
        with pytest.raises(DecodeError) as caught:
            decode()
        assert caught.value.reason == "decode"
        assert len(caught.value.detail) <= 2000
    assert time.process_time() - began < 0.5


@pytest.mark.parametrize("form", NO_EVENT.values(), ids=NO_EVENT)
def test_what_is_no_such_event_is_refused_as_invalid(form: bytes) -> None:
    """The detail says where; the value is not in it."""
    with pytest.raises(DecodeError) as caught:
        decode_event(UserUpdated, form)
    assert caught.value.reason == "invalid"
    assert " at " in caught.value.detail
    assert "secret" not in str(caught.value)


def test_the_detail_names_the_path_as_it_is_on_the_wire() -> None:
    """DESIGN §5: field required at payload.firstName."""

    class Wanting(EventModel, aggregate="reading-wanting", event_type="x"):
        first_name: str

    with pytest.raises(DecodeError) as caught:
        decode_event(Wanting, b'{"payload":{}}')
    assert (caught.value.reason, caught.value.detail) == ("invalid", "Field required at payload.firstName")
    assert str(caught.value) == "invalid: Field required at payload.firstName"


@pytest.mark.parametrize("text", [b"NaN", b'{"a":Infinity}', b"[1e999]", b'{"a":{"b":-1e999}}'])
def test_untyped_numbers_are_json_numbers(text: bytes) -> None:
    """I7: neither NaN nor a number that becomes infinite reaches a handler."""
    with pytest.raises(DecodeError):
        decode_plain(text)


def test_untyped_json_is_read() -> None:
    """Any JSON value is a body to an untyped handler."""
    assert decode_plain(b'{"a":[1,2.5,null,true,"\xd0\x96"]}') == {"a": [1, 2.5, None, True, "Ж"]}


def test_many_errors_are_capped() -> None:
    """I5: 200,000 wrong items give twenty lines, not megabytes."""
    form = body(payload={"userId": 7, "numbers": ["secret"] * 200_000})
    with pytest.raises(DecodeError) as caught:
        decode_event(UserUpdated, form)
    assert len(caught.value.detail) <= 2000
    assert "payload.numbers.0" in caught.value.detail
    assert "payload.numbers.20" not in caught.value.detail
    assert "and 199980 more" in caught.value.detail
    assert "secret" not in caught.value.detail


@pytest.mark.parametrize(
    "content_type",
    [None, "", "application/json", "text/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"],
)
@pytest.mark.parametrize("encoding", [None, "", "utf-8", "UTF-8", "identity"])
def test_readable_content(content_type: str | None, encoding: str | None) -> None:
    """I3: the earlier library writes text/json, others write nothing or a charset."""
    check_body(b"{}", content_type, encoding, 2)


@pytest.mark.parametrize(
    ("content_type", "encoding", "reason"),
    [
        ("application/x-python-serialize", None, "content_type"),
        ("text/plain", None, "content_type"),
        ("application/jsonx", None, "content_type"),
        ("application/json", "gzip", "content_type"),
        (None, "deflate", "content_type"),
        ("x" * 250, "y" * 250, "content_type"),
    ],
)
def test_unreadable_content(content_type: str | None, encoding: str | None, reason: str) -> None:
    """Nothing is unpickled or decompressed."""
    with pytest.raises(DecodeError) as caught:
        check_body(b"{}", content_type, encoding, 100)
    assert caught.value.reason == reason
    assert len(caught.value.detail) < 300


def test_the_size_is_judged_before_the_content() -> None:
    """A large body is not even looked at; the limit itself is allowed."""
    check_body(b"x" * 10, None, None, 10)
    with pytest.raises(DecodeError) as caught:
        check_body(b"x" * 11, "text/plain", None, 10)
    assert (caught.value.reason, caught.value.detail) == ("too_large", "11 bytes; MAX_BODY_SIZE allows 10")

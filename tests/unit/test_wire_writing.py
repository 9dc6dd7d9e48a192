"""The bytes that leave: DESIGN §4, written out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from services_communication import outgoing
from services_communication.contracts import CallModel, CommandModel, EventModel, PayloadModel
from services_communication.contracts.codec import (
    call_body,
    command_body,
    encode_event,
    encode_model,
    encode_plain,
    encode_reply,
    event_body,
    response_body,
    wire_time,
)
from services_communication.errors import EncodeError
from services_communication.settings import communication_settings

NOW = datetime(2023, 6, 2, 10, 58, 58, 340174, UTC)
LATER = datetime(2023, 6, 2, 11, 0, 0, tzinfo=UTC)


class Address(PayloadModel):
    street_name: str
    city_code: str


class UserUpdated(EventModel, aggregate="writing-user", event_type="update.base", key="user_id"):
    user_id: int
    first_name: str
    address: Address | None = None


class SendSms(CommandModel, service="writing-sms", command_name="send"):
    phone_number: str
    text: str


class Ping(CommandModel, service="writing-ping"):
    pass


class Quote(PayloadModel):
    total_amount: Decimal


class GetQuote(CallModel[Quote], service="writing-pricing", method_name="quote"):
    product_id: int


class When(CallModel[datetime], service="writing-pricing", method_name="when"):
    pass


class Raw(CallModel[bytes], service="writing-pricing", method_name="raw"):
    pass


class Texts(CallModel[list[str]], service="writing-pricing", method_name="texts"):
    pass


class Ratio(CallModel[float], service="writing-pricing", method_name="ratio"):
    pass


class Touch(CallModel[None], service="writing-pricing", method_name="touch"):
    pass


def test_an_event() -> None:
    """Envelope and payload in camelCase, without blanks, text as UTF-8."""
    event = UserUpdated(user_id=7, first_name="Ж", address=Address(street_name="S", city_code="C"))
    assert (
        encode_event(event, event_id="id-1", event_time=NOW)
        == (
            '{"eventId":"id-1","eventTime":"2023-06-02T10:58:58.340174Z","eventType":"update.base",'
            '"aggregate":"writing-user","payload":{"userId":7,"firstName":"Ж",'
            '"address":{"streetName":"S","cityCode":"C"}}}'
        ).encode()
    )


def test_an_event_of_the_untyped_form() -> None:
    """It has the same envelope; its keys are camelised at every depth, as by the earlier library."""
    payload = encode_plain({"user_id": 7, "home_address": [{"city_code": "C"}]})
    assert event_body("user", "update.base", payload, "id-1", NOW) == (
        b'{"eventId":"id-1","eventTime":"2023-06-02T10:58:58.340174Z","eventType":"update.base","aggregate":"user",'
        b'"payload":{"userId":7,"homeAddress":[{"cityCode":"C"}]}}'
    )


def test_addresses_are_escaped() -> None:
    """A quote in an untyped address cannot break out of its string."""
    assert event_body('a"b', "c\\d", b"{}", 'i"d', NOW) == (
        b'{"eventId":"i\\"d","eventTime":"2023-06-02T10:58:58.340174Z","eventType":"c\\\\d","aggregate":"a\\"b",'
        b'"payload":{}}'
    )


def test_a_command() -> None:
    """Its arguments are the body; a deadline adds meta.expiredTime, always with six digits and Z."""
    arguments = encode_model(SendSms(phone_number="998", text="Hi"))
    assert command_body(arguments, None) == b'{"phoneNumber":"998","text":"Hi"}'
    assert command_body(arguments, LATER) == (
        b'{"phoneNumber":"998","text":"Hi","meta":{"expiredTime":"2023-06-02T11:00:00.000000Z"}}'
    )


def test_a_command_without_arguments() -> None:
    """The comma before meta is left out."""
    arguments = encode_model(Ping())
    assert command_body(arguments, None) == b"{}"
    assert command_body(arguments, LATER) == b'{"meta":{"expiredTime":"2023-06-02T11:00:00.000000Z"}}'


def test_a_call() -> None:
    """id, meta with replyTo, time and the deadline where there is one, data."""
    data = encode_model(GetQuote(product_id=5))
    assert call_body(data, "c-1", "shop", NOW, None) == (
        b'{"id":"c-1","meta":{"replyTo":"shop","time":"2023-06-02T10:58:58.340174Z"},"data":{"productId":5}}'
    )
    assert call_body(data, "c-1", "shop", NOW, LATER) == (
        b'{"id":"c-1","meta":{"replyTo":"shop","time":"2023-06-02T10:58:58.340174Z",'
        b'"expiredTime":"2023-06-02T11:00:00.000000Z"},"data":{"productId":5}}'
    )


def test_a_response() -> None:
    """id, meta with time, data."""
    data = encode_reply(GetQuote, Quote(total_amount=Decimal("9.90")))
    assert response_body(data, "c-1", NOW) == (
        b'{"id":"c-1","meta":{"time":"2023-06-02T10:58:58.340174Z"},"data":{"totalAmount":"9.90"}}'
    )


@pytest.mark.parametrize(
    ("contract", "reply", "data"),
    [
        (When, LATER.astimezone(timezone(timedelta(hours=5))), b'"2023-06-02T11:00:00Z"'),
        (Raw, b"\xff\xfe", b'"__4="'),
        (Texts, ["a", "Ж"], '["a","Ж"]'.encode()),
        (Touch, None, b"null"),
    ],
)
def test_a_reply_that_is_no_model(contract: type[CallModel[object]], reply: object, data: bytes) -> None:
    """It obeys the rules that a field of a contract does."""
    assert encode_reply(contract, reply) == data


@pytest.mark.parametrize(
    ("contract", "reply"),
    [
        (GetQuote, {"totalAmount": "9.90", "secret": "x"}),
        (GetQuote, None),
        (GetQuote, Address(street_name="S", city_code="C")),
        (When, datetime(2023, 6, 2)),  # noqa: DTZ001  naive on purpose
        (Texts, ["\x00"]),
        (Texts, ["\ud800"]),
        (Texts, "ab"),
        (Ratio, float("nan")),
        (Ratio, "0.5"),
        (Touch, 0),
    ],
    ids=ascii,
)
def test_a_wrong_reply_is_refused(contract: type[CallModel[object]], reply: object) -> None:
    """The error names the call; no reply is better than one that its reader cannot take."""
    with pytest.raises(EncodeError, match=contract.__name__):
        encode_reply(contract, reply)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2023, 6, 2, 10, 58, 58, tzinfo=UTC), "2023-06-02T10:58:58.000000Z"),
        (datetime(2023, 6, 2, 15, 58, 58, 5, timezone(timedelta(hours=5))), "2023-06-02T10:58:58.000005Z"),
        (datetime(5, 1, 1, tzinfo=UTC), "0005-01-01T00:00:00.000000Z"),
    ],
)
def test_an_envelope_time_has_one_form(moment: datetime, text: str) -> None:
    """Consumers of the earlier library parse with %fZ, so a whole second has six zeros."""
    assert wire_time(moment) == text


def test_an_envelope_time_is_aware() -> None:
    """A naive one is refused."""
    with pytest.raises(EncodeError, match="aware"):
        wire_time(datetime(2023, 6, 2))  # noqa: DTZ001  naive on purpose


def test_the_properties_of_an_outgoing_message() -> None:
    """DESIGN §4: JSON, id, timestamp, type, app_id, contract-version; mandatory unless unroutable is fine."""
    message = outgoing.message(
        "user", "update.base", b"{}", message_id="id-1", type="update.base", timestamp=NOW, version=3
    )
    assert (message.exchange, message.routing_key, message.body) == ("user", "update.base", b"{}")
    assert (message.content_type, message.content_encoding) == ("application/json", None)
    assert (message.message_id, message.type, message.timestamp) == ("id-1", "update.base", NOW)
    assert message.app_id == "tests"
    assert message.correlation_id is None
    assert message.headers == {"contract-version": 3}
    assert message.mandatory is True


def test_an_untyped_message_has_no_version() -> None:
    """Only a contract has one."""
    message = outgoing.message("a", "b", b"{}", message_id="1", type="b", timestamp=NOW, unroutable_ok=True)
    assert message.headers == {}
    assert message.mandatory is False


def test_the_correlation_id_is_copied() -> None:
    """What a handler sends belongs to the message that it handles."""
    helper = communication_settings.get().correlation_helper
    helper.set_correlation_id("c-1")
    try:
        message = outgoing.message("a", "b", b"{}", message_id="1", type="b", timestamp=NOW)
    finally:
        helper.set_correlation_id(None)
    assert message.correlation_id == "c-1"


def test_a_body_beyond_the_limit_is_not_sent() -> None:
    """1 MiB is the default; the limit itself is allowed."""
    outgoing.message("a", "b", b" " * 1024 * 1024, message_id="1", type="b", timestamp=NOW)
    with pytest.raises(EncodeError, match="1048577 bytes; MAX_BODY_SIZE allows 1048576"):
        outgoing.message("a", "b", b" " * (1024 * 1024 + 1), message_id="1", type="b", timestamp=NOW)


def test_the_brokers_exchanges_are_not_written_to() -> None:
    """The untyped forms have no class whose definition would have failed."""
    with pytest.raises(EncodeError, match=r"'amq\.'"):
        outgoing.message("amq.topic", "b", b"{}", message_id="1", type="b", timestamp=NOW)

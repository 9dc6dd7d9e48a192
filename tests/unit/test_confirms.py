"""The publisher's book of confirms: each message gets one receipt, whatever the broker answers, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from services_communication.message import Message
from services_communication.transport.amqp.confirms import WINDOW, Batch, Confirms
from services_communication.transport.protocol import Confirmed, Lost, Receipt, Refused, Returned

Receipts = Future[list[Receipt]]
NACKED = Refused("the broker nacked it (is a queue full?)")


def add(book: Confirms, *ids: str, after: Receipts | None = None) -> Receipts:
    future: Receipts = Future()
    messages = [Message(exchange="x", routing_key="k", body=b"{}", message_id=id_) for id_ in ids]
    book.add(Batch(messages, future, after))
    return future


def send(book: Confirms) -> list[str]:
    """All that may be sent now, as the I/O thread sends it."""
    sent = []
    while (message := book.next()) is not None:
        sent.append(message.message_id)
        book.sent()
    return sent


def ack(book: Confirms, tag: int, *, multiple: bool = False) -> None:
    book.confirmed(tag, multiple=multiple, positive=True)


@pytest.fixture
def book() -> Confirms:
    return Confirms()


def test_messages_are_sent_in_order_up_to_the_window(book: Confirms) -> None:
    """A confirm makes room for the next one."""
    ids = [str(number) for number in range(WINDOW + 2)]
    future = add(book, *ids)
    assert send(book) == ids[:WINDOW]
    ack(book, 1)
    assert send(book) == ids[WINDOW : WINDOW + 1]
    ack(book, WINDOW, multiple=True)
    assert send(book) == ids[WINDOW + 1 :]
    assert not future.done()
    assert not book.is_idle
    ack(book, WINDOW + 2, multiple=True)
    assert future.result(0) == [Confirmed()] * len(ids)
    assert book.is_idle


def test_a_message_that_was_looked_at_still_waits(book: Confirms) -> None:
    """Asking for the next one changes nothing; saying that it was sent does."""
    add(book, "a", "b")
    first, again = book.next(), book.next()
    assert first is again
    book.sent()
    second = book.next()
    assert second is not None
    assert second.message_id == "b"


def test_confirms_may_come_in_any_order(book: Confirms) -> None:
    """Each is for its own tag; the receipts have the order of the messages."""
    future = add(book, "a", "b", "c")
    send(book)
    book.confirmed(3, multiple=False, positive=False)
    ack(book, 1)
    assert not future.done()
    ack(book, 2)
    assert future.result(0) == [Confirmed(), Confirmed(), NACKED]


def test_multiple_means_all_up_to_the_tag(book: Confirms) -> None:
    """And not those behind it; several batches may be settled by one."""
    first, second = add(book, "a", "b"), add(book, "c", "d")
    send(book)
    book.confirmed(3, multiple=True, positive=False)
    assert first.result(0) == [NACKED, NACKED]
    assert not second.done()
    ack(book, 4, multiple=True)
    assert second.result(0) == [NACKED, Confirmed()]


def test_a_return_belongs_to_its_message_only(book: Confirms) -> None:
    """The broker sends it before the confirm, without a tag; the next message with the same id is another one."""
    future = add(book, "a", "b", "c", "b")
    send(book)
    book.returned("b", "x", "k", "NO_ROUTE")
    ack(book, 4, multiple=True)
    assert future.result(0) == [Confirmed(), Returned("NO_ROUTE"), Confirmed(), Confirmed()]


def test_a_return_of_another_address_is_another_message(book: Confirms) -> None:
    future = add(book, "a")
    send(book)
    book.returned("a", "x", "elsewhere", "NO_ROUTE")
    ack(book, 1)
    assert future.result(0) == [Confirmed()]


def test_a_channel_that_closes_on_one_message_refuses_it(book: Confirms) -> None:
    """The others go on, on the next channel, whose tags begin at 1."""
    future = add(book, "a")
    send(book)
    book.channel_closed("NOT_FOUND")
    assert future.result(0) == [Refused("NOT_FOUND")]
    other = add(book, "b", "c")
    assert send(book) == ["b", "c"]
    ack(book, 2, multiple=True)
    assert other.result(0) == [Confirmed(), Confirmed()]


def test_a_culprit_among_many_is_found_by_sending_one_at_a_time(book: Confirms) -> None:
    """In the same order; only the culprit is refused, and what was not suspected goes at full width again."""
    first, second = add(book, "a", "bad", "c"), add(book, "d", "e")
    future = add(book, "f", "g")
    assert send(book) == ["a", "bad", *"cdefg"]
    ack(book, 1)
    book.channel_closed("TOO_LARGE")
    assert send(book) == ["bad"]
    assert send(book) == []
    book.channel_closed("TOO_LARGE")
    for name in "cdefg":
        assert send(book) == [name]
        ack(book, 1 + "cdefg".index(name))
    assert first.result(0) == [Confirmed(), Refused("TOO_LARGE"), Confirmed()]
    assert second.result(0) == [Confirmed(), Confirmed()]
    assert future.result(0) == [Confirmed(), Confirmed()]
    add(book, "h", "i", "j")
    assert send(book) == ["h", "i", "j"]


def test_a_channel_that_closes_on_nothing_changes_nothing(book: Confirms) -> None:
    """What waits is sent on the next one."""
    book.channel_closed("CHANNEL_ERROR")
    add(book, "a", "b")
    assert send(book) == ["a", "b"]


def test_a_return_is_forgotten_with_its_channel(book: Confirms) -> None:
    """The message is sent again, and may find its queue then."""
    future = add(book, "a", "b")
    send(book)
    book.returned("a", "x", "k", "NO_ROUTE")
    book.channel_closed("CHANNEL_ERROR")
    for tag in (1, 2):
        send(book)
        ack(book, tag)
    assert future.result(0) == [Confirmed(), Confirmed()]


def test_a_lost_connection_loses_all_that_is_not_settled(book: Confirms) -> None:
    """In flight or waiting; what was confirmed stays so, and the next connection begins at tag 1."""
    future = add(book, "a", "b", *(f"m{number}" for number in range(WINDOW)))
    send(book)
    ack(book, 1)
    book.lose("cut")
    assert future.result(0) == [Confirmed(), *[Lost("cut")] * (WINDOW + 1)]
    assert book.is_idle
    again = add(book, "b", "c")
    assert send(book) == ["b", "c"]
    ack(book, 1)
    ack(book, 2)
    assert again.result(0) == [Confirmed(), Confirmed()]


def test_a_lost_connection_ends_the_search_for_a_culprit(book: Confirms) -> None:
    """What comes next is sent at full width."""
    add(book, "a", "b", "c")
    send(book)
    book.channel_closed("CHANNEL_ERROR")
    book.lose("cut")
    add(book, "d", "e")
    assert send(book) == ["d", "e"]


def test_what_is_in_flight_for_too_long_is_given_up(book: Confirms) -> None:
    """Nothing younger is, nor what waits; a confirm that comes later is ignored."""
    future = add(book, *map(str, range(WINDOW + 1)))
    send(book)
    book.expire(3600, Refused("late"))
    ack(book, 1)
    book.expire(0, Refused("late"))
    assert not future.done()
    assert send(book) == [str(WINDOW)]
    book.confirmed(2, multiple=False, positive=True)
    book.confirmed(WINDOW + 1, multiple=True, positive=True)
    assert future.result(0) == [Confirmed(), *[Refused("late")] * (WINDOW - 1), Confirmed()]


def test_a_batch_behind_a_lost_one_is_lost_unsent(book: Confirms) -> None:
    """And so is the one behind that; a batch on its own is sent."""
    first = add(book, "a", "b")
    send(book)
    ack(book, 1)
    book.lose("cut")
    second = add(book, "c", "d", after=first)
    third = add(book, "e", after=second)
    add(book, "f")
    assert send(book) == ["f"]
    for future, count in ((second, 2), (third, 1)):
        receipts = future.result(0)
        assert len(receipts) == count
        assert all(isinstance(receipt, Lost) for receipt in receipts)


@pytest.mark.parametrize("positive", [True, False])
def test_a_batch_behind_one_that_was_answered_is_sent(book: Confirms, positive: bool) -> None:
    """Whatever the answer: a message that is refused is not lost. Nor need the batch before it be done."""
    first = add(book, "a")
    second = add(book, "b", after=first)
    assert send(book) == ["a", "b"]
    book.confirmed(1, multiple=False, positive=positive)
    third = add(book, "c", after=first)
    assert send(book) == ["c"]
    ack(book, 3, multiple=True)
    assert second.result(0) == third.result(0) == [Confirmed()]


def test_what_has_no_frame_is_refused_and_takes_no_tag(book: Confirms) -> None:
    """The next one gets the tag."""
    future = add(book, "a", "b")
    book.next()
    book.unsendable("no frame")
    assert send(book) == ["b"]
    ack(book, 1)
    assert future.result(0) == [Refused("no frame"), Confirmed()]


class Recorded(Batch):
    """Remembers which message was settled how often."""

    settled: list[int]

    def settle(self, index: int, receipt: Receipt) -> None:
        self.settled.append(index)
        super().settle(index, receipt)


class Broker:
    """Drives a book as a broker and a caller might, and looks at every step."""

    def __init__(self) -> None:
        self.book = Confirms()
        self.batches: list[Recorded] = []
        self.channel: list[int] = []  # what was sent on this channel, by number

    def add(self, count: int, follows: bool) -> None:
        begin = sum(len(batch.messages) for batch in self.batches)
        messages = [Message("x", "k", b"", message_id=str(begin + number)) for number in range(count)]
        batch = Recorded(messages, Future(), self.batches[-1].future if follows and self.batches else None)
        batch.settled = []
        self.batches.append(batch)
        self.book.add(batch)

    def send(self, limit: int) -> None:
        for _ in range(limit):
            message = self.book.next()
            if message is None:
                return
            self.channel.append(int(message.message_id))
            self.book.sent()

    def unsendable(self) -> None:
        message = self.book.next()
        if message is not None:
            self.book.unsendable(message.message_id)

    def confirm(self, tag: int, multiple: bool, positive: bool) -> None:
        if tag <= len(self.channel):
            self.book.confirmed(tag, multiple=multiple, positive=positive)

    def give_back(self, tag: int) -> None:
        if tag <= len(self.channel):
            number = str(self.channel[tag - 1])
            self.book.returned(number, "x", "k", number)
            self.book.confirmed(tag, multiple=False, positive=True)

    def close_channel(self) -> None:
        self.channel = []
        self.book.channel_closed("closed")

    def lose(self) -> None:
        self.channel = []
        self.book.lose("lost")

    def look(self) -> None:
        assert self.channel == sorted(set(self.channel)), "sent in the order of adding, on one channel once"
        for batch in self.batches:
            assert len(batch.settled) == len(set(batch.settled)), "settled once"
            assert batch.future.done() == (len(batch.settled) == len(batch.messages))
            if batch.future.done():
                receipts = batch.future.result(0)
                assert len(receipts) == len(batch.messages)
                for message, receipt in zip(batch.messages, receipts, strict=True):
                    named = getattr(receipt, "reason", "")
                    assert not named.isdigit() or named == message.message_id, "the receipt of another message"


TAGS = st.integers(1, 12)
STEPS: st.SearchStrategy[Callable[[Broker], Any]] = st.one_of(
    st.builds(lambda count, follows: lambda b: b.add(count, follows), st.integers(1, 4), st.booleans()),
    st.builds(lambda limit: lambda b: b.send(limit), st.integers(1, 6)),
    st.builds(lambda tag, many, good: lambda b: b.confirm(tag, many, good), TAGS, st.booleans(), st.booleans()),
    st.builds(lambda tag: lambda b: b.give_back(tag), TAGS),
    st.sampled_from(
        [
            Broker.unsendable,
            Broker.close_channel,
            Broker.lose,
            lambda b: b.book.expire(0, Refused("late")),
            lambda b: b.book.expire(3600, Refused("late")),
        ]
    ),
)


@given(st.lists(STEPS, max_size=60))
def test_each_message_is_settled_once_whatever_happens(steps: list[Callable[[Broker], Any]]) -> None:
    """No receipt is lost or given to another message; a future resolves when, and only when, all of it is settled."""
    broker = Broker()
    for step in steps:
        step(broker)
        broker.look()
    broker.lose()
    broker.look()
    assert all(batch.future.done() for batch in broker.batches)
    assert broker.book.is_idle


@given(st.lists(STEPS, max_size=60))
def test_a_broker_that_answers_at_last_leaves_nothing_open(steps: list[Callable[[Broker], Any]]) -> None:
    """Whatever went before, sending and confirming brings the book to rest."""
    broker = Broker()
    for step in steps:
        step(broker)
    while not broker.book.is_idle:
        broker.send(WINDOW)
        broker.confirm(len(broker.channel), multiple=True, positive=True)
        broker.look()
    assert all(batch.future.done() for batch in broker.batches)

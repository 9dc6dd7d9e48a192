"""Topic matching. The rules are RabbitMQ's: words are between dots, ``*`` is one, ``#`` any number of them."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services_communication.transport.topics import matches, specificity

MATCHES = [
    ("a", "a"),
    ("a.b", "a.b"),
    ("", ""),
    ("#", ""),
    ("#", "a"),
    ("#", "a.b.c"),
    ("#", "a..b"),
    ("#.#", ""),
    ("#.#", "a"),
    ("*", "a"),
    ("*.*", "a.b"),
    ("*.*", "a."),
    ("*.*.*", "a..b"),
    ("a.*", "a.b"),
    ("a.*.c", "a.b.c"),
    ("a.*.b", "a..b"),
    ("a..b", "a..b"),
    ("a.#", "a"),
    ("a.#", "a.b"),
    ("a.#", "a.b.c"),
    ("a.#", "a."),
    ("#.a", "a"),
    ("#.a", "b.c.a"),
    ("a.#.b", "a.b"),
    ("a.#.b", "a.x.y.b"),
    ("#.*", "a"),
    ("*.#", "a"),
    ("*.#", "a.b.c"),
    ("#.b.#", "a.b.c"),
    ("user.*", "user.update.base".rpartition(".")[0]),
    ("a+b.(c)", "a+b.(c)"),
    ("a.*", "a.b\nc"),
    ("ж.*", "ж.ё"),
]
DIFFERS = [
    ("a", "b"),
    ("a", "A"),
    ("a", ""),
    ("", "a"),
    ("*", ""),
    ("*", "a.b"),
    ("*.*", "a"),
    ("a.*", "a"),
    ("a.*", "a.b.c"),
    ("a.*", "b.c"),
    ("a.#", "ab"),
    ("a.#", "b.a"),
    ("a.#", ""),
    ("#.a", "ba"),
    ("#.a", "a.b"),
    ("*.#", ""),
    ("#.*", ""),
    ("a.b", "a.*"),
    ("a*", "ab"),
    ("a#", "abc"),
    ("a.b", "axb"),
    (".", "a"),
    ("a..b", "a.b"),
]


@pytest.mark.parametrize(("pattern", "key"), MATCHES)
def test_it_matches(pattern: str, key: str) -> None:
    """Written by hand from the broker's documentation."""
    assert matches(pattern, key) is True


@pytest.mark.parametrize(("pattern", "key"), DIFFERS)
def test_it_does_not_match(pattern: str, key: str) -> None:
    """Wildcards are whole words, letters are compared exactly."""
    assert matches(pattern, key) is False


def words(text: str) -> list[str]:
    return text.split(".") if text else []


def reference(pattern: list[str], key: list[str]) -> bool:
    """Word by word, as RabbitMQ's trie walks."""
    if not pattern:
        return not key
    if pattern[0] == "#":
        return reference(pattern[1:], key) or (bool(key) and reference(pattern, key[1:]))
    return bool(key) and pattern[0] in ("*", key[0]) and reference(pattern[1:], key[1:])


some_words = st.lists(st.sampled_from(["a", "b", "", "*", "#", "a*", ".", "\n", "^"]), max_size=6).map(".".join)


@given(some_words, some_words)
@example("a.#", "a")
@example("#", "")
@example("..", ".")
def test_it_agrees_with_a_reference(pattern: str, key: str) -> None:
    """An independent implementation in this file answers the same."""
    assert matches(pattern, key) == reference(words(pattern), words(key))


def test_a_hostile_key_costs_little() -> None:
    """Keys come from the network: many ``#`` must not take exponential time."""
    began = time.process_time()
    assert matches(".".join(["#", "a"] * 4), ".".join(["a"] * 120) + ".b") is False
    assert time.process_time() - began < 2


def test_specificity_sorts_patterns() -> None:
    """More literal words first, then fewer ``#``."""
    patterns = ["#", "*", "a.#", "a.*", "a.*.#", "a.b.#", "a.b.*", "a.b.c"]
    assert max(patterns, key=specificity) == "a.b.c"
    assert specificity("a.b.*") > specificity("a.b.#") > specificity("a.*") > specificity("a.#")
    assert specificity("a.#") > specificity("*") > specificity("#")

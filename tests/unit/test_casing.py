"""The two spellings of a key; expected values are the documented behaviour of djangorestframework-camel-case."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services_communication.contracts.casing import camelize, to_camel, to_snake, underscoreize

CAMEL = [
    ("user_id", "userId"),
    ("name", "name"),
    ("http_url", "httpUrl"),
    ("address_line_1", "addressLine1"),
    ("address_line1", "addressLine1"),
    ("line1_address", "line1Address"),
    ("line_1_address", "line1Address"),
    ("key_2", "key2"),
    ("key_2_value", "key2Value"),
    ("a_b_c", "aBC"),
    ("v2", "v2"),
    ("trailing_", "trailing_"),
    ("alreadyCamel", "alreadyCamel"),
    ("user_ID", "user_ID"),
    ("", ""),
]
SNAKE = [
    ("userId", "user_id"),
    ("name", "name"),
    ("httpUrl", "http_url"),
    ("HTTPUrl", "http_url"),
    ("addressLine1", "address_line_1"),
    ("line1Address", "line_1_address"),
    ("key2", "key_2"),
    ("key12", "key_12"),
    ("key2Value", "key_2_value"),
    ("userID", "user_id"),
    ("user_id", "user_id"),
    ("address_line_1", "address_line_1"),
    ("a1b", "a1b"),
    ("", ""),
]


@pytest.mark.parametrize(("name", "wire"), CAMEL)
def test_to_camel(name: str, wire: str) -> None:
    """A field's wire name, and a key's in untyped data: the same table."""
    assert to_camel(name) == wire
    assert camelize({name: 1}) == {wire: 1}


@pytest.mark.parametrize(("wire", "name"), SNAKE)
def test_to_snake(wire: str, name: str) -> None:
    """A digit that follows a letter and ends a word begins a word of its own."""
    assert to_snake(wire) == name
    assert underscoreize({wire: 1}) == {name: 1}


def test_keys_change_at_every_depth_and_values_never() -> None:
    """The earlier library rewrites the keys of all dictionaries, those in lists too."""
    plain = {"user_id": [{"first_name": "last_name"}, ("a_b", {"c_d": None})], 5: {"e_f": 1}}
    wire = {"userId": [{"firstName": "last_name"}, ["a_b", {"cD": None}]], 5: {"eF": 1}}
    assert camelize(plain) == wire
    assert underscoreize(wire) == {"user_id": [{"first_name": "last_name"}, ["a_b", {"c_d": None}]], 5: {"e_f": 1}}
    assert camelize("user_id") == "user_id"
    assert camelize(None) is None


def test_the_argument_is_not_changed() -> None:
    """A caller's dictionary stays as it was."""
    plain = {"user_id": {"first_name": 1}}
    camelize(plain)
    underscoreize(plain)
    assert plain == {"user_id": {"first_name": 1}}


@given(st.from_regex(re.compile(r"[a-z]{2,8}(_[a-z]{2,8}){0,4}"), fullmatch=True))
def test_words_of_letters_come_back(name: str) -> None:
    """snake → camel → snake is the identity where words are letters, two or more."""
    assert to_snake(to_camel(name)) == name
    assert "_" not in to_camel(name)

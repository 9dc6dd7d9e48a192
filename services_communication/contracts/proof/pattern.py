"""ECMA-262 patterns to terms. What terms cannot say is refused: lookaround, back references, ``\\b``."""

from __future__ import annotations

from functools import lru_cache

from services_communication.contracts.proof.regex import (
    BLANK,
    END,
    EVERY,
    LAST,
    START,
    Ranges,
    Term,
    cat,
    chars,
    either,
    matching,
    star,
)

LARGEST_TERM = 5000


class UnreadablePatternError(ValueError):
    """Not a pattern, or one that the engine has no term for."""


@lru_cache(maxsize=4096)
def term_of(pattern: str) -> Term:
    """The texts that `pattern` is found in. Raises UnreadablePatternError."""
    return matching(_Parser(pattern).whole())


DIGIT: Ranges = ((48, 57),)
WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACE: Ranges = (
    *((9, 13), (32, 32), (160, 160), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F)),
    *((0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
LINE_END: Ranges = ((10, 10), (13, 13), (0x2028, 0x2029))
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}


def union(*parts: Ranges) -> Ranges:
    made: list[tuple[int, int]] = []
    for low, high in sorted(pair for part in parts for pair in part):
        if made and low <= made[-1][1] + 1:
            made[-1] = (made[-1][0], max(high, made[-1][1]))
        else:
            made.append((low, high))
    return tuple(made)


def complement(ranges: Ranges) -> Ranges:
    made, begin = [], 0
    for low, high in union(ranges, ((0xD800, 0xDFFF),)):
        if begin < low:
            made.append((begin, low - 1))
        begin = high + 1
    return (*made, (begin, LAST)) if begin <= LAST else tuple(made)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def whole(self) -> Term:
        term = self._alternatives()
        if self._at < len(self._text):
            raise self._wrong()
        return term

    def _wrong(self, what: str = "is not understood") -> UnreadablePatternError:
        return UnreadablePatternError(f"pattern {self._text!r} {what} at position {self._at}")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        if self._at >= len(self._text):
            raise self._wrong("ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _skip(self, text: str) -> bool:
        found = self._text.startswith(text, self._at)
        self._at += len(text) if found else 0
        return found

    def _alternatives(self) -> Term:
        found = [self._sequence()]
        while self._skip("|"):
            found.append(self._sequence())
        return either(*found)

    def _sequence(self) -> Term:
        found: list[Term] = []
        while self._peek() not in ("", "|", ")"):
            found.append(self._repeated(self._atom()))
        return cat(*found)

    def _repeated(self, term: Term) -> Term:
        bounds = self._bounds()
        if bounds is None:
            return term
        if term in (chars(((START, START),)), chars(((END, END),))):
            raise self._wrong("repeats an anchor")
        self._skip("?")  # lazy or not: the same texts
        if self._peek() in ("*", "+", "?") and self._peek():
            raise self._wrong()
        low, high = bounds
        if max(low, high or 0) * term.size > LARGEST_TERM:
            raise self._wrong("repeats so much that it is not judged")
        tail = star(term) if high is None else BLANK
        for _ in range(0 if high is None else high - low):
            tail = either(BLANK, cat(term, tail))
        return cat(*[term] * low, tail)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return bounds
        if self._peek() != "{":
            return None
        end = self._text.find("}", self._at)
        low, comma, high = self._text[self._at + 1 : max(end, self._at + 1)].partition(",")
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()):
            return None  # a brace like any other character
        self._at = end + 1
        most = int(low) if not comma else int(high) if high else None
        if most is not None and most < int(low):
            raise self._wrong("has bounds the wrong way round")
        return int(low), most

    def _atom(self) -> Term:
        sign = self._take()
        match sign:
            case "^":
                return chars(((START, START),))
            case "$":
                return chars(((END, END),))
            case ".":
                return chars(complement(LINE_END))
            case "(":
                return self._group()
            case "[":
                return chars(self._class())
            case "\\":
                return chars(self._escape(in_class=False))
            case "*" | "+" | "?" | ")":
                raise self._wrong()
        return _character(ord(sign))

    def _group(self) -> Term:
        if self._skip("?") and not self._skip(":"):
            named = self._skip("P<") or self._skip("<")
            if not named or self._peek() in ("=", "!"):
                raise self._wrong("looks around or sets flags, which is not judged")
            if ">" not in self._text[self._at :]:
                raise self._wrong()
            while self._take() != ">":
                pass
        inner = self._alternatives()
        if not self._skip(")"):
            raise self._wrong("lacks a closing parenthesis")
        return inner

    def _escape(self, *, in_class: bool) -> Ranges:
        sign = self._take()
        if sign.lower() in CLASSES:
            ranges = CLASSES[sign.lower()]
            return ranges if sign.islower() else complement(ranges)
        if sign in CONTROLS:
            return _one(CONTROLS[sign])
        if sign == "b" and in_class:
            return _one(8)
        if sign == "c" and self._peek().isalpha():
            return _one(ord(self._take()) % 32)
        if sign == "x":
            return _one(self._hexadecimal(2))
        if sign == "u":
            if self._skip("{"):
                end = self._text.find("}", self._at)
                return _one(self._hexadecimal(end - self._at, closing=1))
            return _one(self._hexadecimal(4))
        if sign.isalnum():
            raise self._wrong(f"has \\{sign}, which is not judged")
        return _one(ord(sign))

    def _hexadecimal(self, digits: int, closing: int = 0) -> int:
        text = self._text[self._at : self._at + max(digits, 0)]
        self._at += len(text) + closing
        try:
            code = int(text, 16)
        except ValueError:
            raise self._wrong() from None
        if code > LAST or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004  surrogates
            raise self._wrong("has half of a surrogate pair, which is not judged")
        return code

    def _class(self) -> Ranges:
        negated = self._skip("^")
        found: list[Ranges] = []
        while not self._skip("]"):
            low = self._member()
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._take()
                high = self._member()
                if len(low) != 1 or len(high) != 1 or low[0][0] > high[0][1]:
                    raise self._wrong("has a wrong range")
                found.append(((low[0][0], high[0][1]),))
            else:
                found.append(low)
        ranges = union(*found)
        return complement(ranges) if negated else _within(ranges)

    def _member(self) -> Ranges:
        sign = self._take()
        return self._escape(in_class=True) if sign == "\\" else _one(ord(sign))


def _one(code: int) -> Ranges:
    return ((code, code),)


def _character(code: int) -> Term:
    return chars(_one(code))


def _within(ranges: Ranges) -> Ranges:
    """Without surrogates, which JSON texts do not hold alone."""
    return complement(complement(ranges)) if any(high >= EVERY[0][1] for _, high in ranges) else ranges

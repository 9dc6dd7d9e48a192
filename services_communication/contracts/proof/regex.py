"""Regular expressions as sets of texts: which text is in one and not in another?

A pattern becomes a term; terms are closed under "and" and "not", and are decided by derivatives (Brzozowski 1964): the
derivative of a term by a character is what may follow it. Patterns are ECMA-262's, unanchored as JSON Schema says.
Anchors are characters of their own that stand before and behind every text, so ``^a|b$`` needs no special case.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeAlias

from services_communication.contracts.proof.work import BudgetError, spend

Ranges: TypeAlias = "tuple[tuple[int, int], ...]"

LAST = 0x10FFFF
START, END = LAST + 1, LAST + 2
SURROGATES = (0xD800, 0xDFFF)
# What a person likes to read in an example, the likeliest first.
READABLE = "aAx0b1 -_.@/:"
# How many ways to one state are followed, and how many more lengths once nothing new comes.
WAYS = 3
ENOUGH_LENGTHS = 40
EVERY: Ranges = ((0, SURROGATES[0] - 1), (SURROGATES[1] + 1, LAST))


class Term:
    """One set of texts. Equal terms are one object, so comparing and remembering them is cheap."""

    __slots__ = ("derivatives", "has_blank", "kind", "number", "parts", "ranges", "signs", "size")
    known: ClassVar[dict[tuple[object, ...], Term]] = {}

    kind: str
    number: int
    parts: tuple[Term, ...]
    ranges: Ranges
    has_blank: bool
    derivatives: dict[int, Term]
    signs: tuple[int, ...] | None
    size: int
    """How many terms it is made of, those that stand in it twice counted twice."""

    @staticmethod
    def make(kind: str, parts: tuple[Term, ...] = (), ranges: Ranges = ()) -> Term:
        key = (kind, ranges, *map(id, parts))
        term = Term.known.get(key)
        if term is None:
            term = Term()
            term.number = len(Term.known)
            term.kind, term.parts, term.ranges, term.derivatives, term.signs = kind, parts, ranges, {}, None
            term.size = 1 + sum(part.size for part in parts)
            term.has_blank = _has_blank(term)
            Term.known[key] = term
        return term


def _has_blank(term: Term) -> bool:
    match term.kind:
        case "blank" | "star":
            return True
        case "cat" | "and":
            return all(part.has_blank for part in term.parts)
        case "or":
            return any(part.has_blank for part in term.parts)
        case "not":
            return not term.parts[0].has_blank
        case "until":
            return derivative(term.parts[0], END).has_blank
    return False


def chars(ranges: Ranges) -> Term:
    return Term.make("chars", ranges=ranges) if ranges else NOTHING


NOTHING = Term.make("none")
BLANK = Term.make("blank")
ANYTHING = Term.make("star", (Term.make("chars", ranges=EVERY),))


def cat(*terms: Term) -> Term:
    made = BLANK
    for term in reversed(terms):
        if NOTHING in (term, made):
            return NOTHING
        if made is BLANK:
            made = term
        elif term.kind == "cat":
            made = cat(term.parts[0], cat(term.parts[1], made))
        elif term is not BLANK:
            made = Term.make("cat", (term, made))
    return made


def either(*terms: Term) -> Term:
    found = _flat("or", terms) - {NOTHING}
    return ANYTHING if ANYTHING in found else _joined("or", found, NOTHING)


def both(*terms: Term) -> Term:
    found = _flat("and", terms) - {ANYTHING}
    return NOTHING if NOTHING in found else _joined("and", found, ANYTHING)


def without(term: Term) -> Term:
    if term is NOTHING:
        return ANYTHING
    if term is ANYTHING:
        return NOTHING
    return term.parts[0] if term.kind == "not" else Term.make("not", (term,))


def star(term: Term) -> Term:
    return term if term.kind == "star" else BLANK if term in (NOTHING, BLANK) else Term.make("star", (term,))


def exactly(text: str) -> Term:
    """The set of `text` alone."""
    return cat(*(chars(((ord(character), ord(character)),)) for character in text))


def _flat(kind: str, terms: tuple[Term, ...]) -> set[Term]:
    return {inner for term in terms for inner in (term.parts if term.kind == kind else (term,))}


def _joined(kind: str, found: set[Term], none: Term) -> Term:
    if len(found) < 2:  # noqa: PLR2004  one or none
        return next(iter(found), none)
    return Term.make(kind, tuple(sorted(found, key=lambda term: term.number)))


def derivative(term: Term, character: int) -> Term:
    """What may follow `character` in the texts of `term`."""
    made = term.derivatives.get(character)
    if made is None:
        spend(5)
        made = term.derivatives[character] = _derivative(term, character)
    return made


def _derivative(term: Term, character: int) -> Term:
    parts = term.parts
    match term.kind:
        case "chars":
            return BLANK if any(low <= character <= high for low, high in term.ranges) else NOTHING
        case "cat":
            first = cat(derivative(parts[0], character), parts[1])
            return either(first, derivative(parts[1], character)) if parts[0].has_blank else first
        case "or":
            return either(*(derivative(part, character) for part in parts))
        case "and":
            return both(*(derivative(part, character) for part in parts))
        case "not":
            return without(derivative(parts[0], character))
        case "star":
            return cat(derivative(parts[0], character), term)
        case "until":
            return until_end(derivative(parts[0], character))
    return NOTHING


def matching(inner: Term) -> Term:
    """The texts in which `inner`, which may hold the anchors' characters, is found somewhere."""
    everything = star(chars((*EVERY, (START, END))))
    return until_end(derivative(cat(everything, inner, everything), START))


def until_end(term: Term) -> Term:
    """The texts t for which t and END behind it are in `term`."""
    return term if term is NOTHING else Term.make("until", (term,))


def _sets(term: Term, found: set[Ranges]) -> set[Ranges]:
    """The sets of characters that may come first."""
    if term.kind == "chars":
        found.add(term.ranges)
    elif term.kind == "cat":
        _sets(term.parts[0], found)
        if term.parts[0].has_blank:
            _sets(term.parts[1], found)
    else:
        for part in term.parts:
            _sets(part, found)
    return found


def representatives(term: Term) -> tuple[int, ...]:
    """A character of each class that `term` does not tell apart; the readable ones first."""
    if term.signs is None:
        sets = list(_sets(term, set()))
        edges = {0, SURROGATES[1] + 1}
        edges.update(edge for ranges in sets for low, high in ranges for edge in (low, high + 1))
        candidates = [ord(letter) for letter in READABLE]
        candidates += sorted(edge for edge in edges if edge <= LAST and not SURROGATES[0] <= edge <= SURROGATES[1])
        found: dict[tuple[bool, ...], int] = {}
        for character in candidates:
            signature = tuple(any(low <= character <= high for low, high in ranges) for ranges in sets)
            found.setdefault(signature, character)
        term.signs = tuple(found.values())
    return term.signs


def texts(term: Term, shortest: int = 0, longest: int | None = None, budget: int = 20_000) -> Iterator[str]:
    """Texts of `term`, the shortest first, of different shapes; none when there is none. Lengths in code points.

    Not every text comes: characters that the term does not tell apart are represented by one of them.
    Raises BudgetError when it would take too long.
    """
    if not _is_inhabited(term, budget):
        return
    level: dict[Term, list[str]] = {term: [""]}
    length, seen = 0, set()
    while level and (longest is None or length <= longest):
        if length >= shortest:
            yield from (text for state, found in level.items() if state.has_blank for text in found)
            states = frozenset(level)
            if states in seen and length > shortest + ENOUGH_LENGTHS:
                return
            seen.add(states)
        budget -= sum(len(representatives(state)) for state in level)
        if budget < 0:
            raise BudgetError
        level, length = _next(level), length + 1


def _next(level: dict[Term, list[str]]) -> dict[Term, list[str]]:
    following: dict[Term, list[str]] = {}
    for state, found in level.items():
        for character in representatives(state):
            after = derivative(state, character)
            if after is not NOTHING:
                known = following.setdefault(after, [])
                known.extend(text + chr(character) for text in found[: WAYS - len(known)])
    return following


def _is_inhabited(term: Term, budget: int) -> bool:
    waiting, seen = [term], {term}
    while waiting:
        state = waiting.pop()
        if state.has_blank:
            return True
        for character in representatives(state):
            budget -= 1
            if budget < 0:
                raise BudgetError
            after = derivative(state, character)
            if after is not NOTHING and after not in seen:
                seen.add(after)
                waiting.append(after)
    return False

"""Values of arguments: from the convention of a framework to ours, where that is unambiguous.

Each function gives the text for a spec, or None where the value does not say enough.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import cast

from cnngen.diagnostics.model import Report
from cnngen.expressions.expression import (
    PRECEDENCE,
    PRODUCT,
    Binary,
    Constant,
    Expression,
    ListOf,
    Name,
    Unary,
)
from cnngen.expressions.parser import parse_expression
from cnngen.source import Source, Span
from cnngen.syntax.tree import ArgumentValue, Distribution

Literal = int | float | bool | str | tuple["Literal", ...] | None


@dataclass(frozen=True, slots=True)
class Written:
    """A value and its text, with quotes where it has them."""

    value: ArgumentValue
    text: str

    @classmethod
    @cache
    def of(cls, text: str) -> "Written":
        """A value of the frameworks' tables, such as a default."""
        value = parse_expression(text, Span(Source("", text), 0, len(text)), Report())
        assert value is not None, text
        return cls(value, text)

    def equals(self, text: str) -> bool:
        """Whether this is the value of a text in the tables."""
        found = literal(self.value)
        return self.word == text or (found is not None and equal(text, found[0]))

    @property
    def word(self) -> str | None:
        """What a value says that is a word: `valid`, `same`, `null`."""
        match self.value:
            case Name(name=name):
                return name.lower() if name == "None" else name
            case Constant(value=str() as word):
                return word
            case Constant(value=None):
                return "null"
            case Constant(value=bool() as truth):
                return str(truth).lower()
            case _:
                return None


def literal(value: ArgumentValue) -> tuple[Literal] | None:
    """A constant value, as a tuple of one; None for what depends on something."""
    match value:
        case Constant(value=constant):
            return (constant,)
        case Unary(operator="-", operand=Constant(value=int() | float() as number)):
            return (-number,)
        case ListOf(items=items):
            parts = [literal(item) for item in items]
            known = [part[0] for part in parts if part]
            return (tuple(known),) if len(known) == len(parts) else None
        case _:
            return None


def equal(text: str, other: object) -> bool:
    """Whether a text is this value: a number stands for a pair of it, and 1 is no `true`."""
    written = Written.of(text)
    value = literal(written.value)
    return written.word == other if value is None else _plain(value[0]) == _plain(other)


def _plain(value: object) -> tuple[bool, object]:
    items = cast("Sequence[object]", value) if isinstance(value, tuple | list) else (value,)
    one = items[0] if items and all(item == items[0] for item in items) else items
    return isinstance(one, bool), one


def as_it_is(written: Written) -> str | None:
    return None if isinstance(written.value, Distribution) else written.text


def words(**meanings: str) -> Callable[[Written], str | None]:
    """Translates words of a framework; any other word is one of ours, or a value."""

    def convert(written: Written) -> str | None:
        return meanings.get(written.word or "", as_it_is(written))

    return convert


def only_words(**meanings: str) -> Callable[[Written], str | None]:
    """Words of a framework, and nothing else."""
    return lambda written: meanings.get(written.word or "")


def share(written: Written) -> str | None:
    """1 minus a share, computed in decimals, so that 1 - 0.99 is 0.01."""
    match written.value:
        case Constant(value=int() | float() as number) if not isinstance(number, bool):
            text = format((1 - Decimal(written.value.text or str(number))).normalize(), "f")
            return text
        case Constant() | Distribution() | ListOf():
            return None
        case Binary(operator=operator) if PRECEDENCE[operator] < PRODUCT:
            return _quoted(written, "1 - ({})")
        case Name() | Binary():
            return _quoted(written, "1 - {}")
        case _:
            return _quoted(written, "1 - ({})")


def _quoted(written: Written, form: str) -> str:
    """A text around another one, within its quotes."""
    quote = written.text[:1] if written.text[:1] in ("'", '"') else ""
    return quote + form.format(written.text.strip(quote) if quote else written.text) + quote


def whole(written: Written) -> str | None:
    """A number or a pair of numbers without fractions: a factor of 2.0 is 2."""
    found = literal(written.value)
    if found is None:
        return written.text if isinstance(written.value, Expression) else None
    numbers = found[0] if isinstance(found[0], tuple) else (found[0],)
    if not all(isinstance(n, int | float) and n == int(n) for n in numbers):
        return None
    return brackets([int(n) for n in numbers if isinstance(n, int | float)])


def given(written: Written) -> str | None:
    """A value that is neither `null` nor a list with `null` in it."""
    found = literal(written.value)
    value = found[0] if found else 0
    return None if value is None or isinstance(value, tuple) and None in value else written.text


def sides(order: Mapping[int, tuple[int, ...]]) -> Callable[[Written], str | None]:
    """The sides of a border. For a list of each length, `order` says which numbers are top, bottom,
    left and right.
    """

    def convert(written: Written) -> str | None:
        found = literal(written.value)
        if found is None:
            return None
        numbers = _flat(found[0])
        if len(numbers) == 1 and not isinstance(found[0], tuple):
            return str(numbers[0])
        places = order.get(len(numbers))
        return _shortest([numbers[i] for i in places]) if places else None

    return convert


def _flat(value: Literal) -> list[int]:
    if isinstance(value, tuple):
        return [number for part in value for number in _flat(part)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []


def _shortest(four: list[int]) -> str:
    """The sides in the shortest form for a spec."""
    top, bottom, left, right = four
    if len(set(four)) == 1:
        return str(top)
    return f"[{top}, {left}]" if (top, left) == (bottom, right) else f"{four}"


def brackets(numbers: list[int]) -> str:
    """One number, or a list of several."""
    return str(numbers[0]) if len(set(numbers)) == 1 else str(numbers)

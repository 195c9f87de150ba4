"""Formulas: the length of a tensor as a function of the input's, in a form that people write."""

from collections.abc import Sequence
from fractions import Fraction
from math import gcd

Pair = tuple[int, int]  # a length of the input, and the one that it gives


def formula(pairs: Sequence[Pair], rate: Fraction, name: str) -> str | None:
    """The simplest of a few forms that gives all these pairs: a number, a rounded quotient, or a
    multiple of one; None where none does.
    """
    first = pairs[0][1]
    if all(length == first for _, length in pairs):
        return str(first)
    unit = gcd(*(length - first for _, length in pairs))
    for factor in dict.fromkeys([1, unit]):
        rest = first % factor
        inner = [(n, (length - rest) // factor) for n, length in pairs]
        if text := _quotient(inner, rate / factor, name):
            text = text if factor == 1 else f"{factor} * {text}"
            return f"{text} + {rest}" if rest else text
    return None


def _quotient(pairs: Sequence[Pair], rate: Fraction, name: str) -> str | None:
    """`floor((a * n + b) / c)`, where `a / c` is the rate."""
    times, by = rate.numerator, rate.denominator
    scaled = [by * length - times * n for n, length in pairs]
    low, high = max(scaled), min(scaled) + by - 1  # what may be added before rounding down
    if low > high:
        return None
    if low == min(scaled):  # every division is exact
        return _divided(_sum(times, name, low), by)
    ceil = _nearest_to_zero(low - by + 1, high - by + 1)
    floor = _nearest_to_zero(low, high)
    word, added = ("ceil", ceil) if abs(ceil) < abs(floor) else ("floor", floor)
    return f"{word}({_divided(_sum(times, name, added), by)})"


def _nearest_to_zero(low: int, high: int) -> int:
    return min(max(0, low), high)


def _sum(times: int, name: str, added: int) -> str:
    product = name if times == 1 else f"{times} * {name}"
    return product if not added else f"{product} {'+' if added > 0 else '-'} {abs(added)}"


def _divided(text: str, by: int) -> str:
    if by == 1:
        return text
    return f"({text}) / {by}" if "+" in text or "-" in text else f"{text} / {by}"

"""Polynomials with integer coefficients: they decide whether two counts are equal.

The variables are *atoms*: names, `input.channels`, and all that polynomials cannot express (`c //
2`, `widths[i]`, `a if t else b`). Everything stays in the order in which it first appears.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from cnngen.expressions.expression import (
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Field,
    Index,
    InputChannels,
    Name,
    RecordOf,
    Slice,
    Unary,
    children,
)

_MOST_TERMS = 32  # of a product that is multiplied out
_HIGHEST_POWER = 4  # that is multiplied out
_LONGEST_KEY = 200
_SUM = "sum("


@dataclass(frozen=True, slots=True)
class Term:
    coefficient: int
    factors: tuple[Expression, ...]  # in the order in which they first appear


# By the sorted keys of the factors of each term, in the order of appearance.
Polynomial = dict[tuple[str, ...], Term]


def polynomial(expression: Expression, expand: bool) -> Polynomial | None:
    """A count as a sum of terms; None where something in it is no integer.

    `expand` multiplies products of sums out; otherwise, or where that gets too long, a sum can be
    a factor.
    """
    match expression:
        case Constant(value):
            return _constant(value) if type(value) is int else None
        case Unary("-", operand):
            terms = polynomial(operand, expand)
            return None if terms is None else scaled(terms, -1)
        case Binary(("+" | "-" | "*") as operator, left, right):
            a, b = polynomial(left, expand), polynomial(right, expand)
            if a is None or b is None:
                return None
            if operator == "*":
                return _product(a, b, expand)
            return _sum(a, b if operator == "+" else scaled(b, -1))
        case Binary("**", Name() | InputChannels() as base, Constant(int() as power)) if (
            expand and 2 <= power <= _HIGHEST_POWER
        ):
            return polynomial(_repeated(base, power), expand)
        case Apply("range"):
            return None
        case (
            Binary("//" | "%" | "**")
            | Name()
            | InputChannels()
            | Conditional()
            | Index()
            | Field()
            | Apply()
        ):
            return _atom(_structure(expression, count=True), expression)
        case _:
            return None


def _constant(value: int) -> Polynomial:
    return {(): Term(value, ())} if value else {}


def _atom(key: str, expression: Expression) -> Polynomial:
    return {(key,): Term(1, (expression,))}


def scaled(terms: Polynomial, factor: int, divisor: int = 1) -> Polynomial:
    return {
        key: Term(term.coefficient * factor // divisor, term.factors) for key, term in terms.items()
    }


def _sum(a: Polynomial, b: Polynomial) -> Polynomial:
    total = dict(a)
    for key, term in b.items():
        known = total.get(key, Term(0, term.factors))
        total[key] = Term(known.coefficient + term.coefficient, known.factors)
    return {key: term for key, term in total.items() if term.coefficient}


def _product(a: Polynomial, b: Polynomial, expand: bool) -> Polynomial:
    for one, other in ((a, b), (b, a)):
        if set(one) <= {()} and (not one or abs(one[()].coefficient) == 1):
            return scaled(other, one[()].coefficient) if one else {}
    if not expand or len(a) * len(b) > _MOST_TERMS or _has_sum(a) or _has_sum(b):
        a, b = _factor(a), _factor(b)
    total: Polynomial = {}
    for left_key, left in a.items():
        row = {
            tuple(sorted(left_key + right_key)): Term(
                left.coefficient * right.coefficient, left.factors + right.factors
            )
            for right_key, right in b.items()
        }
        total = _sum(total, row)
    return total


def _repeated(base: Expression, times: int) -> Expression:
    return base if times == 1 else Binary("*", _repeated(base, times - 1), base)


def _has_sum(terms: Polynomial) -> bool:
    """Whether a sum is a factor already: multiplied out, it would be copied again and again."""
    return any(key.startswith(_SUM) for keys in terms for key in keys)


def _factor(terms: Polynomial) -> Polynomial:
    """A sum as a single factor."""
    return _atom(_text(terms), expression_of(terms)) if len(terms) > 1 else terms


def expression_of(terms: Polynomial) -> Expression:
    """The sum in the order of appearance, but if possible without a minus in front."""
    ordered = list(terms.values())
    first = next((i for i, term in enumerate(ordered) if term.coefficient > 0), 0)
    total: Expression | None = None
    for term in ordered[first : first + 1] + ordered[:first] + ordered[first + 1 :]:
        if total is None:
            total = _monomial(term.coefficient, term.factors)
        else:
            sign = "+" if term.coefficient > 0 else "-"
            total = Binary(sign, total, _monomial(abs(term.coefficient), term.factors))
    return total or Constant(0)


def _monomial(coefficient: int, factors: tuple[Expression, ...]) -> Expression:
    if not factors:
        return Constant(coefficient)
    first, *rest = factors
    if coefficient == -1:
        product = Unary("-", first)
    else:
        product = first if coefficient == 1 else Binary("*", Constant(coefficient), first)
    for factor in rest:
        product = Binary("*", product, factor)
    return product


# --- Keys: texts that are equal only for expressions of equal value


def key_of(expression: Expression, count: bool = False) -> str:
    """A text that is equal for expressions of equal value: of a count that of its polynomial, else
    that of the expression.
    """
    if count and isinstance(expression, Unary | Binary):
        terms = polynomial(expression, expand=True)
        if terms is not None:
            return _text(terms)
    return _structure(expression, count)


def _text(terms: Polynomial) -> str:
    match list(terms.items()):
        case []:
            return "0"
        case [((), term)]:
            return repr(term.coefficient)
        case [((key,), Term(1))]:
            return key
        case items:
            texts = sorted("*".join((repr(term.coefficient), *key)) for key, term in items)
            return _digested(_SUM, texts)


def _structure(expression: Expression, count: bool) -> str:
    match expression:
        case Constant(value):
            return repr(value)  # tells `1` from `1.0` and `true`, which are equal in Python
        case Name(name):
            return name
        case InputChannels():
            return "input.channels"
        case Unary(head) | Binary(head) | Apply(head):
            pass
        case Field(_, name):
            head = f".{name}"
        case RecordOf(fields):
            head = " ".join(name for name, _ in fields)
        case _:
            head = type(expression).__name__
    parts = map(key_of, children(expression), whole_parts(expression, count))
    return _digested(f"{head}(", parts)


def _digested(head: str, parts: Iterable[str]) -> str:
    """A key of bounded length: one with all its parts could double with every level."""
    text = ", ".join(parts)
    if len(text) > _LONGEST_KEY:
        text = sha256(text.encode()).hexdigest()
    return f"{head}{text})"


def whole_parts(expression: Expression, count: bool) -> Iterable[bool]:
    """Which parts of an expression are integers too, where it is one itself."""
    match expression:
        case Binary("+" | "-" | "*" | "//" | "%" | "**") | Unary("-"):
            return [count] * len(children(expression))
        case Conditional():
            return [count, False, count]
        case Index():
            return [False, True]
        case Slice():
            return [False, True, True, True]
        case Apply("range"):
            return [True] * len(expression.arguments)
        case Apply("make_divisible"):
            return [False, True]
        case _:
            return [False] * len(children(expression))

"""Symbolic arithmetic on channel counts: sums, products, steps, as an author writes them.

Polynomials decide what is equal; what is printed stays as it was written, unless another form is
shorter. Floats are left alone.
"""

from collections.abc import Iterable, Mapping

from cnngen.expressions.evaluate import EvaluationError, evaluate
from cnngen.expressions.expression import (
    PRECEDENCE,
    PRODUCT,
    SUM,
    Apply,
    Binary,
    Conditional,
    Constant,
    Expression,
    Field,
    Index,
    InputChannels,
    ListOf,
    Name,
    Record,
    RecordOf,
    Slice,
    Unary,
    children,
    walk,
    with_children,
)
from cnngen.expressions.polynomial import expression_of, key_of, polynomial, scaled, whole_parts

LARGEST = 1000  # parts of an expression, constants left out
DEEPEST = 150  # levels of it, for passes over expressions recurse


class TooComplex(Exception):
    """An expression outgrew what can be computed with, let alone be read."""


# --- Names


def free_names(expression: Expression) -> frozenset[str]:
    return frozenset(part.name for part, _ in walk(expression) if isinstance(part, Name))


def mentions_input(expression: Expression) -> bool:
    return any(isinstance(part, InputChannels) for part, _ in walk(expression))


def substitute(
    expression: Expression, names: Mapping[str, Expression], channels: Expression | None
) -> Expression:
    """The expression with others in the place of its names and, unless `channels` is None, of
    `input.channels`.
    """
    return _bounded(_replace(expression, names, channels))


def _replace(
    expression: Expression, names: Mapping[str, Expression], channels: Expression | None
) -> Expression:
    match expression:
        case Name(name):
            return names.get(name, expression)
        case InputChannels():
            return expression if channels is None else channels
        case _:
            parts = [_replace(child, names, channels) for child in children(expression)]
            return with_children(expression, parts)


def _bounded(expression: Expression) -> Expression:
    """The expression, if it is within the limits: each substitution can double its size."""
    size = 0
    for part, depth in walk(expression):
        size += not isinstance(part, Constant)
        if size > LARGEST or depth > DEEPEST:
            raise TooComplex
    return expression


# --- Arithmetic


def add(a: Expression, b: Expression) -> Expression:
    return simplify(Binary("+", a, b))


def subtract(a: Expression, b: Expression) -> Expression:
    return simplify(Binary("-", a, b))


def multiply(a: Expression, b: Expression) -> Expression:
    """The product; a number comes first, as in `4 * width`."""
    a, b = simplify(a), simplify(b)
    if isinstance(b, Constant) and not isinstance(a, Constant):
        a, b = b, a
    return simplify(Binary("*", a, b))


def equal(a: Expression, b: Expression) -> bool:
    """Whether two counts are provably equal; false when in doubt."""
    return key_of(simplify(a), count=True) == key_of(simplify(b), count=True)


def linear_step(expression: Expression, variable: Name | InputChannels | str) -> Expression | None:
    """The `k` of an expression that equals `variable + k`, where `k` is free of the variable."""
    start = Name(variable) if isinstance(variable, str) else variable
    forms = _forms(Binary("-", simplify(expression), start))
    free = [form for form in forms if all(part != start for part, _ in walk(form))]
    return simplify(min(free, key=_cost)) if free else None


# --- Simplification


def simplify(expression: Expression, *, count: bool = True) -> Expression:
    """An expression of the same value with its constant parts folded, and otherwise as it was
    written.

    `count` says that the value is an integer, computed from integers. It must be false for what may
    be a float or a list, where the order of a sum matters.
    """
    simple = _simplified(_bounded(expression), count)
    return min(_forms(simple), key=_cost) if count else simple


def _simplified(expression: Expression, count: bool) -> Expression:
    """Simplify from the inside; a count that is no part of a larger sum or product is written in
    its shortest form.
    """
    if not children(expression):
        return expression
    parts: list[Expression] = []
    for child, inner in zip(children(expression), whole_parts(expression, count), strict=True):
        part = _simplified(child, inner)
        whole = inner and not (count and _is_arithmetic(expression))
        parts.append(min(_forms(part), key=_cost) if whole else part)
    return _fold(with_children(expression, parts), count)


def _is_arithmetic(expression: Expression) -> bool:
    """Whether an expression can be a polynomial."""
    match expression:
        case Unary("-") | Binary("+" | "-" | "*"):
            return True
        case _:
            return False


def _fold(expression: Expression, count: bool) -> Expression:
    """One step: the parts are simplified already."""
    if _is_closed(expression) and (computed := _computed(expression)) is not None:
        return computed
    match expression:
        case Unary("not", Constant(bool() as value)):
            return Constant(not value, expression.span)
        case Binary("and", Constant(True), other) | Binary("and", other, Constant(True)):
            return other
        case Binary("or", Constant(False), other) | Binary("or", other, Constant(False)):
            return other
        case Binary("and", Constant(False), _) | Binary("and", _, Constant(False)):
            return Constant(False, expression.span)
        case Binary("or", Constant(True), _) | Binary("or", _, Constant(True)):
            return Constant(True, expression.span)
        case Binary(("==" | "!=") as operator, left, right) if key_of(left) == key_of(right):
            return Constant(operator == "==", expression.span)
        case Binary("//" | "%", left, Constant(int() as divisor)) if (
            count and divisor > 0 and (quotient := _divided(left, divisor))
        ):
            return quotient if expression.operator == "//" else Constant(0, expression.span)
        case Conditional(Constant(bool() as test), then, otherwise):
            return then if test else otherwise
        case Conditional(_, then, otherwise) if key_of(then, count) == key_of(otherwise, count):
            return then
        case Conditional(test, then, Conditional(other, same, otherwise)) if key_of(
            then, count
        ) == key_of(same, count):
            return Conditional(Binary("or", test, other), then, otherwise)
        case Index(ListOf(items), Constant(int() as index)) if -len(items) <= index < len(items):
            return items[index]
        case Field(RecordOf(fields), name) if name in (found := dict(fields)):
            return found[name]
        case Field(ListOf(items), name):
            columns = [dict(item.fields).get(name) for item in items if isinstance(item, RecordOf)]
            found = [column for column in columns if column is not None]
            return ListOf(tuple(found)) if len(found) == len(items) else expression
        case Slice(ListOf(items), Constant(), Constant(), Constant()):
            return _sliced(expression, items)
        case Apply("len", (ListOf(items),)):
            return Constant(len(items), expression.span)
        case Apply("len", (Binary("*", ListOf((_,)), Apply("len") as times),)) | Apply(
            "len", (Apply("range", (Apply("len") as times,)),)
        ):
            return times  # which is never negative
        case _:
            return expression


def _sliced(expression: Slice, items: tuple[Expression, ...]) -> Expression:
    """A part of a list that is written out, between bounds that are numbers."""
    bounds = expression.start, expression.stop, expression.step
    numbers = [bound.value for bound in bounds if isinstance(bound, Constant)]
    whole = [number for number in numbers if number is None or type(number) is int]
    return ListOf(items[slice(*whole)], expression.span) if len(whole) == 3 else expression


def _is_closed(expression: Expression) -> bool:
    """Whether the value depends on nothing."""
    return not any(
        isinstance(part, Name | InputChannels)
        or (isinstance(part, Constant) and isinstance(part.value, str))
        for part, _ in walk(expression)
    )


def _computed(expression: Expression) -> Expression | None:
    """The value of a closed expression, where it is exact and not longer than the expression."""
    if isinstance(expression, Unary | ListOf | RecordOf):
        return None  # a literal already, unless a `not`
    try:
        value = evaluate(expression, {})
    except EvaluationError:
        return None
    if isinstance(value, float | Record):
        return None
    if not isinstance(value, tuple):
        return Constant(value, expression.span)
    constants = tuple(
        Constant(item, expression.span)
        for item in value
        if not isinstance(item, tuple | float | Record)
    )
    shorter = len(constants) == len(value) and len(value) < _cost(expression)[1]
    return ListOf(constants, expression.span) if shorter else None


def _divided(expression: Expression, divisor: int) -> Expression | None:
    """The quotient, where the divisor divides every coefficient."""
    for expand in (False, True):
        terms = polynomial(expression, expand)
        if terms is not None and all(term.coefficient % divisor == 0 for term in terms.values()):
            return expression_of(scaled(terms, 1, divisor))
    return None


def _forms(expression: Expression) -> Iterable[Expression]:
    """The ways to write a count, the one that is preferred of equals first."""
    yield expression
    if isinstance(expression, Unary | Binary):
        for expand in (False, True):
            terms = polynomial(expression, expand)
            if terms is not None:
                yield expression_of(terms)


def _cost(expression: Expression) -> tuple[int, int]:
    """How long an expression is to read: the number of names, then of nodes, then of parentheses in
    sums of sums.
    """
    leaves = nodes = 0
    for part, _ in walk(expression):
        nodes += 1
        leaves += not children(part) and not isinstance(part, Constant)
        match part:
            case Binary("+" | "-" | "*" as outer, _, Binary(inner)):
                nodes += PRECEDENCE[outer] == PRECEDENCE[inner] in (SUM, PRODUCT)
            case _:
                pass
    return leaves, nodes

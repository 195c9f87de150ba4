"""Given: where a spec says a value that reaches an op through the parameters of blocks."""

from collections.abc import Iterator

from cnngen.diagnostics.model import Label
from cnngen.expressions.algebra import free_names
from cnngen.expressions.expression import Expression, Name, walk
from cnngen.semantics.network import Scope
from cnngen.source import Span
from cnngen.syntax.tree import Argument, ArgumentValue, Call, Parameter, Spec

MOST_LABELS = 3
SET = "--set"  # in place of a file, what the command line says


def given(call: Call, name: str) -> Argument | None:
    """What a call itself says for an attribute or a parameter."""
    return next((a for a in call.arguments if a.name.text == name), None)


def places(call: Call, name: str, scope: Scope) -> Iterator[tuple[Call, str, Scope]]:
    """The calls that give a value, each with the name that the value has there: first the call that
    is asked about; where that passes on a parameter of its block, then the use of the block, and so
    on.
    """
    yield call, name, scope
    argument = given(call, name)
    if argument and isinstance(argument.value, Name) and scope.call and scope.parent:
        parameter = argument.value.name
        if _parameter(scope, parameter):
            yield from places(scope.call, parameter, scope.parent)


def decided(call: Call, name: str, scope: Scope) -> tuple[Call, str, Scope]:
    """The last of these places: the one at which another value can be given."""
    *_, last = places(call, name, scope)
    return last


def origins(value: ArgumentValue, at: Span | None, scope: Scope, spec: Spec) -> tuple[Label, ...]:
    """Labels at the places where the names around a mistake got their values."""
    found: dict[Span, Label] = {}
    if isinstance(value, Expression):
        for label in _origins(_around(value, at), scope, spec):
            found.setdefault(label.span, label)
            if len(found) == MOST_LABELS:
                break
    return tuple(found.values())


def _around(value: Expression, at: Span | None) -> Expression:
    """The smallest part with names that has a place in it."""
    if at is None:
        return value
    parts = [
        part
        for part, _ in walk(value)
        if part.span and part.span.start <= at.start and at.end <= part.span.end
    ]
    return next((part for part in reversed(parts) if free_names(part)), value)


def _origins(expression: Expression, scope: Scope, spec: Spec) -> Iterator[Label]:
    for name in sorted(free_names(expression) - scope.loops.keys()):
        parameter = _parameter(scope, name)
        if parameter and scope.call and scope.parent:
            argument = given(scope.call, name)
            if argument and isinstance(argument.value, Expression):
                inner = _origins(argument.value, scope.parent, spec)
                first = next(inner, None) if isinstance(argument.value, Name) else None
                span = argument.value.span or argument.name.span
                yield first or Label(span, f"`{name}` is given here")
                yield from inner
                continue
        else:
            parameter = next((p for p in spec.parameters if p.name.text == name), None)
        if parameter and parameter.default:
            at = parameter.default.span or parameter.name.span
            is_set = at.source.path == SET
            yield Label(at, f"`{name}` is given here" if is_set else f"the default of `{name}`")


def _parameter(scope: Scope, name: str) -> Parameter | None:
    """The parameter of the block that a name means, unless it is the variable of a loop."""
    if scope.block is None or name in scope.loops:
        return None
    return next((p for p in scope.block.parameters if p.name.text == name), None)

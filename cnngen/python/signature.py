"""Signatures: the arguments of a generated class or function, and how it is called."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cnngen.expressions.expression import Constant, Expression, ListOf, RecordOf
from cnngen.python.nodes import Keyword, Name, Node
from cnngen.python.records import Records
from cnngen.syntax.tree import Distribution, Parameter


@dataclass(frozen=True, slots=True)
class Argument:
    """The default of one that is an op is `code`."""

    name: str
    annotation: str
    default: Expression | None = None
    about: str = ""
    code: Node | None = None

    @property
    def is_required(self) -> bool:
        return self.default is None and self.code is None


def argument(parameter: Parameter, records: Records) -> Argument:
    """The argument for a parameter that is no op: what those are, the target knows."""
    default = parameter.default
    assert not isinstance(default, Distribution)
    default = None if default is None else records.named(default, {})
    return Argument(parameter.name.text, records.annotation(parameter), default, parameter.about)


def ordered(own: list[Argument], captured: list[Argument]) -> list[Argument]:
    """A block's own arguments and the model's parameters that it depends on; those with defaults
    come last.
    """
    required = [a for a in own if a.is_required]
    bare = [Argument(a.name, a.annotation, None, a.about) for a in captured]
    return [*required, *bare, *(a for a in own if not a.is_required)]


def call_arguments(
    parameters: Sequence[Argument],
    given: Mapping[str, tuple[Expression | None, Node]],
    positional: int = 0,
) -> Iterator[Node | Keyword]:
    """The arguments of a call: by keyword, except for the first `positional` ones and where the
    value is the parameter's own name.

    `given` has an expression and its node for each; what equals the default is left out.
    """
    named = False
    for i, parameter in enumerate(parameters):
        if parameter.name not in given:
            named = True
            continue
        expression, node = given[parameter.name]
        if node == parameter.code or (
            parameter.default is not None and _same(expression, parameter.default)
        ):
            named = True
        elif i < positional or (node == Name(parameter.name) and not named):
            yield node
        else:
            named = True
            yield Keyword(parameter.name, node)


def _same(left: Expression | None, right: Expression) -> bool:
    """Whether two constants are the same value of the same type."""
    match left, right:
        case Constant(), Constant():
            return left == right and type(left.value) is type(right.value)
        case ListOf(), ListOf():
            pairs = zip(left.items, right.items, strict=False)
            return len(left.items) == len(right.items) and all(_same(a, b) for a, b in pairs)
        case RecordOf(), RecordOf():
            values = dict(left.fields)
            named = [(values.get(name), value) for name, value in right.fields]
            return len(values) == len(named) and all(_same(a, b) for a, b in named)
        case _:
            return False

"""Attributes: from the expressions of a call to an op with checked, normalised values."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnngen.diagnostics.model import Label, Report
from cnngen.expressions.evaluate import EvaluationError, MaybeValue, Undetermined
from cnngen.expressions.expression import (
    Conditional,
    Constant,
    Expression,
    ListOf,
    Name,
    Record,
    Value,
)
from cnngen.ops.attribute import Attribute, Distribution
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.words import chooses_word, chosen
from cnngen.source import Span
from cnngen.syntax import tree
from cnngen.syntax.tree import ArgumentValue, Call

Evaluate = Callable[[Expression], Value]
MOST_ITEMS = 6  # of a list that is shown


class Invalid(EvaluationError):
    """A value does not fit; in a list, `item` is the index of the wrong element."""

    def __init__(
        self, code: str, message: str, help: str | None = None, item: int | None = None
    ) -> None:
        super().__init__(code, message, None, help)
        self.item = item


def bind(
    call: Call,
    op: type[Op],
    arguments: Mapping[str, ArgumentValue],
    evaluate: Evaluate,
    report: Report,
    notes: Callable[[], tuple[str, ...]],
    origins: Callable[[ArgumentValue, EvaluationError], tuple[Label, ...] | None],
) -> Op:
    """The op of a call; values that are missing, undetermined or wrong are left out.

    `notes` gives the circumstances of the call for a diagnostic, and `origins` labels at the places
    where a wrong value came from; None from `origins` means that this mistake has been reported
    before.
    """
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        try:
            values[name] = _attribute_value(op.attributes[name], value, evaluate)
        except Undetermined:
            pass
        except EvaluationError as error:
            labels = origins(value, error)
            if error.code == "unknown-name" or labels is None:
                continue  # `resolve` has reported the first, another op the second
            at = error.span or value.span or call.callee.span
            report.add(
                *(error.code, error.message, at),
                secondary=labels,
                notes=notes(),
                help=error.help,
            )
    for name, attribute in op.attributes.items():
        if attribute.kind == "padding" and values.get(name) == "half":
            if "kernel" not in op.attributes:
                report.add(
                    "wrong-type",
                    f"`half` is half of the kernel, and `{op.name}` has none",
                    argument_span(call, name),
                    help="write a number, `[h, w]` or `[top, bottom, left, right]`",
                )
            sizes = {"kernel", "dilation"} & op.attributes.keys()
            if "kernel" in sizes and sizes <= values.keys():
                values[name] = half(values["kernel"], values.get("dilation", (1, 1)))
            else:
                del values[name]
    return op(values)


def half(kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """`dilation * (kernel - 1) // 2` on each side."""
    height, width = (d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    return height, height, width, width


def argument_span(call: Call, name: str) -> Span:
    """The place of an attribute's value in a call; the op's name where a default gives it."""
    for argument in call.arguments:
        if argument.name.text == name:
            return argument.value.span or argument.name.span
    return call.callee.span


def _attribute_value(attribute: Attribute[Any], value: ArgumentValue, evaluate: Evaluate) -> Any:
    if isinstance(value, Conditional) and chooses_word(attribute, value):
        value = chosen(value, evaluate)
    match attribute.kind:
        case "choice":
            if isinstance(value, Name) and value.name in attribute.choices:
                return value.name
            if isinstance(value, Constant) and value.value in attribute.choices:
                return value.value
            raise Undetermined  # resolve has reported it
        case "init":
            return _distribution(value, evaluate)
        case "tensor":
            if isinstance(value, Name) and value.name:
                return value.name
            raise Undetermined
        case _ if isinstance(value, tree.Distribution):
            raise Undetermined
        case "padding" if isinstance(value, Constant) and value.value in ("same", "half"):
            return value.value
        case _:
            try:
                return attribute_value(attribute, evaluate(value))
            except Invalid as error:
                error.span = value.span
                if isinstance(value, ListOf) and error.item is not None:
                    error.span = value.items[error.item].span
                raise


def attribute_value(attribute: Attribute[Any], value: Value) -> Any:
    """Check a value against an attribute's kind and range, and normalise it; raises `Invalid`."""
    numbers = value if isinstance(value, tuple) else (value, value)
    match attribute.kind:
        case _ if value is None and attribute.optional:
            return None
        case "bool" if isinstance(value, bool):
            return value
        case "int" if is_whole(value):
            return _in_range(attribute, value)
        case "float" if is_whole(value) or isinstance(value, float):
            return float(_in_range(attribute, value))
        case "size" if len(numbers) == 2 and all(map(is_whole, numbers)):
            return tuple(_in_range(attribute, n, i) for i, n in enumerate(numbers))
        case "ints" if isinstance(value, tuple) and all(map(is_whole, value)):
            return tuple(_in_range(attribute, n, i) for i, n in enumerate(value))
        case "table" if isinstance(value, tuple):
            return tuple(_row(attribute, row, i) for i, row in enumerate(value))
        case "padding" if len(numbers) in (2, 4) and all(map(is_whole, numbers)):
            sides = [_in_range(attribute, n, i) for i, n in enumerate(numbers)]
            return tuple(sides) if len(sides) == 4 else (sides[0], sides[0], sides[1], sides[1])
        case _:
            fraction = attribute.kind in ("int", "size", "padding") and isinstance(value, float)
            raise Invalid(
                "wrong-type",
                f"`{attribute.name}` must be {describe(attribute)}, not {show(value)}",
                "write `//` for a division without remainder, or `int(...)`" if fraction else None,
            )


def is_whole(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _row(attribute: Attribute[Any], row: Value, item: int) -> tuple[int, ...]:
    """One row of a table."""
    if isinstance(row, tuple) and all(map(is_whole, row)):
        return tuple(_in_range(attribute, n, item) for n in row)
    message = f"a row of `{attribute.name}` must be a list of whole numbers, not {show(row)}"
    raise Invalid("wrong-type", message, item=item)


def _in_range(attribute: Attribute[Any], value: Any, item: int | None = None) -> Any:
    """The number, if it is within the attribute's bounds; `item` is its index, if it stands in a
    list.
    """
    low, high, above = attribute.minimum, attribute.maximum, attribute.above
    if low is not None and value < low:
        bound = f"at least {low:g}"
    elif above is not None and value <= above:
        bound = f"above {above:g}"
    elif high is not None and value > high:
        bound = f"at most {int(high) if high == int(high) else high}"
    else:
        return value
    message = f"`{attribute.name}` must be {bound}, not {show(value)}"
    raise Invalid("out-of-range", message, item=item)


def describe(attribute: Attribute[Any]) -> str:
    """What values an attribute takes, in words."""
    words = {
        "int": "a whole number",
        "float": "a number",
        "bool": "`true` or `false`",
        "size": "a whole number or a pair `[h, w]`",
        "ints": "a list of whole numbers",
        "table": "a list of lists of whole numbers",
        "padding": listed_or(
            ["a whole number", "`[h, w]`", "`[top, bottom, left, right]`"]
            + [f"`{word}`" for word in attribute.choices]
        ),
        "choice": " or ".join(f"`{word}`" for word in attribute.choices),
        "init": "an initial distribution",
        "tensor": "the name of a step, a stage or an input",
    }
    return words[attribute.kind] + (
        " or `null`" if attribute.optional and attribute.kind != "init" else ""
    )


def listed_or(parts: Sequence[str]) -> str:
    """`a, b or c`."""
    return " or ".join([", ".join(parts[:-1]), parts[-1]])


def show(value: MaybeValue) -> str:
    """A value as a diagnostic shows it."""
    spelled = spell(value)
    return spelled if spelled.startswith("a list") else f"`{spelled}`"


def spell(value: MaybeValue) -> str:
    """A value as a spec would write it, if that is short."""
    if isinstance(value, tuple):
        nested = any(isinstance(item, tuple | Record) for item in value)
        if nested or len(value) > MOST_ITEMS:
            return f"a list of {len(value)}"
    return _written(value, spell)


def written(value: MaybeValue) -> str:
    """A value as a spec would write it, however long that is."""
    return _written(value, written)


def _written(value: MaybeValue, part: Callable[[MaybeValue], str]) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case tuple():
            return f"[{', '.join(map(part, value))}]"
        case Record(fields):
            return f"{{{', '.join(f'{name}: {part(each)}' for name, each in fields)}}}"
        case _:
            return str(value)


def _distribution(value: ArgumentValue, evaluate: Evaluate) -> Distribution | None:
    """An initial distribution with all its arguments."""
    match value:
        case Constant(value=None):
            return None
        case Name(name=word):
            given: dict[str, Expression] = {}
        case tree.Distribution():
            word = value.word.text
            given = {name.text: v for name, v in value.arguments if isinstance(v, Expression)}
        case _:
            raise Undetermined
    initializer = INITIALIZERS.get(word)
    if initializer is None:
        raise Undetermined
    arguments: list[tuple[str, float | str]] = []
    for argument in initializer.arguments:
        expression = given.get(argument.name)
        chosen = (
            _attribute_value(argument, expression, evaluate) if expression else argument.default
        )
        arguments.append((argument.name, chosen))
    return Distribution(word, tuple(arguments))

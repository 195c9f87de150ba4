"""Attributes: from the expressions of a call to an op with checked, normalised values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cnngen.diagnostics.model import Report
from cnngen.ops.base import Attribute, Distribution, Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.evaluate import EvaluationError, Undetermined
from cnngen.source import Span
from cnngen.syntax import tree
from cnngen.syntax.expression import Constant, Expression, Name, Value
from cnngen.syntax.tree import ArgumentValue, Call

Evaluate = Callable[[Expression], Value]


@dataclass(frozen=True, slots=True)
class Invalid(Exception):
    """A value does not fit; raised here and where values of parameters are checked."""

    code: str
    message: str
    help: str | None = None


def bind(
    call: Call,
    op: type[Op],
    arguments: Mapping[str, ArgumentValue],
    evaluate: Evaluate,
    report: Report,
    notes: Callable[[], tuple[str, ...]],
) -> Op | None:
    """The op of a call; None where a value is missing, cannot be known, or was reported."""
    values: dict[str, Any] = {}
    complete = len(arguments) == len(op.attributes)
    for name, value in arguments.items():
        attribute = op.attributes[name]
        try:
            values[name] = _attribute_value(attribute, value, evaluate)
        except Undetermined:
            complete = False
        except EvaluationError as error:
            complete = False
            if error.code != "unknown-name":  # resolve has reported those
                report.add(
                    error.code,
                    error.message,
                    error.span or argument_span(call, name),
                    notes=notes(),
                    help=error.help,
                )
        except Invalid as error:
            complete = False
            report.add(
                error.code, error.message, argument_span(call, name), notes=notes(), help=error.help
            )
    if not complete:
        return None
    for name, attribute in op.attributes.items():
        if attribute.kind == "padding" and values[name] == "half":
            if "kernel" not in values:
                report.add(
                    "wrong-type",
                    f"`half` needs a kernel, and `{op.name}` has none",
                    argument_span(call, name),
                    help="write a number",
                )
                return None
            values[name] = half(values["kernel"], values.get("dilation", (1, 1)))
    return op(values)


def half(kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int, int, int]:
    """`dilation * (kernel - 1) // 2` on each side."""
    height, width = (d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True))
    return height, height, width, width


def argument_span(call: Call, name: str) -> Span:
    """Where a call says the value of an attribute; the op's name where a default says it."""
    for argument in call.arguments:
        if argument.name.text == name:
            return argument.value.span or argument.name.span
    return call.callee.span


def _attribute_value(attribute: Attribute[Any], value: ArgumentValue, evaluate: Evaluate) -> Any:
    match attribute.kind:
        case "choice":
            if isinstance(value, Name) and value.name in attribute.choices:
                return value.name
            if isinstance(value, Constant) and value.value in attribute.choices:
                return value.value
            raise Undetermined  # resolve has reported it
        case "init":
            return _distribution(value, evaluate)
        case _ if isinstance(value, tree.Distribution):
            raise Undetermined
        case "padding" if isinstance(value, Constant) and value.value in ("same", "half"):
            return value.value
        case _:
            return attribute_value(attribute, evaluate(value))


def attribute_value(attribute: Attribute[Any], value: Value) -> Any:
    """Check a value against an attribute's kind and range, and normalise it; raises `Invalid`."""
    if value is None and attribute.optional:
        return None
    match attribute.kind:
        case "bool":
            if isinstance(value, bool):
                return value
        case "int":
            if isinstance(value, int) and not isinstance(value, bool):
                return _in_range(attribute, value)
        case "float":
            if isinstance(value, int | float) and not isinstance(value, bool):
                return float(_in_range(attribute, value))
        case "size":
            pair = value if isinstance(value, tuple) else (value, value)
            if len(pair) == 2 and all(_is_int(v) for v in pair):
                return tuple(_in_range(attribute, v) for v in pair)  # type: ignore[arg-type]
        case "padding":
            sides = value if isinstance(value, tuple) else (value, value)
            if len(sides) in (2, 4) and all(_is_int(v) for v in sides):
                checked = [_in_range(attribute, v) for v in sides]  # type: ignore[arg-type]
                return (
                    tuple(checked)
                    if len(sides) == 4
                    else (checked[0], checked[0], checked[1], checked[1])
                )
        case _:
            pass
    raise Invalid(
        "wrong-type",
        f"`{attribute.name}` must be {describe(attribute)}, not {show(value)}",
        _remedy(attribute, value),
    )


def _remedy(attribute: Attribute[Any], value: Value) -> str | None:
    if attribute.kind in ("int", "size", "padding") and isinstance(value, float):
        return "write `//` for a division without remainder, or `int(...)`"
    return None


def _is_int(value: Value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _in_range(attribute: Attribute[Any], value: Any) -> Any:
    low, high, above = attribute.minimum, attribute.maximum, attribute.above
    if low is not None and value < low:
        bound = f"at least {low:g}"
    elif above is not None and value <= above:
        bound = f"above {above:g}"
    elif high is not None and value > high:
        bound = f"at most {int(high) if high == int(high) else high}"
    else:
        return value
    raise Invalid("out-of-range", f"`{attribute.name}` must be {bound}, not {show(value)}")


def describe(attribute: Attribute[Any]) -> str:
    """What values an attribute takes, in words."""
    words = {
        "int": "a whole number",
        "float": "a number",
        "bool": "`true` or `false`",
        "size": "a whole number or a pair `[h, w]`",
        "padding": "a whole number, `[h, w]`, `[top, bottom, left, right]`, `half` or `same`",
        "choice": " or ".join(f"`{word}`" for word in attribute.choices),
        "init": "an initial distribution",
    }
    return words[attribute.kind] + (
        " or `null`" if attribute.optional and attribute.kind != "init" else ""
    )


def show(value: Value) -> str:
    """A value as a spec would write it."""
    match value:
        case None:
            return "`null`"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            if len(value) > 6:
                return f"a list of {len(value)}"
            return "[" + ", ".join(show(item).strip("`") for item in value) + "]"
        case str():
            return f"`{value}`"
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
            word, given = value.word.text, {name.text: v for name, v in value.arguments}
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

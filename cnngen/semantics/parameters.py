"""Parameters: the values of the model's, and whether a value is of the type that was declared."""

from cnngen.diagnostics.model import Report
from cnngen.expressions.evaluate import (
    UNDETERMINED,
    EvaluationError,
    MaybeValue,
    Undetermined,
    Unset,
    evaluate,
)
from cnngen.expressions.expression import Value
from cnngen.semantics.attributes import Invalid, is_whole, show
from cnngen.syntax.tree import Parameter, ParameterType, Spec

WORDS: dict[ParameterType, str] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "`true` or `false`",
    "ints": "a list of whole numbers",
    "floats": "a list of numbers",
    "bools": "a list of `true` and `false`",
    "size": "a whole number or a pair `[h, w]`",
    "tensor": "the name of a step",
}


def model_values(spec: Spec, report: Report) -> dict[str, MaybeValue]:
    """The values of the model's parameters."""
    values: dict[str, MaybeValue] = {}
    for parameter in spec.parameters:
        name = parameter.name.text
        assert parameter.default is not None
        try:
            values[name] = checked(parameter, evaluate(parameter.default, {}))
        except Undetermined:
            values[name] = UNDETERMINED
        except EvaluationError as error:
            values[name] = UNDETERMINED
            at = parameter.default.span or parameter.name.span
            report.add(error.code, error.message, at, help=error.help)
    return values


def checked(parameter: Parameter, value: MaybeValue) -> MaybeValue:
    """The value, if it is of the parameter's type; raises `Invalid` otherwise. A whole number is a
    number, too.
    """
    if isinstance(value, Unset) or not parameter.is_sound or fits(parameter.type, value):
        return value
    help = None
    if parameter.type in ("int", "ints", "size") and isinstance(value, float):
        help = "write `//` for a division without remainder, or `int(...)`"
    raise Invalid(
        "wrong-type",
        f"`{parameter.name.text}` must be {WORDS[parameter.type]}, not {show(value)}",
        help,
    )


def fits(type: ParameterType, value: Value) -> bool:
    match type:
        case "int":
            return is_whole(value)
        case "float":
            return is_whole(value) or isinstance(value, float)
        case "bool":
            return isinstance(value, bool)
        case "ints":
            return isinstance(value, tuple) and all(is_whole(item) for item in value)
        case "floats":
            return isinstance(value, tuple) and all(
                is_whole(item) or isinstance(item, float) for item in value
            )
        case "bools":
            return isinstance(value, tuple) and all(isinstance(item, bool) for item in value)
        case "size":
            pair = value if isinstance(value, tuple) and len(value) == 2 else (value,)
            return all(is_whole(item) for item in pair)
        case "tensor":
            return False

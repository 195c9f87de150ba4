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
from cnngen.expressions.expression import Expression, ListOf, Name, Record, Value
from cnngen.semantics.attributes import Invalid, is_whole, show, written
from cnngen.source import Span
from cnngen.syntax.tree import (
    NAMED,
    ArgumentValue,
    Distribution,
    Field,
    Parameter,
    ParameterType,
    Spec,
)

WORDS: dict[ParameterType, str] = {
    "int": "a whole number",
    "float": "a number",
    "bool": "`true` or `false`",
    "ints": "a list of whole numbers",
    "floats": "a list of numbers",
    "bools": "a list of `true` and `false`",
    "size": "a whole number or a pair `[h, w]`",
    "tensor": "the name of a step",
    "tensors": "a list of maps",
    "records": "a list of records",
    "op": "an op",
    "block": "a block",
}


def model_values(spec: Spec, report: Report) -> dict[str, MaybeValue]:
    """The values of the model's parameters, but for ops and blocks."""
    values: dict[str, MaybeValue] = {}
    for parameter in spec.parameters:
        name = parameter.name.text
        if parameter.type in NAMED:
            continue
        assert isinstance(parameter.default, Expression)
        try:
            values[name] = checked(parameter, evaluate(parameter.default, {}))
        except Undetermined:
            values[name] = UNDETERMINED
        except EvaluationError as error:
            values[name] = UNDETERMINED
            at = place(error, parameter.default) or parameter.name.span
            report.add(error.code, error.message, at, help=error.help)
    return values


def written_default(parameter: Parameter) -> str:
    """The default of a parameter without mistakes, as a spec writes it."""
    assert parameter.default is not None
    return _written(parameter.default)


def _written(value: ArgumentValue) -> str:
    match value:
        case Name(name=word):
            return word
        case Distribution(word=word, arguments=arguments):
            given = ", ".join(f"{name.text}: {_written(part)}" for name, part in arguments)
            return f"{{{word.text}: {{{given}}}}}"
        case _:
            return written(evaluate(value, {}))


def place(error: EvaluationError, value: Expression) -> Span | None:
    """Where a value is wrong: at an element, where the list is written out."""
    item = error.item if isinstance(error, Invalid) else None
    return value.items[item].span if isinstance(value, ListOf) and item is not None else value.span


def checked(parameter: Parameter, value: MaybeValue) -> MaybeValue:
    """The value, if it is of the parameter's type; raises `Invalid` otherwise. A whole number is a
    number, too.
    """
    if isinstance(value, Unset) or not parameter.is_sound or fits(parameter.type, value):
        return value
    if parameter.type == "records":
        return _records(parameter, value)
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
        case "tensor" | "tensors" | "records" | "op" | "block":
            return False


def _records(parameter: Parameter, value: Value) -> Value:
    """The value, if it is a list of records with the fields of a parameter."""
    name = parameter.name.text
    if not isinstance(value, tuple):
        raise Invalid("wrong-type", f"`{name}` must be {WORDS['records']}, not {show(value)}")
    for i, record in enumerate(value):
        if not isinstance(record, Record):
            message = f"`{name}` must be {WORDS['records']}, and {show(record)} is none"
            fields = ", ".join(f"{field}: ..." for field, _ in parameter.fields)
            raise Invalid("wrong-type", message, f"write `{{{fields}}}`", i)
        _check_record(record, parameter.fields, name, i)
    return value


def _check_record(record: Record, fields: tuple[Field, ...], name: str, item: int) -> None:
    given, types = dict(record.fields), dict(fields)
    missing = [f"`{field}`" for field in types if field not in given]
    extra = [f"`{field}`" for field in given if field not in types]
    takes = f"a record has {', '.join(f'`{field}`' for field in types)} here"
    if missing:
        raise Invalid("missing-key", f"a record of `{name}` lacks {missing[0]}", takes, item)
    if extra:
        raise Invalid("unknown-key", f"a record of `{name}` has no field {extra[0]}", takes, item)
    for field, type in fields:
        if not fits(type, given[field]):
            message = f"`{field}` must be {WORDS[type]}, not {show(given[field])}"
            raise Invalid("wrong-type", message, item=item)

"""Calls: whether an op or a block is given what it takes, and all that it is given."""

from collections.abc import Sequence

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.diagnostics.synonyms import DISTRIBUTIONS, translate
from cnngen.ops import OPS
from cnngen.ops.attribute import Attribute
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.attributes import describe, show
from cnngen.semantics.call_errors import (
    report_callee,
    report_missing,
    report_nameless,
    report_unknown_attribute,
    report_unknown_parameter,
)
from cnngen.semantics.names import Names, check_expression, guess, listed
from cnngen.source import Span
from cnngen.syntax.expression import Constant, Expression, Name
from cnngen.syntax.tree import Argument, ArgumentValue, Block, Call, Distribution, Identifier, Spec

PADDING_WORDS = (Constant("same"), Constant("half"))


def check_defaults(spec: Spec, names: Names, report: Report) -> None:
    """Check the attributes under `defaults`, whether or not an op is used."""
    for call in spec.defaults.values():
        callee, op = call.callee, OPS.get(call.callee.text)
        if op:
            _check_attributes(call, op, (), names, report)
        elif callee.text in spec.blocks:
            report.add(
                "unknown-op",
                f"`{callee.text}` is a block, and `defaults` are for ops",
                callee.span,
                help="give its parameters defaults where it is defined",
            )
        else:
            report_callee(callee, (), report)


def op_arguments(
    call: Call, op: type[Op], names: Names, defaults: Call | None, report: Report
) -> dict[str, ArgumentValue]:
    """All attributes of an op: what the call says, else the spec's defaults, else the op's own."""
    arguments = (*(defaults.arguments if defaults else ()), *call.arguments)
    given = {argument.name.text: argument.value for argument in arguments}
    missing = [n for n, a in op.attributes.items() if a.required and n not in given]
    meant = _check_attributes(call, op, missing, names, report)
    if given.keys() <= op.attributes.keys() | {argument.name.text for argument in call.arguments}:
        # Otherwise the defaults have an unknown attribute, which may be what is missing.
        report_missing(call, "missing-attribute", [n for n in missing if n not in meant], report)
    return {
        name: given.get(name, Constant(attribute.default))
        for name, attribute in op.attributes.items()
        if name not in missing
    }


def block_arguments(
    call: Call, block: Block, names: Names, report: Report
) -> dict[str, ArgumentValue]:
    """What a call gives to a block."""
    parameters = {parameter.name.text: parameter for parameter in block.parameters}
    names_given = {argument.name.text for argument in call.arguments}
    missing = [n for n, p in parameters.items() if p.default is None and n not in names_given]
    given: dict[str, ArgumentValue] = {}
    for argument in call.arguments:
        if not argument.name.text:
            report_nameless(argument, call, [*parameters], missing, report)
            missing = []
            continue
        parameter = parameters.get(argument.name.text)
        if parameter is None:
            meant = report_unknown_parameter(argument, block, missing, report)
            missing = [name for name in missing if name != meant]
            continue
        given[parameter.name.text] = value = argument.value
        if parameter.type == "tensor":
            if not isinstance(value, Name):
                _report_value(argument, "the name of a step or a stage", report)
        elif isinstance(value, Distribution):
            _report_value(argument, "a value, not a mapping", report)
        else:
            check_expression(value, names, report)
    report_missing(
        call, "missing-parameter", missing, report, [Label(block.name.span, "the block")]
    )
    return given


# --- Attributes of ops


def _check_attributes(
    call: Call, op: type[Op], missing: Sequence[str], names: Names, report: Report
) -> set[str]:
    """Check the names and values of attributes; gives those that unknown names may have meant."""
    meant: set[str] = set()
    for argument in call.arguments:
        if attribute := op.attributes.get(argument.name.text):
            _check_value(argument, attribute, op, names, report)
        elif argument.name.text:
            meant |= report_unknown_attribute(argument, call, op, missing, report)
        else:
            report_nameless(argument, call, [*op.attributes], missing, report)
            meant |= {*missing}
    return meant


def _check_value(
    argument: Argument, attribute: Attribute[object], op: type[Op], names: Names, report: Report
) -> None:
    """Check the words and names in the value of an attribute."""
    value = argument.value
    if attribute.kind == "choice":
        _check_choice(argument.name.text, value, attribute, report)
    elif attribute.kind == "init":
        _check_init(argument, op, names, report)
    elif isinstance(value, Distribution):
        _report_value(argument, "a value, not a mapping", report)
    elif attribute.kind == "padding" and isinstance(value, Name) and value.name == "valid":
        _report_value(argument, "a number or a word, and `valid` is none", report, "write `0`", "0")
    elif isinstance(value, Constant) and value in PADDING_WORDS:
        if attribute.kind != "padding":
            _report_value(argument, f"{describe(attribute)}, not {show(value.value)}", report)
    else:
        words = {"padding": ("half", "same"), "bool": ("true", "false")}
        check_expression(value, names, report, words=words.get(attribute.kind, ()))


def _report_value(
    argument: Argument, what: str, report: Report, help: str | None = None, meant: str | None = None
) -> None:
    at = argument.value.span or argument.name.span
    message = f"`{argument.name.text}` must be {what}"
    report.add("wrong-type", message, at, help=help, fix=respell(at, meant))


def _check_choice(
    name: str, value: ArgumentValue, attribute: Attribute[object], report: Report
) -> None:
    word = value.name if isinstance(value, Name) else ""
    if word not in attribute.choices and value.span:
        close = guess(word, attribute.choices, report)
        report.add(
            "wrong-type",
            f"`{name}` must be {listed(attribute.choices)}",
            value.span,
            help=f"did you mean `{close}`?" if close else None,
            fix=respell(value.span, close, attribute.choices),
        )


# --- Initial distributions


def _check_init(argument: Argument, op: type[Op], names: Names, report: Report) -> None:
    match argument.value:
        case Constant(value=None):
            return
        case Name(name=name, span=Span() as span):
            word, arguments = Identifier(name, span), ()
        case Distribution(word=word, arguments=arguments):
            pass
        case _:
            return _report_value(argument, "a distribution", report, "write, say, `he_normal`")
    known = INITIALIZERS.get(word.text)
    if known is None:
        meant = translate(word.text, DISTRIBUTIONS, INITIALIZERS)
        close = meant or guess(word.text, INITIALIZERS, report)
        fix = () if meant else respell(word.span, close, INITIALIZERS)  # `xavier` has two forms
        report.add(
            "wrong-type",
            f"there is no initial distribution `{word.text}`",
            word.span,
            help=f"did you mean `{close}`?" if close else f"there are {', '.join(INITIALIZERS)}",
            fix=fix,
        )
        return
    if known.fans and op.group == "normalization":
        report.add(
            "wrong-type",
            f"`{word.text}` is for convolutions and linear layers,"
            f" not for the scale of `{op.name}`",
            word.span,
            help=f"use {listed([word for word, other in INITIALIZERS.items() if not other.fans])}",
        )
    attributes = {attribute.name: attribute for attribute in known.arguments}
    for name, value in arguments:
        _check_init_argument(word.text, name, value, attributes, names, report)


def _check_init_argument(
    word: str,
    name: Identifier,
    value: Expression,
    attributes: dict[str, Attribute[object]],
    names: Names,
    report: Report,
) -> None:
    attribute = attributes.get(name.text)
    if attribute is None:
        close = translate(name.text, DISTRIBUTIONS, attributes) or guess(
            name.text, attributes, report
        )
        takes = f"it takes {', '.join(attributes) or 'no arguments'}"
        report.add(
            "unknown-attribute",
            f"`{word}` has no argument `{name.text}`",
            name.span,
            help=f"did you mean `{close}`?" if close else takes,
            fix=respell(name.span, close, attributes),
        )
    elif attribute.kind == "choice":
        _check_choice(name.text, value, attribute, report)
    else:
        check_expression(value, names, report)

"""Calls: whether an op or a block is given all that it needs, and nothing else."""

from collections.abc import Sequence
from dataclasses import replace

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.diagnostics.synonyms import DISTRIBUTIONS, translate
from cnngen.expressions.expression import Conditional, Constant, Expression, Name
from cnngen.ops import OPS
from cnngen.ops.attribute import PADDING_WORDS, Attribute
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.attributes import describe, show
from cnngen.semantics.definitions import Definitions, check_expression, check_part, guess, listed
from cnngen.semantics.explanations.call_errors import (
    report_default_callee,
    report_input_as_argument,
    report_missing,
    report_nameless,
    report_unknown_attribute,
    report_unknown_parameter,
)
from cnngen.semantics.explanations.word_choice import report_word
from cnngen.semantics.map_lists import are_maps, check_index, check_maps, names_in
from cnngen.semantics.walk import value_expressions
from cnngen.semantics.words import chooses_word
from cnngen.source import Span
from cnngen.syntax.parse_value import PART, item_of
from cnngen.syntax.tree import (
    NAMED,
    Argument,
    ArgumentValue,
    Block,
    Call,
    Distribution,
    Identifier,
    Spec,
    is_unread,
)

PADDING = tuple(map(Constant, PADDING_WORDS))
UNREAD = Name("")
INPUT = "input"


Given = dict[str, ArgumentValue]  # by name; a value of unknown purpose has an empty one


def check_defaults(spec: Spec, names: Definitions, report: Report) -> dict[str, Given]:
    """Check the attributes under `defaults`, those of unused ops too; gives them by op."""
    given: dict[str, Given] = {}
    for call in spec.defaults.values():
        callee, op = call.callee, OPS.get(call.callee.text)
        if not callee.text:
            given[""] = {"": UNREAD}
        elif op:
            given.setdefault(op.name, {}).update(_check_default(call, op, names, report))
        elif callee.text in spec.blocks:
            report.add(
                "unknown-op",
                f"`{callee.text}` is a block, and `defaults` are for ops",
                callee.span,
                help="give its parameters defaults where it is defined",
            )
        elif op := OPS.get(report_default_callee(callee, report)):
            given.setdefault(op.name, {}).update(_check_default(call, op, names, report))
    return given


def _check_default(call: Call, op: type[Op], names: Definitions, report: Report) -> Given:
    """Other defaults for an op, which name no tensors: these are others at each place."""
    for argument in call.arguments:
        if argument.name.text in op.tensors:
            name = argument.name.text
            report.add(
                "unknown-attribute",
                f"`{name}` names a tensor, so it has no default",
                argument.name.span,
                help=f"write it where `{op.name}` is a step",
            )
    rest = tuple(each for each in call.arguments if each.name.text not in op.tensors)
    return _check_attributes(replace(call, arguments=rest), op, (), names, report)


def op_arguments(
    call: Call,
    op: type[Op],
    names: Definitions,
    defaults: Given,
    report: Report,
    *,
    is_value: bool = False,
) -> Given:
    """All attributes of an op: what the call says, else the spec's defaults, else the op's own. It
    may be named as a value, and not be a step.
    """
    said = {argument.name.text for argument in call.arguments} | defaults.keys()
    required = [name for name, attribute in op.attributes.items() if attribute.required]
    likely = [name for name in required if name not in said]
    given = defaults | _check_attributes(call, op, likely, names, report)
    missing = [name for name in required if name not in given]
    if "" not in given:
        report_missing(call, op.name, "missing-attribute", missing, report, is_value=is_value)
    lost = is_unread(given.get(""))
    return {
        name: given.get(name, UNREAD if attribute.required or lost else Constant(attribute.default))
        for name, attribute in op.attributes.items()
    }


def block_arguments(call: Call, block: Block, names: Definitions, report: Report) -> Given:
    """What a call gives to a block."""
    parameters = {parameter.name.text: parameter for parameter in block.parameters}
    names_given = {argument.name.text for argument in call.arguments}
    missing = [n for n, p in parameters.items() if p.default is None and n not in names_given]
    given: Given = {}
    for argument in call.arguments:
        name, value = argument.name.text, argument.value
        if not name and not is_unread(value):
            report_nameless(argument, call, [*parameters], missing, report)
            name = missing[0] if len(missing) == 1 else ""
        elif name == INPUT:
            report_input_as_argument(argument, call, report)
            continue
        elif name and name not in parameters and "" not in parameters:
            name = report_unknown_parameter(argument, block, missing, report)
        parameter = parameters.get(name)
        if parameter is None or name in given:
            missing = missing if name else []  # this may be what is missing
            for expression in value_expressions(argument.value):
                check_part(expression, names, report)
            continue
        missing = [other for other in missing if other != name]
        given[name] = value
        if parameter.type == "tensor":
            given[parameter.name.text] = _tensor_name(argument, names, report)
        elif parameter.type in NAMED or not parameter.is_sound:
            continue  # `OpReader` or `BlockReader` reads the first; of the second, nobody knows
        elif isinstance(value, Distribution):
            _report_value(argument, "a value, not a mapping", report)
        elif parameter.type == "tensors":
            check_maps(value, names, report)
        else:
            kind = "records" if parameter.type == "records" else "numbers"
            check_expression(value, names, report, kind=kind if parameter.is_sound else "either")
            if "" in (names.fields_of(value) or ()):
                given[name] = UNREAD  # which was reported
    label = Label(block.name.span, "the block")
    report_missing(call, call.callee.text, "missing-parameter", missing, report, [label])
    return given


def _tensor_name(argument: Argument, names: Definitions, report: Report) -> ArgumentValue:
    """The value of an argument that names a tensor, one of a list of them, or another part of one,
    which later passes report.
    """
    value = argument.value
    if (item := item_of(value)) is not None:
        check_index(item, names, report)
        return value
    if value.span and PART.fullmatch(value.span.text):
        return Name(value.span.text, value.span)
    if isinstance(value, Constant) and isinstance(value.value, str):  # a stage `same`
        return Name(value.value, value.span)
    if not isinstance(value, Name):
        help = None
        if isinstance(value, Expression) and are_maps(value, names):
            one = next(names_in(value)).text
            help = f"these are several: name one, such as `{one}`, or let a block take `tensors`"
        _report_value(argument, "the name of a step or a stage", report, help)
        return UNREAD
    return value


# --- Attributes of ops


def _check_attributes(
    call: Call, op: type[Op], missing: Sequence[str], names: Definitions, report: Report
) -> Given:
    """Check the names and values of attributes. Gives the value of each; one under a misspelt name
    counts for the attribute that was meant.
    """
    given: Given = {}
    said = {argument.name.text for argument in call.arguments}
    for argument in call.arguments:
        name: str | None = argument.name.text
        if not name and not is_unread(argument.value):
            report_nameless(argument, call, [*op.attributes], missing, report)
            name = missing[0] if len(missing) == 1 else ""
        elif name and name not in op.attributes:
            name = report_unknown_attribute(argument, call, op, missing, report)
            name = None if name in said or name in given else name
        if name is None:
            continue
        if attribute := op.attributes.get(name):
            meant = argument
            if name != argument.name.text:
                meant = replace(argument, name=replace(argument.name, text=name))
            if attribute.kind == "tensor":
                given[name] = _tensor_name(meant, names, report)
                continue
            if chooses_word(attribute, argument.value):
                given[name] = _check_words(meant, attribute, op, names, report)
                continue
            words = INITIALIZERS if attribute.kind == "init" else attribute.choices
            if report_word(meant, words, report):
                given[name] = UNREAD
                continue
            _check_value(meant, attribute, op, names, report)
        given[name] = argument.value
    return given


def _check_words(
    argument: Argument,
    attribute: Attribute[object],
    op: type[Op],
    names: Definitions,
    report: Report,
) -> ArgumentValue:
    """Check a choice between words, or a word and other values; gives it, if it can be read."""
    value = argument.value
    if not isinstance(value, Conditional):
        words = INITIALIZERS if attribute.kind == "init" else attribute.choices
        if report_word(argument, words, report):
            return UNREAD
        _check_value(argument, attribute, op, names, report)
        return value
    check_expression(value.test, names, report)
    parts = [replace(argument, value=part) for part in (value.then, value.otherwise)]
    read = [_check_words(part, attribute, op, names, report) for part in parts]
    return UNREAD if UNREAD in read else value


def _check_value(
    argument: Argument,
    attribute: Attribute[object],
    op: type[Op],
    names: Definitions,
    report: Report,
) -> None:
    """Check the words and names in the value of an attribute."""
    value = argument.value
    if is_unread(value):
        return
    if attribute.kind == "choice":
        _check_choice(argument.name.text, value, attribute, report)
    elif attribute.kind == "init":
        _check_init(argument, op, names, report)
    elif isinstance(value, Distribution):
        _report_value(argument, "a value, not a mapping", report)
    elif attribute.kind == "padding" and isinstance(value, Name) and value.name == "valid":
        _report_value(argument, "a number or a word, and `valid` is none", report, "write `0`", "0")
    elif isinstance(value, Constant) and value in PADDING:
        if attribute.kind != "padding":
            _report_value(argument, f"{describe(attribute)}, not {show(value.value)}", report)
    else:
        words = ("true", "false") if attribute.kind == "bool" else attribute.choices
        check_expression(value, names, report, words=words)


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
            fix=respell(value.span, close, attribute.choices, closed=True),
        )


# --- Initial distributions


def _check_init(argument: Argument, op: type[Op], names: Definitions, report: Report) -> None:
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
        fix = (
            () if meant else respell(word.span, close, INITIALIZERS, closed=True)
        )  # `xavier` has two forms
        report.add(
            "wrong-type",
            f"there is no initial distribution `{word.text}`",
            word.span,
            help=f"did you mean `{close}`?" if close else f"there are {', '.join(INITIALIZERS)}",
            fix=fix,
        )
        return
    if known.fans and op.drawn and op.drawn.scale:
        report.add(
            "wrong-type",
            f"`{word.text}` is for convolutions and linear layers,"
            f" not for the scale of `{op.name}`",
            word.span,
            help=f"use {listed([word for word, other in INITIALIZERS.items() if not other.fans])}",
        )
    attributes = {attribute.name: attribute for attribute in known.arguments}
    for name, value in arguments:
        if isinstance(value, Distribution):
            _report_value(Argument(name, value), "a value, not a mapping", report)
            continue
        _check_init_argument(word.text, name, value, attributes, names, report)


def _check_init_argument(
    word: str,
    name: Identifier,
    value: Expression,
    attributes: dict[str, Attribute[object]],
    names: Definitions,
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
            fix=respell(name.span, close, attributes, closed=True),
        )
    elif attribute.kind == "choice":
        _check_choice(name.text, value, attribute, report)
    else:
        check_expression(value, names, report)

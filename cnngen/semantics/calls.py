"""Calls: whether an op or a block is given what it takes, and all that it is given."""

from collections.abc import Collection, Iterable
from itertools import chain

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell
from cnngen.diagnostics.synonyms import ATTRIBUTES, DISTRIBUTIONS, is_inferred, translate
from cnngen.diagnostics.synonyms import OPS as OTHER_OPS
from cnngen.diagnostics.terminal import one_line
from cnngen.ops import OPS
from cnngen.ops.attribute import Attribute
from cnngen.ops.base import Op
from cnngen.ops.initializer import INITIALIZERS
from cnngen.semantics.names import Names, check_expression, guess, listed
from cnngen.source import Span
from cnngen.syntax.expression import Constant, Expression, Name
from cnngen.syntax.fixes import remove_entry
from cnngen.syntax.tree import Argument, ArgumentValue, Block, Call, Distribution, Identifier, Spec

BESIDE = ("name", "from")  # what a step says beside its op
PADDING_WORDS = (Constant("same"), Constant("half"))


def report_callee(callee: Identifier, blocks: Collection[str], report: Report) -> None:
    """A step names neither an op nor a block."""
    name = callee.text
    meant = translate(name, OTHER_OPS, OPS)
    close = meant or guess(name, chain(OPS, blocks), report)
    fix = respell(callee.span, close, () if meant or close is None else (*OPS, *blocks))
    if name[:1].isupper():
        code, message = "unknown-block", f"the spec defines no block `{name}`"
        use = f", or use {listed(blocks)}" if blocks else ""
        help = f"define it: `blocks: {{{name}: {{about: ..., body: ...}}}}`{use}"
    else:
        code, message = "unknown-op", f"there is no op `{name}`"
        help = "`cnngen ops` lists all ops"
    help = f"did you mean `{close}`?" if close else help
    report.add(code, message, callee.span, help=help, fix=fix)


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
        _report_missing(call, "missing-attribute", [n for n in missing if n not in meant], report)
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
        parameter = parameters.get(argument.name.text)
        if parameter is None:
            meant = _report_unknown(argument, block, missing, report)
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
    _report_missing(
        call, "missing-parameter", missing, report, [Label(block.name.span, "the block")]
    )
    return given


def _report_missing(
    call: Call, code: str, missing: list[str], report: Report, labels: Iterable[Label] = ()
) -> None:
    if missing:
        callee = call.callee.text
        added = ", ".join(f"{name}: ..." for name in missing)
        report.add(
            code,
            f"`{callee}` needs {listed(missing, 'and')}",
            call.callee.span,
            secondary=labels,
            help=f"add `{added}`" if call.arguments else f"write `{callee}: {{{added}}}`",
        )


def _report_unknown(argument: Argument, block: Block, missing: list[str], report: Report) -> str:
    """A call gives a block what it does not take; the parameter that may have been meant."""
    name, parameters = argument.name.text, [p.name.text for p in block.parameters]
    close = translate(name, ATTRIBUTES, parameters) or guess(name, parameters, report)
    if not close and len(missing) == 1:
        close = missing[0]
    report.add(
        "unknown-parameter",
        f"`{block.name.text}` has no parameter `{name}`",
        argument.name.span,
        secondary=[Label(block.name.span, f"it takes {listed(parameters, 'and') or 'none'}")],
        help=f"did you mean `{close}`?"
        if close
        else "remove it, or add it to the block's `params`",
        fix=respell(argument.name.span, close, parameters),
    )
    return close or ""


# --- Attributes of ops


def _check_attributes(
    call: Call, op: type[Op], missing: Collection[str], names: Names, report: Report
) -> set[str]:
    """Check the names and values of attributes; gives those that unknown names may have meant."""
    meant: set[str] = set()
    takes = f"it takes {', '.join(op.attributes) or 'no attributes'}"
    for argument in call.arguments:
        name = argument.name.text
        if attribute := op.attributes.get(name):
            _check_value(argument, attribute, op, names, report)
            continue
        if is_inferred(name):
            _report_inferred(argument, call, takes, report)
            continue
        synonym = translate(name, ATTRIBUTES, op.attributes)
        close = synonym or guess(name, op.attributes, report)
        report.add(
            "unknown-attribute",
            f"`{op.name}` has no attribute `{name}`",
            argument.name.span,
            secondary=[Label(call.callee.span, takes)],
            help=f"did you mean `{close}`?" if close else _instead(argument, call, missing),
            fix=respell(argument.name.span, close, () if synonym else op.attributes),
        )
        meant |= {close} if close else set(missing)
    return meant


def _report_inferred(argument: Argument, call: Call, takes: str, report: Report) -> None:
    """An attribute that other frameworks need and cnngen knows."""
    name, value = argument.name, argument.value.span
    report.add(
        "unknown-attribute",
        f"`{call.callee.text}` has no attribute `{name.text}`",
        name.span,
        secondary=[Label(call.callee.span, takes)],
        help="remove it: cnngen infers it",
        fix=remove_entry(name.span, value.end) if value else (),
    )


def _instead(argument: Argument, call: Call, missing: Collection[str]) -> str:
    """What to do about an attribute that resembles none."""
    name, callee = argument.name.text, call.callee.text
    if name in BESIDE:
        value = argument.value.span.text if argument.value.span else "..."
        return f"write it beside `{callee}`: `{{{callee}: {{...}}, {name}: {one_line(value)}}}`"
    return f"it needs {listed(missing, 'and')}: write that instead" if missing else "remove it"


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
    elif not (attribute.kind == "padding" and value in PADDING_WORDS):
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

"""Parameters of blocks and of the model, from YAML nodes."""

import re
from collections.abc import Collection
from typing import get_args

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.diagnostics.synonyms import OPS as OTHER_OPS
from cnngen.diagnostics.synonyms import TYPES as OTHER_TYPES
from cnngen.diagnostics.synonyms import translate
from cnngen.expressions.expression import Constant, Expression, InputChannels, ListOf, Name, walk
from cnngen.ops import OPS
from cnngen.source import Span
from cnngen.syntax.default_type import common, default_type
from cnngen.syntax.parse_op import is_op, may_be_op, parse_op
from cnngen.syntax.parse_records import are_records, parse_types, types_of_fields
from cnngen.syntax.parse_value import (
    LONGEST_TEXT,
    RECORDS,
    entries,
    mapping,
    parse_new_name,
    parse_records,
    read_value,
    wrong_kind,
)
from cnngen.syntax.tree import (
    ArgumentValue,
    Distribution,
    Identifier,
    Parameter,
    ParameterType,
    unread,
)
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, brief, is_null

TYPES: tuple[ParameterType, ...] = tuple(t for t in get_args(ParameterType) if t != "records")
MOST_PARAMETERS = 100
INPUT = "input"  # what a block is given
TENSORS: ParameterType = "tensors"
ROW = "[{width: 16, stride: 1}]"
COMMENT = re.compile(r"[ \t]*(?:,[ \t]*)?#[ \t]*([^\n]*)")


def parse_parameters(
    node: Node | None, report: Report, *, in_block: bool, blocks: Collection[str] = ()
) -> tuple[Parameter, ...]:
    """The parameters; one whose default or type cannot be read keeps at least its name. `blocks`
    are the names of those of the file.
    """
    example = "write `params: {depth: 2}`"
    if node and not is_null(node) and not isinstance(node, Mapping):
        mapping(node, "`params`", report, example)
        return (unread_parameter(node.span),)
    parameters: list[Parameter] = []
    given = entries(node, "`params`", example, report)
    if len(given) > MOST_PARAMETERS:
        report.add(
            "too-large",
            f"there are more than {MOST_PARAMETERS} parameters",
            given[MOST_PARAMETERS][0].span,
            help="use lists, such as `depths: [3, 4, 6, 3]`",
        )
    for key, value in given[:MOST_PARAMETERS]:
        if in_block and key.text == INPUT:
            parameters += _parse_input(key, value, report)
        else:
            name = parse_new_name(key, "parameter", report)
            parameters.append(parse_parameter(name, value, in_block, report, blocks))
    return tuple(parameters)


def _parse_input(key: Scalar, value: Node, report: Report) -> list[Parameter]:
    """What `input: tensors` says of a block: that it is given a list of maps. Nothing else can be
    said there.
    """
    word = value.text if isinstance(value, Scalar) else ""
    likely = word.startswith(("tensor", "list", "maps")) or suggest(word, (TENSORS,)) is not None
    meant = likely and word != "tensor"
    if word != TENSORS:
        report.add(
            "wrong-type",
            "`input` is what a block is given: one map, or with `input: tensors` a list of them",
            value.span,
            help=f"did you mean `{TENSORS}`?"
            if meant
            else "write `input: tensors` if that is a list, or remove it",
            fix=respell(value.span, TENSORS if meant else None),
        )
    return [Parameter(Identifier(key.text, key.span), TENSORS)] if meant else []


def is_input(parameter: Parameter) -> bool:
    return parameter.name.text == INPUT and parameter.type == TENSORS


def unread_parameter(at: Span) -> Parameter:
    """What stands for parameters that could not be read, names included."""
    return _unsound(Identifier("", at), unread(at))


def _unsound(name: Identifier, default: Expression) -> Parameter:
    """A parameter with a mistake that was reported."""
    return Parameter(name, "int", default, is_sound=False)


def parse_parameter(
    name: Identifier, value: Node, in_block: bool, report: Report, blocks: Collection[str] = ()
) -> Parameter:
    if isinstance(value, Sequence) and are_records(value):
        return _parse_records(name, value, in_block, report)
    about = _parse_comment(name.span, value.span, report)
    word = value.text if isinstance(value, Scalar) else ""
    shown = brief(name.text)
    if word in TYPES:
        if in_block:
            return Parameter(name, next(t for t in TYPES if t == word), None, about)
        example = {"op": "relu", "block": next(iter(blocks), "Basic")}.get(word, "2")
        help = f"write a value, such as `{shown}: {example}`"
        _report_type_of_model(name, value, help, report)
        return _unsound(name, unread(value.span))
    if word == "records":
        report.add(
            "wrong-kind",
            f"`{shown}` says nothing of the fields of its records",
            value.span,
            help=f"write `{shown}: [{{width: int, stride: int}}]`",
        )
        return _unsound(name, unread(value.span))
    if is_null(value):
        _report_nothing(name, in_block, report)
        return _unsound(name, unread(value.span))
    if _is_block(word, blocks):
        return Parameter(name, "block", Name(word, value.span), about)
    match value:
        case Mapping(entries=((key, _),)) if key.text in blocks:
            help = f"write `{shown}: {key.text}`; what it takes stands where `{shown}` is a step"
            wrong_kind(value, f"`{shown}` is given a block by its name alone", report, help)
            return _unsound(name, unread(value.span))
        case _:
            pass
    if is_op(value) or (not _is_near_type(word, in_block) and may_be_op(value)):
        return _parse_op(name, value, about, report)
    if isinstance(value, Mapping):
        row = value.span.text
        help = f"write a list of records: `{shown}: [{row}]`" if brief(row) == row else RECORDS
        wrong_kind(value, f"`{shown}` must be an expression", report, help)
        return _unsound(name, unread(value.span))
    default = read_value(value, f"`{shown}`", report)
    if not is_constant(default, report, or_type=in_block):
        return _unsound(name, unread(value.span))
    type = default_type(default)
    if type is None:
        _report_default(shown, default, value, report)
        return _unsound(name, default)
    return Parameter(name, type, default, about)


def _report_nothing(name: Identifier, in_block: bool, report: Report) -> None:
    shown = brief(name.text)
    said, help = f"`{shown}` has no default", f"write `{shown}: 2`"
    if in_block:
        said = f"`{shown}` has neither default nor type"
        help += f", or `{shown}: int` where it must be given"
    report.add("wrong-kind", said, name.span, help=help)


def _is_block(word: str, blocks: Collection[str]) -> bool:
    """Whether a word is a block, or is most likely misspelt for one."""
    if word in blocks:
        return True
    is_class = word[:1].isupper() and translate(word, OTHER_OPS, OPS) is None
    return is_class and suggest(word, OPS) is None and suggest(word, blocks) is not None


def _is_near_type(word: str, in_block: bool) -> bool:
    """Whether a word most likely means a type."""
    if not in_block:
        return False
    return bool(translate(word, OTHER_TYPES, TYPES) or suggest(word, TYPES))


def _parse_op(name: Identifier, value: Node, about: str, report: Report) -> Parameter:
    """A parameter that is an op, whose attributes are constants."""
    default = parse_op(name.text, value, report)
    if default is None or not _are_constants(default, report):
        return _unsound(name, unread(value.span))
    if name.text in OPS:
        report.add(
            "name-clash",
            f"`{name.text}` is an op, and a step of this name could not be the parameter",
            name.span,
            help="call it after what it does: `act`, `norm`",
        )
        return _unsound(name, unread(value.span))
    return Parameter(name, "op", default, about)


def _are_constants(op: ArgumentValue, report: Report) -> bool:
    """Whether the attributes of an op are constants; a word may be one that it knows."""
    if not isinstance(op, Distribution):
        return True
    return all(
        _are_constants(value, report)
        if isinstance(value, Distribution)
        else is_constant(value, report, of_op=True)
        for _, value in op.arguments
    )


def _report_default(shown: str, default: Expression, value: Node, report: Report) -> None:
    """Report a default of no type that a parameter can have."""
    if isinstance(default, ListOf) and _report_mixed(shown, default, report):
        return
    report.add(
        "wrong-type",
        f"the default of `{shown}` must be a number, `true` or `false`, or a list of them",
        value.span,
        help=RECORDS if isinstance(default, ListOf) else None,
    )


def _report_mixed(shown: str, default: ListOf, report: Report) -> bool:
    """Report a list whose elements are of several types, and whether it is one."""
    first, *others = default.items
    wanted = default_type(first)
    for item in others:
        type = default_type(item)
        both = common(wanted, type)
        labels = [
            Label(part.span, f"of type {named}")
            for part, named in ((first, wanted), (item, type))
            if part.span and named
        ]
        if default.span and len(labels) == 2 and both is None:
            truths = [_truth(item) for item in default.items]
            report.add(
                "wrong-type",
                f"the elements of `{shown}` are of several types",
                default.span,
                secondary=labels,
                help=f"values of one thing are a record: write `{ROW}`"
                if None in truths
                else f"write `[{', '.join(map(str, truths))}]`",
            )
            return True
        wanted = both
    return False


def _truth(item: Expression) -> str | None:
    """`true` for what may have been meant for it."""
    match item:
        case Constant((bool() | 0 | 1) as value):
            return str(bool(value)).lower()
        case _:
            return None


def _report_type_of_model(name: Identifier, value: Node, help: str, report: Report) -> None:
    message = f"`{brief(name.text)}` is a parameter of the model and needs a default"
    report.add("wrong-kind", message, value.span, help=help)


def _parse_records(name: Identifier, value: Sequence, in_block: bool, report: Report) -> Parameter:
    """A parameter that is a list of records."""
    about = _parse_comment(name.span, value.span, report, rows=True)
    fields = parse_types(value, report)
    if fields and in_block:
        return Parameter(name, "records", None, about, fields=fields)
    if fields:
        _report_type_of_model(name, value, RECORDS, report)
    if fields is not None:
        return _unsound(name, unread(value.span))
    records = parse_records(value, report)
    if records and is_constant(records, report) and (fields := types_of_fields(records, report)):
        return Parameter(name, "records", records, about, fields=fields)
    return _unsound(name, unread(value.span))


def is_constant(
    default: Expression, report: Report, *, or_type: bool = False, of_op: bool = False
) -> bool:
    """Whether a default is a constant expression; otherwise it is reported. A type may have been
    meant. An attribute `of_op` may be a word, too.
    """
    for part, _ in walk(default):
        match part:
            case Name() | Constant(value=str()) if of_op and part is default:
                return True
            case Name(name=""):
                return False
            case Name(name=name, span=Span() as span):
                is_type = or_type and part is default
                meant = translate(name, OTHER_TYPES, TYPES) if is_type else None
                guess = meant or (suggest(name, TYPES) if is_type else None)
                report.add(
                    "unknown-name",
                    f"a default is a constant, and `{brief(name)}` is a name",
                    span,
                    help=f"did you mean the type `{guess}`?"
                    if guess
                    else "write a number, `true`, `false` or a list of them"
                    + (", or the word of an op" if is_type else ""),
                    fix=respell(span, guess, () if meant else TYPES, closed=True),
                )
                return False
            case Constant(value=str() as word, span=Span() as span):
                report.add(
                    "wrong-type",
                    f"a default is a constant, and the word `{word}` has no value",
                    span,
                    help="write a number, `true`, `false` or a list of them",
                )
                return False
            case InputChannels(span=Span() as span):
                report.add(
                    "unknown-name", "a default is a constant, without `input.channels`", span
                )
                return False
            case _:
                pass
    return True


def _parse_comment(key: Span, value: Span, report: Report, *, rows: bool = False) -> str:
    """The comment behind a parameter; behind its key where the value begins on another line. What
    is behind the last of such `rows` is about that.
    """
    text = value.source.text
    apart = "\n" in text[key.end : value.start]
    found = None if rows and apart else COMMENT.match(text, value.end)
    if not found and apart:
        found = COMMENT.match(text, key.end + 1)
    about = " ".join(found[1].split()) if found else ""
    if found and len(about) > LONGEST_TEXT:
        report.add(
            "too-large",
            f"the comment of a parameter has more than {LONGEST_TEXT} characters",
            Span(value.source, found.start(1), found.end(1)),
            help="put a longer text on lines of its own",
        )
        return ""
    return about

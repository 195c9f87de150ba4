"""Records: the fields of a parameter that is a list of them, and of which type each is."""

from collections.abc import Sequence
from typing import get_args

from cnngen.diagnostics.model import Label, Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.diagnostics.synonyms import TYPES as OTHER_TYPES
from cnngen.diagnostics.synonyms import translate
from cnngen.expressions.expression import Expression, ListOf, RecordOf
from cnngen.source import Span
from cnngen.syntax.default_type import ELEMENT, common, default_type
from cnngen.syntax.naming import check_name
from cnngen.syntax.tree import Field, Identifier, ParameterType
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, brief
from cnngen.syntax.yaml_nodes import Sequence as List

FIELD_TYPES: tuple[ParameterType, ...] = tuple(
    type
    for type in get_args(ParameterType)
    if type not in ("tensor", "tensors", "records", "op", "block")
)


def are_records(node: Node) -> bool:
    return isinstance(node, List) and any(isinstance(item, Mapping) for item in node.items)


def parse_types(node: Node, report: Report) -> tuple[Field, ...] | None:
    """The fields of records that must be given: `[{width: int, stride: int}]`. None where the list
    is a default; an empty tuple after a mistake.
    """
    record, *others = node.items if isinstance(node, List) else (node,)
    if not isinstance(record, Mapping):
        return None
    words = {key.text: _word(value) for key, value in record.entries}
    if not any(word in FIELD_TYPES for word in words.values()):
        return None
    if others:
        report.add(
            *("wrong-kind", "the types of fields are said once", others[0].span),
            help="remove this: a list of one record with types stands for lists of any length",
        )
        return ()
    fields: list[Field] = []
    for key, value in record.entries:
        word: ParameterType | None = next((t for t in FIELD_TYPES if t == words[key.text]), None)
        if not check_name(Identifier(key.text, key.span), "field", report):
            return ()
        if word is None:
            meant = translate(words[key.text], OTHER_TYPES, FIELD_TYPES)
            close = meant or suggest(words[key.text], FIELD_TYPES)
            report.add(
                "wrong-type",
                f"`{brief(key.text)}` has no type, as the other fields have",
                value.span,
                help=f"did you mean `{close}`?" if close else f"there are {', '.join(FIELD_TYPES)}",
                fix=respell(value.span, close, FIELD_TYPES, closed=True),
            )
            return ()
        fields.append((key.text, word))
    return tuple(fields)


def _word(node: Node) -> str:
    return node.text if isinstance(node, Scalar) else ""


def types_of_fields(records: ListOf, report: Report) -> tuple[Field, ...] | None:
    """What types the fields have; None after a mistake."""
    columns: dict[str, list[Expression]] = {}
    for record in records.items:
        for name, value in record.fields if isinstance(record, RecordOf) else ():
            columns.setdefault(name, []).append(value)
    found: list[Field] = []
    for name, column in columns.items():
        if (type := _type(name, column, report)) is not None:
            found.append((name, type))
    return tuple(found) if len(found) == len(columns) else None


def _type(name: str, column: Sequence[Expression], report: Report) -> ParameterType | None:
    """The type of a field, which has the values of all records."""
    found: ParameterType | None = None
    ordered = sorted(column, key=_is_empty)
    for value in ordered:
        type = default_type(value)
        if _is_empty(value) and found in ELEMENT:
            continue  # a list without elements is one of every type
        both = type if found is None else _both(found, type)
        if both is None:
            _report_type(name, value, type, found, ordered[0].span, report)
            return None
        found = both
    return found


def _is_empty(value: Expression) -> bool:
    return isinstance(value, ListOf) and not value.items


def _both(a: ParameterType, b: ParameterType | None) -> ParameterType | None:
    """The type that has the values of both: of a number and a pair, that of sizes."""
    return common(a, b) or ("size" if {a, b} <= {"int", "ints", "size"} else None)


def _report_type(
    name: str,
    value: Expression,
    type: ParameterType | None,
    found: ParameterType | None,
    first: Span | None,
    report: Report,
) -> None:
    at = value.span
    if at is None:
        return
    if type is None:
        message = f"the field `{name}` must be a number, `true` or `false`, or a list of them"
        report.add("wrong-type", message, at)
        return
    labels = [Label(first, f"this is of type {found}")] if first else []
    message = f"`{name}` is of another type here than in other records"
    report.add(
        *("wrong-type", message, at, f"this is of type {type}"),
        secondary=labels,
        help="a field has one type in all records",
    )

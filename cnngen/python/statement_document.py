"""Statements, and the heads of compound ones -> documents, with the parentheses that `ruff format`
adds around values that are too long.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from cnngen.python.document import SOFT, Doc, Either, Indent, group, parenthesize_broken, separate
from cnngen.python.flat import flat
from cnngen.python.node_document import (
    Operand,
    Place,
    arguments,
    expression,
    flattened,
    plain,
)
from cnngen.python.nodes import (
    Assign,
    Attribute,
    Augment,
    Binary,
    Call,
    Class,
    Conditional,
    Display,
    Do,
    Function,
    Import,
    Name,
    Node,
    Number,
    Parameter,
    Raise,
    Return,
    String,
    Subscript,
    Unary,
    Verbatim,
)
from cnngen.python.precedence import ATOM, CONDITIONAL, OR, unary_level
from cnngen.python.scan import Bracketed, pieces
from cnngen.python.verbatim import read

Valued: TypeAlias = Assign | Augment | Do | Return | Raise
Simple: TypeAlias = Valued | Import


def simple(statement: Simple) -> Doc:
    """Lay out a statement without a body."""
    match statement:
        case Do(Call() as value):
            return plain(value, Place.OPEN)
        case Import(module, ()):
            return f"import {module}"
        case Import(module, names):
            items = parenthesize_broken(separate(names, trailing=True))
            return (f"from {module} import ", items)
        case _:
            return (_start(statement), value_document(statement.value))


def flat_statement(statement: Valued) -> str:
    """A statement on one line."""
    return _start(statement) + flat(statement.value)


def _start(statement: Valued) -> str:
    """What stands before the value of a statement."""
    match statement:
        case Assign((target,), annotation=annotation) if annotation:
            return f"{flat(target)}: {annotation} = "
        case Assign(targets):
            return "".join(f"{flat(target)} = " for target in targets)
        case Augment(target, operator):
            return f"{flat(target)} {operator}= "
        case Return():
            return "return "
        case Raise():
            return "raise "
        case Do():
            return ""


def if_head(word: str, test: Node | None) -> Doc:
    return "else:" if test is None else (f"{word} ", value_document(test), ":")


def for_head(target: Node, iterable: Node) -> Doc:
    return ("for ", value_document(target), " in ", value_document(iterable), ":")


def class_head(made: Class) -> Doc:
    return (f"class {made.name}", arguments(made.bases) if made.bases else "", ":")


def function_head(function: Function) -> Doc:
    """Break the parameters first, and what is returned only if that is not enough."""
    returns = _returned(read(function.returns)) if function.returns else ""
    tail = (") -> ", returns, ":") if function.returns else "):"
    parameters = list(map(_parameter, function.parameters))
    if not parameters:
        return (f"def {function.name}(", *tail)
    items = separate(parameters, trailing=True)
    items = group(items) if len(parameters) > 1 else items
    return (f"def {function.name}(", group((Indent((SOFT, items)), SOFT, tail)))


def _parameter(parameter: Parameter) -> Doc:
    doc: Doc = parameter.name
    if parameter.annotation:
        doc = (doc, ": ", expression(read(parameter.annotation)))
    if parameter.default is not None:
        equals = " = " if parameter.annotation else "="
        doc = (doc, equals, expression(parameter.default, minimum=CONDITIONAL))
    return doc


def _returned(node: Node) -> Doc:
    """What a function returns; a text is a subscript such as `tuple[int, ...]`."""
    if isinstance(node, Subscript | Verbatim):
        return plain(node, Place.OPEN)
    return value_document(node)


# --- Values that may get parentheses

_Parentheses: TypeAlias = Literal["never", "best fit", "multiline"]
"""When a value that is too long gets parentheses."""


def value_document(node: Node) -> Doc:
    """Lay out a value that a statement may parenthesize."""
    parentheses = _parentheses(node)
    if parentheses == "never" and not _is_bare(node):
        return plain(node, Place.OPEN)
    inside = plain(node, Place.INSIDE)
    choosy = parentheses == "best fit"
    if choosy or _breaks_brackets(node):
        return Either(plain(node, Place.LOOSE), inside, choosy)
    return parenthesize_broken(inside)


def _parentheses(node: Node) -> _Parentheses:
    match node:
        case Attribute(value) | Call(value) | Subscript(value):
            return "never" if Operand(value, ATOM).grouped else _parentheses(value)
        case Unary(operator, value):
            minimum = unary_level(operator, value)
            return "never" if Operand(value, minimum).grouped else _parentheses(value)
        case Name() | Number() | String():
            return "best fit"
        case Binary() | Conditional():
            return "multiline"
        case Verbatim(parts):
            first = pieces(parts)[0] if parts else ""
            return "never" if isinstance(first, Bracketed) else "best fit"
        case _:
            return "never"


def _is_bare(node: Node) -> bool:
    return isinstance(node, Display) and node.kind == "bare"


def _breaks_brackets(root: Node) -> bool:
    """Tell whether to break the brackets of a value before parenthesizing it.

    That asks for a single operator of the lowest precedence, with filled brackets at an end.
    """
    operands, levels = _flatten(root)
    if not any(map(_has_brackets, operands)):
        return False
    if not levels:
        return True
    text, last = flat(root), operands[-1]
    starts = text[0] in "([{" and text[:2] not in _EMPTY
    ends = text[-1] in ")]}" and text[-2:] not in _EMPTY
    ends = ends and (last.grouped or not isinstance(last.node, Subscript))
    return levels.count(min(levels)) == 1 and (starts or ends)


_EMPTY = ("()", "[]", "{}")


def _flatten(node: Node) -> tuple[list[Operand], list[int]]:
    """The operands outside of all brackets, and the levels of the operators between them."""
    match node:
        case Binary():
            parts, signs = flattened(node)
            levels = [sign.level for sign in signs]
        case Conditional(test, then, otherwise):
            parts = [Operand(then, OR), Operand(test, OR), Operand(otherwise, CONDITIONAL)]
            levels = [CONDITIONAL, CONDITIONAL]
        case Unary(operator, value):
            parts = [Operand(value, unary_level(operator, value))]
            levels = list[int]()
        case _:
            return [Operand(node)], []
    return _flatten_all(parts, levels)


def _flatten_all(parts: Sequence[Operand], levels: list[int]) -> tuple[list[Operand], list[int]]:
    operands: list[Operand] = []
    for part in parts:
        if part.grouped:
            operands.append(part)
            continue
        inner_operands, inner_levels = _flatten(part.node)
        operands += inner_operands
        levels = [*levels, *inner_levels]
    return operands, levels


def _has_brackets(part: Operand) -> bool:
    match part.node:
        case _ if part.grouped:
            return True
        case Attribute(value):
            return _has_brackets(Operand(value, ATOM))
        case Name() | Number() | String():
            return False
        case Verbatim(parts):
            return any(not isinstance(piece, str) for piece in pieces(parts))
        case _:
            return not _is_bare(part.node)

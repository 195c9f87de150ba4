"""The value of a statement -> a document that may add parentheses, as `ruff format` does."""

import ast
from typing import Literal, TypeAlias

from cnngen.python.document import Doc, Either, parenthesize_broken
from cnngen.python.expression_document import Expressions, Place
from cnngen.python.flat_code import CONDITIONAL, FlatCode

_Parentheses: TypeAlias = Literal["never", "best fit", "multiline"]
"""When a value that is too long gets parentheses."""


def value_document(expressions: Expressions, node: ast.expr) -> Doc:
    """Lay out a value that a statement may parenthesize."""
    code = expressions.code
    parentheses = _parentheses(code, node)
    if parentheses == "never" and not code.is_bare_tuple(node):
        return expressions.plain(node, Place.OPEN)
    inside = expressions.plain(node, Place.INSIDE)
    choosy = parentheses == "best fit"
    if choosy or _breaks_brackets(code, node):
        return Either(expressions.plain(node, Place.LOOSE), inside, choosy)
    return parenthesize_broken(inside)


def _parentheses(code: FlatCode, node: ast.expr) -> _Parentheses:
    match node:
        case (
            ast.Attribute(value=value)
            | ast.Call(func=value)
            | ast.Subscript(value=value)
            | ast.UnaryOp(operand=value)
        ):
            return "never" if code.is_grouped(value) else _parentheses(code, value)
        case ast.Name() | ast.Constant() | ast.JoinedStr():
            return "best fit"
        case ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
            return "multiline"
        case _:
            return "never"


def _breaks_brackets(code: FlatCode, root: ast.expr) -> bool:
    """Tell whether to break the brackets of a value before parenthesizing it.

    That asks for a single operator of the lowest precedence, with filled brackets at an end.
    """
    operands, precedences = _flatten(code, root)
    if not any(_has_brackets(code, operand) for operand in operands):
        return False
    if not precedences:
        return True
    text = code.text_of(root)
    starts = text[0] in "([{" and text[:2] not in _EMPTY
    ends = text[-1] in ")]}" and text[-2:] not in _EMPTY
    ends = ends and not isinstance(operands[-1], ast.Subscript)
    return precedences.count(max(precedences)) == 1 and (starts or ends)


_EMPTY = ("()", "[]", "{}")


def _flatten(code: FlatCode, node: ast.expr) -> tuple[list[ast.expr], list[int]]:
    """The operands outside of all brackets, and the precedences of the operators between them."""
    match node:
        case ast.BinOp() | ast.BoolOp() | ast.Compare():
            parts, operators = code.operation(node)
            precedences = [operator.precedence for operator in operators]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            parts, precedences = [body, test, orelse], [CONDITIONAL, CONDITIONAL]
        case ast.UnaryOp(operand=operand):
            parts, precedences = [operand], list[int]()
        case _:
            return [node], []
    operands: list[ast.expr] = []
    for part in parts:
        if code.is_grouped(part):
            operands.append(part)
            continue
        inner_operands, inner_precedences = _flatten(code, part)
        operands += inner_operands
        precedences += inner_precedences
    return operands, precedences


def _has_brackets(code: FlatCode, node: ast.expr) -> bool:
    match node:
        case _ if code.is_grouped(node):
            return True
        case ast.Attribute(value=value):
            return _has_brackets(code, value)
        case ast.Name() | ast.Constant() | ast.JoinedStr():
            return False
        case _:
            return not code.is_bare_tuple(node)

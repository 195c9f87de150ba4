"""One flat logical line of Python -> the lines that `ruff format` prints for it.

It knows the statements that generated code consists of; others stay on their line. Of ruff's rules
it leaves out one: a chain of calls (`a.b().c()`) breaks at its last brackets, not at its dots.
"""

import ast
import re

from cnngen.python.document import (
    SOFT,
    WIDTH,
    Doc,
    Indent,
    group,
    parenthesize_broken,
    render,
    separate,
)
from cnngen.python.expression_document import Expressions, Place
from cnngen.python.flat_code import FlatCode
from cnngen.python.value_document import value_document


def layout(statement: str, indent: int = 0, width: int = WIDTH) -> list[str]:
    """Break a statement in one-line spacing as ruff does; what it cannot read stays as it is.

    >>> layout("x = f(a, b,)", indent=4)
    ['    x = f(', '        a,', '        b,', '    )']
    """
    margin = " " * indent
    fits = indent + len(statement) <= width
    if fits and not _MAYBE_MAGIC.search(statement):
        return [margin + statement]
    code, comment = _split_comment(statement)
    try:
        lines = render(_document(FlatCode(code)), indent, width)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [margin + statement]
    if not comment:
        return lines
    if fits:
        return [*lines[:-1], f"{lines[-1]}  {comment}"]
    return [margin + comment, *lines]


_MAYBE_MAGIC = re.compile(r",[)\]}]")
_COMMENT = re.compile(r"""((?:[^#"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*?)\s*(#.*)""")


def _split_comment(statement: str) -> tuple[str, str]:
    """Separate the code from its trailing comment; a `#` inside a string starts none."""
    found = _COMMENT.fullmatch(statement)
    return (found[1], found[2]) if found else (statement, "")


def _document(code: FlatCode) -> Doc:
    """Lay out a statement, or leave it as it is."""
    expressions, text = Expressions(code), code.text
    match code.parse():
        case (
            ast.Assign(value=value)
            | ast.AugAssign(value=value)
            | ast.Return(value=ast.expr() as value)
            | ast.If(test=value)
        ):
            return expressions.spliced(0, len(text), (value, value_document(expressions, value)))
        case ast.Expr(value=ast.Call() as value):
            return expressions.plain(value, Place.OPEN)
        case ast.For(target=target, iter=value):
            parts = [(node, value_document(expressions, node)) for node in (target, value)]
            return expressions.spliced(0, len(text), *parts)
        case ast.FunctionDef(args=ast.arguments(posonlyargs=[])) as node:
            return _function(expressions, node)
        case ast.ClassDef(bases=bases, keywords=keywords) if bases or keywords:
            arguments = expressions.arguments([*bases, *keywords], len(text) - 1)
            return (text[: text.index("(")], arguments, ":")
        case ast.ImportFrom(names=[first, *_] as names):
            items = [text[name.col_offset : name.end_col_offset] for name in names]
            return (text[: first.col_offset], parenthesize_broken(separate(items, trailing=True)))
        case _:
            return text


def _function(expressions: Expressions, node: ast.FunctionDef) -> Doc:
    """Break the parameters first, and what is returned only if that is not enough."""
    text, returns = expressions.code.text, list[tuple[ast.expr, Doc]]()
    start, end = text.index("(") + 1, len(text) - 2
    if node.returns is not None:
        end = text.rindex(")", 0, expressions.code.span(node.returns)[0])
        returns = [(node.returns, _returned(expressions, node.returns))]
    tail = expressions.spliced(end, len(text), *returns)
    parameters = _parameters(expressions, node.args)
    if not parameters:
        return (text[:start], tail)
    items = separate(parameters, trailing=True, magic=text[end - 1] == ",")
    items = group(items) if len(parameters) > 1 else items
    return (text[:start], group((Indent((SOFT, items)), SOFT, tail)))


def _returned(expressions: Expressions, node: ast.expr) -> Doc:
    if isinstance(node, ast.Subscript):
        return expressions.plain(node, Place.OPEN)
    return value_document(expressions, node)


def _parameters(expressions: Expressions, node: ast.arguments) -> list[Doc]:
    """Lay out parameters: those that may be given by position, then those by name alone."""

    def document(argument: ast.arg, default: ast.expr | None = None) -> Doc:
        nodes = [node for node in (argument.annotation, default) if node]
        end = expressions.code.span(nodes[-1])[1] if nodes else argument.end_col_offset or 0
        parts = [(node, expressions.expression(node)) for node in nodes]
        return expressions.spliced(argument.col_offset, end, *parts)

    required: list[ast.expr | None] = [None] * (len(node.args) - len(node.defaults))
    docs = list(map(document, node.args, [*required, *node.defaults]))
    if node.vararg:
        docs.append(("*", document(node.vararg)))
    elif node.kwonlyargs:
        docs.append("*")
    docs += map(document, node.kwonlyargs, node.kw_defaults)
    if node.kwarg:
        docs.append(("**", document(node.kwarg)))
    return docs

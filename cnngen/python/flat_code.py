"""A flat line of Python: its syntax tree, and the parentheses that the tree leaves out."""

import ast
import re
from dataclasses import dataclass

_BINDING = ("**", "* @ / // %", "+ -", "<< >>", "&", "^", "|", "== and the like", "and or")
_PRECEDENCE = {text: level for level, texts in enumerate(_BINDING) for text in texts.split()}
_COMPARISON = _PRECEDENCE["=="]
CONDITIONAL = len(_BINDING)


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator between two operands; it is `tight` if no spaces surround it."""

    text: str
    precedence: int  # the less it binds, the higher
    tight: bool


@dataclass(frozen=True, slots=True)
class FlatCode:
    """A statement, or the head of one, on one line."""

    text: str

    def parse(self) -> ast.stmt:
        """Parse the statement; the head of a compound one gets a body, an `elif` its `if`."""
        source = re.sub(r"[^\0-\x7f]", "x", self.text)  # ast counts columns in bytes
        source = f"if x: pass\n{source}" if source.startswith("elif ") else source
        match ast.parse(f"{source} pass" if source.endswith(":") else source).body:
            case [ast.If(orelse=[branch])] | [branch]:
                return branch
            case _:
                raise SyntaxError

    def text_of(self, node: ast.expr) -> str:
        """The text of an expression, without the parentheses around it."""
        return self.text[node.col_offset : node.end_col_offset]

    def span(self, node: ast.expr) -> tuple[int, int]:
        """The columns of an expression with the parentheses around it."""
        start, end = node.col_offset, node.end_col_offset or 0
        return (start - 1, end + 1) if self.is_grouped(node) else (start, end)

    def is_grouped(self, node: ast.expr) -> bool:
        """Tell whether parentheses surround an expression, other than those of a call."""
        start, end = node.col_offset, node.end_col_offset or 0
        if start == 0 or self.text[start - 1] != "(" or self.text[end : end + 1] != ")":
            return False
        before = self.text[start - 2 : start - 1]
        return not (before.isidentifier() or before.isdigit() or before in {*")]}\"'"})

    def is_bare_tuple(self, node: ast.expr) -> bool:
        """Tell whether a tuple has no parentheses; those in `(a), b` are not its own."""
        match node:
            case ast.Tuple(elts=[first, *_]):
                return self.span(first)[0] == node.col_offset
            case _:
                return False

    def operation(self, node: ast.expr) -> tuple[list[ast.expr], list[Operator]]:
        """Flatten an operation and the operations that are its operands, unless in parentheses."""
        match node:
            case ast.BinOp(left=left, right=right):
                values = [left, right]
            case ast.Compare(left=left, comparators=rest):
                values = [left, *rest]
            case ast.BoolOp(values=values):
                pass
            case _:
                return [node], []
        operands: list[ast.expr] = []
        operators: list[Operator] = []
        end = 0
        for value in values:
            start, after = self.span(value)
            if operands:
                text = self.text[end:start].strip()
                tight = text == self.text[end:start]
                operators.append(Operator(text, _PRECEDENCE.get(text, _COMPARISON), tight))
            end = after
            if self.is_grouped(value):
                operands.append(value)
                continue
            inner_operands, inner_operators = self.operation(value)
            operands += inner_operands
            operators += inner_operators
        return operands, operators

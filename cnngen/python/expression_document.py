"""The expressions of a flat line -> documents that break where `ruff format` breaks them."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from cnngen.python.document import SPACE, Doc, IfBroken, Line, bracket, group, separate
from cnngen.python.flat_code import FlatCode, Operator


class Place(Enum):
    """Where an expression stands, which tells how it may break."""

    OPEN = auto()  # directly in a statement: only its brackets break
    LOOSE = auto()  # there too, where parentheses are the alternative to breaking the brackets
    INSIDE = auto()  # in brackets: it breaks at its operators as well


@dataclass(frozen=True, slots=True)
class Expressions:
    """Lays out the expressions of a line."""

    code: FlatCode

    def expression(self, node: ast.expr, place: Place = Place.INSIDE) -> Doc:
        """Lay out an expression with the parentheses that are around it."""
        if self.code.is_grouped(node):
            return bracket("(", self.plain(node, Place.INSIDE), ")", place is Place.LOOSE)
        return self.plain(node, place)

    def plain(self, node: ast.expr, place: Place) -> Doc:
        """Lay out an expression without the parentheses that are around it."""
        start, end, loose = node.col_offset, node.end_col_offset or 0, place is Place.LOOSE
        match node:
            case ast.Attribute(value=inner) | ast.UnaryOp(operand=inner) | ast.Starred(value=inner):
                return self.spliced(start, end, (inner, self.expression(inner, place)))
            case ast.Call(func=function, args=args, keywords=keywords):
                arguments = self.arguments([*args, *keywords], end, loose)
                return (self.expression(function, place), arguments)
            case ast.Subscript(value=value, slice=index):
                inside = bracket("[", group(self.expression(index)), "]", loose)
                return (self.expression(value, place), inside)
            case ast.BinOp() | ast.BoolOp() | ast.Compare():
                operation = self._operation(*self.code.operation(node), place)
                return group(operation) if place is Place.INSIDE else operation
            case ast.IfExp():
                return group(self._condition(node))
            case ast.Tuple(elts=[item]):
                inside = (self.expression(item), ",")
            case ast.Tuple(elts=[_, *_] as items) | ast.List(elts=[_, *_] as items):
                inside = self._items(list(map(self.expression, items)), node)
            case ast.Dict(keys=[_, *_] as keys, values=values):
                inside = self._items(list(map(self._entry, keys, values)), node)
            case ast.ListComp() | ast.GeneratorExp():
                inside = self._comprehension(node)
            case _:
                return self.code.text_of(node)
        if self.code.is_bare_tuple(node):
            return inside
        return bracket(self.code.text[start], inside, self.code.text[end - 1], loose)

    def spliced(self, start: int, end: int, *parts: tuple[ast.expr, Doc]) -> Doc:
        """The text between two columns, with documents in the place of some expressions."""
        docs: list[Doc] = []
        for node, doc in parts:
            at, after = self.code.span(node)
            docs += [self.code.text[start:at], doc]
            start = after
        return (*docs, self.code.text[start:end])

    def arguments(
        self, items: Sequence[ast.expr | ast.keyword], end: int, loose: bool = False
    ) -> Doc:
        """Lay out the arguments of a call that ends at a column."""
        match items:
            case []:
                return "()"
            case [ast.GeneratorExp(end_col_offset=at) as only] if at == end:
                inside = self._comprehension(only)
            case _:
                ordered = sorted(items, key=lambda item: item.col_offset)
                docs = list(map(self._argument, ordered))
                inside = group(separate(docs, len(docs) > 1, self.code.text[end - 2] == ","))
        return bracket("(", inside, ")", loose)

    def _argument(self, item: ast.expr | ast.keyword) -> Doc:
        if isinstance(item, ast.expr):
            return self.expression(item)
        value = (item.value, self.expression(item.value))
        return self.spliced(item.col_offset, item.end_col_offset or 0, value)

    def _items(self, docs: Sequence[Doc], node: ast.expr) -> Doc:
        """Separate the items of a display; those of a bare tuple have no last comma."""
        last = self.code.text_of(node)[-2]
        return separate(docs, len(docs) > 1, last == "," and not self.code.is_bare_tuple(node))

    def _entry(self, key: ast.expr | None, value: ast.expr) -> Doc:
        head: Doc = (self.expression(key), ": ") if key else "**"
        return group((head, self.expression(value)))

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Doc:
        """Break a comprehension before each `for` and `if`."""
        docs: list[Doc] = [group(self.expression(node.elt))]
        end = self.code.span(node.elt)[1]
        for clause in node.generators:
            for value in (clause.iter, *clause.ifs):
                start, after = self.code.span(value)
                docs += [SPACE, self.code.text[end:start].lstrip(), self.expression(value)]
                end = after
        return group(tuple(docs))

    def _condition(self, node: ast.IfExp) -> Doc:
        """Break a condition before `if` and `else`; another one after `else` belongs to it."""
        if isinstance(node.orelse, ast.IfExp) and not self.code.is_grouped(node.orelse):
            orelse = self._condition(node.orelse)
        else:
            orelse = group(self.expression(node.orelse))
        body, test = self.expression(node.body), self.expression(node.test)
        return (body, SPACE, "if ", test, SPACE, "else ", orelse)

    def _operation(
        self, operands: Sequence[ast.expr], operators: Sequence[Operator], place: Place
    ) -> Doc:
        """Break an operation before the operators that bind least, all of them or none."""
        lowest = max(operator.precedence for operator in operators)
        docs: list[Doc] = []
        start = 0
        for at, operator in enumerate(operators):
            if operator.precedence == lowest:
                docs.append(self._operand(operands[start : at + 1], operators[start:at], place))
                docs += _spaced(operator, place)
                start = at + 1
        docs.append(self._operand(operands[start:], operators[start:], place))
        return tuple(docs)

    def _operand(
        self, operands: Sequence[ast.expr], operators: Sequence[Operator], place: Place
    ) -> Doc:
        """Lay out what stands between two operators: an expression, or operators that bind more."""
        if operators:
            return group(self._operation(operands, operators, place))
        return self.expression(operands[0], place)


def _spaced(operator: Operator, place: Place) -> Sequence[Doc]:
    space = "" if operator.tight else " "
    if place is Place.INSIDE:
        return (Line(space), operator.text, IfBroken(" ") if operator.tight else " ")
    return (f"{space}{operator.text}{space}",)

"""Take one flat logical line of Python; give the lines that `ruff format` would print for it."""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal, TypeAlias


def layout(statement: str, indent: int = 0, width: int = 100) -> list[str]:
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
        lines = _render(_Reader(code).statement(), indent, width)
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


@dataclass(frozen=True, slots=True)
class _Line:
    """A line break where the enclosing group is broken, else the text `flat`."""

    flat: str


@dataclass(frozen=True, slots=True)
class _IfBroken:
    """Text that shows only where the enclosing group is broken."""

    text: str


@dataclass(frozen=True, slots=True)
class _Indent:
    """A part whose new lines stand one level deeper."""

    content: "_Doc"


@dataclass(frozen=True, slots=True)
class _Group:
    """A part printed on one line, or broken at all of its own lines (`broken`: in any case).

    A `loose` group decides for itself even where everything around it is flat.
    """

    content: "_Doc"
    broken: bool = False
    loose: bool = False


@dataclass(frozen=True, slots=True)
class _Value:
    """A value printed `bare` where that fits, else `inside` parentheses.

    A `flat` one must fit but for its loose groups, another one up to its first bracket. One with
    `choosy` parentheses stays bare where not even they make it fit.
    """

    bare: "_Doc"
    inside: "_Doc"
    choosy: bool = False
    flat: bool = True


_Doc: TypeAlias = "str | _Line | _IfBroken | _Indent | _Group | _Value | tuple[_Doc, ...]"
_SOFT, _SPACE = _Line(""), _Line(" ")


def _group(content: _Doc, broken: bool = False, loose: bool = False) -> _Group:
    """Make a group that breaks where a group in it does; only a loose one keeps that to itself."""
    return _Group(content, broken or _has_broken(content), loose)


def _has_broken(doc: _Doc) -> bool:
    match doc:
        case _Group(broken=broken, loose=loose):
            return broken and not loose
        case _Indent(content):
            return _has_broken(content)
        case tuple():
            return any(map(_has_broken, doc))
        case _:
            return False


def _bracket(left: str, content: _Doc, right: str, loose: bool = False) -> _Doc:
    return (left, _group((_Indent((_SOFT, content)), _SOFT), loose=loose), right)


def _parenthesize_broken(content: _Doc) -> _Group:
    """Add parentheses when the content does not fit on the line."""
    return _group((_IfBroken("("), _Indent((_SOFT, content)), _SOFT, _IfBroken(")")))


class _Measure(Enum):
    """How far a text must fit: to the first line break, on all lines, or on none."""

    FIRST_LINE = auto()
    ALL_LINES = auto()
    NO_LINE = auto()


_Frame: TypeAlias = tuple[_Doc, int, bool]
"""What is left to print: a document, its indentation, and whether it is flat."""


def _render(doc: _Doc, indent: int, width: int) -> list[str]:
    """Print a document, breaking a group only where it does not fit."""
    lines, line = list[str](), " " * indent
    todo: list[_Frame] = [(doc, indent, False)]
    while todo:
        doc, level, flat = todo.pop()
        match doc:
            case str():
                line += doc
            case tuple():
                todo.extend((part, level, flat) for part in reversed(doc))
            case _Line(text) if flat:
                line += text
            case _Line():
                lines.append(line)
                line = " " * level
            case _IfBroken(text):
                line += "" if flat else text
            case _Indent(content):
                todo.append((content, level + 4, flat))
            case _Group(content, broken, loose):
                if not flat or loose:
                    flat = not broken and _fits((content, level, True), todo, len(line), width)
                todo.append((content, level, flat and not broken))
            case _Value(bare, inside, choosy, must_be_flat):
                first = (bare, level, flat or must_be_flat)
                second = (("(", _Indent((_SOFT, inside)), _SOFT, ")"), level, False)
                measure, column = _Measure.ALL_LINES, len(line)
                fits = flat or _fits(first, todo, column, width)
                hopeless = not fits and choosy and not _fits(second, todo, column, width, measure)
                todo.append(first if fits or hopeless else second)
    return [*lines, line]


def _fits(
    frame: _Frame,
    rest: Sequence[_Frame],
    column: int,
    width: int,
    measure: _Measure = _Measure.FIRST_LINE,
) -> bool:
    """Tell whether a frame fits, with what follows it up to the next line break."""
    todo = [(*frame, measure)]
    following = len(rest)
    while todo or following:
        if not todo:
            following -= 1
            todo.append((*rest[following], _Measure.FIRST_LINE))
        doc, level, flat, measure = todo.pop()
        match doc:
            case str():
                column += len(doc)
            case tuple():
                todo.extend((part, level, flat, measure) for part in reversed(doc))
                continue
            case _Line(text) if flat:
                column += len(text)
            case _Line():
                if measure is _Measure.FIRST_LINE:
                    return True
                column = level
            case _IfBroken(text):
                column += 0 if flat else len(text)
            case _Indent(content):
                todo.append((content, level + 4, flat, measure))
            case _Group(content, loose=True) if flat:
                todo.append((content, level, False, _Measure.NO_LINE))
            case _Group(content, broken):
                todo.append((content, level, flat and not broken, measure))
            case _Value(bare, _, choosy):
                todo.append((bare if flat or choosy else ("(", _SOFT), level, flat, measure))
        if column > width and measure is not _Measure.NO_LINE:
            return False
    return True


class _Place(Enum):
    """Where an expression stands, which tells how it may break."""

    OPEN = auto()  # directly in a statement: only its brackets break
    LOOSE = auto()  # there too, where parentheses are the alternative to breaking the brackets
    INSIDE = auto()  # in brackets: it breaks at its operators as well


_Parentheses: TypeAlias = Literal["never", "best fit", "multiline"]
"""When a value that is too long gets parentheses."""

_ATTRIBUTE, _COMPARISON, _CONDITIONAL = 0, 8, 10
_BINDING = ["", "**", "* @ / // %", "+ -", "<< >>", "&", "^", "|", "", "and or"]
_PRECEDENCE = {text: level for level, texts in enumerate(_BINDING) for text in texts.split()}


@dataclass(frozen=True, slots=True)
class _Operator:
    """An operator between two operands; it is `tight` if no spaces surround it."""

    text: str
    precedence: int
    tight: bool


@dataclass(frozen=True, slots=True)
class _Reader:
    """Read a statement into a document."""

    code: str

    def statement(self) -> _Doc:
        match self._parse():
            case ast.FunctionDef() as node:
                return self._function(node)
            case ast.ClassDef(bases=bases, keywords=keywords) if bases or keywords:
                arguments = self._arguments([*bases, *keywords], len(self.code) - 1)
                return (self.code[: self.code.index("(")], arguments, ":")
            case ast.For(target=target, iter=value):
                tail = self.code[self._span(value)[1] :]
                return ("for ", self._value(target), " in ", self._value(value), tail)
            case ast.Assign(targets=[*_, ast.Tuple() | ast.List() | ast.Subscript()], value=value):
                return self._around(value, self._assigned(value))
            case (
                ast.If(test=value)
                | ast.While(test=value)
                | ast.Return(value=ast.expr() as value)
                | ast.Assign(value=value)
                | ast.AugAssign(value=value)
                | ast.AnnAssign(value=None, annotation=value)
                | ast.AnnAssign(annotation=ast.Name() | ast.Attribute(), value=ast.expr() as value)
                | ast.Expr(
                    value=ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.UnaryOp() as value
                )
            ):
                return self._around(value, self._value(value))
            case ast.AnnAssign(annotation=kind, value=ast.expr() as value):
                open_kind = self._plain(kind, _Place.OPEN)
                if isinstance(kind, ast.BinOp):
                    open_kind = _parenthesize_broken(self._plain(kind, _Place.INSIDE))
                return (self.code[: kind.col_offset], open_kind, " = ", self._assigned(value))
            case ast.Raise(exc=ast.Call() as value) | ast.Expr(value=value):
                return self._around(value, self._plain(value, _Place.OPEN))
            case ast.ImportFrom(names=[first, *_] as names):
                items = [self.code[name.col_offset : name.end_col_offset] for name in names]
                doc = _parenthesize_broken(self._items(items, lone=True))
                return (self.code[: first.col_offset], doc)
            case _:
                return self.code

    def _parse(self) -> ast.stmt:
        """Parse the statement; the head of a compound one gets a body, an `elif` its `if`."""
        source = re.sub(r"[^\0-\x7f]", "x", self.code)  # ast counts columns in bytes
        source = f"if x: pass\n{source}" if source.startswith("elif ") else source
        match ast.parse(f"{source} pass" if source.endswith(":") else source).body:
            case [ast.If(orelse=[branch])] | [branch]:
                return branch
            case _:
                raise SyntaxError

    def _around(self, node: ast.expr, doc: _Doc) -> _Doc:
        """Put the rest of the statement around the document of one of its expressions."""
        start, end = self._span(node)
        return (self.code[:start], doc, self.code[end:])

    def _function(self, node: ast.FunctionDef) -> _Doc:
        """Break the parameters first, and the return annotation only if that is not enough."""
        parameters = self._parameters(node.args)
        start, end, arrow, tail = self.code.index("(") + 1, len(self.code) - 2, "", ":"
        head: _Doc = ""
        returns: _Doc = ""
        if node.returns is not None:
            at, after = self._span(node.returns)
            end, arrow, tail = self.code.rindex(")", 0, at), " -> ", self.code[after:]
            if parameters and isinstance(node.returns, ast.Subscript):
                returns = self._plain(node.returns, _Place.OPEN)
            else:
                returns = self._value(node.returns, choosy=bool(parameters))
        if parameters:
            items = self._items(parameters, magic=self.code[end - 1] == ",", lone=True)
            head = (_Indent((_SOFT, _group(items) if len(parameters) > 1 else items)), _SOFT)
        return (self.code[:start], _group((head, ")", arrow, returns)), tail)

    def _parameters(self, node: ast.arguments) -> list[_Doc]:
        plain = [*node.posonlyargs, *node.args]
        required: list[ast.expr | None] = [None] * (len(plain) - len(node.defaults))
        docs = list(map(self._parameter, plain, [*required, *node.defaults]))
        if node.posonlyargs:
            docs.insert(len(node.posonlyargs), "/")
        if node.vararg:
            docs.append(("*", self._parameter(node.vararg, None)))
        elif node.kwonlyargs:
            docs.append("*")
        docs += map(self._parameter, node.kwonlyargs, node.kw_defaults)
        return docs + ([("**", self._parameter(node.kwarg, None))] if node.kwarg else [])

    def _parameter(self, arg: ast.arg, default: ast.expr | None) -> _Doc:
        doc: _Doc = self.code[arg.col_offset : arg.col_offset + len(arg.arg)]
        if arg.annotation:
            doc = (doc, ": ", self._inside(arg.annotation))
        equals = " = " if arg.annotation else "="
        return (doc, equals, self._inside(default)) if default else doc

    def _value(self, node: ast.expr, choosy: bool = True) -> _Doc:
        """Lay out a value that a statement may parenthesize."""
        kind = self._parentheses(node)
        if kind == "never" and not self._is_bare_tuple(node):
            return self._plain(node, _Place.OPEN)
        inside = self._plain(node, _Place.INSIDE)
        choosy = choosy and kind == "best fit"
        if choosy or self._can_omit(node):
            return _Value(self._plain(node, _Place.LOOSE), inside, choosy)
        return _parenthesize_broken(inside)

    def _assigned(self, node: ast.expr) -> _Doc:
        """Lay out a value after a target that can itself break."""
        if isinstance(node, ast.UnaryOp) or self._parentheses(node) != "best fit":
            return self._value(node)
        return _Value(self._plain(node, _Place.OPEN), self._plain(node, _Place.INSIDE), flat=False)

    def _parentheses(self, node: ast.expr) -> _Parentheses:
        match node:
            case ast.Attribute() | ast.Call() | ast.Subscript() if self._is_fluent(node):
                return "multiline"
            case (
                ast.Attribute(value=value)
                | ast.Call(func=value)
                | ast.Subscript(value=value)
                | ast.UnaryOp(operand=value)
            ):
                return "never" if self._is_grouped(value) else self._parentheses(value)
            case ast.Name() | ast.Constant() | ast.JoinedStr():
                return "best fit"
            case ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp() | ast.Starred():
                return "multiline"
            case _:
                return "never"

    def _can_omit(self, root: ast.expr) -> bool:
        """Tell whether to break the brackets of a value before parenthesizing it.

        That asks for a single operator of the lowest precedence, with filled brackets next to it.
        """
        precedences: list[int] = []
        ends: list[ast.expr | None] = []  # the first expression to end; None after a `not` or `-`
        last, bracketed = root, False

        def visit(node: ast.expr) -> None:
            nonlocal last, bracketed
            last = node
            match node:
                case _ if node is not root and self._is_grouped(node):
                    bracketed = True
                case ast.BinOp() | ast.BoolOp() | ast.Compare():
                    operands, operators = self._operands(node)
                    precedences.extend(operator.precedence for operator in operators)
                    for operand in operands:
                        visit(operand)
                case ast.IfExp(test=test, body=body, orelse=orelse):
                    precedences.extend([_CONDITIONAL, _CONDITIONAL])
                    for part in (body, test, orelse):
                        visit(part)
                case ast.UnaryOp(operand=operand):
                    ends.append(None)
                    visit(operand)
                case ast.Attribute(value=value) | ast.Call(func=value) | ast.Subscript(value=value):
                    visit(value)
                    last = node
                    if not isinstance(node, ast.Attribute):
                        bracketed = True
                    elif self._brackets(value) is not None:
                        precedences.append(_ATTRIBUTE)
                case _:
                    bracketed = bracketed or self._brackets(node) is not None
            ends.append(node)

        visit(root)
        lowest = max(precedences, default=_ATTRIBUTE)
        if not bracketed or precedences.count(lowest) > 1:
            return False
        outer = [end for end in (ends[0], last) if end and not isinstance(end, ast.Subscript)]
        return lowest <= _ATTRIBUTE or any(map(self._brackets, outer))

    def _brackets(self, node: ast.expr) -> bool | None:
        """Tell whether the brackets that an expression ends with hold anything, if it has any."""
        start, end = node.col_offset, node.end_col_offset or 0
        match node:
            case _ if self._is_grouped(node):
                return True
            case ast.Call() | ast.Subscript() | ast.List() | ast.Set() | ast.Dict() | ast.Tuple():
                empty = self.code[end - 2 : end] in ("()", "[]", "{}")
                return None if self._is_bare_tuple(node) else not empty
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return end > start
            case _:
                return None

    def _inside(self, node: ast.expr) -> _Doc:
        return self._expression(node, _Place.INSIDE)

    def _expression(self, node: ast.expr, place: _Place) -> _Doc:
        """Lay out an expression with the parentheses that are around it."""
        if self._is_grouped(node):
            return _bracket("(", self._plain(node, _Place.INSIDE), ")", place is _Place.LOOSE)
        return self._plain(node, place)

    def _plain(self, node: ast.expr, place: _Place) -> _Doc:
        """Lay out an expression without the parentheses that are around it."""
        text = self.code[node.col_offset : node.end_col_offset]
        match node:
            case ast.Attribute() | ast.Call() | ast.Subscript():
                fluent = place is _Place.INSIDE and self._is_fluent(node)
                links = self._links(node, place, fluent)
                return _group(links) if fluent else links
            case ast.BinOp() | ast.BoolOp() | ast.Compare():
                operation = self._operation(*self._operands(node), place)
                return _group(operation) if place is _Place.INSIDE else operation
            case ast.IfExp():
                condition = self._condition(node, place)
                return _group(condition) if place is _Place.INSIDE else condition
            case ast.UnaryOp(operand=value) | ast.Starred(value=value):
                operator = self.code[node.col_offset : self._span(value)[0]]
                return (operator, self._expression(value, place))
            case ast.Tuple(elts=[item]):
                inner = (self._inside(item), ",")
            case ast.Tuple(elts=[_, *_] as items) if self._is_bare_tuple(node):
                return self._items(list(map(self._inside, items)))
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) if items:
                inner = self._items(list(map(self._inside, items)), text[-2] == ",")
            case ast.Dict(keys=[_, *_] as keys, values=values):
                inner = self._items(list(map(self._entry, keys, values)), text[-2] == ",")
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                inner = self._comprehension(node)
            case _:
                return text
        return _bracket(text[0], inner, text[-1], place is _Place.LOOSE)

    def _links(self, node: ast.expr, place: _Place, fluent: bool) -> _Doc:
        """Lay out a chain of attributes, calls and subscripts; a fluent one breaks at the dots."""
        end, loose = node.end_col_offset or 0, place is _Place.LOOSE
        match node:
            case _ if self._is_grouped(node):
                return self._expression(node, place)
            case ast.Attribute(value=value, attr=attr):
                called = self._is_grouped(value) or isinstance(value, (ast.Call, ast.Subscript))
                dot = (_SOFT if fluent and called else "", ".", self.code[end - len(attr) : end])
                return (self._links(value, place, fluent), dot)
            case ast.Call(func=value, args=args, keywords=keywords):
                arguments = self._arguments([*args, *keywords], end, loose)
                return (self._links(value, place, fluent), arguments)
            case ast.Subscript(value=value, slice=index):
                inner = self._inside(index)
                if self._is_bare_tuple(index):
                    items = index.elts if isinstance(index, ast.Tuple) else []
                    magic = len(items) > 1 and self.code[end - 2] == ","
                    inner = _group(self._items(list(map(self._inside, items)), magic))
                return (self._links(value, place, fluent), _bracket("[", inner, "]", loose))
            case _:
                return self._plain(node, place)

    def _arguments(
        self, items: Sequence[ast.expr | ast.keyword], end: int, loose: bool = False
    ) -> _Doc:
        """Lay out the arguments of a call that ends at a column."""
        match items:
            case []:
                return "()"
            case [ast.GeneratorExp(end_col_offset=at) as only] if at == end:
                inner = self._comprehension(only)
            case _:
                ordered = sorted(items, key=lambda item: item.col_offset)
                entries = list(map(self._argument, ordered))
                inner = _group(self._items(entries, self.code[end - 2] == ","))
        return _bracket("(", inner, ")", loose)

    def _argument(self, item: ast.expr | ast.keyword) -> _Doc:
        if isinstance(item, ast.expr):
            return self._inside(item)
        return (self.code[item.col_offset : self._span(item.value)[0]], self._inside(item.value))

    def _entry(self, key: ast.expr | None, value: ast.expr) -> _Doc:
        head: _Doc = (self._inside(key), ": ") if key else "**"
        return _group((head, self._inside(value)))

    def _items(self, items: Sequence[_Doc], magic: bool = False, lone: bool = False) -> _Doc:
        """Join items by commas; a magic trailing comma breaks the group that they are put in."""
        docs = [(item, ",", _SPACE) for item in items[:-1]]
        comma = _IfBroken(",") if magic or lone or len(items) > 1 else ""
        return (*docs, items[-1], comma, _group("", broken=True) if magic else "")

    def _comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    ) -> _Doc:
        item = (
            self._entry(node.key, node.value)
            if isinstance(node, ast.DictComp)
            else _group(self._inside(node.elt))
        )
        docs: list[_Doc] = [item]
        for clause in node.generators:
            start, end = self._span(clause.target)
            docs += [_SPACE, f"for {self.code[start:end]} in ", self._inside(clause.iter)]
            for test in clause.ifs:
                docs += [_SPACE, "if ", self._inside(test)]
        return _group(tuple(docs))

    def _condition(self, node: ast.IfExp, place: _Place) -> _Doc:
        space = _SPACE if place is _Place.INSIDE else " "
        if isinstance(node.orelse, ast.IfExp) and not self._is_grouped(node.orelse):
            last = self._condition(node.orelse, place)
        else:
            last = self._expression(node.orelse, place)
            last = _group(last) if place is _Place.INSIDE else last
        body, test = self._expression(node.body, place), self._expression(node.test, place)
        return (body, space, "if ", test, space, "else ", last)

    def _operands(self, node: ast.expr) -> tuple[list[ast.expr], list[_Operator]]:
        """Flatten an operation and the operations that are its operands."""
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
        operators: list[_Operator] = []
        end = 0
        for value in values:
            start, after = self._span(value)
            if operands:
                text = self.code[end:start].strip()
                tight = text == self.code[end:start]
                operators.append(_Operator(text, _PRECEDENCE.get(text, _COMPARISON), tight))
            if self._is_grouped(value):
                operands.append(value)
            else:
                inner_operands, inner_operators = self._operands(value)
                operands += inner_operands
                operators += inner_operators
            end = after
        return operands, operators

    def _operation(
        self, operands: Sequence[ast.expr], operators: Sequence[_Operator], place: _Place
    ) -> _Doc:
        """Break an operation before the operators that bind least, all of them or none."""
        lowest = max((operator.precedence for operator in operators), default=0)
        docs: list[_Doc] = []
        start = 0
        for index, operand in enumerate(operands):
            if index < len(operators) and operators[index].precedence < lowest:
                continue
            if start < index:
                inner = self._operation(operands[start : index + 1], operators[start:index], place)
                docs.append(_group(inner))
            else:
                docs.append(self._expression(operand, place))
            if index < len(operators):
                operator = operators[index]
                space = "" if operator.tight else " "
                if place is _Place.INSIDE:
                    after = _IfBroken(" ") if operator.tight else " "
                    docs += [_Line(space), operator.text, after]
                else:
                    docs.append(f"{space}{operator.text}{space}")
            start = index + 1
        return tuple(docs)

    def _is_fluent(self, node: ast.expr) -> bool:
        """Tell whether a chain takes two attributes of calls, subscripts or parentheses."""
        count = 0
        while isinstance(node, (ast.Attribute, ast.Call, ast.Subscript)):
            value = node.func if isinstance(node, ast.Call) else node.value
            grouped = self._is_grouped(value)
            if isinstance(node, ast.Attribute):
                count += grouped or isinstance(value, (ast.Call, ast.Subscript))
            if grouped:
                break
            node = value
        return count > 1

    def _is_bare_tuple(self, node: ast.expr) -> bool:
        """Tell whether a tuple has no parentheses; those in `(a), b` are not its own."""
        match node:
            case ast.Tuple(elts=[first, *_]):
                return self._span(first)[0] == node.col_offset
            case _:
                return False

    def _span(self, node: ast.expr) -> tuple[int, int]:
        """Give the columns of an expression with the parentheses around it."""
        start, end = node.col_offset, node.end_col_offset or 0
        return (start - 1, end + 1) if self._is_grouped(node) else (start, end)

    def _is_grouped(self, node: ast.expr) -> bool:
        """Tell whether parentheses surround an expression, other than those of a call."""
        start, end = node.col_offset, node.end_col_offset or 0
        if start == 0 or self.code[start - 1] != "(" or self.code[end : end + 1] != ")":
            return False
        before = self.code[start - 2 : start - 1]
        return not (before.isidentifier() or before.isdigit() or before in {*")]}\"'"})

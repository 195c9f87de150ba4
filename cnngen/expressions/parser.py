"""Expressions from text: the author's arithmetic in, a tree with spans out.

A Pratt parser. The first mistake ends the parse. What the names mean is left to later passes.
"""

import re
from typing import cast, get_args

from cnngen.diagnostics.model import Report
from cnngen.diagnostics.suggest import respell, suggest
from cnngen.expressions.expression import (
    ABSENT,
    COMPARISON,
    COMPARISONS,
    CONDITIONAL,
    LARGEST_NUMBER,
    MINUS,
    NOT,
    OR,
    PRECEDENCE,
    Apply,
    Binary,
    BinaryOperator,
    Conditional,
    Constant,
    Expression,
    Field,
    Function,
    Index,
    InputChannels,
    ListOf,
    Name,
    Slice,
    Unary,
    walk,
)
from cnngen.expressions.tokens import LONGEST_TEXT, Passage, Refusal, Token, tokenize
from cnngen.source import Span

DEEPEST = 50  # levels of a tree, and of parentheses

WORDS: dict[str, bool | str | None] = {
    "true": True,
    "false": False,
    "null": None,
    "same": "same",
    "half": "half",
    "training": "training",
}
FUNCTIONS: tuple[Function, ...] = get_args(Function)
_ARITIES: dict[Function, str] = {  # the others take one argument
    "min": "one or more",
    "max": "one or more",
    "range": "one or two",
    "make_divisible": "two",
}
SEXAGESIMAL = re.compile(r"\d+(:\d+)+", re.ASCII)
_COUNTS = {"one": (1, 1), "two": (2, 2), "one or two": (1, 2), "one or more": (1, LONGEST_TEXT)}


def parse_expression(text: str, span: Span, report: Report) -> Expression | None:
    """The expression that a scalar holds; None, and a diagnostic, where it is none.

    Where the text stands in the file as it is (perhaps in quotes), spans are exact. Where YAML
    folded or unescaped it, every part has the span of the whole.
    """
    try:
        return _Parser(Passage(text, span)).parse()
    except Refusal as refusal:
        report.add(refusal.code, refusal.message, refusal.span, help=refusal.help, fix=refusal.fix)
        return None


class _Parser:
    """The tokens of one expression and how far they have been read."""

    def __init__(self, passage: Passage) -> None:
        self.passage = passage
        self.tokens = tokenize(passage)
        self.next = 0
        self.nesting = 0

    # --- Places and tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    @property
    def last(self) -> Token:
        return self.tokens[self.next - 1]

    def advance(self) -> Token:
        self.next += 1
        return self.last

    def expect(self, text: str) -> None:
        if self.token.text != text:
            raise self.unexpected()
        self.advance()

    def since(self, start: int) -> Span:
        """From there to the end of the last token that was read."""
        return self.passage.at(start, self.last.end)

    def written(self, start: int) -> str:
        return self.passage.text[start : self.last.end]

    def unexpected(self) -> Refusal:
        token = self.token
        if token.kind == "end":
            return Refusal(f"nothing follows `{self.last.text}`", self.last.span)
        help: str | None = None
        if token.text == ":" and (refused := self.sexagesimal()):
            return refused
        if token.text == ":":
            help = "a `:` stands in the brackets behind a list only, as in `xs[1:]`"
        elif token.text == "," and not self.nesting:
            help = f"write a list in brackets: `[{self.passage.text.strip()}]`"
        elif token.kind in ("number", "name") and self.last.kind in ("number", "name"):
            help = f"put a comma or an operator between `{self.last.text}` and `{token.text}`"
        return Refusal(f"`{token.text}` does not belong here", token.span, help)

    def sexagesimal(self) -> Refusal | None:
        """What to say of `3:30`, which YAML 1.1 takes for a number."""
        found = SEXAGESIMAL.match(self.passage.text, self.last.start)
        if self.last.kind != "number" or found is None:
            return None
        value = 0
        for digits in found[0].split(":"):
            value = value * 60 + int(digits)
        at = self.passage.at(*found.span())
        help = f"write a single number, such as `{value}`"
        return Refusal(f"`{found[0]}` is not a number", at, help)

    # --- Expressions

    def parse(self) -> Expression:
        first = self.token
        if first.kind == "end":
            help = "write a number, a name or an expression"
            raise Refusal("a value is missing", self.passage.span, help)
        if len(self.tokens) == 2 and (first.text == "input" or _is_path(first)):
            return Name(first.text, first.span)  # a tensor that is handed to a block, or its part
        expression = self.expression()
        if self.token.kind != "end":
            raise self.unexpected()
        if any(depth > DEEPEST for _, depth in walk(expression)):
            raise self.too_deep(self.since(0))
        return expression

    def too_deep(self, span: Span) -> Refusal:
        message = f"an expression is nested more than {DEEPEST} deep"
        return Refusal(message, span, "use parameters for its parts", "too-large")

    def expression(self, minimum: int = CONDITIONAL) -> Expression:
        """Up to the first operator that binds less than `minimum`."""
        start = self.token.start
        self.nesting += 1
        if self.nesting > DEEPEST:
            raise self.too_deep(self.token.span)
        left = self.operand(minimum)
        while (level := _level(self.token)) >= minimum:
            operator = cast(BinaryOperator, self.advance().text)
            middle = self.token.start
            right = self.expression(level if operator == "**" else level + 1)
            if level == COMPARISON and self.token.text in COMPARISONS:
                raise self.chained(start, middle)
            left = Binary(operator, left, right, self.since(start))
        if minimum == CONDITIONAL and self.token.text == "if":
            left = self.conditional(left, start)
        self.nesting -= 1
        return left

    def conditional(self, then: Expression, start: int) -> Expression:
        keyword = self.advance()
        test = self.expression(OR)
        if self.token.text != "else":
            help = f"write `{self.written(start)} else ...`"
            raise Refusal("`if` needs an `else`", keyword.span, help)
        self.advance()
        otherwise = self.expression()
        return Conditional(test, then, otherwise, self.since(start))

    def chained(self, start: int, middle: int) -> Refusal:
        first, shared = self.written(start), self.written(middle)
        operator = self.advance()
        self.expression(COMPARISON + 1)
        help = f"write `{first} and {shared} {self.written(operator.start)}`"
        return Refusal("comparisons are not chained", self.since(start), help)

    def operand(self, minimum: int) -> Expression:
        """What stands before a binary operator: a sign or a `not` with its operand, or an atom."""
        token = self.token
        if token.text == "-":
            self.advance()
            operand = self.expression(MINUS)
            return Unary("-", operand, self.since(token.start))
        if token.text == "+":
            raise Refusal("a number has no sign `+`", token.span, "leave the `+` out")
        if token.text == "not":
            if minimum > NOT:
                raise Refusal("`not` needs parentheses here", token.span, "write `(not ...)`")
            self.advance()
            operand = self.expression(NOT)
            return Unary("not", operand, self.since(token.start))
        atom = self.atom()
        while self.token.text == "[" or self.token.kind == "field":
            if self.token.text == "[":
                atom = self.subscript(atom, token.start)
            else:
                name = self.advance().text[1:]
                atom = Field(atom, name, self.since(token.start))
        if self.token.text == "(":
            raise Refusal("only functions are called", self.token.span, _listing(FUNCTIONS))
        return atom

    def subscript(self, of: Expression, start: int) -> Expression:
        """`xs[i]`, or a slice: `xs[1:]`, `xs[::-1]`."""
        self.advance()
        index = self.bound()
        if self.token.text != ":":
            if index == ABSENT:
                raise self.unexpected()
            self.expect("]")
            return Index(of, index, self.since(start))
        self.advance()
        stop, step = self.bound(), ABSENT
        if self.token.text == ":":
            self.advance()
            step = self.step(bounded=(index, stop) != (ABSENT, ABSENT))
        self.expect("]")
        return Slice(of, index, stop, step, self.since(start))

    def bound(self) -> Expression:
        return ABSENT if self.token.text in (":", "]") else self.expression()

    def step(self, *, bounded: bool) -> Constant:
        """The step of a slice, which turns a whole list around."""
        first = self.token
        step = self.bound()
        if step == Unary("-", Constant(1)) and not bounded:
            return Constant(-1, step.span)
        message = "a slice has no step but that of `xs[::-1]`, which turns a list around"
        help = "list the elements that are meant: `[xs[0], xs[2]]`"
        if bounded:
            help = "cut first, then turn: `xs[1:][::-1]`"
        raise Refusal(message, first.span, help)

    def atom(self) -> Expression:
        token = self.token
        if token.kind == "number":
            self.advance()
            return self.number(token)
        if token.text == "(":
            self.advance()
            inner = self.expression()
            if self.token.text == ",":
                raise Refusal("a list is written in brackets", self.token.span, "write `[a, b]`")
            self.expect(")")
            return inner
        if token.text == "[":
            self.advance()
            items = self.items("]")
            return ListOf(items, self.since(token.start))
        if token.kind == "name" and token.text not in ("and", "or", "if", "else"):
            self.advance()
            return self.call(token) if self.token.text == "(" else self.name(token)
        raise self.unexpected()

    def items(self, closer: str) -> tuple[Expression, ...]:
        """Expressions between commas, up to and with the closing bracket; `input` is the tensor."""
        items: list[Expression] = []
        while self.token.text != closer:
            ends = self.tokens[self.next + 1].text in (",", "]", ")")
            alone = self.token.text == "input" and ends
            items.append(Name("input", self.advance().span) if alone else self.expression())
            if self.token.text != closer:
                self.expect(",")
        self.advance()
        return tuple(items)

    def name(self, token: Token) -> Expression:
        span = token.span
        if token.text in WORDS:
            return Constant(WORDS[token.text], span, token.text)
        if token.text == "input.channels":
            return InputChannels(span)
        first, dot, last = token.text.partition(".")
        if first == "input":
            if not dot and self._is_list(token):
                return Name(first, span)
            if not dot:
                raise Refusal("`input` is not a number", span, "write `input.channels`")
            help = "heights and widths are not in the language; there is only `input.channels`"
            raise Refusal(f"there is no `{token.text}`", span, help)
        if _is_path(token) or last in FUNCTIONS:
            message = f"`{token.text}` is not a name: only fields and `input.channels` have a dot"
            help = f"write `{last}(...)`" if last in FUNCTIONS else None
            raise Refusal(message, span, help)
        return self.fields(token)

    def _is_list(self, token: Token) -> bool:
        """Whether `input` stands where a list can: before a position, or beside another list."""
        if self.token.text == "[":
            return True
        at = self.tokens.index(token)
        after = self.tokens[at + 2] if self.token.text == "+" else None
        before = self.tokens[at - 2] if at > 1 and self.tokens[at - 1].text == "+" else None
        return any(x is not None and (x.kind == "name" or x.text in "[]") for x in (after, before))

    def fields(self, token: Token) -> Expression:
        """A name, and the fields behind its dots."""
        first, *fields = token.text.split(".")
        end = token.start + len(first)
        found: Expression = Name(first, self.passage.at(token.start, end))
        for name in fields:
            end += 1 + len(name)
            found = Field(found, name, self.passage.at(token.start, end))
        return found

    def call(self, token: Token) -> Expression:
        if token.text not in FUNCTIONS:
            word = token.text.rpartition(".")[2]  # `math.ceil` is `ceil`
            close = suggest(word, FUNCTIONS)
            help = f"did you mean `{close}`?" if close else _listing(FUNCTIONS)
            fix = respell(token.span, close, () if word == close else FUNCTIONS, closed=True)
            message = f"there is no function `{token.text}`"
            raise Refusal(message, token.span, help, "unknown-name", fix)
        function = token.text
        self.advance()
        arguments = self.items(")")
        span = self.since(token.start)
        expected = _ARITIES.get(function, "one")
        least, most = _COUNTS[expected]
        if not least <= len(arguments) <= most:
            plural = "" if most == 1 else "s"
            message = f"`{function}` takes {expected} argument{plural}, not {len(arguments)}"
            raise Refusal(message, span)
        return Apply(function, arguments, span)

    def number(self, token: Token) -> Constant:
        value = int(token.text) if token.text.isdigit() else float(token.text)
        if value > LARGEST_NUMBER:
            message = f"`{token.text}` is larger than 10**12"
            raise Refusal(message, token.span, code="too-large")
        return Constant(value, token.span, token.text)


def _is_path(token: Token) -> bool:
    """Whether a name has numbers behind dots, as parts of tensors would have."""
    return token.kind == "name" and re.search(r"\.\d", token.text) is not None


def _level(token: Token) -> int:
    """How tightly the binary operator binds; 0 where the token is none."""
    return PRECEDENCE.get(cast(BinaryOperator, token.text), 0)


def _listing(functions: tuple[str, ...]) -> str:
    return f"the functions are {', '.join(f'`{name}`' for name in functions)}"

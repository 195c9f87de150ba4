"""The tokens of an expression: its text cut into numbers, names and operators.

Typical slips are reported here. The parser can rely on numbers that are numbers, and on brackets
that have partners.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from cnngen.diagnostics.model import Edit
from cnngen.source import Span

LONGEST_TEXT = 1000  # characters
RECORDS = "a record stands in a YAML list, not in a text: make that list a parameter"


class Refusal(Exception):
    """The first mistake of an expression; it ends the parse."""

    def __init__(
        self,
        message: str,
        span: Span,
        help: str | None = None,
        code: str = "bad-expression",
        fix: tuple[Edit, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.span, self.help, self.code = message, span, help, code
        self.fix = fix


@dataclass(frozen=True)
class Passage:
    """The text of an expression, and the scalar that says it."""

    text: str
    span: Span

    @cached_property
    def offset(self) -> int | None:
        """Where the text begins in the file, if it stands there as it is, perhaps in quotes."""
        if self.span.text == self.text:
            return self.span.start
        return self.span.start + 1 if self.span.text[1:-1] == self.text else None

    def at(self, start: int, end: int) -> Span:
        """The place of a part; of the whole where YAML folded or unescaped the text."""
        offset = self.offset
        return self.span if offset is None else Span(self.span.source, offset + start, offset + end)


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  # number, name, field, operator or end
    text: str
    start: int
    end: int
    span: Span


# A number takes in all that looks like one (`0x1F`, `1_000`, `2x`): one message covers it.
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number> (?:\d|\.\d)(?:[eE][+-]?\d|[\w.])*)
    | (?P<name>   [A-Za-z_]\w*(?:\.\w+)*)
    | (?P<field>  \.[A-Za-z_]\w*)
    | (?P<operator> \*\*|//|==|!=|<=|>=|<>|=>|=<|&&|\|\||[-+*/%<>()\[\],!=&|^~?:"'])
    | (?P<end> \Z)
    | (?P<other> .)
    )""",
    re.ASCII | re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"(?:0|[1-9]\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?", re.ASCII)

_SLIPS = {
    "&&": "write `and`",
    "&": "write `and`",
    "||": "write `or`",
    "|": "write `or`",
    "!": "write `not`",
    "~": "write `not`",
    "=": "compare with `==`",
    "<>": "write `!=`",
    "=>": "write `>=`",
    "=<": "write `<=`",
    "^": "a power is `**`",
    "?": "write `a if condition else b`",
    "True": "write `true`",
    "False": "write `false`",
    "None": "write `null`",
    "is": "compare with `==`",
    "in": "compare with `==`, joined by `or`",
    "elif": "write `a if condition else b if other else c`",
}

_EXACT = {"&&", "||", "<>", "=>", "=<", "True", "False", "None"}  # mean the same elsewhere


def tokenize(passage: Passage) -> list[Token]:
    """The tokens of an expression, the last of them its end."""
    if len(passage.text) > LONGEST_TEXT:
        message = f"an expression of {len(passage.text)} characters is too long"
        help = f"write at most {LONGEST_TEXT}, for example with parameters for its parts"
        raise Refusal(message, passage.span, help, "too-large")
    tokens: list[Token] = []
    for found in _TOKEN.finditer(passage.text):
        kind = found.lastgroup
        assert kind
        start, end, text = found.start(kind), found.end(kind), found[kind]
        span = passage.at(start, end)
        _check(kind, text, span)
        tokens.append(Token(kind, text, start, end, span))
        if kind == "end":
            break
    _check_brackets(tokens)
    return tokens


def _check(kind: str, text: str, span: Span) -> None:
    if text in _SLIPS:
        help = _SLIPS[text]
        is_exact = text in _EXACT and span.text == text
        fix = (Edit(span, help.split("`")[1]),) if is_exact else ()
        raise Refusal(f"`{text}` is not part of the language", span, help, fix=fix)
    if text in ("'", '"'):
        help = "leave these quotes out: only a whole value is quoted"
        raise Refusal("an expression has no text in quotes", span, help)
    if kind == "number" and not _NUMBER.fullmatch(text):
        raise Refusal(f"`{text}` is not a number", span, _decimal(text))
    if kind == "other":
        shown = text if text.isprintable() else f"U+{ord(text):04X}"
        is_record = text == "{" and not span.source.text.startswith("{{", span.start)
        help = RECORDS if is_record else None
        raise Refusal(f"`{shown}` is not part of the language", span, help)


def _decimal(text: str) -> str:
    """How to write what looks like a number of another notation."""
    if re.fullmatch(r"0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+", text):
        return f"write `{int(text, 0)}`"
    if found := re.fullmatch(r"(\d+)x(\d+)", text, re.ASCII):
        return f"a height and a width are written `[{found[1]}, {found[2]}]`"
    plain = text.replace("_", "").lstrip("0") or "0"
    if _NUMBER.fullmatch(plain):
        return f"write `{'0' + plain if plain.startswith('.') else plain}`"
    if found := re.fullmatch(r"([\d.]+)([A-Za-z_]\w*)", text, re.ASCII):
        return f"a product is written `{found[1]} * {found[2]}`"
    return "write it as `10`, `0.5` or `1e-5`"


def _check_brackets(tokens: list[Token]) -> None:
    """Each bracket has its partner (the reader has seen to those that YAML's flow style parted)."""
    opened: list[Token] = []
    for token in tokens:
        if token.text in ("(", "["):
            opened.append(token)
        elif token.text in (")", "]"):
            if not opened:
                raise Refusal(f"`{token.text}` closes nothing", token.span)
            opener = opened.pop().text
            if opener + token.text not in ("()", "[]"):
                raise Refusal(f"`{token.text}` does not close `{opener}`", token.span)
    if opened:
        raise Refusal(f"`{opened[-1].text}` is never closed", opened[-1].span)

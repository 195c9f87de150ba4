"""Statements of templates, each on one line of any length -> lines of at most 100 columns.

What kind of statement a line is shows by how it begins. What is not recognised stays as it is.
"""

import re
from collections.abc import Iterator

from cnngen.python.document import WIDTH, render
from cnngen.python.flat import flat
from cnngen.python.nodes import (
    Assign,
    Augment,
    Do,
    For,
    Function,
    Parameter,
    Raise,
    Return,
    Statement,
    Verbatim,
)
from cnngen.python.printer import printed
from cnngen.python.scan import Bracketed, parts_of, pieces
from cnngen.python.statement_document import if_head
from cnngen.python.verbatim import read

_DEFINITION = re.compile(r"def (\w+)(\(.*\))(?: -> (.+))?:")
_PARAMETER = re.compile(r"(\*{0,2}\w+|\*)(?:: (.+?))?(?: ?= ?(.+))?")
_CONDITION = re.compile(r"(if|elif) (.+):")
_LOOP = re.compile(r"for (.+?) in (.+):")
_RESULT = re.compile(r"(return|raise) (.+)")
_TARGET = r"[\w.]+(?:\[[^][=]*\])?"
_ASSIGNMENT = re.compile(rf"((?:{_TARGET}(?:, {_TARGET})* = )+)(.+)")
_AUGMENTED = re.compile(rf"({_TARGET}) ([-+*/|&]|//)= (.+)")
_LAST_COMMA = re.compile(r",[)\]}]")  # which asks for one item a line
_COMMENT = re.compile(r"""((?:[^#"']|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')*?)\s*(#.*)""")
_QUOTES = '"""'


def laid_out(text: str) -> tuple[str, ...]:
    """The lines of a text, those of docstrings as they are."""
    lines: list[str] = []
    quoted = False
    for line in text.splitlines():
        kept = quoted or _QUOTES in line
        lines += [line] if kept else _laid_out(line)
        quoted ^= line.count(_QUOTES) % 2 == 1
    return tuple(lines)


def _laid_out(line: str) -> Iterator[str]:
    fits = len(line) <= WIDTH
    code = line.strip()
    if (fits and not _LAST_COMMA.search(line)) or code.startswith("#"):
        yield line
        return
    margin = line[: len(line) - len(line.lstrip())]
    found = _COMMENT.fullmatch(code)
    code, comment = (found[1], found[2]) if found else (code, "")
    *lines, last = _lines(code, margin)
    if comment and not fits:
        yield margin + comment
    yield from lines
    yield f"{last}  {comment}" if comment and fits else last


def _lines(code: str, margin: str) -> list[str]:
    if found := _CONDITION.fullmatch(code):
        return render(if_head(found[1], read(found[2])), len(margin), WIDTH)
    return printed([_statement(code)], len(margin)).lines


def _statement(code: str) -> Statement:
    if (found := _DEFINITION.fullmatch(code)) and (parameters := _parameters(found[2])) is not None:
        return Function(found[1], parameters, found[3] or "", ())
    if found := _LOOP.fullmatch(code):
        return For(read(found[1]), read(found[2]), ())
    if found := _RESULT.fullmatch(code):
        return (Return if found[1] == "return" else Raise)(read(found[2]))
    if found := _AUGMENTED.fullmatch(code):
        return Augment(read(found[1]), found[2], read(found[3]))
    if found := _ASSIGNMENT.fullmatch(code):
        targets = found[1].split(" = ")[:-1]
        return Assign(tuple(Verbatim((target,)) for target in targets), read(found[2]))
    return Do(read(code))


def _parameters(text: str) -> tuple[Parameter, ...] | None:
    """The parameters between parentheses; None where they cannot be told apart."""
    match pieces([text]):
        case [Bracketed("(", items)]:
            texts = [flat(Verbatim(tuple(parts_of(item)))) for item in items]
            found = [_PARAMETER.fullmatch(each) for each in texts]
            if None in found:
                return None
            return tuple(
                Parameter(each[1], each[2] or "", read(each[3]) if each[3] else None)
                for each in found
                if each
            )
        case _:
            return None

"""Statements -> lines of 100 columns."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from cnngen.python.flat import flat
from cnngen.python.layout import layout
from cnngen.python.nodes import (
    Assign,
    Augment,
    Blank,
    Class,
    Comment,
    Do,
    For,
    Function,
    If,
    Parameter,
    Raise,
    Return,
    Statement,
    Text,
)


def printed(statement: Statement) -> str:
    return "\n".join(lines([statement]))


def lines(statements: Sequence[Statement], indent: int = 0) -> Iterator[str]:
    """The lines of statements, laid out at an indentation in spaces."""
    for statement in statements:
        yield from _lines(statement, indent)


def _lines(statement: Statement, indent: int) -> Iterator[str]:
    match statement:
        case Assign(targets, value, comment):
            text = " = ".join(flat(part) for part in (*targets, value))
            yield from layout(f"{text}  # {comment}" if comment else text, indent)
        case Augment(target, operator, value):
            yield from layout(f"{flat(target)} {operator}= {flat(value)}", indent)
        case Do(value):
            yield from layout(flat(value), indent)
        case Return(value, comment):
            text = f"return {flat(value)}"
            yield from layout(f"{text}  # {comment}" if comment else text, indent)
        case If(branches):
            for i, (test, body) in enumerate(branches):
                head = "else:" if test is None else f"{'elif' if i else 'if'} {flat(test)}:"
                yield from layout(head, indent)
                yield from lines(body, indent + 4)
        case For(target, iterable, body):
            yield from layout(f"for {flat(target)} in {flat(iterable)}:", indent)
            yield from lines(body, indent + 4)
        case Raise(value):
            yield from layout(f"raise {flat(value)}", indent)
        case Comment(text):
            yield f"{' ' * indent}# {text}"
        case Blank():
            yield ""
        case Text(text):
            yield from text
        case Function(name, parameters, returns, body, docstring):
            inside = ", ".join(map(_parameter, parameters))
            yield from layout(f"def {name}({inside}) -> {returns}:", indent)
            yield from docstring.splitlines()
            yield from lines(body, indent + 4)
        case Class(name, bases, body, docstring):
            comment = "  # noqa: N801" if "_" in name else ""
            yield f"{' ' * indent}class {name}({', '.join(map(flat, bases))}):{comment}"
            yield from docstring.splitlines()
            for i, member in enumerate(body):
                if i or docstring:
                    yield ""
                yield from _lines(member, indent + 4)
        case _:
            assert_never(statement)


def _parameter(parameter: Parameter) -> str:
    annotation = f": {parameter.annotation}" if parameter.annotation else ""
    default = f" = {flat(parameter.default)}" if parameter.default is not None else ""
    return f"{parameter.name}{annotation}{default}"

"""Printer: statements -> lines of at most 100 columns, as `ruff format` breaks them, and which of
the lines were made from which origin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import assert_never

from cnngen.python.document import WIDTH, Doc, Mark, render
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
    Import,
    Nonlocal,
    Origin,
    Raise,
    Return,
    Statement,
    Text,
)
from cnngen.python.statement_document import (
    class_head,
    flat_statement,
    for_head,
    function_head,
    if_head,
    simple,
)


@dataclass(slots=True)
class Printed:
    """Lines, and for each origin the first and the last line (from 1) of each of its places."""

    lines: list[str] = field(default_factory=list[str])
    places: dict[Origin, list[tuple[int, int]]] = field(
        default_factory=dict[Origin, list[tuple[int, int]]]
    )

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def printed(statements: Sequence[Statement], indent: int = 0) -> Printed:
    """Print statements at an indentation in spaces; those of a module have none."""
    printer = _Printer(Printed())
    printer.body(statements, indent)
    return printer.printed


@dataclass(frozen=True, slots=True)
class _Printer:
    printed: Printed

    def body(self, statements: Sequence[Statement], indent: int) -> None:
        """Print statements, with the empty lines that functions and classes have around them."""
        gap = 1 if indent else 2
        for number, statement in enumerate(statements):
            if number and _is_apart(statements, number):
                self.blank(gap)
            self.statement(statement, indent)

    def blank(self, count: int) -> None:
        """Make the number of empty lines at the end this one."""
        while self.printed.lines and not self.printed.lines[-1]:
            self.printed.lines.pop()
        self.printed.lines += [""] * count

    def statement(self, statement: Statement, indent: int) -> None:
        first = len(self.printed.lines) + 1
        match statement:
            case Assign() | Return() if statement.comment:
                self.commented(statement, indent)
            case Assign() | Return() | Augment() | Do() | Raise() | Import():
                self.document(simple(statement), indent)
            case If(branches):
                for number, (test, body) in enumerate(branches):
                    self.document(if_head("elif" if number else "if", test), indent)
                    self.body(body, indent + 4)
            case For(target, iterable, body):
                self.document(for_head(target, iterable), indent)
                self.body(body, indent + 4)
            case Nonlocal(names):
                self.line(f"nonlocal {', '.join(names)}", indent)
            case Comment(text):
                self.line(f"# {text}", indent)
            case Blank():
                self.line("", indent)
            case Text(lines):
                self.printed.lines += lines
            case Function():
                self.document(function_head(statement), indent)
                self.printed.lines += statement.docstring.splitlines()
                self.body(statement.body, indent + 4)
            case Class():
                self.made_class(statement, indent)
            case _:
                assert_never(statement)
        match statement:
            case Assign() | Augment() | Do() | Return() | Function() | Class() if (
                statement.origin is not None
            ):
                self.place(statement.origin, first, len(self.printed.lines))
            case _:
                pass

    def made_class(self, made: Class, indent: int) -> None:
        self.document(class_head(made), indent)
        self.printed.lines[-1] += f"  # {made.comment}" if made.comment else ""
        self.printed.lines += made.docstring.splitlines()
        if made.docstring and made.body:
            self.blank(1)
        self.body(made.body, indent + 4)

    def commented(self, statement: Assign | Return, indent: int) -> None:
        """Print a statement with its comment behind it where both fit in a line, or where its
        brackets are broken in any case; else above.
        """
        comment = f"# {statement.comment}"
        if indent + len(flat_statement(statement)) + 2 + len(comment) > WIDTH:
            self.line(comment, indent)
            self.document(simple(statement), indent)
        else:
            self.document(simple(statement), indent)
            self.printed.lines[-1] += f"  {comment}"

    def document(self, doc: Doc, indent: int) -> None:
        """Print a document, and note where its marks are."""
        before = len(self.printed.lines)
        open_marks = dict[int, int]()  # of each mark whose end is to come, its line

        def note(mark: Mark, line: int) -> None:
            start = open_marks.pop(id(mark), None)
            if start is None:
                open_marks[id(mark)] = line
            else:
                self.place(mark.origin, before + start, before + line)

        self.printed.lines += render(doc, indent, WIDTH, note)

    def place(self, origin: Origin, first: int, last: int) -> None:
        self.printed.places.setdefault(origin, []).append((first, last))

    def line(self, text: str, indent: int) -> None:
        self.printed.lines.append(" " * indent + text if text else "")


def _is_apart(statements: Sequence[Statement], number: int) -> bool:
    """Whether empty lines stand before a statement: around functions and classes, with the
    comments above them.
    """
    before, after = statements[number - 1], statements[number]
    if isinstance(after, Comment):
        rest = (each for each in statements[number:] if not isinstance(each, Comment))
        after = next(rest, after)
    elif isinstance(before, Comment):
        return False
    return _is_definition(before) or _is_definition(after)


def _is_definition(statement: Statement) -> bool:
    match statement:
        case Function() | Class():
            return True
        case Text((first, *_)):
            return first.startswith(("def ", "class ", "@"))
        case _:
            return False

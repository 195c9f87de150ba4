"""Code: the lines of a body in the making, with indentation; lines that are too long are broken
when it is printed.
"""

import ast
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cnngen.python.document import WIDTH
from cnngen.python.layout import layout


@dataclass(slots=True)
class Code:
    """Statements in order; those inside a loop or a condition are indented below it."""

    lines: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    depth: int = 0

    def add(self, statement: str) -> None:
        self.lines.append((self.depth, statement))

    @contextmanager
    def inside(self, header: str) -> Generator[None]:
        """A block of statements below `header` (`for ...:`)."""
        self.add(header)
        self.depth += 1
        yield
        self.depth -= 1

    def mark(self) -> int:
        return len(self.lines)

    def names(self, mark: int = 0) -> set[str]:
        """The names that stand in the statements since the mark."""
        return {node.id for node in self._names(mark)}

    def _names(self, mark: int) -> list[ast.Name]:
        lines = self.lines[mark:]
        text = "\n".join("    " * (depth - lines[0][0]) + line for depth, line in lines)
        return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]

    def drop_unread(self, variables: set[str]) -> None:
        """Leave out what is assigned to variables that nothing reads."""
        if not variables:
            return
        read = {node.id for node in self._names(0) if isinstance(node.ctx, ast.Load)}
        dropped = variables - read
        self.lines = [line for line in self.lines if line[1].partition(" ")[0] not in dropped]

    def define(self, mark: int, name: str, value: str) -> None:
        """Assign a value at the mark, if what follows needs it."""
        if name in self.names(mark):
            self.lines.insert(mark, (self.lines[mark][0], f"{name} = {value}"))

    def join_conditions(self, mark: int) -> None:
        """Make one condition of the one at the mark and one that is all there is inside it."""
        (depth, outer), (_, inner), *rest = self.lines[mark:]
        if inner.startswith("if ") and all(level > depth + 1 for level, _ in rest):
            tests = [line.removeprefix("if ").removesuffix(":") for line in (outer, inner)]
            inside = [(level - 1, line) for level, line in rest]
            self.lines[mark:] = [(depth, f"if {_both(*tests)}:"), *inside]

    def join_choice(self, mark: int, indent: int) -> None:
        """Make one assignment of `if` and `else` that assign to one name, if it fits in a line."""
        match [line for _, line in self.lines[mark:]]:
            case [test, then, "else:", otherwise]:
                name, equals, value = then.partition(" = ")
                other, _, alternative = otherwise.partition(" = ")
                test = test.removeprefix("if ").removesuffix(":")
                value = f"({value})" if " if " in value and _is_choice(value) else value
                line = f"{name} = {value} if {test} else {alternative}" if equals else ""
                fits = indent + 4 * self.depth + len(line) <= WIDTH
                if line and name == other and fits:
                    self.lines[mark:] = [(self.depth, line)]
            case _:
                pass

    def rewrite(self, mark: int, statement: str) -> None:
        """Give the line at the mark its text, where only what follows tells it."""
        self.lines[mark] = (self.lines[mark][0], statement)

    def back_to(self, mark: int) -> None:
        """Forget what was added since the mark."""
        del self.lines[mark:]

    def text(self, indent: int) -> str:
        """The lines, laid out at an indentation in spaces."""
        return "\n".join(
            line if statement else ""
            for depth, statement in self.lines
            for line in (layout(statement, indent + 4 * depth) if statement else [""])
        )


def _is_choice(value: str) -> bool:
    return isinstance(ast.parse(value, mode="eval").body, ast.IfExp)


def _both(first: str, second: str) -> str:
    """Both conditions in one."""
    if "False" in (first, second):
        return "False"
    if "True" in (first, second):
        return second if first == "True" else first
    loose = (ast.Or, ast.IfExp)  # what binds less than `and`
    trees = [ast.parse(test, mode="eval").body for test in (first, second)]
    return " and ".join(
        f"({test})" if isinstance(getattr(tree, "op", tree), loose) else test
        for test, tree in zip((first, second), trees, strict=True)
    )

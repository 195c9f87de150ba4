"""Deep loops: CPython compiles at most 20 loops in each other in one function (`CO_MAXBLOCKS`).

Those inside of the 20th become a function of their own, which stands where they stood.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from cnngen.python.nodes import Call, Do, For, Function, If, Name, Nonlocal, Statement
from cnngen.python.variables import assigned, names

MOST = 20


def split_deep_loops(function: Function) -> Function:
    """The same function, with loops that stand too deep in functions inside of it."""
    if _depth(function.body) <= MOST:
        return function
    parameters = {parameter.name for parameter in function.parameters}
    taken = parameters | names(function.body) | assigned(function.body)
    return replace(function, body=_split(function.body, 0, parameters, _fresh(taken)))


def _fresh(taken: set[str]) -> Iterator[str]:
    """Names for functions."""
    numbers = ("", *(f"_{number}" for number in range(2, 1000)))
    return (name for number in numbers if (name := f"deeper{number}") not in taken)


def _depth(statements: Iterable[Statement]) -> int:
    """How many loops stand in each other."""
    return max((_depth_of(statement) for statement in statements), default=0)


def _depth_of(statement: Statement) -> int:
    match statement:
        case For(_, _, body):
            return 1 + _depth(body)
        case If(branches):
            return max(_depth(body) for _, body in branches)
        case _:
            return 0


def _split(
    statements: Sequence[Statement], around: int, outer: set[str], fresh: Iterator[str]
) -> tuple[Statement, ...]:
    """Statements with so many loops around them; `outer` are the names of the function there, but
    for those that these statements assign.
    """
    made: list[Statement] = []
    for number, statement in enumerate(statements):
        others = (*statements[:number], *statements[number + 1 :])
        known = outer | assigned(others)
        match statement:
            case For(_, _, body) if around < MOST:
                known |= assigned([replace(statement, body=())])
                made.append(replace(statement, body=_split(body, around + 1, known, fresh)))
            case For():
                name = next(fresh)
                rebound = tuple(sorted(assigned([statement]) & known))
                inside = _split([statement], 0, known, fresh)
                body = (Nonlocal(rebound), *inside) if rebound else inside
                made.append(Function(name, (), "None", body))
                made.append(Do(Call(Name(name))))
            case If(branches):
                inner = tuple((test, _split(b, around, known, fresh)) for test, b in branches)
                made.append(If(inner))
            case _:
                made.append(statement)
    return tuple(made)

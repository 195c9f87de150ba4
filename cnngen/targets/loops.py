"""Headers of loops, the same in every target that prints Python."""

from cnngen.expressions.expression import Apply, Expression
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Body, Each, Repeat
from cnngen.targets.spelled import Printer


def loop_variables(body: Body) -> set[str]:
    """The variables of all loops in a body."""
    return {name.text for step in steps(body) if isinstance(step, Each) for name, _ in step.lists}


def loop_index(taken: set[str]) -> str:
    """A name for a counter that nothing else has."""
    names = ("i", "j", "k", *(f"i{n}" for n in range(2, 100)))
    return next(name for name in names if name not in taken)


def loop_header(step: Repeat | Each, index: str, used: set[str], printer: Printer) -> str:
    """The header of a loop; `index` names its counter, `used` are the names in its body."""
    index = index if index in used else ""
    if isinstance(step, Repeat):
        return f"for {index or '_'} in range({printer.code(step.times)}):"
    names = [v.text if v.text in used else f"_{v.text}" for v, _ in step.lists]
    lists = [_iterable(values, printer) for _, values in step.lists]
    if len(names) == 1:
        target, iterable = names[0], lists[0]
    else:
        target, iterable = ", ".join(names), f"zip({', '.join(lists)}, strict=True)"
    if index:
        target = f"{index}, {target}" if len(names) == 1 else f"{index}, ({target})"
        iterable = f"enumerate({iterable})"
    return f"for {target} in {iterable}:"


def _iterable(values: Expression, printer: Printer) -> str:
    """A list to run through; a range stays a range."""
    code = printer.code(values)
    if isinstance(values, Apply) and values.function == "range" and code.startswith("tuple(range("):
        return code.removeprefix("tuple(").removesuffix(")")
    return code

"""The index of a loop: what to write where an unknown name was meant to be one, as `repeat` has no
variable.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from cnngen.diagnostics.model import Edit, Remedies
from cnngen.expressions.expression import Apply, Expression, ListOf, Name, walk
from cnngen.semantics.walk import expressions, steps
from cnngen.source import Span
from cnngen.syntax.naming import NameKind, can_be_called
from cnngen.syntax.tree import Each, Repeat

INDICES = frozenset(["it", "idx", "ind", "index", "iter", "iteration", "count", "counter"])
LONGEST_HELP = 100  # characters
NAMES = ("index", "iteration", "count", "position")


def is_index(name: str) -> bool:
    """Whether a name is one that people use for the index of a loop."""
    return len(name) == 1 or name.lower().rpartition("_")[2] in INDICES


def available(candidates: Iterable[str], kind: NameKind, taken: Collection[str]) -> str:
    """The first name that a spec may use; the last one with a number, if there is none."""
    *_, last = candidates = tuple(candidates)
    numbered = (f"{last}{number}" for number in range(2, 1000))
    free = (n for n in (*candidates, *numbered) if n not in taken and can_be_called(n, kind))
    return next(free, last)


def counted(name: str, loop: Repeat | Each, taken: Collection[str]) -> tuple[str, Remedies]:
    """What to do about an unknown name in a loop without an index: give the loop a variable that
    counts from 0 or, where that does not work, from 1.
    """
    variable = available((name, *NAMES), "variable", taken)
    if isinstance(loop, Repeat):
        times = loop.times.span.text if loop.times.span else "..."
        after = str(int(times) + 1) if times.isdigit() else f"{times} + 1"
        header, entries = _header(loop), "each: {{{}}}"
        help = f"write `each: {{{_entry(variable, f'range({times})')}}}` for `repeat: {times}`"
    else:
        times = _length(loop.lists[0][1])
        after = str(int(times) + 1) if times.isdigit() else f"{times} + 1"
        header, entries = _behind(loop), _more(loop)
        lists = [*_lists(loop), _entry(variable, f"range({times})")]
        help = f"write `each: {{{', '.join(lists)}}}`"
        if len(help) > LONGEST_HELP:
            help = f"let the loop have one more variable: `{lists[-1]}`"
    if variable != name:
        help += f", and `{variable}` for `{name}`"
    if header is None:
        return help, ()
    uses = tuple(Edit(span, variable) for span in _uses(name, loop)) if variable != name else ()
    ranges = (f"range({times})", f"range(1, {after})")
    written = [Edit(header, entries.format(_entry(variable, numbers))) for numbers in ranges]
    return help, (tuple((edit, *uses) for edit in written),)


def _length(values: Expression) -> str:
    """How many elements a list has, as an expression."""
    match values:
        case ListOf(items):
            return str(len(items))
        case Apply("range", (stop,)) if stop.span:
            return stop.span.text
        case _:
            return f"len({values.span.text if values.span else '...'})"


def _lists(loop: Each) -> Iterator[str]:
    """The entries of a loop, as they are written."""
    for name, values in loop.lists:
        if values.span:
            text = " ".join(values.span.text.split())
            plain = isinstance(values, ListOf) or values.span.text.startswith(("'", '"'))
            yield f"{name.text}: {text}" if plain else _entry(name.text, text)


def _header(loop: Repeat) -> Span | None:
    """`repeat: 3`, with the quotes that there may be."""
    at = loop.times.span
    if at is None:
        return None
    text = at.source.text
    before = re.search(r"repeat\s*:\s*[\"']?\Z", text[: at.start])
    after = re.compile(r"[\"']?").match(text, at.end)
    return Span(at.source, before.start(), after.end()) if before and after else None


def _behind(loop: Each) -> Span | None:
    """The place behind the lists of a loop."""
    last = loop.lists[-1][1].span
    if last is None:
        return None
    end = last.end + (last.source.text[last.end : last.end + 1] in ("'", '"'))
    return Span(last.source, end, end)


def _more(loop: Each) -> str:
    """How one more entry follows the lists of a loop."""
    name = loop.lists[-1][0].span
    before = name.source.line(name.line)[: name.column - 1]
    return ", {}" if before.strip() else f"\n{before}{{}}"


def _uses(name: str, loop: Repeat | Each) -> Iterator[Span]:
    for step in steps(loop.body):
        for expression in expressions(step):
            for part, _ in walk(expression):
                if isinstance(part, Name) and part.name == name and part.span:
                    yield part.span


def _entry(variable: str, expression: str) -> str:
    """An entry of a mapping in braces."""
    is_plain = re.search(r"[,\[\]{}]", expression) is None
    return f"{variable}: {expression}" if is_plain else f'{variable}: "{expression}"'

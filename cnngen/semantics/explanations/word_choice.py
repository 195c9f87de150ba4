"""A word such as `same` as a part of an expression: such a word has no value to compute with."""

from collections.abc import Collection

from cnngen.diagnostics.model import Report
from cnngen.expressions.expression import Constant, Expression, Name, walk
from cnngen.semantics.definitions import listed
from cnngen.syntax.tree import Argument, Distribution


def report_word(argument: Argument, words: Collection[str], report: Report) -> bool:
    """Report words that stand in a larger expression; whether there are any."""
    value = argument.value
    if isinstance(value, Distribution) or _word(value) or value.span is None:
        return False
    parts = [part for part, _ in walk(value) if _word(part) in words]
    found = [str(_word(part)) for part in parts]
    if not found:
        return False
    help = f"write `{found[0]}` alone, or a number"
    verb = "are words" if len(set(found)) > 1 else "is a word"
    report.add(
        "wrong-type",
        f"{listed(dict.fromkeys(found), 'and')} {verb} for `{argument.name.text}` alone,"
        " not for a part of an expression",
        parts[0].span or value.span,
        help=help,
    )
    return True


def _word(part: Expression) -> str | None:
    if isinstance(part, Name):
        return part.name
    return part.value if isinstance(part, Constant) and isinstance(part.value, str) else None

"""A word such as `same` as a part of an expression: `padding: half if pad else 0`.

Such a word has no value that could be computed, so the choice must be a `when` around the step.
"""

import re
from collections.abc import Collection

from cnngen.diagnostics.model import Edit, Remedies, Report
from cnngen.expressions.expression import Conditional, Constant, Expression, Name, walk
from cnngen.semantics.definitions import Definitions, check_expression, listed
from cnngen.source import Span
from cnngen.syntax.edits import surroundings
from cnngen.syntax.tree import Argument, Call, Distribution


def report_word(
    argument: Argument, call: Call, words: Collection[str], names: Definitions, report: Report
) -> bool:
    """Report words that stand in a larger expression; whether there are any."""
    value = argument.value
    if isinstance(value, Distribution) or _word(value) or value.span is None:
        return False
    parts = [part for part, _ in walk(value) if _word(part) in words]
    found = [str(_word(part)) for part in parts]
    if not found:
        return False
    at = value.span
    if isinstance(value, Conditional):
        check_expression(value.test, names, report)
        test = value.test.span.text if value.test.span else "..."
        help = f"let it choose between steps: `when: {test}` with `do` and `else`"
    else:
        help = f"write `{found[0]}` alone, or a number"
        at = parts[0].span or at
    verb = "are words" if len(set(found)) > 1 else "is a word"
    report.add(
        "wrong-type",
        f"{listed(dict.fromkeys(found), 'and')} {verb} for `{argument.name.text}` alone,"
        " not for a part of an expression",
        at,
        help=help,
        remedies=_around_step(argument, value, call) if isinstance(value, Conditional) else (),
    )
    return True


def _word(part: Expression) -> str | None:
    if isinstance(part, Name):
        return part.name
    return part.value if isinstance(part, Constant) and isinstance(part.value, str) else None


def _around_step(argument: Argument, choice: Conditional, call: Call) -> Remedies:
    """A `when` around the step, which then has one value or the other."""
    test, then, otherwise = choice.test.span, choice.then.span, choice.otherwise.span
    if argument not in call.arguments or not (test and then and otherwise):
        return ()
    entries = [f"do: {_with(call, argument, then.text)}"]
    entries.append(f"else: {_with(call, argument, otherwise.text)}")
    entries += [f"name: {call.name.text}"] if call.name else []
    entries += [f"from: {call.origin.text}"] if call.origin else []
    span = call.span
    line = span.source.line(span.line)[: span.column - 1]
    if surroundings(span) == "list":
        text = f"\n{' ' * len(line)}".join([f"when: {test.text}", *entries])
    elif key := re.fullmatch(r"( *(?:- )?)\w+: ", line):
        row = f"\n{' ' * (len(key[1]) + 2)}"
        text = row + row.join([f"when: {test.text}", *entries])
        span = Span(span.source, span.start - 1, span.end)
    else:
        text = f"{{{', '.join([f'when: {_quoted(test.text)}', *entries])}}}"
    return (((Edit(span, text),),),)


def _with(call: Call, changed: Argument, value: str) -> str:
    """A call on one line, with another value for one of its attributes."""
    pairs = [
        f"{a.name.text}: {_quoted(value if a is changed else a.value.span.text)}"
        for a in call.arguments
        if a.value.span
    ]
    return f"{{{call.callee.text}: {{{', '.join(pairs)}}}}}"


def _quoted(text: str) -> str:
    """An expression as it may stand in braces; a list may, as it is."""
    is_plain = text.startswith(("[", "{")) or re.search(r"[,\[\]{}]", text) is None
    return text if is_plain else f'"{text}"'

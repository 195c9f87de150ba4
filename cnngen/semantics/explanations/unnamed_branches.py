"""Steps in the place of a list of maps: `branches: [relu, conv]`, whose branches have no names."""

from cnngen.diagnostics.model import Edit, Report
from cnngen.expressions.expression import ListOf
from cnngen.ops import OPS
from cnngen.semantics.definitions import Definitions
from cnngen.semantics.map_lists import names_in
from cnngen.source import Span
from cnngen.syntax.tree import Branches, ListName, Spec

NAMES = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def report_unnamed(step: Branches, names: Definitions, spec: Spec, report: Report) -> bool:
    """Report branches that are a list with an op or a block in it; whether they were. A stage or a
    step may be called like an op, and is a map.
    """
    match step.maps:
        case ListOf(items, Span() as span) as maps:
            read = [*names_in(maps)]
        case _:
            return False
    unread = [name.text for name in read if name.text not in names.maps | names.values.keys()]
    if not any(word in OPS or word in spec.blocks for word in unread):
        return False
    help, edits = "give each branch a name: `branches: {first: ..., second: ...}`", ()
    if len(read) == len(items) <= len(NAMES):
        written = [item.written if isinstance(item, ListName) else item.text for item in read]
        bodies = [
            word if name.text in unread else f"{{from: {word}}}"
            for name, word in zip(read, written, strict=True)
        ]
        arms = (f"{name}: {body}" for name, body in zip(NAMES, bodies, strict=False))
        text = f"{{{', '.join(arms)}}}"
        help, edits = f"give the branches names: `branches: {text}`", (Edit(span, text),)
    report.add(
        "wrong-kind",
        "the branches of this list are steps, and have no names",
        span,
        help=help,
        fix=edits,
    )
    return True

"""An op or a block with a list below it: of steps, or of its attributes."""

from cnngen.diagnostics.model import Edit, Report
from cnngen.diagnostics.synonyms import ROWS, translate
from cnngen.syntax.forms import FORMS, JOINS
from cnngen.syntax.join_errors import shortened, with_entries
from cnngen.syntax.yaml_nodes import Mapping, Node, Scalar, Sequence, brief, is_null


def report_list(key: Scalar, value: Node, report: Report) -> bool:
    """Report a list of steps or of attributes below an op or a block; whether there is one."""
    form = translate(key.text, ROWS, ("branches", "steps"))
    is_row = isinstance(value, Mapping) and form and key.text[:1].islower()
    items = _steps(value) if is_row and isinstance(value, Mapping) else value
    if not isinstance(items, Sequence) or (is_row and _pairs(items)):  # what a parameter is given
        return False
    word, texts = brief(key.text), [item.span.text for item in items.items]
    if pairs := _pairs(items):
        text = f"{key.text}: {{{', '.join(pairs)}}}"
        edit = Edit(key.span.to(items.span), text)
        message = f"what `{word}` is given must be a mapping, not a list"
        help, ways = f"write `{shortened(text)}`", (((edit,),),)
        report.add("wrong-kind", message, items.span, help=help, fix=(edit,), remedies=())
        return True
    if form is None and (not texts or _is_values(items)):
        return False
    row = f"[{', '.join(texts)}]"
    if form == "branches":
        entries = (f"branches: {{main: {row}, shortcut: identity}}", "join: add")
        help = f"write `{shortened(entries[0])}` with `{entries[1]}`"
        ways = (((with_entries(key, items.span.end, entries),),),)
    else:
        help = f"steps that follow each other need no key: write them without `{word}:`"
        ways = _without_key(key, items)
    report.add(
        "wrong-kind",
        f"`{word}` is given steps, and only attributes or parameters can be given",
        key.span,
        help=help,
        remedies=ways,
    )
    return True


def _steps(value: Mapping) -> Sequence:
    """The entries of a mapping as the items of a list."""
    return Sequence(
        tuple(
            key if is_null(body) else Mapping(((key, body),), key.span.to(body.span))
            for key, body in value.entries
        ),
        value.span,
    )


def _is_values(items: Sequence) -> bool:
    """Whether a list may be values of attributes, rather than steps."""
    return all(
        isinstance(item, Scalar) or (isinstance(item, Sequence) and _is_values(item))
        for item in items.items
    )


def _pairs(items: Sequence) -> list[str]:
    """`- out: 8` below `- kernel: 3`: attributes, written as a list; none where there are steps."""
    entries = [item.entries for item in items.items if isinstance(item, Mapping)]
    keys = [key.text for each in entries for key, _ in each]
    plain_values = all(
        isinstance(value, Scalar) or (isinstance(value, Sequence) and _is_values(value))
        for each in entries
        for _, value in each
    )
    if len(entries) < len(items.items) or not plain_values or len(set(keys)) < len(keys):
        return []
    if any(key in FORMS or key in JOINS or key[:1].isupper() or key == "from" for key in keys):
        return []
    return [f"{key.text}: {value.span.text}" for each in entries for key, value in each]


def _without_key(key: Scalar, items: Sequence) -> tuple[tuple[tuple[Edit, ...], ...], ...]:
    """The steps of a list in the place of the step that is given it."""
    texts = [item.span.text for item in items.items]
    source, column = key.span.source, key.span.column
    before = source.line(key.span.line)[: column - 1]
    if before.strip() == "-":
        joined = f"\n{before}".join(texts)
        return (((Edit(key.span.to(items.span), joined),),),)
    return ()

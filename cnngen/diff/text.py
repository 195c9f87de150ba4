"""A difference as text, and as Markdown for a comment on a pull request."""

from collections.abc import Iterator, Sequence

from cnngen.diff.changes import Changed, Difference, Group, StageChange
from cnngen.report.catalogue import short
from cnngen.report.summary import dimensions_text, output_text
from cnngen.report.table import Table, aligned, markdown

MOST_PATHS = 3
MOST_OPS = 4
MOST_LINES = 50


def difference_text(found: Difference, old: str, new: str, format: str = "text") -> str:
    """A page about it, `text` or `markdown`."""
    in_markdown = format == "markdown"
    mark, render = ("`", markdown) if in_markdown else ("", aligned)
    names = f"{mark}{old}{mark}", f"{mark}{new}{mark}"
    if found.empty:
        return f"{names[0]} and {names[1]} are the same network{'.' if in_markdown else ''}\n"
    head = f"### {names[0]} → {names[1]}\n" if in_markdown else f"{old} -> {new}\n"
    tables = [totals_table(found), stage_table(found)]
    parts = [head, *(render(table) for table in tables if table)]
    if lines := list(_lines(found, mark)):
        bullets = [f"* {line[2:]}" for line in lines] if in_markdown else lines
        parts.append("".join(f"{line}\n" for line in bullets))
    return "\n".join(parts)


def totals_table(found: Difference) -> Table:
    rows = [
        (name, f"{old:,}", f"{new:,}", _change(old, new))
        for name, (old, new) in found.totals.items()
    ]
    return Table(("", "before", "after", "change"), rows, numbers=frozenset({1, 2, 3}))


def stage_table(found: Difference) -> Table | None:
    """The stages that are not as they were."""
    rows = [_stage(stage) for stage in found.stages if _differs(stage)]
    head = ("stage", "output", "parameters", "MACs")
    return Table(head, rows) if rows else None


def _differs(stage: StageChange) -> bool:
    pairs = (stage.old, stage.new), stage.parameters, stage.macs
    return any(old != new for old, new in pairs)


def _stage(stage: StageChange) -> tuple[str, str, str, str]:
    if stage.old is None or stage.new is None:
        i, word = (1, "new") if stage.old is None else (0, "removed")
        size = output_text(stage.new or stage.old or ())
        return f"{stage.name} ({word})", size, short(stage.parameters[i]), short(stage.macs[i])
    return (
        stage.name,
        _arrow(output_text(stage.old), output_text(stage.new)),
        _arrow(*map(short, stage.parameters)),
        _arrow(*map(short, stage.macs)),
    )


def _lines(found: Difference, mark: str) -> Iterator[str]:
    """What changed, a line each; names stand between marks."""

    def quoted(text: str) -> str:
        return f"{mark}{text}{mark}"

    lines = [f"~ {word}: {_arrow(v.old, v.new)}" for word, v in found.interface.items()]
    lines += [f"~ {quoted(v.old)} is called {quoted(v.new)}" for v in found.renamed]
    lines += [f"- {_group(each, mark, 'removed')}" for each in found.removed]
    lines += [f"+ {_group(each, mark, 'added')}" for each in found.added]
    lines += [f"~ {_changed(each, mark)}" for each in found.changed]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"~ and {len(lines) - MOST_LINES} changes more"
    if found.moved:
        first = found.moved[0]
        sizes = _arrow(dimensions_text(first.old), dimensions_text(first.new))
        others = f", and {len(found.moved) - 1} more" if len(found.moved) > 1 else ""
        yield f"~ other shapes: {quoted(first.path)} {sizes}{others}"


def _group(group: Group, mark: str, word: str) -> str:
    ops = ", ".join(
        op if count == 1 else f"{count} {op}" for op, count in list(group.ops.items())[:MOST_OPS]
    )
    more = ", ..." if len(group.ops) > MOST_OPS else ""
    what = f"{group.layers} layers: {ops}{more}" if len(group.ops) > 1 else ops
    cost = f"; {short(group.parameters)} parameters" if group.parameters else ""
    return f"{_paths(group.paths, mark)} {word} ({what}{cost})"


def _paths(paths: Sequence[str], mark: str) -> str:
    """A few paths as they are; several in a row as the first and the last; of many the first."""
    if len(paths) > 2 and all(map(_follows, paths, paths[1:])):
        return f"{mark}{paths[0]}{mark} to {mark}{paths[-1]}{mark}"
    more = f" and {len(paths) - MOST_PATHS} more" if len(paths) > MOST_PATHS else ""
    return ", ".join(f"{mark}{path}{mark}" for path in paths[:MOST_PATHS]) + more


def _follows(path: str, other: str) -> bool:
    (folder, _, number), (next_folder, _, next_number) = (x.rpartition(".") for x in (path, other))
    numbers = number.isdecimal() and next_number.isdecimal()
    return folder == next_folder and numbers and int(number) + 1 == int(next_number)


def _changed(changed: Changed, mark: str) -> str:
    what = ", ".join(f"{name} {_arrow(v.old, v.new)}" for name, v in changed.attributes.items())
    return f"{_paths(changed.paths, mark)} ({changed.op}): {what}"


def _arrow(old: str, new: str) -> str:
    return old if old == new else f"{old} -> {new}"


def _change(old: int, new: int) -> str:
    if old == new:
        return "same"
    share = f" ({(new - old) / old:+.1%})" if old else ""
    return f"{new - old:+,}{share}"

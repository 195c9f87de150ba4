"""The table of a comparison: a row for each network, and notes on where accuracies come from."""

from collections.abc import Sequence
from dataclasses import dataclass

from cnngen.compare.rows import Compared
from cnngen.diagnostics.terminal import one_line
from cnngen.report.catalogue import escaped, exact, short
from cnngen.report.memory import bytes_text
from cnngen.report.summary import inputs_text
from cnngen.report.table import (
    Row,
    Table,
    aligned,
    comma_separated,
    latex,
    latex_text,
    markdown,
)
from cnngen.syntax.metrics import METRICS
from cnngen.syntax.tree import Result

HEAD = ("name", "year", "input", "depth", "parameters", "MACs", "activations")
EXACT = (
    *(*HEAD, "dataset"),
    *(metric.title for metric in METRICS.values()),
    *("protocol", "source"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Networks in the order given; `dataset` is None where no result is known.

    Networks that are `changed` by options are not those that results are of.
    """

    rows: Sequence[Compared]
    dataset: str | None
    changed: bool = False

    def result(self, row: Compared) -> Result | None:
        return row.on(self.dataset) if self.dataset else None

    def metrics(self) -> list[str]:
        """Those of which a value is known, in the order of the columns."""
        results = [result for row in self.rows if (result := self.result(row))]
        return [name for name in METRICS if any(name in result.values for result in results)]

    def head(self) -> tuple[str, ...]:
        titles = [METRICS[name].title for name in self.metrics()]
        return (*HEAD, *titles, "note") if titles else HEAD

    def notes(self) -> list[tuple[str, str]]:
        """Protocols and sources, each once; rows refer to them by number."""
        results = filter(None, map(self.result, self.rows))
        return list(dict.fromkeys((result.protocol, result.source) for result in results))


def as_text(comparison: Comparison, format: str, width: int | None = None) -> str:
    """The table as text, Markdown, LaTeX or comma-separated values, with its notes below."""
    table = _exact(comparison) if format == "csv" else _short(comparison, format)
    lines = note_lines(comparison)
    match format:
        case "csv":
            return comma_separated(table)
        case "markdown":
            return markdown(table) + "".join(f"\n{escaped(line)}\n" for line in lines)
        case "latex":
            return latex(table) + "".join(f"\n\\par {latex_text(line)}\n" for line in lines)
        case _:
            return aligned(table, width) + "".join(f"{line}\n" for line in lines)


def note_lines(comparison: Comparison) -> list[str]:
    """What the accuracies mean, and where each comes from."""
    if comparison.dataset is None:
        return []
    notes = [
        one_line(f"[{number}] {protocol}{': ' if protocol else ''}{source}")
        for number, (protocol, source) in enumerate(comparison.notes(), 1)
    ]
    return [one_line(f"{measured(comparison)} on {comparison.dataset}, as published"), *notes]


def measured(comparison: Comparison) -> str:
    """`top-1 and top-5: per cent`: the columns of each unit."""
    titles: dict[str, list[str]] = {}
    for name in comparison.metrics():
        titles.setdefault(METRICS[name].unit, []).append(METRICS[name].title)
    return "; ".join(f"{' and '.join(found)}: {unit}" for unit, found in titles.items())


def rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _short(comparison: Comparison, format: str) -> Table:
    notes = comparison.notes()
    metrics = comparison.metrics()
    rows: list[Row] = []
    for row in comparison.rows:
        cells = [
            *(row.name, one_line(row.paper.year), inputs_text(row.inputs), str(row.depth)),
            *(short(row.parameters), short(row.macs), bytes_text(row.activations)),
        ]
        if metrics:
            cells += _values(comparison.result(row), metrics, notes)
        rows.append([escaped(cell) for cell in cells] if format == "markdown" else cells)
    head = comparison.head()
    return Table(head, rows, numbers=frozenset(range(3, len(HEAD) + len(metrics))))


def _values(
    result: Result | None, metrics: list[str], notes: list[tuple[str, str]]
) -> tuple[str, ...]:
    if result is None:
        return ("",) * (len(metrics) + 1)
    number = notes.index((result.protocol, result.source)) + 1
    return (*(rounded(result.values.get(name)) for name in metrics), f"[{number}]")


def _exact(comparison: Comparison) -> Table:
    """For programs: bytes, and the texts themselves in the place of notes."""
    rows: list[Row] = []
    for row in comparison.rows:
        result = comparison.result(row)
        cells = [""] * (len(EXACT) - len(HEAD))
        if result:
            found = [result.values.get(name) for name in METRICS]
            values = ["" if value is None else f"{value:g}" for value in found]
            cells = [result.dataset, *values, result.protocol, result.source]
        numbers = map(exact, (row.depth, row.parameters, row.macs, row.activations))
        rows.append((row.name, row.paper.year, inputs_text(row.inputs), *numbers, *cells))
    return Table(EXACT, rows, numbers=frozenset({3, 4, 5, 6}))

"""The HTML page of a comparison: chart, sortable table, and sources as links; it loads nothing."""

import re
from math import prod

from markupsafe import Markup

from cnngen.compare.chart import NoChartError, chart, render
from cnngen.compare.rows import Compared
from cnngen.compare.table import Comparison, measured, rounded
from cnngen.diagnostics.terminal import one_line
from cnngen.report.catalogue import short
from cnngen.report.memory import bytes_text
from cnngen.report.summary import inputs_text
from cnngen.shipped import TEMPLATES

URL = re.compile(r"https?://[^\s,;<>\"'`{}|\\^]+")
Cell = tuple[str, str]  # what is shown, and by what the column is sorted


def page(comparison: Comparison) -> str:
    """The HTML; where there is no chart, it says why."""
    notes = [(one_line(how), _linked(one_line(where))) for how, where in comparison.notes()]
    drawn, reason = "", ""
    try:
        drawn = Markup(chart(comparison))
    except NoChartError as error:
        reason = str(error)
    style, script = (_text(f"page.{ending}") for ending in ("css", "js"))
    return render(
        "page.html.jinja",
        title=", ".join(row.name for row in comparison.rows),
        dataset=one_line(comparison.dataset or ""),
        chart=drawn,
        reason=reason,
        measured=measured(comparison),
        head=comparison.head(),
        rows=[_cells(row, comparison) for row in comparison.rows],
        notes=notes,
        style=Markup(style),
        script=Markup(script),
    )


def _cells(row: Compared, comparison: Comparison) -> list[Cell]:
    result = comparison.result(row)
    found = [result.values.get(name) if result else None for name in comparison.metrics()]
    values = [(rounded(value), rounded(value)) for value in found]
    note = comparison.notes().index((result.protocol, result.source)) + 1 if result else None
    size = sum(map(prod, row.inputs.values()))
    return [
        (row.name, row.name),
        (one_line(row.paper.year), one_line(row.paper.year)),
        (inputs_text(row.inputs), str(size)),
        (str(row.depth), str(row.depth)),
        (short(row.parameters), str(row.parameters)),
        (short(row.macs), str(row.macs)),
        (bytes_text(row.activations), str(row.activations)),
        *([*values, (f"[{note}]" if note else "", str(note or ""))] if values else []),
    ]


def _linked(text: str) -> tuple[str, str, str]:
    """A text cut around the first web address in it: what stands before, the address, what stands
    behind.
    """
    found = URL.search(text)
    return (text[: found.start()], found[0], text[found.end() :]) if found else (text, "", "")


def _text(name: str) -> str:
    return (TEMPLATES / "compare" / name).read_text(encoding="utf-8")

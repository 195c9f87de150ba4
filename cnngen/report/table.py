"""Tables: rows of text as aligned columns, as Markdown, LaTeX, HTML, or comma-separated values."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from cnngen.diagnostics.terminal import one_line

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head, and perhaps a total; `numbers` are the columns that align to the right."""

    head: Row
    rows: Sequence[Row]
    total: Row | None = None
    numbers: frozenset[int] = frozenset()

    def shown(self) -> "Table":
        """The same table with cells that are safe to print, whoever wrote them."""
        head, *rows = [[one_line(cell) for cell in row] for row in (self.head, *self.rows)]
        total = self.total and [one_line(cell) for cell in self.total]
        return Table(head, rows, total, self.numbers)


def aligned(table: Table, width: int | None = None) -> str:
    """Columns for a terminal, two spaces apart, with a rule above the total.

    Where the table is wider than `width`, the texts of its last column are cut.
    """
    table = table.shown()
    if width is not None:
        table = _narrowed(table, width - sum(_widths(table)[:-1]) - 2 * (len(table.head) - 1))
    widths = _widths(table)
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_line(table.head, widths, table, "  "), rule]
    lines += [_line(row, widths, table, "  ") for row in table.rows]
    if table.total:
        lines += [rule, _line(table.total, widths, table, "  ")]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def markdown(table: Table) -> str:
    table = table.shown()
    widths = [max(3, width) for width in _widths(table)]
    marks = [
        "-" * (width - 1) + ":" if i in table.numbers else "-" * width
        for i, width in enumerate(widths)
    ]
    rows = [table.head, marks, *table.rows, *([table.total] if table.total else [])]
    return "".join(f"| {_line(row, widths, table, ' | ')} |\n" for row in rows)


def latex(table: Table) -> str:
    """A `tabular` with the rules of the package booktabs."""
    table = table.shown()
    columns = "".join("r" if i in table.numbers else "l" for i in range(len(table.head)))
    lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _latex_row(table.head), "\\midrule"]
    lines += [_latex_row(row) for row in table.rows]
    lines += ["\\midrule", _latex_row(table.total)] if table.total else []
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _latex_row(row: Row) -> str:
    return " & ".join(latex_text(cell) for cell in row) + r" \\"


def latex_text(text: str) -> str:
    """Text with nothing in it that TeX would take for a command."""
    escaped = "".join(LATEX.get(character, character) for character in text)
    return re.sub(r"(?<=[\w)]) x (?=\w)", r" $\\times$ ", escaped)


def html(table: Table) -> str:
    """A `table` without styles, but for the alignment of its columns."""
    table = table.shown()
    head, total = (
        _html_row("th", row, table.numbers) if row else "" for row in (table.head, table.total)
    )
    body = "".join(_html_row("td", row, table.numbers) for row in table.rows)
    foot = f"<tfoot>\n{total}</tfoot>\n" if total else ""
    return f"<table>\n<thead>\n{head}</thead>\n<tbody>\n{body}</tbody>\n{foot}</table>\n"


def _html_row(kind: str, row: Row, numbers: frozenset[int]) -> str:
    cells = (
        f'<{kind} style="text-align: {"right" if i in numbers else "left"}">{escape(cell)}</{kind}>'
        for i, cell in enumerate(row)
    )
    return f"<tr>{''.join(cells)}</tr>\n"


def comma_separated(table: Table) -> str:
    """Comma-separated values, without the total, and with numbers that programs can read.

    A text that a spreadsheet would take for a formula begins with `'`, which tells it not to.
    """
    table = table.shown()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cell.lower() for cell in table.head)
    for row in table.rows:
        writer.writerow(
            cell.replace(",", "") if i in table.numbers else _no_formula(cell)
            for i, cell in enumerate(row)
        )
    return text.getvalue()


def _no_formula(cell: str) -> str:
    return cell if not FORMULA.match(cell) or NUMBER.fullmatch(cell) else f"'{cell}"


# What spreadsheets compute, also in the wide letters of East Asian keyboards.
FORMULA = re.compile(r"\s*[=+\-@＝＋－＠]")  # noqa: RUF001
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
RENDERERS: dict[str, Callable[[Table], str]] = {
    "table": aligned,
    "csv": comma_separated,
    "markdown": markdown,
    "latex": latex,
}


def _narrowed(table: Table, width: int) -> Table:
    """The last column in this width, or in that of its head."""
    width = max(width, len(table.head[-1]))
    rows = [(*row[:-1], _shortened(row[-1], width)) for row in table.rows]
    return replace(table, rows=rows)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3].rstrip() + "..."


def _widths(table: Table) -> list[int]:
    rows = [table.head, *table.rows, *([table.total] if table.total else [])]
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _line(row: Row, widths: Sequence[int], table: Table, separator: str) -> str:
    cells = zip(range(len(widths)), row, widths, strict=True)
    return separator.join(
        cell.rjust(width) if i in table.numbers else cell.ljust(width) for i, cell, width in cells
    )

"""Tables: rows of text as aligned columns, as Markdown, or as comma-separated values."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

Row = Sequence[str]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows below a head, and perhaps a total; `numbers` are the columns that align to the right."""

    head: Row
    rows: Sequence[Row]
    total: Row | None = None
    numbers: frozenset[int] = frozenset()


def aligned(table: Table) -> str:
    """Columns for a terminal, two spaces apart, with a rule above the total."""
    widths = _widths(table)
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines = [_line(table.head, widths, table, "  "), rule]
    lines += [_line(row, widths, table, "  ") for row in table.rows]
    if table.total:
        lines += [rule, _line(table.total, widths, table, "  ")]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def markdown(table: Table) -> str:
    widths = [max(3, width) for width in _widths(table)]
    marks = [
        "-" * (width - 1) + ":" if i in table.numbers else "-" * width
        for i, width in enumerate(widths)
    ]
    rows = [table.head, marks, *table.rows, *([table.total] if table.total else [])]
    return "".join(f"| {_line(row, widths, table, ' | ')} |\n" for row in rows)


def comma_separated(table: Table) -> str:
    """Without the total, and with numbers that programs can read."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cell.lower() for cell in table.head)
    for row in table.rows:
        writer.writerow(
            cell.replace(",", "") if i in table.numbers else cell for i, cell in enumerate(row)
        )
    return text.getvalue()


def _widths(table: Table) -> list[int]:
    rows = [table.head, *table.rows, *([table.total] if table.total else [])]
    return [max(map(len, column)) for column in zip(*rows, strict=True)]


def _line(row: Row, widths: Sequence[int], table: Table, separator: str) -> str:
    cells = zip(range(len(widths)), row, widths, strict=True)
    return separator.join(
        cell.rjust(width) if i in table.numbers else cell.ljust(width) for i, cell, width in cells
    )

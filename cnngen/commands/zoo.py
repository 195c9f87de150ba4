"""`cnngen list`: where networks come from and what they cost, a row each."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    check_spec,
    exit_code,
    options,
    say,
    show,
    specs,
    table_format,
    terminal_width,
)
from cnngen.commands.standard_input import takes_standard_input
from cnngen.diagnostics.terminal import as_json
from cnngen.locate import zoo

if TYPE_CHECKING:
    from cnngen.report.catalogue import Entry


@click.command("list")
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@table_format
@takes_standard_input
@click.pass_context
def list_zoo(ctx: click.Context, spec: tuple[str, ...], format: str) -> None:
    """List networks with what they cost, the oldest first.

    None means the zoo, the specs that ship with cnngen. Numbers are exact in json and csv. A spec
    with errors is left out, and its errors are shown.
    """
    from cnngen.report.catalogue import catalogue_table, in_order
    from cnngen.report.table import RENDERERS, aligned

    entries, code = _entries(specs(spec) if spec else list(zoo().values()))
    entries = in_order(entries)
    if format == "json":
        text = as_json([entry.as_dict() for entry in entries])
    elif format == "table":
        text = aligned(catalogue_table(entries, format), terminal_width())
    else:
        text = RENDERERS[format](catalogue_table(entries, format))
    say(text, nl=False)
    ctx.exit(code)


def _entries(paths: list[Path]) -> "tuple[list[Entry], int]":
    """The rows, and the exit code, which is that of `cnngen check` for the same specs."""
    from cnngen.report.catalogue import entry_of

    given = options({}, {}, None)
    entries: list[Entry] = []
    code = 0
    for path in paths:
        network, diagnostics = check_spec(path, given)
        code = max(code, exit_code(diagnostics))
        if network:
            entries.append(entry_of(network))
        else:
            show(diagnostics)
    return entries, code

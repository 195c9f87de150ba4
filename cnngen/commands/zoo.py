"""`cnngen list`: the specs that ship with the package."""

import click

from cnngen.commands.options import analyse, options, show
from cnngen.locate import zoo


@click.command("list")
def list_zoo() -> None:
    """List the specs of the zoo, with what they cost."""
    from cnngen.report.summary import summarize
    from cnngen.report.table import Row, Table, aligned

    given = options({}, None, None)
    rows: list[Row] = []
    for name, path in zoo().items():
        network, diagnostics = analyse(path, given)
        if network is None:
            show(diagnostics)
            continue
        summary = summarize(network)
        paper = network.resolution.spec.paper
        (size,) = summary.inputs.values()
        numbers = f"{summary.parameters:,}", f"{summary.macs:,}"
        origin = (paper.year, paper.title) if paper else ("", "")
        rows.append((name, origin[0], " x ".join(map(str, size)), *numbers, origin[1]))
    head = ("name", "year", "input", "parameters", "MACs", "paper")
    click.echo(aligned(Table(head, rows, numbers=frozenset({3, 4}))), nl=False)

"""`cnngen summary`: shapes, parameters and costs of a network."""

import json

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    Size,
    analyse,
    changes,
    checked,
    only_spec,
    options,
    table_format,
)


@click.command()
@click.argument("spec", shell_complete=complete.spec)
@table_format
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Parts of the paths to tell apart: 1 gives stages (csv: all parts). JSON has all layers.",
)
@click.option("--training", is_flag=True, help="Count what exists in training only, too.")
@changes
def summary(
    spec: str,
    format: str,
    depth: int | None,
    training: bool,
    settings: dict[str, str],
    input: Size | None,
    max_layers: int | None,
) -> None:
    """Sum up a network: the output, parameters and multiply-accumulates of its parts."""
    network = checked(*analyse(only_spec(spec), options(settings, input, max_layers)))
    from cnngen.report.summary import summarize
    from cnngen.report.summary_table import left_out, summary_table
    from cnngen.report.table import RENDERERS

    summed = summarize(network, training)
    if format == "json":
        text = json.dumps(summed.as_dict(), indent=2) + "\n"
    else:
        all_parts = format == "csv" and depth is None
        text = RENDERERS[format](summary_table(summed, None if all_parts else depth or 1))
    if format == "table" and (note := left_out(summed)):
        text += f"\n{note}\n"
    click.echo(text, nl=False)

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
    terminal_width,
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
@click.option(
    "--batch",
    type=click.IntRange(1, 2**31 - 1),
    default=1,
    show_default=True,
    help="Images for which the memory of the activations is given.",
)
@click.option("--training", is_flag=True, help="Count what exists in training only, too.")
@changes
def summary(
    spec: str,
    format: str,
    depth: int | None,
    batch: int,
    training: bool,
    settings: dict[str, str],
    input: Size | None,
    max_layers: int | None,
) -> None:
    """Sum up a network as a paper does: what its parts are, give and cost.

    The field is how many pixels of the image a position depends on, along its height and width.
    """
    network = checked(*analyse(only_spec(spec), options(settings, input, max_layers)))
    from cnngen.report.memory import activations, memory_text
    from cnngen.report.summary import summarize
    from cnngen.report.summary_table import buffers, left_out, plain_table, summary_table
    from cnngen.report.table import RENDERERS, aligned

    summed = summarize(network, training)
    match format:
        case "json":
            text = json.dumps(summed.as_dict(), indent=2) + "\n"
        case "csv":
            text = RENDERERS[format](plain_table(summed, depth))
        case "table":
            notes = [memory_text(activations(network), batch), buffers(summed), left_out(summed)]
            table = aligned(summary_table(network, summed, depth or 1), terminal_width())
            text = "\n".join([table, *filter(None, notes), ""])
        case _:
            text = RENDERERS[format](summary_table(network, summed, depth or 1))
    click.echo(text, nl=False)

"""`cnngen summary`: shapes, parameters and costs of a network."""

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    InputShapes,
    WrongUseError,
    changes,
    check_spec,
    only_spec,
    options,
    say,
    table_format,
    terminal_width,
    valid_network,
)
from cnngen.commands.standard_input import takes_standard_input
from cnngen.diagnostics.terminal import as_json


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
    metavar="N",
    help="Images for which the memory of the activations is given: in the table of one; in other"
    " formats (not csv) where this is said.",
)
@click.option("--training", is_flag=True, help="Count what exists in training only, too.")
@takes_standard_input
@changes
def summary(
    spec: str,
    format: str,
    depth: int | None,
    batch: int | None,
    training: bool,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Sum up a network as a paper does: what its parts are, give and cost.

    The field is how many pixels of the image a position depends on, along its height and width.
    """
    network = valid_network(check_spec(only_spec(spec), options(settings, input, max_layers)))
    if format == "csv" and batch:
        raise WrongUseError("csv has no memory of activations, which `--batch` is for: take json")
    from cnngen.report.catalogue import escaped
    from cnngen.report.memory import activations, memory_fields, memory_text
    from cnngen.report.summary import summarize
    from cnngen.report.summary_table import plain_table, summary_table, summary_text
    from cnngen.report.table import comma_separated, latex, latex_text, markdown

    summed = summarize(network, training)
    memory = memory_text(activations(network), batch or 1)
    match format:
        case "json":
            fields = summed.as_dict()
            if batch:
                fields["activations"] = memory_fields(activations(network), batch)
            text = as_json(fields)
        case "csv":
            text = comma_separated(plain_table(summed, depth))
        case "markdown":
            text = markdown(summary_table(network, summed, depth or 1))
            text += f"\n{escaped(memory)}\n" if batch else ""
        case "latex":
            text = latex(summary_table(network, summed, depth or 1))
            text += f"\n\\par {latex_text(memory)}\n" if batch else ""
        case _:
            text = summary_text(summed, depth or 1, batch or 1, terminal_width())
    say(text, nl=False)

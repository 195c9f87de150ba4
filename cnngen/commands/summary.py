"""`cnngen summary`: shapes, parameters and costs of a network."""

import json

import click

from cnngen.commands.options import (
    Size,
    WrongUseError,
    analyse,
    changes,
    exit_code,
    options,
    show,
    specs,
)


@click.command()
@click.argument("spec")
@click.option(
    "--format",
    "format",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
)
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    metavar="N",
    help="Parts of the paths to tell apart: 1 gives stages (csv: all parts). JSON has all layers.",
)
@click.option("--training", is_flag=True, help="Count what exists in training only, too.")
@changes
@click.pass_context
def summary(
    ctx: click.Context,
    spec: str,
    format: str,
    depth: int | None,
    training: bool,
    settings: dict[str, str],
    input: Size | None,
    max_layers: int | None,
) -> None:
    """Sum up a network: the output, parameters and multiply-accumulates of its parts."""
    paths = specs([spec])
    if len(paths) > 1:
        raise WrongUseError(f"`{spec}` has {len(paths)} specs: name one of them")
    network, diagnostics = analyse(paths[0], options(settings, input, max_layers))
    show(diagnostics)
    if network is None:
        ctx.exit(exit_code(diagnostics))
    from cnngen.report.summary import summarize
    from cnngen.report.summary_table import left_out, summary_table
    from cnngen.report.table import aligned, comma_separated, markdown

    summed = summarize(network, training)
    match format:
        case "json":
            text = json.dumps(summed.as_dict(), indent=2) + "\n"
        case "csv":
            text = comma_separated(summary_table(summed, depth))
        case "markdown":
            text = markdown(summary_table(summed, depth or 1))
        case _:
            text = aligned(summary_table(summed, depth or 1))
            if note := left_out(summed):
                text += f"\n{note}\n"
    click.echo(text, nl=False)

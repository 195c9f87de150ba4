"""`cnngen compare`: networks side by side, as a table or as the chart of surveys."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    InputShapes,
    WrongUseError,
    changes,
    check_spec,
    options,
    specs,
    terminal_width,
    valid_network,
)
from cnngen.commands.standard_input import takes_standard_input
from cnngen.commands.writing import format_of, refuse_screen, write_named
from cnngen.diagnostics.terminal import as_json, one_line

if TYPE_CHECKING:
    from cnngen.compare.rows import Compared
    from cnngen.compare.table import Comparison

ENDINGS = {
    "txt": "text",
    "md": "markdown",
    "tex": "latex",
    **{name: name for name in ("csv", "json", "svg", "png", "html")},
}


@click.command()
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to a file; its ending is the format: .txt, .md, .tex, .csv, .json, .svg, .png or"
    " .html.",
)
@click.option("--format", type=click.Choice(list(ENDINGS.values())), help="The format; else text.")
@click.option(
    "--dataset",
    metavar="NAME",
    help="The images of the accuracies; else those on which most of the networks were measured.",
)
@takes_standard_input
@changes
def compare(
    spec: tuple[str, ...],
    output: Path | None,
    format: str | None,
    dataset: str | None,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Compare networks: what they cost, and the accuracies that were published of them.

    `svg`, `png` and `html` have a chart with multiply-accumulates across, top-1 or what else was
    measured up, and parameters as the areas of bubbles; `png` needs `pip install 'cnngen[draw]'`.
    Accuracies come from `results` in the specs; with --set or --input, networks are others than
    those, and have none.
    """
    format = format_of(output, format, ENDINGS, default="text")
    if output is None and format == "png":
        raise WrongUseError("a picture as png goes to a file: give one with -o")
    if output is None and format in ("svg", "html"):
        refuse_screen(format, Path("networks"))
    paths = specs(spec)
    if len(paths) < 2:
        same = len(spec) > 1 and len(paths) == 1
        raise WrongUseError(f"give two specs or more to compare{': these are one' if same else ''}")
    given = options(settings, input, max_layers)
    from cnngen.compare.rows import apart, common_dataset, compared
    from cnngen.compare.table import Comparison

    changed = bool(settings or input)
    rows = [compared(valid_network(check_spec(path, given)), changed) for path in paths]
    rows = apart(rows, [path.stem for path in paths])
    images = common_dataset(rows) if dataset is None else _dataset(dataset, rows, changed)
    content = _content(Comparison(rows, images, changed), format, output is None)
    if output:
        write_named(output, content)
    else:
        click.echo(content.decode(), nl=False)


def _dataset(name: str, rows: "list[Compared]", changed: bool) -> str:
    """As the specs spell it."""
    known = {result.dataset: result.dataset for row in rows for result in row.results}
    found = known.get(name) or {each.casefold(): each for each in known}.get(name.casefold())
    if found is not None:
        return found
    why = "they have no `results`"
    if known:
        why = f"they have {', '.join(known)}"
    elif changed:
        why = "changed by --set or --input, they have none"
    message = f"no result of these networks is on `{one_line(name)}`: {one_line(why)}"
    raise WrongUseError(message)


def _content(comparison: "Comparison", format: str, printed: bool) -> bytes:
    from cnngen.compare.chart import NoChartError, chart
    from cnngen.compare.page import page
    from cnngen.compare.table import as_text
    from cnngen.draw.picture import converted
    from cnngen.frameworks import MissingFrameworkError

    try:
        match format:
            case "svg" | "png":
                return converted(chart(comparison), format)
            case "html":
                return page(comparison).encode()
            case "json":
                networks = [row.as_dict() for row in comparison.rows]
                return as_json(networks).encode()
            case _:
                return as_text(comparison, format, terminal_width() if printed else None).encode()
    except (MissingFrameworkError, NoChartError) as error:
        raise WrongUseError(str(error)) from None

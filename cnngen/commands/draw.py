"""`cnngen draw`: a picture of a network."""

from pathlib import Path

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    InputShapes,
    WrongUseError,
    changes,
    check_spec,
    only_spec,
    options,
    valid_network,
)
from cnngen.commands.standard_input import takes_standard_input
from cnngen.commands.writing import format_of, refuse_screen, write_named

FORMATS = ("svg", "png", "pdf", "html", "dot", "mmd")
BINARY = ("png", "pdf")
READABLE = ("dot", "mmd")  # by people, too


@click.command()
@click.argument("spec", shell_complete=complete.spec)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write to a file; its ending is the format. Else the picture is printed.",
)
@click.option("--format", type=click.Choice(FORMATS), help="The format; else svg.")
@click.option(
    "--depth",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    metavar="N",
    help="Levels of blocks that are opened in place; the others are drawn beside.",
)
@click.option(
    "--expand",
    multiple=True,
    metavar="NAME",
    help="A block, or one use of it by its path, to open in place; can be repeated.",
)
@takes_standard_input
@changes
def draw(
    spec: str,
    output: Path | None,
    format: str | None,
    depth: int,
    expand: tuple[str, ...],
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Draw a network: its blocks in a row, and beside them what is inside of each.

    `html` is a page to explore: blocks open in place, and layers tell what they are, with their
    lines in the spec and in the sources. `mmd` is Mermaid, `dot` Graphviz; these two need nothing
    else, the others `pip install 'cnngen[draw]'`.
    """
    format = format_of(output, format, {name: name for name in FORMATS}, default="svg")
    if output is None and format in BINARY:
        raise WrongUseError(f"a picture as {format} goes to a file: give one with -o")
    path = only_spec(spec)
    if output is None and format not in READABLE:
        refuse_screen(format, path)
    network = valid_network(check_spec(path, options(settings, input, max_layers)))
    from cnngen.draw.figures import TooLargeError, UnknownNameError, check_names
    from cnngen.draw.picture import picture
    from cnngen.frameworks import MissingFrameworkError

    try:
        check_names(network, expand)
        content = picture(network, format, depth, frozenset(expand))
    except (MissingFrameworkError, TooLargeError, UnknownNameError) as error:
        raise WrongUseError(str(error)) from None
    if output is None:
        click.echo(content.decode(), nl=False)
    else:
        write_named(output, content)

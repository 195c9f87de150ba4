"""`cnngen draw`: a picture of a network."""

from pathlib import Path

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    Size,
    WrongUseError,
    analyse,
    changes,
    checked,
    only_spec,
    options,
)

ENDINGS = (".svg", ".png", ".pdf")


@click.command()
@click.argument("spec", shell_complete=complete.spec)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="A file that ends in .svg, .png or .pdf; else the SVG is printed.",
)
@changes
def draw(
    spec: str,
    output: Path | None,
    settings: dict[str, str],
    input: Size | None,
    max_layers: int | None,
) -> None:
    """Draw a network: its blocks in a row, and beside them what is inside of each.

    It needs `pip install 'cnngen[draw]'`.
    """
    if output and output.suffix.lower() not in ENDINGS:
        raise WrongUseError(f"`{output.name}` does not end in {', '.join(ENDINGS[:-1])} or .pdf")
    network = checked(*analyse(only_spec(spec), options(settings, input, max_layers)))
    from cnngen.draw.page import TooLargeError, svg
    from cnngen.draw.picture import picture
    from cnngen.frameworks import MissingFrameworkError

    try:
        text = svg(network)
        content = picture(text, output.suffix.lower()) if output else b""
    except (MissingFrameworkError, TooLargeError) as error:
        raise WrongUseError(str(error)) from None
    if output is None:
        click.echo(text, nl=False)
        return
    from cnngen.targets.files import write

    try:
        write(output, content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WrongUseError(f"`{output}` cannot be written: {reason}") from None
    click.echo(f"wrote {output}")

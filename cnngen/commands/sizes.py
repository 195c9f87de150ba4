"""`cnngen sizes`: which heights and widths a network takes, and what it makes of them."""

from typing import Any

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    InputShapes,
    changes,
    check_spec,
    exit_code,
    options,
    say,
    show,
    specs,
)
from cnngen.commands.standard_input import name_of, takes_standard_input
from cnngen.diagnostics.terminal import as_json


@click.command()
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@click.option(
    "--format",
    "format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Sentences, or a list with an object for each spec.",
)
@takes_standard_input
@changes
@click.pass_context
def sizes(
    ctx: click.Context,
    spec: tuple[str, ...],
    format: str,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Say which heights and widths a network takes, and what it makes of them.

    The total stride and the receptive field are those of the last maps that see only a part of the
    image.
    """
    given = options(settings, input, max_layers)
    texts: list[str] = []
    found: list[dict[str, Any]] = []
    code = 0
    for path in specs(spec):
        network, diagnostics = check_spec(path, given)
        code = max(code, exit_code(diagnostics))
        if network is None:
            show(diagnostics)
            continue
        from cnngen.report.size_answer import as_dict, as_text
        from cnngen.sizes.answer import answer

        answered = answer(network)
        texts.append(as_text(answered))
        found.append({"spec": name_of(path), **as_dict(answered)})
    text = as_json(found) if format == "json" else "\n".join(texts)
    say(text, nl=False)
    ctx.exit(code)

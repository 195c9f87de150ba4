"""`cnngen diff`: what changed in a network, whatever changed in the text of its spec."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    ERRORS,
    InputShapes,
    WrongUseError,
    changes,
    check_spec,
    given_settings,
    only_spec,
    options,
    say,
    valid_network,
)
from cnngen.commands.standard_input import STANDARD_INPUT, UNNAMED, takes_standard_input
from cnngen.diagnostics.terminal import as_json, one_line

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.check import Checked
    from cnngen.semantics.network import Network


@click.command()
@click.argument("old", shell_complete=complete.spec)
@click.argument("new", shell_complete=complete.spec)
@click.option(
    "--format",
    "format",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
)
@click.option("--exit-code", "strict", is_flag=True, help="End with 1 where the networks differ.")
@click.option(
    "--set-new",
    multiple=True,
    metavar="NAME=VALUE",
    callback=given_settings,
    help="The same for NEW only.",
)
@click.option(
    "--set-old",
    multiple=True,
    metavar="NAME=VALUE",
    callback=given_settings,
    help="Like --set, for OLD only; where both set a parameter, this one counts.",
)
@takes_standard_input
@changes
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    format: str,
    strict: bool,
    set_old: dict[str, str],
    set_new: dict[str, str],
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Say what changed between two networks: layers, attributes, shapes, parameters, costs.

    OLD and NEW are specs, or REV:FILE, a file as git has it at a revision, with those that it
    extends: HEAD~1:specs/resnet50.yaml. What is written otherwise and means the same is no change.
    """
    changed = settings | set_old, settings | set_new
    before, after = (
        _network(text, options(values, input, max_layers))
        for text, values in zip((old, new), changed, strict=True)
    )
    from cnngen.diff.changes import difference
    from cnngen.diff.text import difference_text

    found = difference(before, after)
    if format == "json":
        text = as_json(found.as_dict())
    else:
        names = _named(old, set_old), _named(new, set_new)
        text = difference_text(found, *names, format)
    say(text, nl=False)
    ctx.exit(ERRORS if strict and not found.empty else 0)


def _named(text: str, settings: Mapping[str, str]) -> str:
    """An argument as it is shown, with the settings for it alone."""
    given = ", ".join(f"{name}={value}" for name, value in settings.items())
    name = UNNAMED if text == STANDARD_INPUT else text
    return one_line(f"{name} with {given}" if given else name)


def _network(text: str, chosen: "Options") -> "Network":
    """The checked network that an argument means; ends the command where it has errors."""
    name, colon, file = text.partition(":")
    if colon and not Path(text).exists():
        return valid_network(_at_revision(name, file, text, chosen))
    return valid_network(check_spec(only_spec(text), chosen))


def _at_revision(name: str, file: str, shown: str, chosen: "Options") -> "Checked":
    from cnngen.analysis import analyse
    from cnngen.check import Checked
    from cnngen.diagnostics.model import Report
    from cnngen.git import RevisionError, revision
    from cnngen.syntax.load import load

    report = Report()
    try:
        found = revision(name)
        spec = load(found.path(file), report, shown, found.read)
    except RevisionError as error:
        raise WrongUseError(str(error)) from None
    network = analyse(spec, report, chosen) if spec else None
    return Checked(network, list(report))

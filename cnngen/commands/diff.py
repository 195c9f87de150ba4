"""`cnngen diff`: what changed in a network, and not in its text."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    ERRORS,
    Size,
    WrongUseError,
    analyse,
    changes,
    checked,
    only_spec,
    options,
    say,
)
from cnngen.diagnostics.terminal import as_json, one_line

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.diagnostics.model import Diagnostic
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
@changes
@click.pass_context
def diff(
    ctx: click.Context,
    old: str,
    new: str,
    format: str,
    strict: bool,
    settings: dict[str, str],
    input: Size | None,
    max_layers: int | None,
) -> None:
    """Say what changed between two networks: layers, attributes, shapes, parameters, costs.

    OLD and NEW are specs, or REV:FILE, a file as git has it at a revision, with those that it
    extends: HEAD~1:specs/resnet50.yaml. What is written otherwise and means the same is no change.
    """
    chosen = options(settings, input, max_layers)
    before, after = _network(old, chosen), _network(new, chosen)
    from cnngen.diff.changes import difference
    from cnngen.report.difference import difference_text

    found = difference(before, after)
    if format == "json":
        text = as_json(found.as_dict())
    else:
        text = difference_text(found, one_line(old), one_line(new), format)
    say(text, nl=False)
    ctx.exit(ERRORS if strict and not found.empty else 0)


def _network(text: str, chosen: "Options") -> "Network":
    """The checked network that an argument means; ends the command where it has errors."""
    name, colon, file = text.partition(":")
    if colon and not Path(text).exists():
        return checked(*_at_revision(name, file, text, chosen))
    return checked(*analyse(only_spec(text), chosen))


def _at_revision(
    name: str, file: str, shown: str, chosen: "Options"
) -> "tuple[Network | None, list[Diagnostic]]":
    from cnngen.analysis import analyse as analyse_spec
    from cnngen.diagnostics.model import Report
    from cnngen.git import RevisionError, revision
    from cnngen.syntax.load import load

    report = Report()
    try:
        found = revision(name)
        spec = load(found.path(file), report, shown, found.read)
    except RevisionError as error:
        raise WrongUseError(str(error)) from None
    network = analyse_spec(spec, report, chosen) if spec else None
    return network, list(report)

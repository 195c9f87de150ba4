"""`cnngen explain`, `cnngen ops` and `cnngen schema`: what there is to know about the language."""

import json

import click

from cnngen.commands import complete
from cnngen.commands.options import WrongUseError
from cnngen.diagnostics.terminal import one_line


@click.command()
@click.argument("code", required=False, shell_complete=complete.code)
@click.option(
    "--format",
    "format",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="Markdown gives the pages of all diagnostics.",
)
def explain(code: str | None, format: str) -> None:
    """Explain a diagnostic, with an example and its remedy; or list them all."""
    from cnngen.diagnostics.codes import CODES
    from cnngen.diagnostics.explain import explain as page_of
    from cnngen.diagnostics.suggest import suggest

    if format == "markdown":
        from cnngen.report.diagnostics_reference import reference

        if code is not None:
            raise click.UsageError("`--format markdown` is for all diagnostics: leave CODE out")
        click.echo(reference(), nl=False)
        return
    if code is None:
        width = max(map(len, CODES))
        for name, known in CODES.items():
            click.echo(f"{name:<{width}}  {known.severity.value:<7}  {known.summary}")
        return
    page = page_of(code)
    if page is None:
        guess = suggest(code, CODES)
        remedy = f"did you mean `{guess}`?" if guess else "`cnngen explain` lists them"
        raise WrongUseError(f"there is no diagnostic `{one_line(code)}`: {remedy}")
    click.echo(page, nl=False)


@click.command()
@click.argument("name", required=False, shell_complete=complete.op)
@click.option(
    "--format",
    "format",
    type=click.Choice(["text", "markdown"]),
    default="text",
    show_default=True,
    help="Markdown gives the reference of all ops.",
)
def ops(name: str | None, format: str) -> None:
    """List the ops and their attributes, or say everything about one."""
    from cnngen.report import ops_reference

    if name is None:
        text = ops_reference.reference() if format == "markdown" else ops_reference.overview()
    elif format == "markdown":
        raise click.UsageError("`--format markdown` is for all ops: leave NAME out")
    else:
        page = ops_reference.describe_op(name)
        if page is None:
            guess = ops_reference.nearest(name)
            remedy = f"did you mean `{guess}`?" if guess else "`cnngen ops` lists them"
            raise WrongUseError(f"there is no op `{one_line(name)}`: {remedy}")
        text = page
    click.echo(text, nl=False)


@click.command()
def schema() -> None:
    """Print the JSON Schema of specs, for editors."""
    from cnngen.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))

"""`cnngen check`: whether specs are valid."""

from collections import Counter
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.checking import checker
from cnngen.commands.options import (
    InputShapes,
    changes,
    exit_code,
    only_specs,
    options,
    say,
    show,
    specs,
)
from cnngen.commands.standard_input import STANDARD_INPUT, name_of, takes_standard_input
from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.diagnostics.model import Diagnostic

FORMATS = ("text", "concise", "json", "github", "sarif")
FOR_PEOPLE = ("text", "concise")


@click.command()
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@click.option(
    "--format",
    "format",
    type=click.Choice(FORMATS),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
@click.option("--fix", is_flag=True, help="Mend mistakes where there is nothing to choose.")
@click.option("--diff", is_flag=True, help="Show what --fix would change; change nothing.")
@click.option("--watch", is_flag=True, help="Check again when a spec, or what it extends, changes.")
@click.option("--no-cache", is_flag=True, help="Check again what was fine and has not changed.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Check so many specs at a time; by default, as many as pays.",
)
@only_specs
@takes_standard_input
@changes
@click.pass_context
def check(
    ctx: click.Context,
    spec: tuple[str, ...],
    format: str,
    fix: bool,
    diff: bool,
    watch: bool,
    no_cache: bool,
    jobs: int | None,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Check specs: names, values, shapes, and the graph of the network."""
    if diff and (fix or format not in FOR_PEOPLE):
        raise click.UsageError("`--diff` prints a diff and changes nothing")
    if watch and (fix or diff or format not in FOR_PEOPLE):
        raise click.UsageError("`--watch` only checks, and prints for people")
    if STANDARD_INPUT in spec and (fix or watch):
        raise click.UsageError(
            "--fix and --watch are for files: `-` is read once (--diff shows fixes)"
        )
    found: dict[tuple[object, ...], Diagnostic] = {}
    codes: Counter[int] = Counter()
    paths = specs(spec)
    if watch:
        from cnngen.commands import watch as watching

        watching.watch(spec, lambda: ctx.forward(check, watch=False), sleep)
    if diff:
        from cnngen.commands.fixing import show_changes

        before, left = show_changes(paths, options(settings, input, max_layers))
        show(left, format)
        ctx.exit(exit_code(before))
    if fix:
        from cnngen.commands.fixing import mend

        given = options(settings, input, max_layers)
        mend(paths, given, quiet=format not in FOR_PEOPLE)
    checks = checker(settings, input, max_layers, cached=not (no_cache or fix))
    for path, diagnostics in checks.check_all(paths, jobs):
        diagnostics = [_kept(diagnostic, after=fix) for diagnostic in diagnostics]
        code = exit_code(diagnostics) if diagnostics else 0
        codes[code] += 1
        # Specs that extend the same one share its mistakes: each is shown once.
        new = {_identity(d): d for d in diagnostics if _identity(d) not in found}
        found |= new
        if new and format in FOR_PEOPLE:
            show(list(new.values()), format)
        if format == "text":
            say(f"{one_line(name_of(path))}: {_verdict(diagnostics) if code else 'ok'}")
    checks.finish()
    if fix and max(codes):
        from cnngen.commands.fixing import say_what_is_left

        say_what_is_left(paths, options(settings, input, max_layers))
    if format == "text" and len(paths) > 1:
        say(_counts(codes))
    elif format not in FOR_PEOPLE:
        from cnngen.diagnostics.machine import RENDERERS

        click.echo(RENDERERS[format](list(found.values())), nl=False)
    ctx.exit(max(codes, default=0))


def _kept(diagnostic: "Diagnostic", *, after: bool) -> "Diagnostic":
    """A diagnostic; without its fix, where that cannot be made or has just been tried."""
    if not diagnostic.fix:
        return diagnostic
    from dataclasses import replace

    from cnngen.obstacle import obstacle

    refused = after or obstacle(Path(diagnostic.fix[0].span.source.path))
    return replace(diagnostic, fix=()) if refused else diagnostic


def _identity(diagnostic: "Diagnostic") -> tuple[object, ...]:
    at = diagnostic.primary.span
    return diagnostic.code, diagnostic.message, at.source.path, at.start, at.end


def _verdict(diagnostics: "list[Diagnostic]") -> str:
    from cnngen.diagnostics.codes import Severity

    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
    return "1 error" if errors == 1 else f"{errors} errors"


def _counts(codes: Counter[int]) -> str:
    bad = codes.total() - codes[0]
    return f"{codes.total()} specs: {codes[0]} ok" + (f", {bad} with errors" if bad else "")

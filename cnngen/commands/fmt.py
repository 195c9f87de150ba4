"""`cnngen fmt`: specs in the layout of the zoo."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import ERRORS, WRONG_USE, exit_code, only_specs, say, show, specs
from cnngen.commands.standard_input import STANDARD_INPUT, read_standard_input, takes_standard_input
from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.source import Source
    from cnngen.syntax.load import Reader


@click.command()
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@click.option("--check", is_flag=True, help="Write nothing, and fail where something would change.")
@click.option("--diff", is_flag=True, help="Write nothing, and show what would change.")
@takes_standard_input
@only_specs
@click.pass_context
def fmt(ctx: click.Context, spec: tuple[str, ...], check: bool, diff: bool) -> None:
    """Lay specs out like those of the zoo: indentation, blank lines, quotes, comments in columns.

    What a spec says, its order and its comments stay. `-` means the standard input, whose spec is
    printed.
    """
    if STANDARD_INPUT not in spec:
        ctx.exit(max([_format_file(ctx, path, check, diff) for path in specs(spec)], default=0))
    if len(spec) > 1:
        raise click.UsageError("`-` stands alone")
    ctx.exit(_format_input(spec, check, diff))


def _format_file(ctx: click.Context, path: Path, check: bool, diff: bool) -> int:
    from cnngen.commands.fixing import replace_text
    from cnngen.obstacle import obstacle
    from cnngen.syntax.load import read_file

    ctx.meta["spec"] = path
    name = one_line(str(path))
    source, text, code = _formatted(name, path, read_file)
    if text == source.text:
        return code
    if check or diff:
        return _say(source, text, check, diff)
    if reason := obstacle(path):
        say(f"`{name}` {reason}, so it is left as it is", err=True)
        return WRONG_USE
    replace_text(path, source.text, text)
    say(f"formatted {name}")
    return code


def _format_input(spec: Sequence[str], check: bool, diff: bool) -> int:
    """Format the standard input; where that fails nothing is printed, as an editor would take it
    for the result.
    """
    from cnngen.commands.fixing import BOM

    given = read_standard_input(spec)
    assert given  # as `-` is in `spec`
    name = one_line(given.shown)
    source, text, code = _formatted(name, given.path, given.read)
    if code or ((check or diff) and text == source.text):
        return code
    if check or diff:
        return _say(source, text, check, diff)
    mark = BOM if given.content.startswith(BOM) else b""
    sys.stdout.buffer.write(mark + text.encode())
    return code


def _say(source: "Source", text: str, check: bool, diff: bool) -> int:
    """Say, or show as a diff, that something would change."""
    from cnngen.commands.fixing import show_diff

    name = one_line(source.path)
    if diff:
        show_diff(source.text, text, name)
    if check:
        say(f"{name} would change", err=diff)
    return ERRORS if check else 0


def _formatted(name: str, path: Path, reader: "Reader") -> "tuple[Source, str, int]":
    """The source of a spec, its formatted text, and an exit code. Mistakes are shown, with fixes
    that `check --fix` would keep.
    """
    from cnngen.diagnostics.model import Report
    from cnngen.formatting.format import format_source
    from cnngen.source import Source, Span
    from cnngen.syntax.load import UnreadableError

    report = Report()
    try:
        source = reader(path, None)
    except UnreadableError as error:
        source = Source(name, "")
        report.add(error.code, f"`{name}` {error.message}", Span(source, 0, 0), help=error.help)
        text = None
    else:
        text = format_source(source, report)
    found = list(report)
    if any(diagnostic.fix for diagnostic in found):
        from cnngen.analysis import Options
        from cnngen.fix import keep_promises

        found = keep_promises(path, Options({}, reader=reader), found)
    show(found)
    return source, source.text if text is None else text, exit_code(report)

"""What commands share: options, the specs in their arguments, and how diagnostics are printed."""

import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from cnngen.commands.standard_input import STANDARD_INPUT, read, read_standard_input
from cnngen.diagnostics.terminal import one_line, safe_lines
from cnngen.locate import UnknownSpecError, find_all_specs, would_be_found

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.check import Checked
    from cnngen.diagnostics.model import Diagnostic
    from cnngen.semantics.network import Network
    from cnngen.syntax.load import Reader

InputShapes = Mapping[str, tuple[int, ...]]  # by the names of inputs; `input` is the only one
F = TypeVar("F", bound=Callable[..., Any])

ERRORS = 1
WRONG_USE = 2
ONLY_SPECS = "cnngen.only_specs"  # in the context of a command
LARGEST_SIDE = 2**31 - 1
SIDE = "[0-9]{1,10}"
INPUT = re.compile(rf"(?:([A-Za-z_]\w*)=)?({SIDE}(?:x{SIDE}x{SIDE})?)")
SETTING = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(\S.*?)\s*", re.DOTALL)


class WrongUseError(click.ClickException):
    """A mistake in how a command is used, not in a spec."""

    exit_code = WRONG_USE

    def format_message(self) -> str:
        return self.message


def _inputs(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for value in values:
        found = INPUT.fullmatch(value)
        sizes = tuple(int(side) for side in found[2].split("x")) if found else ()
        if not found or not all(1 <= size <= LARGEST_SIDE for size in sizes):
            message = f"`{one_line(value)}` is not of the form CxHxW, such as `3x224x224`"
            raise click.BadParameter(message, ctx, param)
        name = found[1] or "input"
        if name in shapes:
            raise click.BadParameter(f"`{name}` is given twice", ctx, param)
        shapes[name] = sizes
    return shapes


def given_settings(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    settings: dict[str, str] = {}
    for value in values:
        found = SETTING.fullmatch(value)
        if not found:
            raise click.BadParameter(
                f"`{one_line(value)}` is not of the form NAME=VALUE", ctx, param
            )
        if found[1] in settings:
            raise click.BadParameter(f"`{found[1]}` is set twice", ctx, param)
        settings[found[1]] = found[2]
    return settings


def inputs_option(help: str) -> Callable[[F], F]:
    return click.option(
        "--input", multiple=True, metavar="[NAME=]CxHxW", callback=_inputs, help=help
    )


def with_inputs(command: F) -> F:
    """The option `--input` of `import`: what a model is given that does not say it itself."""
    return inputs_option(
        "The size of the input, or of each of several, in the order of the model's arguments; a"
        " vector has only one number."
    )(command)


def changes(command: F) -> F:
    """The options that change what a spec says: `--set`, `--input` and `--max-layers`."""
    for option in (
        click.option(
            "--max-layers",
            type=click.IntRange(min=1),
            metavar="N",
            help="Allow larger networks, or only smaller ones.",
        ),
        inputs_option(
            "Another size of the input, or of one of several; a vector has only one number."
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            callback=given_settings,
            help="Another value for a parameter of the network; can be repeated.",
        ),
    ):
        command = option(command)
    return command


def typed(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """Arguments of a class or function: literals of Python, or words."""
    given = given_settings(ctx, param, values)
    if not given:
        return {}
    from cnngen.weights.own import argument

    return {name: argument(value) for name, value in given.items()}


def arguments(command: F) -> F:
    """The option `--argument` of commands that take a class of the user's."""
    return click.option(
        "--argument",
        "arguments",
        multiple=True,
        metavar="NAME=VALUE",
        callback=typed,
        help="An argument of the class or function that makes their model; can be repeated.",
    )(command)


def table_format(command: F) -> F:
    """The option `--format` of commands that print a table."""
    choice = click.Choice(["table", "json", "csv", "markdown", "latex"])
    return click.option("--format", "format", type=choice, default="table", show_default=True)(
        command
    )


def options(settings: dict[str, str], inputs: InputShapes, max_layers: int | None) -> "Options":
    from cnngen.analysis import Options
    from cnngen.ops.base import shape_of
    from cnngen.semantics.elaborate import MAX_LAYERS

    shapes = {name: shape_of(sizes) for name, sizes in inputs.items()}
    return Options(settings, shapes, max_layers or MAX_LAYERS, read)


def only_specs(command: F) -> F:
    """The option `--only-specs` of commands that tools run on any files."""

    def remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        ctx.meta[ONLY_SPECS] = value

    return click.option(
        "--only-specs",
        is_flag=True,
        expose_value=False,
        callback=remember,
        help="Leave out the files that are named and would not be found in a folder: for hooks.",
    )(command)


def specs(texts: Sequence[str]) -> list[Path]:
    """The files that the arguments of a command mean."""
    standard_input = read_standard_input(texts)
    known = {STANDARD_INPUT: standard_input.path} if standard_input else {}
    if click.get_current_context().meta.get(ONLY_SPECS):
        left = [text for text in texts if text in known or would_be_found(text)]
        if texts and not left:
            return []
        texts = left
    try:
        return find_all_specs(texts, known)
    except UnknownSpecError as error:
        raise WrongUseError(str(error)) from None


def only_spec(text: str) -> Path:
    """The one file that the argument of a command means."""
    paths = specs([text])
    if len(paths) > 1:
        raise WrongUseError(f"`{text}` has {len(paths)} specs: name one of them")
    return paths[0]


def check_spec(path: Path, options: "Options", reader: "Reader | None" = None) -> "Checked":
    """Check a spec, and note which one, for the report of a bug."""
    from cnngen.check import check

    if context := click.get_current_context(silent=True):  # there is none in a process of its own
        context.meta["spec"] = path
    return check(path, options, reader)


def valid_network(checked: "Checked") -> "Network":
    """Show the diagnostics and give the network; ends the command where there is none."""
    show(checked.diagnostics)
    if checked.network is None:
        click.get_current_context().exit(exit_code(checked.diagnostics))
    return checked.network


def show(diagnostics: "Sequence[Diagnostic]", format: str = "text") -> None:
    """Print diagnostics for people."""
    if not diagnostics:
        return
    from cnngen.diagnostics.machine import RENDERERS

    text = RENDERERS[format](diagnostics, color=_wants_color())
    click.echo(text + ("\n" if format == "text" else ""), err=True, nl=False)


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print lines without anything that a terminal or the runner of a CI job would obey."""
    click.echo(safe_lines(text), err=err, nl=nl)


def exit_code(diagnostics: "Iterable[Diagnostic]") -> int:
    """0, or 1 where there are errors, or 2 where a file could not be read."""
    from cnngen.diagnostics.codes import Severity

    errors = {d.code for d in diagnostics if d.severity is Severity.ERROR}
    return WRONG_USE if "unreadable" in errors else ERRORS if errors else 0


def _wants_color() -> bool:
    return (
        sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def terminal_width() -> int | None:
    """The width of the terminal; None where the output goes elsewhere."""
    import shutil  # late: what the cache answers should cost nothing

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

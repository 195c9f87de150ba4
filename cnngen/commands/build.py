"""`cnngen build`: write the sources of networks, or compare them with what is there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    ERRORS,
    WRONG_USE,
    InputShapes,
    WrongUseError,
    changes,
    check_spec,
    exit_code,
    options,
    say,
    show,
    specs,
)
from cnngen.commands.standard_input import FILENAME, STANDARD_INPUT, takes_standard_input
from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.analysis import Options

DEFAULT_OUTPUT = Path("generated")


@dataclass(slots=True)
class Build:
    """One run: the folder for the files, the options, and the exit codes so far."""

    folder: Path
    targets: tuple[str, ...]
    options: "Options"
    templates: tuple[Path, ...]
    check: bool
    force: bool
    in_place: bool
    fresh: int = 0
    codes: set[int] = field(default_factory=set[int])


@click.command()
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@click.option(
    "--target",
    default="all",
    show_default=True,
    metavar="torch|keras|all|NAME",
    shell_complete=complete.target,
    help="A framework, both, or a target that another package adds.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"The folder for the files.  [default: {DEFAULT_OUTPUT}]",
)
@click.option(
    "--emit",
    type=click.Choice(["source", "plan"]),
    default="source",
    show_default=True,
    help="What to make: `plan` prints what targets print from, in a form that may change.",
)
@click.option(
    "--no-inplace",
    is_flag=True,
    help="Let no layer of PyTorch overwrite what it reads: for hooks that keep it.",
)
@click.option("--check", is_flag=True, help="Write nothing; fail where a file is out of date.")
@click.option("--force", is_flag=True, help="Overwrite files that lost their header, too.")
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of templates that come before those of the target.",
)
@takes_standard_input
@changes
@click.pass_context
def build(
    ctx: click.Context,
    spec: tuple[str, ...],
    target: str,
    output: Path | None,
    emit: str,
    no_inplace: bool,
    check: bool,
    force: bool,
    templates: Path | None,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Write SPEC_torch.py and SPEC_keras.py for each spec.

    A file is overwritten only if its header says that cnngen generated it. With --set the sources
    are no longer those of the spec alone, so it needs -o.
    """
    if emit == "plan":
        ctx.exit(
            max(
                (_print_plan(path, options(settings, input, max_layers)) for path in specs(spec)),
                default=0,
            )
        )
    if settings and output is None:
        raise click.UsageError("`--set` needs `-o`: choose a folder for the changed sources")
    if STANDARD_INPUT in spec and not ctx.meta[FILENAME]:
        raise click.UsageError("`-` needs `--stdin-filename`: what is written is called after it")
    run = Build(
        output or DEFAULT_OUTPUT,
        _targets(target),
        options(settings, input, max_layers),
        (templates,) if templates else (),
        check,
        force,
        not no_inplace,
    )
    paths = specs(spec)
    _refuse_equal_names(paths, run)
    for path in paths:
        _build(path, run)
    if check:
        whole = not spec or any(Path(text).is_dir() for text in spec)
        _finish_check(run, {path.stem for path in paths} if whole else None, spec)
    ctx.exit(max(run.codes, default=0))


def _print_plan(path: Path, options: "Options") -> int:
    """Print the program of one spec; gives the exit code."""
    from cnngen.expressions.algebra import TooComplex
    from cnngen.plan.lower import lower
    from cnngen.plan.show import text
    from cnngen.plan.verify import verify
    from cnngen.targets.limits import OUTGROWN

    network, diagnostics = check_spec(path, options)
    show(diagnostics)
    if network is not None:
        try:
            program = lower(network)
        except TooComplex:
            say(f"error: {OUTGROWN.reason}", err=True)
            return ERRORS
        verify(program)
        say(text(program).rstrip())
    return exit_code(diagnostics)


def _targets(name: str) -> tuple[str, ...]:
    from cnngen.targets.registry import BUILT_IN, UnknownTargetError, find_target

    names = tuple(BUILT_IN) if name == "all" else (name,)
    try:
        for each in names:
            find_target(each)
    except UnknownTargetError as error:
        raise click.BadParameter(str(error), param_hint="'--target'") from None
    return names


def _file(path: Path, target: str, run: Build) -> Path:
    return run.folder / f"{path.stem}_{target}.py"


def _refuse_equal_names(paths: Sequence[Path], run: Build) -> None:
    """Refuse two specs whose sources would go to one file."""
    origins: dict[Path, Path] = {}
    for path in paths:
        for target in run.targets:
            file = _file(path, target, run)
            other = origins.setdefault(file, path)
            if other is not path:
                names = f"`{one_line(str(other))}` and `{one_line(str(path))}`"
                raise WrongUseError(f"{names} would both be written to `{one_line(str(file))}`")


def _build(path: Path, run: Build) -> None:
    """Write the sources of one spec, or compare them."""
    from cnngen.diagnostics.model import Report
    from cnngen.syntax.load import can_name_function
    from cnngen.targets.generate import TemplateFaultError, generate, header_settings

    network, diagnostics = check_spec(path, run.options)
    show(diagnostics)
    run.codes.add(exit_code(diagnostics))
    if not can_name_function(path.stem):
        run.codes.add(WRONG_USE)
    if network is None:
        return
    settings = header_settings(network, run.options.settings, in_place=run.in_place)
    for target in run.targets:
        report = Report()
        try:
            text = generate(network, target, report, settings, run.templates, in_place=run.in_place)
        except TemplateFaultError as fault:
            say(f"error: {one_line(str(fault))}", err=True)
            run.codes.add(ERRORS)
            continue
        show(list(report))
        run.codes.add(exit_code(report))
        if text is not None:
            _put(_file(path, target, run), text.encode(), run)


def _put(file: Path, content: bytes, run: Build) -> None:
    """Write one file, or compare it."""
    from cnngen.files import write_file
    from cnngen.targets.files import State, state

    name = one_line(str(file))
    try:
        found = state(file, content)
        kept = found is State.FRESH or (found is State.FOREIGN and not run.force)
        if not run.check and not kept:
            write_file(file, content)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise WrongUseError(f"`{name}` cannot be read or written: {reason}") from None
    if run.check and found is State.FRESH:
        run.fresh += 1
    elif run.check:
        say(f"{found.value} {name}")
        run.codes.add(ERRORS)
    elif found is State.FRESH:
        say(f"unchanged {name}")
    elif kept:
        say(f"error: `{name}` has no header of cnngen, so somebody owns it", err=True)
        say("  = help: move it away, or overwrite it with `--force`", err=True)
        run.codes.add(ERRORS)
    else:
        say(f"wrote {name}")


def _finish_check(run: Build, stems: set[str] | None, spec: Sequence[str]) -> None:
    """Report generated files without a spec (`stems` has those of all), and say what to do."""
    from cnngen.targets.files import orphans

    for file in orphans(run.folder, stems) if stems is not None else ():
        say(f"orphan {one_line(str(file))}")
        run.codes.add(ERRORS)
    if run.codes <= {0}:
        say(f"{run.fresh} files are up to date")
    else:
        again = one_line(" ".join(["cnngen build", *spec]))
        say(f"`{again}` writes what is stale or missing; remove what is an orphan", err=True)

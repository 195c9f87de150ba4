"""`cnngen weights`: the weights of a network, carried from one framework to the other."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    ERRORS,
    InputShapes,
    WrongUseError,
    arguments,
    changes,
    check_spec,
    only_spec,
    options,
    say,
    show,
    table_format,
    valid_network,
)
from cnngen.diagnostics.terminal import as_json

if TYPE_CHECKING:
    from cnngen.semantics.network import Network
    from cnngen.weights.foreign import Foreign
    from cnngen.weights.places import Framework

KERAS_ONLY = (".weights.h5", ".keras")
REFERENCE = "PACKAGE[:NAME]|FILE.py:CLASS"
ANOTHER = (
    "a model of torchvision, timm or keras.applications, which is called like the spec where no"
    " NAME is given, or a class or function of yours, whose file is run"
)


class UnfitFileError(click.ClickException):
    """A file of weights that is broken, or of another network."""

    exit_code = ERRORS


@click.group()
def weights() -> None:
    """Carry the weights of a network from one framework to the other."""


@weights.command()
@click.argument("source", metavar="IN", type=click.Path(exists=True, path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--spec", required=True, shell_complete=complete.spec, help="The network that has the weights."
)
@click.option(
    "--to",
    type=click.Choice(["torch", "keras"]),
    help="The framework for which OUT is, where its ending does not tell: .safetensors.",
)
@click.option(
    "--from",
    "reference",
    metavar=REFERENCE,
    shell_complete=complete.package,
    help=f"IN is of {ANOTHER}.",
)
@arguments
@click.option(
    "--key",
    metavar="KEY",
    help="The entry of IN that holds the weights: `state_dict`, or `a/b` for one in another.",
)
@click.option(
    "--prefix",
    metavar="TEXT",
    help="What stands before the names of the weights; others are left out.",
)
@click.option(
    "--by-order",
    is_flag=True,
    help="Where layers of --from could be exchanged with others, let their order decide.",
)
@click.option(
    "--heads",
    is_flag=True,
    help="Write .weights.h5 and .keras for a model with the heads that only training has.",
)
@changes
@click.pass_context
def convert(
    ctx: click.Context,
    source: Path,
    target: Path,
    spec: str,
    to: "Framework | None",
    reference: str | None,
    arguments: dict[str, Any],
    key: str | None,
    prefix: str | None,
    by_order: bool,
    heads: bool,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Convert a file of weights, by the names of layers.

    OUT is .safetensors, .pt or .pth for PyTorch, and .weights.h5, .keras or .safetensors for Keras.
    IN may be any of these, and .ckpt, .pth.tar, .bin or .h5: it is read as what it holds, whatever
    it is called. Where the weights are one entry of a checkpoint, or all have a prefix such as
    `module.`, the command takes the one way in which everything fits, and says so; --key and
    --prefix choose among several.

    With --from, IN has the names of a model of torchvision, timm or keras.applications. Which of
    its layers is which of the spec's is found by their kinds, shapes and connections. That package
    must be installed; it downloads nothing.

    Layers that --set or --input changes are left out where the weights in IN do not fit them. So
    are heads that only training has, where IN lacks them or OUT has no place for them. The command
    says which.
    """
    require_numpy()
    from cnngen.frameworks import MissingFrameworkError
    from cnngen.weights.conversion import Conversion
    from cnngen.weights.places import NAMES
    from cnngen.weights.stored import WeightsFileError
    from cnngen.weights.ways import Choice
    from cnngen.weights.write import CannotWriteError

    framework = framework_of(target, to)
    path, chosen = only_spec(spec), options(settings, input, max_layers)
    network = valid_network(check_spec(path, chosen))
    text = _keras_source(ctx, network) if suffix_of(target) in KERAS_ONLY else None
    unchanged = replace(chosen, settings={}, inputs={})
    plain = check_spec(path, unchanged).network if settings or input else None
    job = Conversion(source, target, network, framework, heads, text, plain)
    foreign = _foreign(reference, arguments, network) if reference else None
    try:
        notes, carried = job.run(foreign, Choice(key, prefix), by_order=by_order)
    except MissingFrameworkError as error:
        raise WrongUseError(str(error)) from None
    except WeightsFileError as error:
        raise UnfitFileError(f"{source}: {error}") from None
    except CannotWriteError as error:
        raise WrongUseError(f"cannot write {target}: {error}") from None
    for line in notes:
        say(line, err=True)
    layers = len({place.layer.path for place in carried})
    say(f"wrote {target}: {len(carried)} weights of {layers} layers for {NAMES[framework]}")


@weights.command("map")
@click.argument("spec", shell_complete=complete.spec)
@click.option(
    "--from",
    "reference",
    metavar=REFERENCE,
    shell_complete=complete.package,
    help=f"Compare with {ANOTHER}.",
)
@arguments
@table_format
@changes
def correspond(
    spec: str,
    reference: str | None,
    arguments: dict[str, Any],
    format: str,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Print which weight is which: its key in PyTorch, and its path in Keras.

    With --from, which weight of a model of torchvision, timm or keras.applications it is; shapes
    are in PyTorch's layout.
    """
    require_numpy()
    from cnngen.report.correspondence import between_targets, correspondence_table, with_reference
    from cnngen.report.table import RENDERERS
    from cnngen.weights.stored import WeightsFileError

    network = valid_network(check_spec(only_spec(spec), options(settings, input, max_layers)))
    if reference:
        from cnngen.weights.foreign import correspond

        foreign = _foreign(reference, arguments, network)
        try:
            found = correspond(network, foreign.graph, by_order=True)
        except WeightsFileError as error:
            raise UnfitFileError(f"{foreign.reference} is another network\n{error}") from None
        rows, theirs = list(with_reference(found)), str(foreign.reference)
    else:
        rows, theirs = list(between_targets(network)), "Keras"
    if format == "json":
        say(as_json([row.as_dict() for row in rows]), nl=False)
    else:
        say(RENDERERS[format](correspondence_table(rows, theirs)), nl=False)


def require_numpy() -> None:
    """End the command where NumPy is missing, and say how it is installed."""
    from cnngen.frameworks import MissingFrameworkError, framework

    try:
        framework("numpy")
    except MissingFrameworkError as error:
        raise WrongUseError(str(error)) from None


def _foreign(text: str, arguments: Mapping[str, Any], network: "Network") -> "Foreign":
    """The model of others that an option names."""
    from cnngen.frameworks import MissingFrameworkError
    from cnngen.weights.find_reference import find_reference
    from cnngen.weights.foreign import Foreign
    from cnngen.weights.reference import NoModelError

    try:
        reference = find_reference(text, network.resolution.spec.stem, arguments)
        return Foreign.of(reference, network)
    except (MissingFrameworkError, NoModelError) as error:
        raise WrongUseError(str(error)) from None


def suffix_of(path: Path) -> str:
    from cnngen.weights.files import SUFFIXES, suffix

    if (found := suffix(path)) is None:
        raise WrongUseError(f"`{path.name}` does not end with one of {', '.join(SUFFIXES)}")
    return found


def framework_of(target: Path, to: "Framework | None") -> "Framework":
    """The framework for which a file is to be written."""
    from cnngen.weights.files import SUFFIXES
    from cnngen.weights.places import NAMES

    ending = suffix_of(target)
    told = SUFFIXES[ending]
    if told and to and told != to:
        raise WrongUseError(f"{ending} is for {NAMES[told]}, not for {NAMES[to]}")
    if not (found := told or to):
        raise WrongUseError(f"say for which framework `{target.name}` is: --to torch or --to keras")
    return found


def _keras_source(ctx: click.Context, network: "Network") -> str:
    """The Keras source; ends the command, with a diagnostic, where Keras cannot express the
    network.
    """
    from cnngen.diagnostics.model import Report
    from cnngen.targets.generate import generate

    report = Report()
    text = generate(network, "keras", report)
    show(list(report))
    if text is None:
        ctx.exit(ERRORS)
    return text

"""`cnngen weights`: the weights of a network, carried from one framework to the other."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnngen.commands.options import (
    ERRORS,
    Size,
    WrongUseError,
    analyse,
    changes,
    exit_code,
    options,
    show,
    specs,
)

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.semantics.network import Network
    from cnngen.weights.places import Framework

NAMES = {"torch": "PyTorch", "keras": "Keras"}


class UnfitFileError(click.ClickException):
    """A file of weights that is broken, or of another network."""

    exit_code = ERRORS


@click.group()
def weights() -> None:
    """Carry the weights of a network from one framework to the other."""


@weights.command()
@click.argument(
    "source", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--spec", required=True, help="The network that has the weights.")
@click.option(
    "--to",
    type=click.Choice(["torch", "keras"]),
    help="The framework for which OUT is, where its ending does not tell: .safetensors.",
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
    heads: bool,
    settings: dict[str, str],
    input: Size | None,
    max_layers: int | None,
) -> None:
    """Convert a file of weights, by the names of layers.

    Files of PyTorch are .safetensors, .pt and .pth, those of Keras .weights.h5, .keras and
    .safetensors with the paths of variables as keys. The keys of IN tell for which framework it is.

    Layers that --set or --input changes are left out where the weights in IN do not fit them. So
    are heads that only training has, where IN lacks them or OUT has no place for them. The command
    says which.
    """
    from cnngen.frameworks import MissingFrameworkError, framework

    try:
        framework("numpy")
    except MissingFrameworkError as error:
        raise WrongUseError(str(error)) from None
    framework_of_target = _framework(target, to)
    suffix = _suffix(source) and _suffix(target)
    paths = specs([spec])
    if len(paths) > 1:
        raise WrongUseError(f"`{spec}` has {len(paths)} specs: name one of them")
    chosen = options(settings, input, max_layers)
    network, diagnostics = analyse(paths[0], chosen)
    show(diagnostics)
    if network is None:
        ctx.exit(exit_code(diagnostics))
    code = None
    if suffix in (".weights.h5", ".keras") and (code := _keras_source(network)) is None:
        ctx.exit(ERRORS)
    from cnngen.weights.convert import changed_layers, first, plan
    from cnngen.weights.convert import convert as convert_weights
    from cnngen.weights.places import places
    from cnngen.weights.stored import WeightsFileError, opened
    from cnngen.weights.write import write_keras, write_safetensors, write_torch

    plain = _plain(paths[0], chosen) if settings or input else None
    changed = changed_layers(network, plain) if plain else set[str]()
    try:
        with opened(source, places(network)) as stored:
            found = plan(network, stored, changed, heads=heads or code is None)
            state = convert_weights(found, stored, framework_of_target)
            if code is not None:
                write_keras(target, state, network, code, heads=heads)
            elif suffix == ".safetensors":
                write_safetensors(target, state, stored.metadata)
            else:
                write_torch(target, state)
    except MissingFrameworkError as error:
        raise WrongUseError(str(error)) from None
    except WeightsFileError as error:
        raise UnfitFileError(f"{source}: {error}") from None
    except OSError as error:
        raise WrongUseError(f"cannot write {target}: {error.strerror or error}") from None
    for line in first(found.left_out):
        click.echo(f"left out {line}" if line.startswith("`") else line, err=True)
    layers = len({place.layer.path for place in found.carried})
    name = NAMES[framework_of_target]
    click.echo(f"wrote {target}: {len(found.carried)} weights of {layers} layers for {name}")


def _suffix(path: Path) -> str:
    from cnngen.weights.stored import SUFFIXES, suffix

    if (found := suffix(path)) is None:
        raise WrongUseError(f"`{path.name}` does not end with one of {', '.join(SUFFIXES)}")
    return found


def _framework(target: Path, to: "Framework | None") -> "Framework":
    """The framework for which a file is to be written."""
    from cnngen.weights.stored import SUFFIXES

    ending = _suffix(target)
    told = SUFFIXES[ending]
    if told and to and told != to:
        raise WrongUseError(f"{ending} is for {NAMES[told]}, not for {NAMES[to]}")
    if not (found := told or to):
        raise WrongUseError(f"say for which framework `{target.name}` is: --to torch or --to keras")
    return found


def _keras_source(network: "Network") -> str | None:
    """The Keras source; None where Keras cannot express the network, which is said."""
    from cnngen.diagnostics.model import Report
    from cnngen.targets.generate import generate

    report = Report()
    text = generate(network, "keras", report)
    show(list(report))
    return text


def _plain(path: Path, chosen: "Options") -> "Network | None":
    """The network as the spec has it, without what the options change."""
    return analyse(path, replace(chosen, settings={}, input=None))[0]

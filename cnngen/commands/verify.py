"""`cnngen verify`: run both sources of networks, and see whether they are the same networks."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    exit_code,
    options,
    say,
    show,
    specs,
)
from cnngen.commands.waiting import waiting
from cnngen.diagnostics.terminal import as_json

if TYPE_CHECKING:
    from cnngen.analysis import Options
    from cnngen.report.verification import Verification
    from cnngen.semantics.network import Network
    from cnngen.verify.tolerance import Precision

TARGETS = ("torch", "keras")


@click.command()
@click.argument("spec", nargs=-1, shell_complete=complete.spec)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="With float64, outputs are not compared in float32, too.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="For weights and images.")
@click.option("--own-size", is_flag=True, help="Leave out the odd and the oblong input.")
@click.option(
    "--quick",
    is_flag=True,
    help="A verdict within a minute: one step of training in float64 on small images. What is not"
    " checked is said.",
)
@click.option(
    "--against",
    metavar="PACKAGE[:NAME]|FILE.py:CLASS",
    shell_complete=complete.package,
    help="Compare with a model of torchvision, timm or keras.applications, whose weights are copied"
    " over. The NAME is that of the spec where none is given. Or with a class or function of yours,"
    " whose file is run.",
)
@arguments
@click.option("--verbose", is_flag=True, help="Show stage by stage where outputs differ.")
@click.option(
    "--templates",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of templates that come before those of the target.",
)
@click.option(
    "--format", "format", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@changes
@click.pass_context
def verify(
    ctx: click.Context,
    spec: tuple[str, ...],
    dtype: "Precision",
    seed: int,
    own_size: bool,
    quick: bool,
    against: str | None,
    arguments: dict[str, Any],
    verbose: bool,
    templates: Path | None,
    format: str,
    settings: dict[str, str],
    input: InputShapes,
    max_layers: int | None,
) -> None:
    """Give both sources of a network the same weights, and compare what they compute.

    Outputs, gradients, running statistics and weights after three steps of training, at the input
    size of the spec, at an odd and at an oblong one. Needs PyTorch, and Keras on TensorFlow.
    """
    from cnngen.frameworks import MissingFrameworkError, framework, keras_on_tensorflow

    paths = specs(spec)
    missing: list[str] = []
    for load in (lambda: framework("torch"), keras_on_tensorflow):
        try:
            load()
        except MissingFrameworkError as error:
            missing.append(str(error))
    if missing:
        raise WrongUseError("\n".join(missing))
    folders = (templates,) if templates else ()
    run = Run(
        *(options(settings, input, max_layers), dtype, seed, own_size, quick),
        *(against, arguments, verbose, folders),
    )
    codes: set[int] = set()
    found: list[Verification] = []
    for path in paths:
        network, diagnostics = check_spec(path, run.options)
        show(diagnostics)
        codes.add(exit_code(diagnostics))
        if network is None:
            continue
        verification = run.verify(path, network)
        if verification is None:
            codes.add(ERRORS)
            continue
        found.append(verification)
        codes.add(0 if verification.equal else ERRORS)
        if format == "table":
            _print(verification)
    if format == "json":
        say(as_json([each.as_dict() for each in found]), nl=False)
    ctx.exit(max(codes, default=0))


@dataclass(frozen=True, slots=True)
class Run:
    """What the command was asked for."""

    options: "Options"
    dtype: "Precision"
    seed: int
    own_size: bool
    quick: bool
    against: str | None
    arguments: Mapping[str, Any]
    verbose: bool
    templates: Sequence[Path]

    def verify(self, path: Path, network: "Network") -> "Verification | None":
        """Compare one network at all sizes; None where a source cannot be made or does not run."""
        if self.against:
            return self._verify_against(self.against, network)
        from cnngen.report.verification import Verification
        from cnngen.verify.compare import compare
        from cnngen.verify.models import SourceError
        from cnngen.verify.training import STEPS
        from cnngen.verify.tried_inputs import other_sizes, sizes_text, small, unchecked

        found = Verification(network.resolution.spec.stem)
        steps = STEPS
        if self.quick:
            networks, steps = [small(path, self.options, network)], 1
            found.unchecked = unchecked(network, networks[0])
        elif self.own_size:
            networks = [network]
        else:
            networks = [network, *other_sizes(path, self.options, network)]
        with waiting(found.name) as phase, tempfile.TemporaryDirectory() as folder:
            for each in networks:
                if (texts := self._sources(each)) is None:
                    return None
                word = "float64" if self.quick else self.dtype
                phase.place = sizes_text(each.input_dimensions)
                try:
                    found.comparisons += compare(
                        *(each, texts, Path(folder), word, self.seed),
                        *(phase, steps),
                    )
                except SourceError as error:
                    say(f"{found.name}: {error}", err=True)
                    return None
            if self.verbose:
                phase("stages")
                self._compare_stages(network, found)
        return found

    def _verify_against(self, text: str, network: "Network") -> "Verification | None":
        """Compare one network with a model that somebody else wrote."""
        from cnngen.frameworks import MissingFrameworkError
        from cnngen.report.verification import Verification
        from cnngen.verify.against import compare_with
        from cnngen.verify.models import SourceError
        from cnngen.weights.find_reference import find_reference
        from cnngen.weights.reference import NoModelError
        from cnngen.weights.transfer import TransferError

        stem = network.resolution.spec.stem
        try:
            reference = find_reference(text, stem, self.arguments)
            reference.takes(network)
        except (NoModelError, MissingFrameworkError) as error:
            raise WrongUseError(str(error)) from None
        found, word = Verification(stem, str(reference)), self.dtype
        if self.quick:  # at its own size, as others may take no other
            word, found.unchecked = "float64", ["float32"]
        if (texts := self._sources(network)) is None:
            return None
        try:
            with waiting(stem) as phase, tempfile.TemporaryDirectory() as folder:
                found.comparisons, found.parting = compare_with(
                    reference, network, texts, Path(folder), word, self.seed, phase
                )
        except SourceError as error:
            say(f"{stem}: {error}", err=True)
            return None
        except TransferError as error:
            say(f"{stem}: {reference} is another network\n{error}", err=True)
            return None
        return found

    def _sources(self, network: "Network") -> dict[str, str] | None:
        """The text for each target; None where one cannot express the network, which is said."""
        from cnngen.diagnostics.model import Report
        from cnngen.targets.generate import TemplateFaultError, generate

        report = Report()
        texts: dict[str, str] = {}
        for target in TARGETS:
            try:
                text = generate(network, target, report, folders=self.templates)
            except TemplateFaultError as error:
                raise WrongUseError(str(error)) from None
            if text is not None:
                texts[target] = text
        show(list(report))
        return texts if len(texts) == len(TARGETS) else None

    def _compare_stages(self, network: "Network", found: "Verification") -> None:
        from cnngen.verify.models import Models, draw, import_sources
        from cnngen.verify.stages import compare_stages

        texts = self._sources(network)
        assert texts
        with tempfile.TemporaryDirectory() as folder:
            sources = import_sources(network, texts, Path(folder))
            with Models(sources, draw(sources, self.seed), self.dtype) as models:
                found.stages = compare_stages(models)


def _print(found: "Verification") -> None:
    from cnngen.report.table import aligned
    from cnngen.report.verification import stage_table, verification_table

    verdict = "one network" if found.equal else "the sources differ"
    if found.against:
        verdict = f"the network of {found.against}" if found.equal else f"not {found.against}"
    say(f"{found.name}: {verdict}\n")
    say(aligned(verification_table(found.comparisons)))
    if found.parting:
        say("where they part, first:")
        say(f"  {found.name}: {found.parting.ours}")
        say(f"  {found.against}: {found.parting.theirs}\n")
    if found.unchecked:
        say(f"not checked: {', '.join(found.unchecked)}\n")
    if found.stages:
        say(aligned(stage_table(found.stages)))

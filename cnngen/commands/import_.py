"""`cnngen import`: a spec of a model that exists."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cnngen.commands import complete
from cnngen.commands.options import (
    ERRORS,
    InputShapes,
    WrongUseError,
    say,
    typed,
    with_inputs,
)
from cnngen.commands.waiting import waiting
from cnngen.commands.weights import framework_of, require_numpy, suffix_of
from cnngen.commands.writing import write_named
from cnngen.diagnostics.terminal import one_line

if TYPE_CHECKING:
    from cnngen.foreign.graph import Reading
    from cnngen.importing.source import Source
    from cnngen.semantics.network import Network
    from cnngen.weights.layout import Array
    from cnngen.weights.places import Framework

TARGETS = ("torch", "keras")
KERAS_ONLY = (".weights.h5", ".keras")


@click.command("import")
@click.argument("source", shell_complete=complete.source)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; without it, the spec is printed.",
)
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--name", help="What the spec is called, in CapWords.")
@with_inputs
@click.option(
    "--set",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    callback=typed,
    help="An argument of the class or function that makes the model; can be repeated.",
)
@click.option(
    "--weights",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the weights that the model has to a file, as `cnngen weights convert` does.",
)
@click.option(
    "--to",
    type=click.Choice(["torch", "keras"]),
    help="The framework for which --weights is, where its ending does not tell: .safetensors.",
)
@click.option("--no-verify", is_flag=True, help="Do not compare the spec with the model.")
@click.option("--partial", is_flag=True, help="Write the spec up to what no spec says.")
@click.pass_context
def import_model(
    ctx: click.Context,
    source: str,
    output: Path | None,
    force: bool,
    name: str | None,
    input: InputShapes,
    arguments: dict[str, Any],
    weights: Path | None,
    to: "Framework | None",
    no_verify: bool,
    partial: bool,
) -> None:
    """Write the spec of a model that exists, and compare the two.

    SOURCE is torchvision:NAME, timm:NAME or keras.applications:NAME; FILE.py:CLASS or
    PACKAGE.MODULE:FUNCTION, which is run; or a file model.keras, model.h5, model.json, model.onnx
    or model.pt2.

    What `cnngen build` makes of the spec is given the weights of the model, or random ones where it
    has none that are trained, and must compute the same. Otherwise, nothing is written.
    """
    require_numpy()
    from cnngen.importing.title import stem_of
    from cnngen.syntax.load import can_name_function

    for path in (output, weights):
        if path and path.exists() and not force:
            raise WrongUseError(f"`{one_line(str(path))}` is there already: --force writes over it")
    if output and not can_name_function(output.stem):
        raise WrongUseError(
            f"`{one_line(output.stem)}` cannot name a function, as it must: try `my_net.yaml`"
        )
    framework = framework_of(weights, to) if weights else None
    found, title = _found(source, input, arguments, name)
    if weights:
        _require_weights(found, source)
    stem = output.stem if output else stem_of(title)
    with waiting(source) as phase:
        phase("the model is read")
        reading = _read(found, title)
    if reading.obstacles:
        _refuse(reading, source, stem, output, partial=partial)
        ctx.exit(ERRORS)
    job = Import(found, reading, source, stem)
    text, network, state = job.run(verify=not no_verify, weights=weights is not None)
    if output:
        write_named(output, text.encode())
    else:
        say(text, nl=False)
    if weights and state is not None:
        assert framework
        job.carry(state, weights, framework, network, to_stderr=output is None)


@dataclass(frozen=True, slots=True)
class Import:
    """A model that was read, and is called so by the user."""

    source: "Source"
    reading: "Reading"
    label: str
    stem: str

    def run(
        self, *, verify: bool, weights: bool
    ) -> "tuple[str, Network, Mapping[str, Array] | None]":
        """The text, its network, and the weights of the model if they are asked for.

        Ends the command where network and model differ.
        """
        from cnngen.frameworks import MissingFrameworkError
        from cnngen.importing.proof import DifferentError
        from cnngen.importing.spec import made_spec
        from cnngen.verify.models import SourceError
        from cnngen.weights.reference import NoModelError

        with waiting(self.label) as phase:
            phase("blocks are looked for")
            text, network = made_spec(self.reading.graph, self.stem)
            said, state = "", None
            try:
                if verify:
                    said = self._verified(network, phase)
                if weights:
                    phase("weights are read")
                    state = self._weights(network)
            except (MissingFrameworkError, NoModelError) as error:
                if weights:
                    raise WrongUseError(f"its weights cannot be read: {error}") from None
                said = f"not compared: {error}"
            except (DifferentError, SourceError) as error:
                raise click.ClickException(
                    f"the imported spec is not {self.label}: please report it\n{error}\n"
                    "--no-verify writes it all the same"
                ) from None
        if said:
            say(said, err=True)
        return text, network, state

    def _verified(self, network: "Network", phase: Any) -> str:
        """Compares, and says what was found."""
        from cnngen.importing.original import SEED, original_of
        from cnngen.importing.proof import prove
        from cnngen.verify.models import draw_inputs

        texts, left_out = _sources(network)
        if not texts:
            return f"not compared: {'; '.join(left_out.values())}"
        inputs = draw_inputs(network.inputs, 2, "float32", SEED)
        phase("the model gets weights")
        original = original_of(self.source, self.reading, network, inputs, own_weights=False)
        with tempfile.TemporaryDirectory() as folder:
            proof = prove(original, network, texts, left_out, inputs, Path(folder), phase)
        lines = [f"one network: {self.label} has {proof}"]
        lines += [f"not compared for {target}: {why}" for target, why in proof.left_out.items()]
        return "\n".join(lines)

    def _weights(self, network: "Network") -> "Mapping[str, Array]":
        from cnngen.importing.original import SEED, original_of
        from cnngen.importing.proof import weights_of
        from cnngen.verify.models import draw_inputs

        inputs = draw_inputs(network.inputs, 2, "float32", SEED)
        original = original_of(self.source, self.reading, network, inputs, own_weights=True)
        return weights_of(original, network)

    def carry(
        self,
        state: "Mapping[str, Array]",
        target: Path,
        framework: "Framework",
        network: "Network",
        *,
        to_stderr: bool,
    ) -> None:
        """Write the weights."""
        from cnngen.frameworks import MissingFrameworkError
        from cnngen.importing.carried import carry
        from cnngen.weights.places import NAMES
        from cnngen.weights.write import CannotWriteError

        text = _sources(network)[0].get("keras") if suffix_of(target) in KERAS_ONLY else None
        try:
            count = carry(state, target, framework, network, text)
        except (CannotWriteError, MissingFrameworkError) as error:
            raise WrongUseError(f"cannot write {target}: {error}") from None
        say(f"wrote {target}: {count} weights for {NAMES[framework]}", err=to_stderr)


def _found(
    text: str, input: InputShapes, arguments: Mapping[str, Any], name: str | None
) -> "tuple[Source, str]":
    """The source that a text means, and the name of its spec."""
    from cnngen.frameworks import MissingFrameworkError
    from cnngen.importing.source import find_source
    from cnngen.ops.base import shape_of
    from cnngen.syntax.naming import can_be_called
    from cnngen.weights.reference import NoModelError

    if name is not None and not can_be_called(name, "spec"):
        raise WrongUseError(f"`{one_line(name)}` cannot name a spec: write it like `MyNet`")
    shapes = {each: shape_of(sizes) for each, sizes in input.items()}
    try:
        found = find_source(text, shapes, arguments)
    except (MissingFrameworkError, NoModelError) as error:
        raise WrongUseError(str(error)) from None
    return found, name or found.title


def _require_weights(source: "Source", text: str) -> None:
    from cnngen.importing.source import LiveModel
    from cnngen.weights.published import PublishedModel

    if isinstance(source, LiveModel) and isinstance(source.reference, PublishedModel):
        raise WrongUseError(
            f"{text} is made without trained weights, and nothing is downloaded: import it, then"
            f" `cnngen weights convert FILE OUT --spec SPEC --from {text}` carries those of a file"
        )
    if str(source).endswith(".json"):
        raise WrongUseError(f"{text} has no weights: they are in a .keras, .h5 or .weights.h5")


def _read(source: "Source", title: str) -> "Reading":
    from cnngen.frameworks import MissingFrameworkError
    from cnngen.weights.reference import NoModelError

    try:
        return source.read(title)
    except (MissingFrameworkError, NoModelError) as error:
        raise WrongUseError(str(error)) from None


def _refuse(
    reading: "Reading", label: str, stem: str, output: Path | None, *, partial: bool
) -> None:
    """Say what stands in the way; with `partial`, write what comes before it."""
    from cnngen.importing.refusal import refusal
    from cnngen.importing.spec import made_part

    say(refusal(label, reading.obstacles), err=True)
    if not partial:
        say("\nnothing is written; --partial writes the spec up to there", err=True)
        return
    text = made_part(reading.graph, reading.obstacles, stem)
    if text is None:
        say("\nnothing is written: nothing comes before that", err=True)
    elif output:
        write_named(output, text.encode())
    else:
        say(text, nl=False)


def _sources(network: "Network") -> tuple[dict[str, str], dict[str, str]]:
    """The text for each target that can be run here, and why others cannot."""
    from cnngen.diagnostics.model import Report
    from cnngen.frameworks import MissingFrameworkError, framework, keras_on_tensorflow
    from cnngen.targets.generate import generate

    texts: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for target in TARGETS:
        report = Report()
        text = generate(network, target, report)
        if text is None:
            left_out[target] = next(iter(report)).message
            continue
        try:
            framework("torch") if target == "torch" else keras_on_tensorflow()
            texts[target] = text
        except MissingFrameworkError as error:
            left_out[target] = str(error)
    return texts, left_out

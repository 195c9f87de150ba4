"""Every network of the zoo: one network in both frameworks, and the one that others wrote.

The classical line is tried on images as large as in the papers, what came after it on small ones.

Weights are random: filters, biases, the scales and shifts of batch norms, and their running statistics.
"""

import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.built_models import LATER, ONE_SIZE, SPECS, Built, build
from support.foreign_networks import KERAS, TORCH, ForeignNetwork

from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.targets.keras.functions import input_shapes
from cnngen.verify.compare import distance, farthest
from cnngen.verify.models import (
    Inputs,
    Values,
    channels_last,
    draw_inputs,
    for_keras,
    for_torch,
    in_keras_layout,
    named_outputs,
    precision,
)
from cnngen.verify.random_weights import randomize, randomize_keras
from cnngen.verify.tolerance import tolerance
from cnngen.weights.convert import convert, select
from cnngen.weights.files import opened
from cnngen.weights.foreign import Adopted, Foreign, adopt
from cnngen.weights.keras_layers import settle
from cnngen.weights.layout import in_keras
from cnngen.weights.match import match
from cnngen.weights.places import Framework
from cnngen.weights.published import KERAS as KERAS_PACKAGE
from cnngen.weights.published import PublishedModel
from cnngen.weights.read_keras import read_keras
from cnngen.weights.read_network import read_network
from cnngen.weights.read_torch import read_torch
from cnngen.weights.stored import Contents, WeightNames
from cnngen.weights.transfer import keras_state, torch_state
from cnngen.weights.ways import Choice, take

pytest.importorskip("torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The default weight initialization"),  # which we replace
]

OF_KERAS = PublishedModel(KERAS_PACKAGE, "theirs")
NAMES = sorted(path.stem for path in SPECS.glob("*.yaml"))
SIDE = 64  # of a small image


@dataclass
class Whole:
    """A network, its models of equal weights, which are the reference's where there is one, and inputs.

    `carry` gives the weights for Keras, and `allowed` is how far ours may be from theirs in float64.
    """

    built: Built
    torch_model: Any
    inputs: Inputs
    carry: Callable[[], Values]
    theirs: Any = None
    allowed: float = 0.0

    @cached_property
    def keras_model(self) -> Any:
        model = self.built.keras(**input_shapes(self.built.network), **self.built.heads)
        values = self.carry()
        assert values.keys() == keras_state(model).keys()
        for variable in model.weights:
            if variable.path in values:
                variable.assign(values[variable.path])
        settle(model)
        return model

    @cached_property
    def from_torch(self) -> Values:
        """All outputs in Keras' layout, with those of heads that exist in training only."""
        network = self.built.network
        return {
            name: in_keras_layout(network.stages[network.outputs[name]].shape, y.numpy())
            for name, y in self.run(self.torch_model).items()
        }

    @cached_property
    def from_keras(self) -> Values:
        y = self.keras_model(for_keras(self.inputs), training=False)
        return {
            name: np.asarray(value) for name, value in named_outputs(self.built.network, y).items()
        }

    @cached_property
    def from_theirs(self) -> Values:
        """Theirs, written in PyTorch, in Keras' layout."""
        found = {name: y.numpy() for name, y in self.run(self.theirs).items()}
        return {name: channels_last(y) if y.ndim == 4 else y for name, y in found.items()}

    def run(self, model: Any, inputs: Inputs | None = None) -> dict[str, Any]:
        """The outputs in evaluation; heads are asked for by a flag that only the model itself sees."""
        import torch

        model.eval().training = bool(self.built.heads)
        with torch.no_grad():
            return named_outputs(self.built.network, model(*for_torch(inputs or self.inputs)))

    def check_rounding(self, difference: float) -> None:
        """Whether frameworks differ by no more than rounding: where it is much, by no more than PyTorch
        differs from itself in float64, many times over.
        """
        network, quantity = self.built.network, ("outputs", "float32")
        if difference > tolerance(network, *quantity):
            single = {name: y.numpy() for name, y in self.run(self.torch_model).items()}
            inputs = {name: x.astype("float64") for name, x in self.inputs.items()}
            precise = self.run(deepcopy(self.torch_model).double(), inputs)
            rounding = farthest(single, {name: y.numpy() for name, y in precise.items()})
            assert difference <= tolerance(network, *quantity, rounding)


@pytest.fixture(scope="module", params=NAMES)
def whole(
    request: pytest.FixtureRequest, torchvision: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Whole]:
    import torch

    built = build(request.param)
    if request.param.startswith(LATER) and not request.param.startswith(ONE_SIZE):
        built = build(request.param, input=replace(built.network.input, height=SIDE, width=SIDE))
    inputs = draw_inputs(built.network.inputs, 1, "float32")
    twice = for_torch({name: np.concatenate([x, -x]) for name, x in inputs.items()})
    if reference := TORCH.get(request.param):
        theirs = reference.torch_model()
        randomize(theirs, 0, *twice)
        path = tmp_path_factory.mktemp("weights") / "theirs.pt"
        torch.save(theirs.state_dict(), path)
        graph = read_torch(theirs, *built.network.inputs.values())
        names = WeightNames({"torch": [*theirs.state_dict()]})
        foreign = Foreign(PublishedModel(reference.package, "theirs"), graph, names)

        def carry() -> Values:
            return converted(path, foreign, built, "keras")

        ours = taken_over(built, converted(path, foreign, built, "torch"))
        yield Whole(built, ours, inputs, carry, theirs)
        path.unlink()
    else:
        ours = built.torch()
        randomize(ours, 0, *twice)
        yield Whole(built, ours, inputs, lambda: in_keras(built.network, torch_state(ours)))
    forget_keras()


def taken(contents: Contents, foreign: Foreign, network: Network) -> Adopted:
    """The weights of a file that holds nothing else."""
    found = take(contents, foreign.names, Choice(), lambda stored: adopt(foreign, stored, network))
    assert not found.notes
    return found.fitted


def converted(path: Path, foreign: Foreign, built: Built, target: Framework) -> Values:
    """What `cnngen weights convert --from` writes, all of it."""
    with opened(path, foreign.names) as contents:
        adopted = taken(contents, foreign, built.network)
        assert not adopted.notes
        chosen = select(built.network, adopted.stored, ())
        assert not chosen.left_out
        return convert(chosen, adopted.stored, target)


def taken_over(built: Built, state: Values) -> Any:
    """Our model with these weights, which it does not copy."""
    import torch

    with torch.device("meta"):
        ours = built.torch()
    ours.load_state_dict({name: torch.as_tensor(v) for name, v in state.items()}, assign=True)
    return ours


def forget_keras() -> None:
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()


@pytest.mark.torch
@pytest.mark.keras
def test_keras_is_pytorch(whole: Whole) -> None:
    pytest.importorskip("keras")
    whole.check_rounding(farthest(whole.from_keras, whole.from_torch))


@pytest.mark.torch
def test_pytorch_is_what_others_wrote(whole: Whole) -> None:
    if whole.theirs is None:
        pytest.skip("nobody else has it")
    assert nearest(whole.from_torch, whole.from_theirs) < 1e-6


@pytest.mark.torch
@pytest.mark.keras
def test_keras_is_what_others_wrote(whole: Whole) -> None:
    pytest.importorskip("keras")
    if whole.theirs is None:
        pytest.skip("nobody else has it")
    whole.check_rounding(nearest(whole.from_keras, whole.from_theirs))


def nearest(found: Values, theirs: Values) -> float:
    """How far each output is from that of its name, or from the nearest of theirs where they name heads
    otherwise.
    """
    if found.keys() == theirs.keys():
        return farthest(found, theirs)
    assert len(found) == len(theirs)
    return max(min(distance(y, other) for other in theirs.values()) for y in found.values())


@pytest.mark.keras
def test_the_structure_of_the_keras_model(whole: Whole) -> None:
    """What its graph tells is what the spec tells, layer by layer."""
    pytest.importorskip("keras")
    found = match(read_network(whole.built.network), read_keras(whole.keras_model))
    if any(layer.op.name == "affine" for layer in whole.built.network.layers.values()):
        assert not found.complete  # there, a depthwise convolution
        return
    assert found.complete and not found.only_ours and not found.only_theirs
    for pair in found.pairs:
        assert pair.ours.name.replace(".", "_") == pair.theirs.name.replace(".", "_")


@pytest.fixture(scope="module", params=KERAS, ids=str)
def precise(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Whole]:
    """A network of keras.applications and ours with its weights, all in float64.

    In float32, frameworks that add up in another order are 1e-6 apart. Images are small: float64 takes long.
    """
    pytest.importorskip("keras")
    reference: ForeignNetwork = request.param
    text = f"cnngen: 1\nextends: {reference.spec}.yaml\n{reference.changes}"
    built = build(
        text if reference.changes else reference.spec,
        input=Image(3, reference.side, reference.side),
    )
    network = built.network
    inputs = draw_inputs(network.inputs, 1, "float64")
    x = inputs["input"]
    with precision("float64"):
        theirs = reference.keras_model(network.input)
        randomize_keras(theirs, 0, channels_last(np.concatenate([x, -x])))
        path = tmp_path_factory.mktemp("weights") / "theirs.weights.h5"
        theirs.save_weights(path)
        foreign = Foreign.made(OF_KERAS, theirs, network.input)
        with opened(path, foreign.names) as contents:
            adopted = taken(contents, foreign, network)
            assert bool(adopted.notes) == reference.biases
            chosen = select(network, adopted.stored, ())
            state = convert(chosen, adopted.stored, "torch")
        ours = taken_over(built, state)
        yield Whole(
            built,
            ours,
            inputs,
            lambda: in_keras(network, torch_state(ours)),
            theirs,
            reference.tolerance,
        )
        path.unlink()
    forget_keras()


@pytest.mark.torch
@pytest.mark.keras
def test_both_are_what_keras_has(precise: Whole) -> None:
    expected = np.asarray(precise.theirs(for_keras(precise.inputs), training=False))
    (from_torch,), (from_keras,) = precise.from_torch.values(), precise.from_keras.values()
    assert distance(from_torch, expected) < precise.allowed
    assert distance(from_keras, expected) < precise.allowed

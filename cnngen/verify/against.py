"""Compare a network with a model that somebody else wrote: theirs gets random weights, which are
matched to the layers of both our models; then all three must compute the same.
"""

import sys
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import numpy as np

from cnngen.frameworks import framework
from cnngen.ops.base import Image, Unknown, Vector
from cnngen.semantics.network import Network
from cnngen.targets.keras.functions import input_shapes
from cnngen.verify.compare import Comparison, Say, farthest, silent
from cnngen.verify.models import (
    Inputs,
    Sources,
    Values,
    channels_last,
    draw_inputs,
    for_keras,
    for_torch,
    from_keras,
    from_torch,
    import_sources,
    in_keras_layout,
    precision,
    running,
)
from cnngen.verify.random_weights import randomize, randomize_keras
from cnngen.verify.tolerance import Precision, Quantity, tolerance
from cnngen.verify.trace import Trace, trace_keras, trace_torch
from cnngen.verify.where import Parting, parting
from cnngen.weights.keras_layers import keras_layers, settle
from cnngen.weights.layout import Array
from cnngen.weights.match import Match, match
from cnngen.weights.read_network import read_network
from cnngen.weights.reference import Reference
from cnngen.weights.transfer import (
    TransferError,
    keras_state,
    load_keras,
    load_torch,
    torch_state,
    translate,
)

BATCH = 2
ROUNDED_FACTOR = 1e-6
PRECISIONS: tuple[Precision, ...] = ("float64", "float32")


def compare_with(
    reference: Reference,
    network: Network,
    texts: Mapping[str, str],
    folder: Path,
    word: Precision = "float32",
    seed: int = 0,
    say: Say = silent,
) -> tuple[list[Comparison], Parting | None]:
    """The outputs of our models in evaluation, with the weights of the reference model, compared
    with its outputs; and the first step that differs, if one does.

    In float64, and also in float32 if that is the `word`. Raises `TransferError` where its weights
    or outputs have no place in ours.
    """
    sources = import_sources(network, texts, folder)
    inputs = draw_inputs(network.inputs, BATCH, "float32", seed)
    say(f"weights of {reference} are drawn")
    with running(str(reference)):
        theirs = drawn(reference, network, inputs, seed)
    matched = _matched(reference, theirs["float64"], network)
    state = _translated(reference, theirs["float64"], matched, network)
    expected: dict[Precision, Values] = {}
    rows: list[Comparison] = []
    wrong: Any = None
    for each in PRECISIONS:
        if each == "float32" != word:
            continue
        say(f"outputs in {each}")
        with running(str(reference)):
            given = given_by(theirs[each], in_precision(inputs, each), each)
        expected[each] = paired(given, reference.framework, network)
        rounding = farthest(expected[each], expected["float64"]) if each == "float32" else None
        made: list[Comparison] = []
        for target in texts:
            name, run = RUNS[target]
            model, values = run(sources, state, in_precision(inputs, each), each)
            allowed = tolerance(network, "outputs", each, rounding or 0.0)
            row = Comparison(
                *(network.input_dimensions, name, each),
                farthest(values, expected[each]),
                max(allowed, _float32_inside(reference, theirs[each])),
                rounding,
            )
            made.append(row)
            if each == "float64" and not row.equal and wrong is None:
                wrong = model
        rows = [*made, *rows]
    if wrong is None:
        return rows, None
    say("the first difference is looked for")
    _align(reference, theirs["float64"], matched, network, wrong)
    with running(str(reference)):
        traces = _trace(wrong, inputs), _trace(theirs["float64"], inputs)
    return rows, parting(*traces, network, tolerance(network, "outputs", "float64"))


def _align(reference: Reference, model: Any, matched: Match, network: Network, ours: Any) -> None:
    """Fold the biases that ours lacks into the norms behind them: otherwise equal networks would
    differ between a layer and its norm.
    """
    state = keras_state(model) if reference.framework == "keras" else torch_state(model)
    lacking = [p for p in matched.pairs if "bias" not in p.ours.weights]
    keys = {p.theirs.weights["bias"].key for p in lacking if "bias" in p.theirs.weights}
    zeros = {key: np.zeros_like(state[key]) for key in keys}
    if reference.framework == "keras":
        for variable in model.weights:
            if variable.path in keys:
                variable.assign(zeros[variable.path])
    else:
        load_torch(model, zeros)
    state = _translated(reference, model, matched, network)
    if _is_torch(ours):
        load_torch(ours, state)
    else:
        load_keras(network, ours, state)


def drawn(
    reference: Reference, network: Network, inputs: Inputs, seed: int
) -> dict[Precision, Any]:
    """The reference model in both precisions, with the same random weights."""
    shapes = network.inputs.values()
    if reference.framework == "torch":
        model = reference.model(*shapes).float()
        randomize(model, seed, *for_torch(inputs))
        return {"float32": model, "float64": deepcopy(model).double()}
    made: dict[Precision, Any] = {}
    for word in PRECISIONS:
        with precision(word):
            made[word] = reference.model(*shapes)
    with precision("float32"):
        randomize_keras(made["float32"], seed, in_order(inputs))
    made["float64"].set_weights(made["float32"].get_weights())
    settle(made["float64"])
    return made


def _float32_inside(reference: Reference, model: Any) -> float:
    """How near their model comes to any other in float64: Keras' `Rescaling` rounds its factor to
    float32, whatever it computes in.
    """
    if reference.framework != "keras":
        return 0.0
    kinds = {type(layer).__name__ for layer in keras_layers(model)}
    return ROUNDED_FACTOR if "Rescaling" in kinds else 0.0


def _matched(reference: Reference, model: Any, network: Network) -> Match:
    with running(str(reference)):
        graph = reference.graph(model, *network.inputs.values())
    matched = match(read_network(network), graph)
    if not matched.complete:
        raise TransferError(matched.explain())
    return matched


def _translated(
    reference: Reference, model: Any, matched: Match, network: Network
) -> dict[str, Array]:
    """The reference's weights, under the names of the network's."""
    state = keras_state(model) if reference.framework == "keras" else torch_state(model)
    return translate(matched, network, state, fold_biases=True)


def given_by(model: Any, inputs: Inputs, word: Precision) -> dict[str, Any]:
    """What a model of either framework gives in evaluation, each tensor under a name."""
    if _is_torch(model):
        with framework("torch").no_grad():
            return dict(named(model.eval()(*for_torch(inputs))))
    with precision(word):
        return dict(named(model(in_order(inputs), training=False)))


def in_order(inputs: Inputs) -> Any:
    """What a Keras model of others is called with: the only input, or all in their order."""
    given = _laid_out_inputs(inputs)
    return given[0] if len(given) == 1 else given


def in_precision(inputs: Inputs, word: Precision) -> Inputs:
    return {name: x.astype(word) for name, x in inputs.items()}


def paired(given: Mapping[str, Any], theirs: str, network: Network) -> Values:
    """The outputs of a model of others by our names, in the layouts of Keras; `theirs` is the
    framework whose layouts they have.

    Where names differ, their order decides.
    """
    training = network.training_stages()
    ours = [name for name, stage in network.outputs.items() if stage not in training]
    if len(given) != len(ours):
        names = f"{len(given)} outputs ({', '.join(given)})" if len(given) > 1 else "one output"
        raise TransferError(f"it gives {names}, ours {len(ours)} ({', '.join(ours)})")
    pairs = given if set(given) == set(ours) else dict(zip(ours, given.values(), strict=True))
    if theirs == "keras":
        return {name: np.asarray(pairs[name]) for name in ours}
    shapes = {name: network.stages[network.outputs[name]].shape for name in ours}
    return {name: _laid_out(shapes[name], np.asarray(pairs[name])) for name in ours}


def named(given: Any, name: str = "") -> list[tuple[str, Any]]:
    """All tensors that a model returned, whatever they are nested in."""
    if hasattr(given, "_asdict"):
        given = given._asdict()
    if isinstance(given, list | tuple):
        given = {str(i): value for i, value in enumerate(cast("list[Any]", given))}
    if not isinstance(given, Mapping):
        return [] if given is None else [(name, given)]
    items = cast("Mapping[Any, Any]", given).items()
    return [pair for key, value in items for pair in named(value, f"{name}.{key}".lstrip("."))]


def _laid_out(shape: Image | Vector | Unknown, y: Array) -> Array:
    """Their output in the layout of Keras, if it has the shape of ours; otherwise as it is."""
    assert not isinstance(shape, Unknown)
    if isinstance(shape, Image):
        sizes = shape.channels, shape.height, shape.width
    else:
        sizes = (shape.features,)
    return in_keras_layout(shape, y) if y.shape[1:] == sizes else y


def _run_torch(
    sources: Sources, state: Mapping[str, Array], inputs: Inputs, word: Precision
) -> tuple[Any, Values]:
    """Our PyTorch model with these weights, and its outputs."""
    torch = framework("torch")
    with running("the torch source"), torch.no_grad():
        model = sources.torch().to(getattr(torch, word)).eval()
        load_torch(model, state)
        return model, from_torch(sources.network, model(*for_torch(inputs)))


def _run_keras(
    sources: Sources, state: Mapping[str, Array], inputs: Inputs, word: Precision
) -> tuple[Any, Values]:
    shapes = input_shapes(sources.network)
    with precision(word), running("the keras source"):
        model = sources.keras(**shapes)
        load_keras(sources.network, model, state)
        return model, from_keras(sources.network, model(for_keras(inputs), training=False))


Run = Callable[[Sources, Mapping[str, Array], Inputs, Precision], tuple[Any, Values]]
RUNS: Mapping[str, tuple[Quantity, Run]] = {
    "torch": ("torch outputs", _run_torch),
    "keras": ("keras outputs", _run_keras),
}
"""How the source for each target is run."""


def _trace(model: Any, inputs: Inputs) -> Trace:
    """The steps of a model of either framework, in float64."""
    inputs = in_precision(inputs, "float64")
    if _is_torch(model):
        return trace_torch(model, *inputs.values())
    with precision("float64"):
        return trace_keras(model, *_laid_out_inputs(inputs))


def _laid_out_inputs(inputs: Inputs) -> list[Array]:
    return [channels_last(x) if x.ndim == 4 else x for x in inputs.values()]


def _is_torch(model: Any) -> bool:
    """Whether a model is one of PyTorch, which may not be installed."""
    return "torch" in sys.modules and isinstance(model, framework("torch").nn.Module)

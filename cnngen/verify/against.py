"""Compare a network with a model that somebody else wrote: theirs get random weights, which are
copied over by structure, and all three compute the same.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cnngen.frameworks import framework
from cnngen.ops.base import Image
from cnngen.references import Reference
from cnngen.semantics.network import Network
from cnngen.verify.compare import Comparison, distance
from cnngen.verify.draw import randomize, randomize_keras
from cnngen.verify.models import (
    Sources,
    channels_last,
    from_keras,
    from_torch,
    images,
    import_sources,
    precision,
    running,
)
from cnngen.verify.tolerance import Precision, Quantity, tolerance
from cnngen.weights.layout import Array
from cnngen.weights.match import match
from cnngen.weights.read_network import read_network
from cnngen.weights.transfer import (
    TransferError,
    keras_state,
    load_keras,
    load_torch,
    torch_state,
    translate,
)

BATCH = 2


def compare_with(
    reference: Reference,
    network: Network,
    texts: Mapping[str, str],
    folder: Path,
    word: Precision = "float32",
    seed: int = 0,
) -> list[Comparison]:
    """The outputs of both sources in evaluation, with the weights of the reference.

    Raises `TransferError` where their weights cannot be ours.
    """
    sources = import_sources(network, texts, folder)
    x = images(network.input, BATCH, word, seed)
    with running(str(reference)):
        model, expected = _run(reference, network.input, x, seed, word)
    state = _translated(reference, model, network)
    found: dict[Quantity, Array] = {
        "torch outputs": _torch_output(sources, state, x, word),
        "keras outputs": _keras_output(sources, state, x, word),
    }
    size, allowed = network.input, tolerance(network, "outputs", word)
    return [
        Comparison(size.height, size.width, name, word, distance(value, expected), allowed)
        for name, value in found.items()
    ]


def _run(
    reference: Reference, input: Image, x: Array, seed: int, word: Precision
) -> tuple[Any, Array]:
    """The reference with weights that are drawn, and what it gives in evaluation, laid out as Keras
    does.
    """
    if reference.framework == "keras":
        with precision(word):
            model = reference.model(input)
            randomize_keras(model, seed, channels_last(x))
            return model, np.asarray(model(channels_last(x), training=False))
    torch = framework("torch")
    model = reference.model(input).to(getattr(torch, word))
    randomize(model, seed, torch.from_numpy(x))
    with torch.no_grad():
        y = model.eval()(torch.from_numpy(x)).numpy()
    return model, channels_last(y) if y.ndim == 4 else y


def _translated(reference: Reference, model: Any, network: Network) -> dict[str, Array]:
    """The reference's weights, under the names of the network's."""
    state = keras_state(model) if reference.framework == "keras" else torch_state(model)
    matched = match(read_network(network), reference.graph(model, network.input))
    if not matched.complete:
        raise TransferError(matched.explain())
    return translate(matched, network, state, fold_biases=True)


def _torch_output(sources: Sources, state: Mapping[str, Array], x: Array, word: Precision) -> Array:
    torch = framework("torch")
    with running("the torch source"), torch.no_grad():
        model = sources.torch().to(getattr(torch, word)).eval()
        load_torch(model, state)
        return _only(from_torch(sources.network, model(torch.from_numpy(x))))


def _keras_output(sources: Sources, state: Mapping[str, Array], x: Array, word: Precision) -> Array:
    shape = sources.network.input
    with precision(word), running("the keras source"):
        model = sources.keras(input_shape=(shape.height, shape.width, shape.channels))
        load_keras(sources.network, model, state)
        return _only(from_keras(sources.network, model(channels_last(x), training=False)))


def _only(outputs: Mapping[str, Array]) -> Array:
    """The output that a reference has: the first one."""
    return next(iter(outputs.values()))

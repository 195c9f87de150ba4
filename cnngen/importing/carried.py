"""Carried: the weights of an original in a file for either framework."""

from collections.abc import Mapping
from pathlib import Path

from cnngen.semantics.network import Network
from cnngen.weights.conversion import write_weights
from cnngen.weights.convert import convert, select
from cnngen.weights.layout import Array
from cnngen.weights.places import Framework
from cnngen.weights.stored import Stored


def carry(
    state: Mapping[str, Array],
    target: Path,
    framework: Framework,
    network: Network,
    source_text: str | None,
) -> int:
    """Write weights under our names; gives how many. `source_text` is the Keras source, where a
    model of Keras is written.
    """
    shapes = {key: value.shape for key, value in state.items()}
    stored = Stored("torch", shapes, state.__getitem__)
    selection = select(network, stored, (), heads=source_text is None)
    made = convert(selection, stored, framework)
    write_weights(target, made, network, source_text, heads=False, metadata={})
    return len(selection.carried)

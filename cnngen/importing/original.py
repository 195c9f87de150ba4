"""The original, as something that has weights and computes: what an imported network is compared
with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cnngen.foreign.graph import Graph, Node, Reading
from cnngen.frameworks import framework, imported
from cnngen.importing.exported_program import ExportedProgram
from cnngen.importing.keras_file import KerasFile
from cnngen.importing.onnx_model import OnnxModel
from cnngen.importing.source import LiveModel, Source
from cnngen.semantics.network import Network
from cnngen.verify.against import drawn, given_by
from cnngen.verify.models import Inputs, SourceError, precision, running
from cnngen.verify.tolerance import Precision
from cnngen.weights.graph import WeightGraph
from cnngen.weights.layout import Array
from cnngen.weights.places import Framework
from cnngen.weights.read_graph import constants, read_graph
from cnngen.weights.reference import NoModelError, Reference
from cnngen.weights.transfer import keras_state, torch_state

SEED = 0
LARGE = 2  # samples at a time
ONNX_RUNTIME = "pip install onnxruntime"


@dataclass(frozen=True, slots=True)
class Original:
    """Weights by their keys, the layers that hold them, and outputs for inputs of that precision,
    in the layouts of a framework. `fixed` are the nodes with numbers that are weights of ours, and
    that the original computes with, but does not keep as weights.
    """

    graph: WeightGraph
    state: Mapping[str, Array]
    run: Callable[[Inputs], Mapping[str, Any]]
    word: Precision
    layouts: Framework
    fixed: tuple[Node, ...] = ()


def original_of(
    source: Source, reading: Reading, network: Network, inputs: Inputs, *, own_weights: bool
) -> Original:
    """With `own_weights`, those that it comes with; otherwise random ones where it can have others,
    as those of a fresh model (scales of 0, means of 0) hide mistakes.
    """
    match source:
        case LiveModel(reference) | (KerasFile() as reference):
            fixed = tuple(node for node in reading.graph.nodes.values() if node.constants)
            live = _live(reference, network, inputs, own_weights)
            return replace(live, fixed=fixed)
        case ExportedProgram():
            return _exported(source, reading.graph)
        case OnnxModel():
            return _onnx(source, reading.graph)
        case _:
            raise AssertionError(source)


def _live(reference: Reference, network: Network, inputs: Inputs, own: bool) -> Original:
    shapes = (*network.inputs.values(),)
    word: Precision = "float32" if own else "float64"
    try:
        with running(str(reference)):
            if not own:
                model = drawn(reference, network, inputs, SEED)["float64"]
            elif reference.framework == "torch":
                model = reference.model(*shapes).float()
            else:
                with precision("float32"):
                    model = reference.model(*shapes)
    except SourceError as error:
        if isinstance(error.__cause__, NoModelError):  # nothing can be compared with it
            raise error.__cause__ from None
        raise
    state = keras_state(model) if reference.framework == "keras" else torch_state(model)
    graph = reference.graph(model, *shapes)

    def run(given: Inputs) -> Mapping[str, Any]:
        return given_by(model, given, word)

    return Original(graph, state, run, word, reference.framework)


def _exported(source: ExportedProgram, graph: Graph) -> Original:
    torch = framework("torch")
    program = source.program
    module = program.module()
    size = program.graph_signature.user_inputs[0]
    (first,) = (x for x in program.graph.nodes if x.name == size)
    batch = first.meta["val"].shape[0]
    count = batch if isinstance(batch, int) else LARGE
    state: dict[str, Array] = {
        key: value.detach().numpy() for key, value in program.state_dict.items()
    }

    def run(given: Inputs) -> Mapping[str, Any]:
        with torch.no_grad():
            return given_in_pieces(lambda x: module(*map(torch.from_numpy, x)), given, count)

    return Original(read_graph(graph), state, run, "float32", "torch")


def _onnx(source: OnnxModel, graph: Graph) -> Original:
    from cnngen.foreign.read_onnx import read_onnx_weights

    runtime = imported("onnxruntime", ONNX_RUNTIME)
    try:
        session = runtime.InferenceSession(str(source.path), providers=["CPUExecutionProvider"])
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise NoModelError(f"onnxruntime does not run {source}: {said}") from error
    taken = session.get_inputs()
    batch = taken[0].shape[0]
    count = batch if isinstance(batch, int) else LARGE
    names = [x.name for x in session.get_outputs()]

    def compute(arrays: list[Array]) -> Mapping[str, Any]:
        given = {x.name: a for x, a in zip(taken, arrays, strict=True)}
        return dict(zip(names, session.run(names, given), strict=True))

    def run(given: Inputs) -> Mapping[str, Any]:
        return given_in_pieces(compute, given, count)

    arrays = {**read_onnx_weights(source.path, inputs=source.inputs), **constants(graph)}
    state = {key: np.array(value) for key, value in arrays.items()}  # that may be written to
    return Original(read_graph(graph), state, run, "float32", "torch")


def given_in_pieces(
    compute: Callable[[list[Array]], Any], inputs: Inputs, count: int
) -> Mapping[str, Any]:
    """The outputs for all samples, computed so many at a time as a program takes."""
    from cnngen.verify.against import named

    total = len(next(iter(inputs.values())))
    pieces: list[dict[str, Any]] = []
    for start in range(0, total, count):
        chosen = [np.arange(start, start + count) % total for _ in inputs]  # the last piece is full
        arrays = [np.ascontiguousarray(x[i]) for x, i in zip(inputs.values(), chosen, strict=True)]
        pieces.append(dict(named(compute(arrays))))
    return {
        name: np.concatenate([np.asarray(piece[name]) for piece in pieces])[:total]
        for name in pieces[0]
    }

"""A PyTorch model -> a graph: the model runs in inference and in training, and on a larger image
where it takes one, which tells sizes that follow the image from numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from cnngen.foreign.both_modes import Both, Flow, in_both_modes
from cnngen.foreign.failure import failure
from cnngen.foreign.graph import Obstacle, Reading
from cnngen.foreign.lowering import Lost, LostError, Lowering, Made, NoOpError
from cnngen.foreign.separable import with_separable
from cnngen.foreign.torch_graph import Origin, graph_of, needed
from cnngen.foreign.torch_ops import lower
from cnngen.foreign.trace_torch import Call, Run, Traced, trace
from cnngen.foreign.wide_joins import with_wide_joins
from cnngen.ops.base import Image, Shape

LARGER = (43, 32, 64)
"""By how much: the first changes whether sizes are even, and those of what strides give, on which
TensorFlow's padding depends; some models take only multiples of 32.
"""


def read_torch_model(
    model: Any, inputs: Mapping[str, Shape], *, title: str, origin: str
) -> Reading:
    """Read any `nn.Module` that is called with these inputs, in their order."""
    inference = trace(model, [*inputs.values()], training=False)
    obstacles = [*inference.obstacles]
    larger = _on_larger(model, inputs, inference, training=False)
    flow = flow_of(model, inputs, inference, obstacles, *larger)
    if inference.error:
        obstacles.append(failure(inference, inputs))
        return reading_of(Both(flow.nodes, flow.outputs), Origin(title, origin, inputs), obstacles)
    both = Both(flow.nodes, flow.outputs)
    training = trace(model, [*inputs.values()], training=True)
    if not training.error:
        larger = _on_larger(model, inputs, training, training=True)
        also = flow_of(model, inputs, training, obstacles, *larger)
        both = in_both_modes(flow, also)
    return reading_of(both, Origin(title, origin, inputs), obstacles)


def reading_of(both: Both, said: Origin, obstacles: Sequence[Obstacle]) -> Reading:
    graph, others = graph_of(with_separable(with_wide_joins(both)), said)
    return Reading(graph, (*dict.fromkeys([*obstacles, *others]),))


def flow_of(
    model: Any,
    inputs: Mapping[str, Shape],
    run: Run,
    obstacles: list[Obstacle],
    others: Mapping[Call, Call],
    larger: Mapping[Traced, tuple[int, ...]],
) -> Flow:
    """The nodes of a run that lead to its outputs; where it failed, all. `others` are the same
    calls on a larger image, whose inputs have the sizes in `larger`.
    """
    low = Lowering(run, [*inputs], others, _values(model), _parameters(model), larger)
    low.start([*inputs.values()])
    lower(low)
    outputs: dict[str, Made] = {}
    for name, traced in _named(run.result):
        try:
            view = low.settle(low.view(traced))
            if not view.plain:
                raise low.not_shown(traced)
            outputs[name] = view.node
        except NoOpError as error:
            where = traced.call.place if traced.call else run.calls[-1].place
            obstacles.append(Obstacle(f"an output that is {error.what}", where, error.help))
        except LostError:
            match low.values.get(traced):
                case Lost(causes) if causes:
                    outputs[name] = causes[0]
                case _:
                    pass
    if run.error:
        used = {x for node in low.nodes for x in node.inputs}
        ends = [node for node in low.nodes if node not in used]
        outputs = {f"output{i}": node for i, node in enumerate(ends, 1)}
    live = needed(outputs.values())
    return Flow([node for node in low.nodes if node in live], outputs)


def _on_larger(
    model: Any, inputs: Mapping[str, Shape], run: Run, *, training: bool
) -> tuple[dict[Call, Call], dict[Traced, tuple[int, ...]]]:
    """The calls on a larger image, beside those of this run, if the model makes the same."""
    if run.error or not any(isinstance(x, Image) for x in inputs.values()):
        return {}, {}
    for more in LARGER:
        other = trace(model, [_larger(x, more) for x in inputs.values()], training=training)
        same = [call.name for call in run.calls] == [call.name for call in other.calls]
        if not other.error and same:
            pairs = zip(run.inputs, other.inputs, strict=True)
            calls = dict(zip(run.calls, other.calls, strict=True))
            return calls, {ours: theirs.sizes for ours, theirs in pairs}
    return {}, {}


def _larger(x: Shape, more: int) -> Shape:
    if isinstance(x, Image):
        return replace(x, height=x.height + more, width=x.width + more)
    return x


def _named(result: Any) -> Iterator[tuple[str, Traced]]:
    """The outputs, by the names that the model gives them."""
    if isinstance(result, Traced):
        yield "output", result
    elif hasattr(result, "_asdict"):
        yield from _each(result._asdict())
    elif isinstance(result, Mapping):
        yield from _each(cast("Mapping[Any, Any]", result))
    elif isinstance(result, list | tuple):
        listed = cast("Sequence[Any]", result)
        if len(listed) == 1:
            yield from _named(listed[0])
        else:
            yield from _each({f"output{i}": each for i, each in enumerate(listed, 1)})


def _each(results: Mapping[Any, Any]) -> Iterator[tuple[str, Traced]]:
    for key, value in results.items():
        for name, traced in _named(value):
            yield str(key) if name == "output" else f"{key}_{name}", traced


def _parameters(model: Any) -> frozenset[str]:
    return frozenset(name for name, _ in model.named_parameters())


def _values(model: Any) -> Any:
    """The values of the weights, which a model on the meta device does not have."""
    constants: dict[str, Any] = getattr(model, "constants", {})  # of a program that was exported
    held = {**constants, **dict([*model.named_parameters(), *model.named_buffers()])}

    def value(key: str) -> Any:
        if held[key].is_meta:
            raise NotImplementedError
        return held[key].detach().cpu()

    return value

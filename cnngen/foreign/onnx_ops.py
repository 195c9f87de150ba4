"""The nodes of an ONNX file one by one: which of our ops each is, or what stands in the way."""

from collections.abc import Callable, Mapping, Sequence

from cnngen.foreign.graph import Module, Obstacle, Place
from cnngen.foreign.onnx_arithmetic import ACTIVATIONS, divide, join
from cnngen.foreign.onnx_axes import ViewError
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import Constant, OnnxFileError, folded, sizes
from cnngen.foreign.onnx_drafts import DependsError, Drafts, Flow, UnreadableError, Value
from cnngen.foreign.onnx_file import Sizes
from cnngen.foreign.onnx_layers import (
    adaptive_pool,
    batch_norm,
    blur_pool,
    convolution,
    global_pool,
    group_norm,
    instance_norm,
    layer_norm,
    length_normalized,
    local_response_norm,
    matrix_product,
    pool,
    reduction,
    standardized,
    transposed_convolution,
)
from cnngen.foreign.onnx_moves import (
    cast,
    concatenate,
    cut,
    depth_to_space,
    element,
    expand,
    flatten,
    gather,
    pad,
    reshape,
    same,
    space_to_depth,
    split,
    squeeze,
    transpose,
    unsqueeze,
)
from cnngen.foreign.onnx_resize import resize
from cnngen.semantics.attributes import Invalid

Reader = Callable[[Drafts, Call], Flow | Sequence[Flow]]

READERS: Mapping[str, Reader] = {
    **ACTIVATIONS,
    **dict.fromkeys(("Add", "Sum", "Sub", "Mul", "Max", "Mean"), join),
    "Div": divide,
    "Conv": convolution,
    "ConvTranspose": transposed_convolution,
    "Gemm": matrix_product,
    "MatMul": matrix_product,
    "MaxPool": pool,
    "AveragePool": pool,
    "BlurPool": blur_pool,
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), global_pool),
    **dict.fromkeys(("ReduceMean", "ReduceMax", "ReduceSum"), reduction),
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "Standardized": standardized,
    "LengthNormalized": length_normalized,
    "LRN": local_response_norm,
    **dict.fromkeys(("Identity", "CastLike"), same),
    "Cast": cast,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Expand": expand,
    "Pad": pad,
    **dict.fromkeys(("Split", "SplitToSequence"), split),
    "SequenceAt": element,
    "Slice": cut,
    "Gather": gather,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "Concat": concatenate,
    **dict.fromkeys(("Resize", "Upsample"), resize),
}
ADAPTIVE = ("AdaptiveAvgPool", "AdaptiveMaxPool")
INSTEAD = {
    **dict.fromkeys(
        ("If", "Loop", "Scan"),
        "what is computed depends on the data: export the part that always runs",
    ),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), "recurrent layers have no op"),
    **dict.fromkeys(
        ("Einsum", "Attention", "MultiHeadAttention"),
        "attention has no op: its part stays outside",
    ),
    "Where": "no op chooses values by a condition",
    "Pow": "`multiply` of a branch with itself is its square",
    "Sqrt": "`l2_norm` divides by a length",
    "Erf": "only as `gelu`, which is x times the normal distribution function",
    "GatherND": "`gather_channels` takes channels in the order of a list",
    "Tile": "`upsample` copies pixels",
    "ConvInteger": "weights of whole numbers have no op: export the model before it is quantized",
    "QLinearConv": "weights of whole numbers have no op: export the model before it is quantized",
    "QuantizeLinear": "export the model before it is quantized",
    "DequantizeLinear": "export the model before it is quantized",
}
UNKNOWN = "no op computes it: `cnngen ops` lists those that there are"


def read_calls(d: Drafts, shapes: Mapping[str, Sizes]) -> list[Obstacle]:
    """Reads each call after those that it depends on, and goes on behind what it cannot read."""
    obstacles: list[Obstacle] = []
    for call in d.program.calls.values():
        values: Sequence[Value] = (None,) * len(call.outputs)
        try:
            values = _values(d, call, shapes)
            _check(call, values, shapes, d.batch)
        except DependsError:
            pass
        except (UnreadableError, ViewError, Invalid) as error:
            values = (None,) * len(call.outputs)
            obstacles.append(_obstacle(call, error))
        except OnnxFileError:
            raise
        except Exception as error:  # inputs and attributes may be anything
            raise OnnxFileError(
                f"it is damaged: `{call.op[:40]}` of its node `{call.name[:80]}` has inputs or"
                f" attributes that it cannot have ({type(error).__name__})"
            ) from error
        for name, value in zip(call.outputs, values, strict=False):
            d.give(name, value)
    return obstacles


def _values(d: Drafts, call: Call, shapes: Mapping[str, Sizes]) -> Sequence[Value]:
    if (computed := _computed(d, call)) is not None:
        return computed
    if call.op in ADAPTIVE:
        return [adaptive_pool(d, call, _size(shapes.get(call.outputs[0])))]
    reader = READERS.get(call.op)
    if reader is None:
        raise UnreadableError("", INSTEAD.get(call.op, UNKNOWN))
    result = reader(d, call)
    if isinstance(result, Flow):
        return [result]
    return [result] if call.op == "SplitToSequence" else result


def _computed(d: Drafts, call: Call) -> Sequence[Constant] | None:
    """What depends on nothing but constants and sizes."""
    if call.op == "Shape" and isinstance(flow := d.value(call), Flow):
        return [sizes(call, flow.sizes, frozenset({call.inputs[0]}))]
    read = 1 if call.op == "CastLike" else len(call.inputs)  # of its second only the type
    given = [d.value(call, i) for i in range(read)]
    if not given or any(value is not None and not isinstance(value, Constant) for value in given):
        return None
    return folded(call, [value if isinstance(value, Constant) else None for value in given])


def _size(shape: Sizes | None) -> tuple[int, int]:
    match shape:
        case (_, _, int(height), int(width)):
            return height, width
        case _:
            raise UnreadableError("pools to a size that the file does not tell")


def _check(call: Call, values: Sequence[Value], shapes: Mapping[str, Sizes], batch: int) -> None:
    """The file says of many tensors which shape they have: it must be that of our ops."""
    for name, value in zip(call.outputs, values, strict=False):
        said = shapes.get(name)
        if not isinstance(value, Flow) or not said:
            continue
        pairs = zip(said, value.sizes, strict=False)
        if len(said) != len(value.sizes) or any(
            theirs not in (None, ours) for theirs, ours in pairs
        ):
            raise UnreadableError(
                f"gives {_spell(value.sizes)}, and the file says {_spell(said)}",
                "if the file is right, this is a fault of cnngen",
            )


def _spell(sizes: Sequence[int | None]) -> str:
    return " x ".join("?" if size is None else str(size) for size in sizes)


def _obstacle(call: Call, error: UnreadableError | ViewError | Invalid) -> Obstacle:
    help = error.help if isinstance(error, UnreadableError) else ""
    if isinstance(error, ViewError):
        help = "no op moves numbers so"
    refused = "is refused: " if isinstance(error, Invalid) else ""
    scope = call.scope
    layer = (Module(scope.layer, scope.layer_kind),) if scope.layer else ()
    return Obstacle(
        f"`{call.op}` {refused}{error}".strip(),
        Place((*scope.modules, *layer), scope.line or f"node `{call.name[:80]}`"),
        help or "`cnngen ops` lists what there is",
    )

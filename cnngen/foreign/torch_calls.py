"""The arguments of PyTorch's functions, by name: most of these are not written in Python, and say
nothing about themselves.
"""

from typing import Any

from cnngen.foreign.trace_torch import Call

_WINDOW = "input kernel_size stride padding"
_BOUNDS = "input min max"
PARAMETERS = {
    name: tuple(parameters.split())
    for name, parameters in {
        "conv1d": "input weight bias stride padding dilation groups",
        "conv2d": "input weight bias stride padding dilation groups",
        "conv_transpose2d": "input weight bias stride padding output_padding groups dilation",
        "linear": "input weight bias",
        "batch_norm": "input running_mean running_var weight bias training momentum eps",
        "layer_norm": "input normalized_shape weight bias eps",
        "group_norm": "input num_groups weight bias eps",
        "instance_norm": "input running_mean running_var weight bias use_input_stats momentum eps",
        "local_response_norm": "input size alpha beta k",
        "normalize": "input p dim eps",
        "prelu": "input weight",
        "leaky_relu": "input negative_slope",
        "elu": "input alpha",
        "gelu": "input approximate",
        "softplus": "input beta threshold",
        "hardtanh": "input min_val max_val",
        "clamp": _BOUNDS,
        "clip": _BOUNDS,
        "clamp_min": "input min",
        "softmax": "input dim",
        "log_softmax": "input dim",
        "max_pool2d": f"{_WINDOW} dilation ceil_mode",
        "avg_pool2d": f"{_WINDOW} ceil_mode count_include_pad divisor_override",
        "adaptive_avg_pool1d": "input output_size",
        "adaptive_avg_pool2d": "input output_size",
        "adaptive_max_pool2d": "input output_size",
        "dropout": "input p training",
        "dropout2d": "input p training",
        "feature_dropout": "input p training",
        "alpha_dropout": "input p training",
        "pad": "input pad mode value",
        "interpolate": "input size scale_factor mode align_corners recompute_scale_factor",
        "pixel_shuffle": "input factor",
        "pixel_unshuffle": "input factor",
        "channel_shuffle": "input groups",
        "cat": "tensors dim",
        "stack": "tensors dim",
        "chunk": "input chunks dim",
        "split": "input size dim",
        "unbind": "input dim",
        "narrow": "input dim start length",
        "select": "input dim index",
        "index_select": "input dim index",
        "slice": "input dim start end step",
        "__getitem__": "input index",
        "transpose": "input dim0 dim1",
        "movedim": "input source destination",
        "mean": "input dim keepdim",
        "sum": "input dim keepdim",
        "amax": "input dim keepdim",
        "max": "input dim keepdim",
        "min": "input dim keepdim",
    }.items()
}
SAME = {
    "concat": "cat",
    "concatenate": "cat",
    "swapaxes": "transpose",
    "swapdims": "transpose",
    "moveaxis": "movedim",
    "multiply": "mul",
    "subtract": "sub",
    "divide": "div",
    "true_divide": "div",
    "__truediv__": "div",
    "maximum": "max",
    "minimum": "min",
    "__rsub__": "rsub",
    "__rdiv__": "rdiv",
    "__radd__": "add",
    "__rmul__": "mul",
    "feature_dropout": "dropout2d",
    "absolute": "abs",
    "clip": "clamp",
    "swish": "silu",
}
"""Functions that are called otherwise elsewhere."""
RENAMED = {
    "self": "input",
    "train": "training",
    "split_size": "size",
    "split_size_or_sections": "size",
}
OTHERWISE = {
    "pixel_shuffle": {"upscale_factor": "factor"},
    "pixel_unshuffle": {"downscale_factor": "factor"},
    "cat": {"axis": "dim"},
    "mean": {"axis": "dim"},
    "sum": {"axis": "dim"},
}


def word_of(call: Call) -> str:
    """The function that is called, by one name."""
    return SAME.get(call.name, call.name)


def arguments(call: Call) -> dict[str, Any]:
    """What a function is given, by the names of its parameters; what has none, by number."""
    word = word_of(call)
    schema = getattr(call.function, "_schema", None)
    if schema is not None:  # of `torch.ops`
        said: list[str] = [each.name for each in schema.arguments]
        names = [RENAMED.get(name, name) for name in said]
    else:
        names = [*PARAMETERS.get(word, ("input",))]
    names += [str(i) for i in range(len(names), len(call.args))]
    given: dict[str, Any] = {**dict(zip(names, call.args, strict=False)), **call.named}
    others = OTHERWISE.get(word, {})
    return {others.get(n, RENAMED.get(n, n)): value for n, value in given.items()}


def pair(size: Any) -> tuple[int, int]:
    """A height and a width, of which PyTorch lets one number, or a list of one, stand for both."""
    if isinstance(size, int):
        return size, size
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def step(given: dict[str, Any], kernel: tuple[int, int]) -> tuple[int, int]:
    """The stride of a pool, which is its kernel if it is not said."""
    return pair(given.get("stride") or kernel)

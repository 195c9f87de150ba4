"""What each op computes, by functions of PyTorch, for NCHW."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from cnngen.ops.base import Op


def reference(op: Op, x: Tensor, w: Mapping[str, Tensor]) -> Tensor:
    """The op on a tensor, with weights by their names."""
    v: Any = op.values
    weight, bias = w.get("weight"), w.get("bias")
    match op.name:
        case "conv":
            padded = pad(x, v["padding"], v["kernel"], v["stride"], v["dilation"])
            return F.conv2d(padded, weight, bias, v["stride"], 0, v["dilation"], v["groups"])
        case "standardized_conv":
            padded = pad(x, v["padding"], v["kernel"], v["stride"], v["dilation"])
            assert weight is not None
            rows = weight.flatten(1)
            rows = rows - rows.mean(1, keepdim=True)
            rows = rows / (rows.square().mean(1, keepdim=True) + v["eps"]).sqrt()
            others = v["stride"], 0, v["dilation"], v["groups"]
            return F.conv2d(padded, rows.reshape_as(weight), bias, *others)
        case "depthwise_conv" | "separable_conv":
            padded = pad(x, v["padding"], v["kernel"], v["stride"], v["dilation"])
            kernel = w.get("depthwise.weight", weight)
            y = F.conv2d(padded, kernel, bias, v["stride"], 0, v["dilation"], x.shape[1])
            if op.name == "depthwise_conv":
                return y
            return F.conv2d(y, w["pointwise.weight"], w.get("pointwise.bias"))
        case "transposed_conv":
            return transposed(op, x, weight, bias)
        case "linear":
            return F.linear(x, weight, bias)
        case "max_pool":
            stride = v["stride"] or v["kernel"]
            padded = pad(x, v["padding"], v["kernel"], stride, value=-torch.inf)
            return F.max_pool2d(padded, v["kernel"], stride, ceil_mode=v["ceil"])
        case "avg_pool":
            stride = v["stride"] or v["kernel"]
            padded = pad(x, v["padding"], v["kernel"], stride)
            y = F.avg_pool2d(padded, v["kernel"], stride, ceil_mode=v["ceil"])
            if v["padding"] != "same" and v["count_include_pad"]:
                return y
            ones = pad(torch.ones_like(x), v["padding"], v["kernel"], stride)
            return y / F.avg_pool2d(ones, v["kernel"], stride, ceil_mode=v["ceil"])
        case "blur_pool":
            row = torch.tensor((np.poly1d([0.5, 0.5]) ** (v["kernel"] - 1)).coeffs).to(x.dtype)
            sides = ((v["kernel"] - 1) // 2, v["kernel"] // 2) * 2
            padded = F.pad(x, sides, "constant" if v["border"] == "zeros" else "reflect")
            rows = F.conv2d(
                padded, row.reshape(1, 1, -1, 1).repeat(x.shape[1], 1, 1, 1), groups=x.shape[1]
            )
            blurred = F.conv2d(
                rows, row.reshape(1, 1, 1, -1).repeat(x.shape[1], 1, 1, 1), groups=x.shape[1]
            )
            return blurred[:, :, :: v["stride"], :: v["stride"]]
        case "adaptive_avg_pool":
            return F.adaptive_avg_pool2d(x, v["size"])
        case "adaptive_max_pool":
            return F.adaptive_max_pool2d(x, v["size"])
        case "global_avg_pool":
            return x.mean((2, 3), keepdim=True)
        case "global_max_pool":
            return x.amax((2, 3), keepdim=True)
        case "channel_mean":
            return x.mean(1, keepdim=True)
        case "channel_max":
            return x.amax(1, keepdim=True)
        case "batch_norm":
            return F.batch_norm(x, w["running_mean"], w["running_var"], weight, bias, eps=v["eps"])
        case "layer_norm":
            y = F.layer_norm(x.movedim(1, -1), (x.shape[1],), weight, bias, v["eps"])
            return y.movedim(-1, 1)
        case "group_norm":
            return F.group_norm(x, v["groups"], weight, bias, v["eps"])
        case "l2_norm":
            return F.normalize(x, dim=1, eps=v["eps"])
        case "instance_norm":
            return F.instance_norm(x, weight=weight, bias=bias, eps=v["eps"])
        case "local_response_norm":
            return F.local_response_norm(x, v["size"], v["alpha"], v["beta"], v["k"])
        case "relu" | "relu6" | "selu" | "silu" | "sigmoid" | "tanh" | "softplus" | "mish":
            return getattr(F, op.name)(x)
        case "hard_swish" | "hard_sigmoid" | "hard_tanh":
            return getattr(F, op.name.replace("_", ""))(x)
        case "abs":
            return x.abs()
        case "leaky_relu":
            return F.leaky_relu(x, v["slope"])
        case "prelu":
            return F.prelu(x, w["weight"])
        case "elu":
            return F.elu(x, v["alpha"])
        case "gelu":
            return F.gelu(x, approximate="tanh" if v["approximate"] else "none")
        case "softmax" | "log_softmax":
            return getattr(F, op.name)(x, dim=1)
        case "dropout" | "alpha_dropout" | "channel_dropout" | "drop_path" | "identity":
            return x
        case "flatten":
            return x.movedim(1, -1).flatten(1)  # as Keras does; weights are permuted instead
        case "reshape":
            return x.reshape(-1, v["channels"], v["height"], v["width"])
        case "zero_pad":
            return pad(x, v["padding"])
        case "crop":
            top, bottom, left, right = v["padding"]
            return x[:, :, top : x.shape[2] - bottom, left : x.shape[3] - right]
        case "upsample":
            corners = v["align_corners"] if v["mode"] == "bilinear" else None
            factors = [float(s) for s in v["scale"]]
            return F.interpolate(x, None, factors, v["mode"], align_corners=corners)
        case "channel_shuffle":
            return torch.channel_shuffle(x, v["groups"])
        case "channel_group":
            return x.unflatten(1, (v["groups"], -1))[:, v["index"]]
        case "group_softmax":
            return x.unflatten(1, (v["groups"], -1)).softmax(1).flatten(1, 2)
        case "group_sum":
            return torch.stack(x.chunk(v["groups"], dim=1)).sum(0)
        case "pixel_shuffle":
            return F.pixel_shuffle(x, v["factor"])
        case "pixel_unshuffle":
            return F.pixel_unshuffle(x, v["factor"])
        case "gather_channels":
            return torch.stack([x[:, channel] for channel in v["channels"]], dim=1)
        case "slice_channels":
            return x[:, v["start"] : v["stop"]]
        case "pad_channels":
            return F.pad(x, (0, 0, 0, 0, v["before"], v["after"]))
        case "scale":
            return v["by"] * x
        case "affine":
            shape = (1, -1, *[1] * (x.ndim - 2))
            y = w["weight"].reshape(shape) * x
            return y if bias is None else y + bias.reshape(shape)
        case "standardize":
            mean, variance = (w[k].reshape(1, -1, *[1] * (x.ndim - 2)) for k in w)
            return (x - mean) / variance.sqrt()
        case "rbf":
            return torch.stack([(x - point).pow(2).sum(1) for point in points(op)], dim=1)
        case name:
            raise AssertionError(f"no reference for {name}")


def transposed(op: Op, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """With `same`, the gradient of a convolution that is padded so, as TensorFlow defines it."""
    v: Any = op.values
    if v["padding"] != "same":
        sides = v["padding"][0], v["padding"][2]
        others = v["output_padding"], v["groups"], v["dilation"]
        return F.conv_transpose2d(x, weight, bias, v["stride"], sides, *others)
    height, width = (n * s for n, s in zip(x.shape[2:], v["stride"], strict=True))

    def convolve(y: Tensor) -> Tensor:
        padded = pad(y, "same", v["kernel"], v["stride"], v["dilation"])
        return F.conv2d(padded, weight, None, v["stride"], 0, v["dilation"], v["groups"])

    y = torch.zeros(len(x), v["out"], height, width, dtype=x.dtype)
    output = torch.func.vjp(convolve, y)[1](x)[0]
    return output if bias is None else output + bias[:, None, None]


def points(op: Op) -> Tensor:
    """The points of an `rbf`, digit by digit."""
    bits = range(op.values["bits"])
    rows = [[(n >> bit) % 2 for n in row for bit in reversed(bits)] for row in op.values["codes"]]
    return torch.tensor(rows) * 2 - 1


def pad(
    x: Tensor,
    padding: Any,
    kernel: Any = (),
    stride: Any = (),
    dilation: Any = (1, 1),
    value: float = 0.0,
) -> Tensor:
    if padding != "same":
        top, bottom, left, right = padding
        return F.pad(x, (left, right, top, bottom), value=value)
    rows, columns = (
        max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        for n, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)
    )
    halves = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return F.pad(x, halves, value=value)

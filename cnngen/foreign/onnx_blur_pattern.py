"""A blur: maps that are mirrored at their border, and a convolution of each by binomial weights."""

from dataclasses import replace

import numpy as np

from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_pad import pad_amounts
from cnngen.foreign.onnx_program import Program

LARGEST = 31  # rows of a `blur_pool`


def blur(call: Call, program: Program) -> Call | None:
    if call.op != "Conv" or call.input(2):
        return None
    pad, weight = program.giver(call.inputs[0], "Pad"), program.constants.get(call.input(1))
    if not pad or pad.word("mode", "constant") != "reflect" or not weight:
        return None
    channels, *rest = weight.shape
    if len(rest) != 3 or rest[1] != rest[2] or call.integer("group", 1) != channels:
        return None
    kernel, strides = rest[1], call.integers("strides") or (1, 1)
    before, after = (kernel - 1) // 2, kernel // 2
    if pad_amounts(pad, program) != (0, 0, before, before, 0, 0, after, after):
        return None
    if kernel > LARGEST or any(call.integers("pads") or ()) or len(set(strides)) > 1:
        return None
    row = (np.poly1d([0.5, 0.5]) ** (kernel - 1)).coeffs
    if not np.allclose(weight.array, np.outer(row, row), rtol=1e-5, atol=1e-7):
        return None
    attributes = {"kernel": kernel, "stride": strides[0]}
    return replace(call, op="BlurPool", inputs=pad.inputs[:1], attributes=attributes)

"""Normalizations and adaptive poolings that files spell as several nodes."""

from collections.abc import Callable
from dataclasses import replace

from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_constants import axes_of
from cnngen.foreign.onnx_program import Program

Pattern = Callable[[Call, Program], Call | None]
ADAPTIVE = {"AdaptiveAvgPool2d": "AdaptiveAvgPool", "AdaptiveMaxPool2d": "AdaptiveMaxPool"}
MOST_OF_A_POOLING = 100


def _layer_norm(call: Call, program: Program) -> Call | None:
    """`(x - mean) / sqrt(variance + eps)`, where both are over the same axes."""
    if call.op != "Div":
        return None
    centred, root = program.giver(call.inputs[0], "Sub"), program.giver(call.inputs[1], "Sqrt")
    if not centred or not root:
        return None
    mean, add = program.giver(centred.inputs[1], "ReduceMean"), program.giver(root.inputs[0], "Add")
    if not mean or not add or mean.inputs[0] != centred.inputs[0]:
        return None
    eps = program.scalar(add.inputs[1])
    variance = program.giver(add.inputs[0], "ReduceMean")
    if eps is None or not variance or not _is_square(variance.inputs[0], centred, program):
        return None
    axes = _axes(mean, program)
    if axes is None or axes != _axes(variance, program) or not mean.integer("keepdims", 1):
        return None
    attributes = {"axes": axes, "epsilon": eps}
    return replace(call, op="Standardized", inputs=mean.inputs[:1], attributes=attributes)


def _is_square(tensor: str, of: Call, program: Program) -> bool:
    square = program.giver(tensor)
    if not square or square.op not in ("Pow", "Mul"):
        return False
    others = [program.giver(name, "Sub") for name in square.inputs]
    same = [other for other in others if other and other.inputs == of.inputs]
    return len(same) == 2 or (bool(same) and program.scalar(square.inputs[1]) == 2)


def _axes(call: Call, program: Program) -> tuple[int, ...] | None:
    return axes_of(call, program.constants.get(call.input(1)))


def _l2_norm(call: Call, program: Program) -> Call | None:
    """A tensor divided by its length, which is kept from being 0."""
    if call.op != "Div":
        return None
    length = program.giver(call.inputs[1])
    if length and length.op == "Expand":
        length = program.giver(length.inputs[0])
    if not length or length.op not in ("Clip", "Max"):
        return None
    norm, eps = program.giver(length.inputs[0], "ReduceL2"), program.scalar(length.input(1))
    if not norm or norm.inputs[0] != call.inputs[0] or eps is None:
        return None
    attributes = {"axes": _axes(norm, program) or (1,), "epsilon": eps}
    return replace(call, op="LengthNormalized", inputs=norm.inputs[:1], attributes=attributes)


def _local_response_norm(call: Call, program: Program) -> Call | None:
    """`x / (k + alpha * mean of squares) ** beta`, the mean by a pooling over channels."""
    if call.op != "Div" or not (power := program.giver(call.inputs[1], "Pow")):
        return None
    beta, add = program.scalar(power.inputs[1]), program.giver(power.inputs[0], "Add")
    k = program.scalar(add.inputs[1]) if add else None
    product = program.giver(add.inputs[0], "Mul") if add else None
    alpha = program.scalar(product.inputs[1]) if product else None
    pool = _up_to(product.inputs[0], "AveragePool", program) if product else None
    square = _up_to(pool.inputs[0], "Mul", program) if pool else None
    if not pool or not square or set(square.inputs) != {call.inputs[0]}:
        return None
    *ones, size = sorted(pool.integers("kernel_shape") or (0,))
    if beta is None or k is None or alpha is None or any(n != 1 for n in ones):
        return None
    attributes = {"size": size, "alpha": alpha, "beta": beta, "bias": k}
    return replace(call, op="LRN", inputs=call.inputs[:1], attributes=attributes)


def _up_to(tensor: str, op: str, program: Program) -> Call | None:
    """The call of an op that gives a tensor, behind calls that only move numbers."""
    call = program.giver(tensor)
    while call and call.op in ("Reshape", "Squeeze", "Unsqueeze", "Pad", "Identity"):
        call = program.giver(call.inputs[0])
    return call if call and call.op == op else None


def _adaptive_pool(call: Call, program: Program) -> Call | None:
    """What PyTorch's exporter makes of a module of that class, where the sizes are no multiples.

    It gathers the pixels of all windows, and pools these; that it is this module, it says itself.
    """
    op = ADAPTIVE.get(call.scope.layer_kind)
    if op is None or _is_read_inside(call, program):
        return None
    seen, todo, entries, gathers = set[str](), [call], set[str](), call.op == "AveragePool"
    while todo:
        inner = todo.pop()
        gathers |= inner.op in ("Gather", "GatherND")
        for name in inner.inputs:
            giver = program.giver(name)
            if not name or name in program.constants or name in seen:
                continue
            seen.add(name)
            if giver and giver.scope.layer == call.scope.layer:
                todo.append(giver)
            else:
                entries.add(name)
        if len(seen) > MOST_OF_A_POOLING:
            return None
    if not gathers or len(entries) != 1:
        return None
    return replace(call, op=op, inputs=tuple(entries), attributes={})


def _is_read_inside(call: Call, program: Program) -> bool:
    """Whether the module of a call goes on with what that gives."""
    return call.scope.layer in program.readers.get(call.outputs[0], ())


NORMS: tuple[Pattern, ...] = (_adaptive_pool, _layer_norm, _l2_norm, _local_response_norm)

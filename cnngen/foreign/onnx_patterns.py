"""Several nodes that are one op of ours: each pattern looks at the last of them.

What it finds becomes one node; those before it are left out where nothing else reads them.
"""

from collections.abc import Callable
from dataclasses import replace
from math import isclose, pi, sqrt

from cnngen.foreign.onnx_blur_pattern import blur
from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_norm_patterns import NORMS
from cnngen.foreign.onnx_pad import pad_value, sides
from cnngen.foreign.onnx_program import Program

Pattern = Callable[[Call, Program], Call | None]
DEEPEST = 8


def joined(program: Program) -> Program:
    """The program with its patterns as nodes."""
    for key in list(program.calls):
        for pattern in PATTERNS:
            if found := pattern(program.calls[key], program):
                program.put(found)
    return program.without_unread()


# --- products and sums ---------------------------------------------------------------------------


def _product(tensor: str, program: Program, depth: int = DEEPEST) -> tuple[float, list[str]]:
    """A tensor as a number times tensors."""
    call = program.giver(tensor)
    if depth and call and call.op in ("Mul", "Div") and len(call.inputs) == 2:
        left, right = call.inputs
        number = program.scalar(right)
        if call.op == "Div":
            if number:
                scale, factors = _product(left, program, depth - 1)
                return scale / number, factors
            return 1.0, [tensor]
        if number is None and (number := program.scalar(left)) is not None:
            left, right = right, left
        if number is not None:
            scale, factors = _product(left, program, depth - 1)
            return scale * number, factors
        a, b = _product(left, program, depth - 1), _product(right, program, depth - 1)
        return a[0] * b[0], [*a[1], *b[1]]
    return 1.0, [tensor]


def _plus(tensor: str, program: Program) -> tuple[str, float] | None:
    """A tensor as another one plus a number."""
    call = program.giver(tensor, "Add")
    if call and len(call.inputs) == 2:
        for x, number in (call.inputs, call.inputs[::-1]):
            if (value := program.scalar(number)) is not None:
                return x, value
    return None


def _clipped(call: Call | None, program: Program) -> tuple[str, float | None, float | None] | None:
    if call is None or call.op != "Clip":
        return None
    low, high = (
        program.scalar(call.input(i))
        if call.input(i)
        else (call.number(name, 0) if name in call.attributes else None)
        for i, name in ((1, "min"), (2, "max"))
    )
    return call.inputs[0], low, high


# --- activations ---------------------------------------------------------------------------------


def _activation(call: Call, program: Program) -> Call | None:
    """`x * sigmoid(x)`, `x * relu6(x + 3) / 6`, and others that are products."""
    if call.op not in ("Mul", "Div") or len(call.inputs) != 2:
        return None
    scale, factors = _product(call.outputs[0], program)
    if len(factors) == 1 and isclose(scale, 1 / 6, rel_tol=1e-4):
        x = _relu6_of_3_more(factors[0], program)
        return _one(call, "HardSigmoid", x, alpha=1 / 6, beta=0.5) if x else None
    if len(factors) != 2:
        return None
    for x, other in (factors, factors[::-1]):
        if op := _gate(x, other, scale, program):
            return _one(call, op[0], x, **op[1])
    return None


def _gate(x: str, other: str, scale: float, program: Program) -> tuple[str, dict[str, str]] | None:
    """The activation that a number times `x` times another tensor is."""
    giver = program.giver(other)
    if giver is None:
        return None
    if isclose(scale, 1):
        match giver.op:
            case "Sigmoid" if giver.inputs[0] == x:
                return "Silu", {}
            case "HardSigmoid" if giver.inputs[0] == x and is_hard_sigmoid(giver):
                return "HardSwish", {}
            case "Tanh":
                inner = program.giver(giver.inputs[0], "Softplus")
                return ("Mish", {}) if inner and inner.inputs[0] == x else None
            case _:
                return None
    if isclose(scale, 1 / 6, rel_tol=1e-4):
        return ("HardSwish", {}) if _relu6_of_3_more(other, program) == x else None
    if isclose(scale, 0.5) and (plus := _plus(other, program)) and plus[1] == 1:
        if _is_erf(plus[0], x, program):
            return "Gelu", {"approximate": "none"}
        if _is_tanh_of_cube(plus[0], x, program):
            return "Gelu", {"approximate": "tanh"}
    return None


def is_hard_sigmoid(call: Call) -> bool:
    """Whether it is that of PyTorch; ONNX's own has a slope of 0.2."""
    slope, shift = call.number("alpha", 0.2), call.number("beta", 0.5)
    return isclose(slope, 1 / 6, rel_tol=1e-4) and shift == 0.5


def _relu6_of_3_more(tensor: str, program: Program) -> str | None:
    relu6 = program.giver(tensor, "Relu6")
    plus = _plus(relu6.inputs[0], program) if relu6 else None
    return plus[0] if plus and plus[1] == 3 else None


def _is_erf(tensor: str, x: str, program: Program) -> bool:
    call = program.giver(tensor, "Erf")
    scale, factors = _product(call.inputs[0], program) if call else (0, [])
    return factors == [x] and isclose(scale, 1 / sqrt(2), rel_tol=1e-4)


def _is_tanh_of_cube(tensor: str, x: str, program: Program) -> bool:
    call = program.giver(tensor, "Tanh")
    scale, factors = _product(call.inputs[0], program) if call else (0, [])
    add = program.giver(factors[0], "Add") if len(factors) == 1 else None
    if not add or x not in add.inputs or not isclose(scale, sqrt(2 / pi), rel_tol=1e-4):
        return False
    (other,) = (name for name in add.inputs if name != x) if add.inputs.count(x) == 1 else ("",)
    scale, factors = _product(other, program)
    power = program.giver(factors[0], "Pow") if len(factors) == 1 else None
    cubed = power and power.inputs[0] == x and program.scalar(power.inputs[1]) == 3
    return bool(isclose(scale, 0.044715, rel_tol=1e-4) and (cubed or factors == [x, x, x]))


def _clip(call: Call, program: Program) -> Call | None:
    """`relu6` and others, as minimum and maximum that are constants."""
    clipped = _clipped(call, program)
    match clipped:
        case (x, 0, 6):
            return _one(call, "Relu6", x)
        case (x, -1, 1):
            return _one(call, "HardTanh", x)
        case (x, 0, None):
            return _one(call, "Relu", x)
        case _:
            return None


def _softplus(call: Call, program: Program) -> Call | None:
    """PyTorch's, which is `x` where that is large."""
    if call.op != "Where":
        return None
    test, _, soft = (program.giver(name) for name in call.inputs)
    if test and soft and (test.op, soft.op) == ("Greater", "Softplus"):
        limit = program.scalar(test.inputs[1])
        if limit is not None and limit >= 15 and soft.inputs[0] == call.inputs[1]:
            same = test.inputs[0] == call.inputs[1]
            return _one(call, "Softplus", call.inputs[1]) if same else None
    return None


def _number_that_changes_nothing(call: Call, program: Program) -> Call | None:
    """Times 1, divided by 1 or plus 0: of factors that a model may have and has not."""
    neutral = {"Mul": 1, "Div": 1, "Add": 0, "Sub": 0}.get(call.op)
    if neutral is None or len(call.inputs) != 2:
        return None
    pairs = [call.inputs] if call.op in ("Div", "Sub") else [call.inputs, call.inputs[::-1]]
    for x, number in pairs:
        if x not in program.constants and program.scalar(number) == neutral:
            return _one(call, "Identity", _origin(x, program))
    return None


def _origin(tensor: str, program: Program) -> str:
    call = program.giver(tensor, "Identity")
    return _origin(call.inputs[0], program) if call else tensor


def _without_identities(call: Call, program: Program) -> Call | None:
    """Patterns compare names of tensors."""
    if call.op == "Identity" or not any(program.giver(x, "Identity") for x in call.inputs):
        return None
    return replace(call, inputs=tuple(_origin(x, program) for x in call.inputs))


def _minimum_of_relu(call: Call, program: Program) -> Call | None:
    """`min(relu(x), 6)`, as TensorFlow's files have it."""
    if call.op != "Min" or len(call.inputs) != 2:
        return None
    for x, number in (call.inputs, call.inputs[::-1]):
        relu = program.giver(x, "Relu")
        if relu and program.scalar(number) == 6:
            return _one(call, "Relu6", relu.inputs[0])
    return None


# --- layers with weights, and paddings ----------------------------------------------------------


def _linear(call: Call, program: Program) -> Call | None:
    """A matrix product and the bias that is added to it."""
    if call.op != "Add" or len(call.inputs) != 2:
        return None
    for product, bias in (call.inputs, call.inputs[::-1]):
        matmul, constant = program.giver(product, "MatMul"), program.constants.get(bias)
        if matmul and constant and matmul.inputs[1] in program.constants:
            out = program.constants[matmul.inputs[1]].shape[-1]
            if constant.count == out and len(constant.shape) == 1:
                inputs = (*matmul.inputs, bias)
                scope = matmul.scope if matmul.scope.path else call.scope
                return replace(call, op="MatMul", inputs=inputs, scope=scope)
    return None


def _padded(call: Call, program: Program) -> Call | None:
    """Zeros around maps, which the window behind them may add itself."""
    if call.op not in ("Conv", "AveragePool", "MaxPool"):
        return None
    pad = program.giver(call.inputs[0], "Pad")
    outer = sides(pad, program) if pad else None
    own = call.integers("pads") or (0, 0, 0, 0)
    if not pad or not outer or len(own) != 4 or call.word("auto_pad", "NOTSET") != "NOTSET":
        return None
    kernel, filled = call.integers("kernel_shape") or (), pad_value(pad, program)
    if call.op == "Conv" and filled != 0:
        return None
    if call.op != "Conv":
        half = any(2 * n > k for n, k in zip(outer, (*kernel, *kernel), strict=False))
        if half or any(own) or call.integer("ceil_mode", 0):
            return None
        if filled != (0 if call.op == "AveragePool" else float("-inf")):
            return None
    pads = tuple(a + b for a, b in zip(outer, own, strict=True))
    attributes = {**call.attributes, "pads": pads}
    if call.op == "AveragePool":
        attributes["count_include_pad"] = 1
    return replace(call, inputs=(pad.inputs[0], *call.inputs[1:]), attributes=attributes)


def _gate_as_it_is(call: Call, program: Program) -> Call | None:
    """A gate that is copied to all positions before it is multiplied, which does that itself."""
    if call.op != "Mul" or len(call.inputs) != 2:
        return None
    for gate, other in (call.inputs, call.inputs[::-1]):
        if (expand := program.giver(gate, "Expand")) and not program.giver(other, "Expand"):
            return replace(call, inputs=(other, expand.inputs[0]))
    return None


def _mean_of_a_sum(call: Call, program: Program) -> Call | None:
    """As many branches as they are divided by."""
    if call.op not in ("Mul", "Div") or len(call.inputs) != 2:
        return None
    scale, factors = _product(call.outputs[0], program, 1)
    terms = _terms(factors[0], program) if len(factors) == 1 else []
    if len(terms) < 2 or not isclose(scale * len(terms), 1, rel_tol=1e-6):
        return None
    return replace(call, op="Mean", inputs=tuple(terms), attributes={})


def _terms(tensor: str, program: Program, depth: int = DEEPEST) -> list[str]:
    """What is added up to a tensor that nothing else reads."""
    add = program.giver(tensor, "Add")
    if not add or not depth or len(program.readers.get(tensor, ())) > 1:
        return [tensor]
    if any(name in program.constants for name in add.inputs):
        return [tensor]
    return [term for name in add.inputs for term in _terms(name, program, depth - 1)]


def _one(call: Call, op: str, x: str, **attributes: float | str) -> Call:
    return replace(call, op=op, inputs=(x,), attributes=attributes)


PATTERNS: tuple[Pattern, ...] = (
    _without_identities,
    _number_that_changes_nothing,
    *NORMS,
    blur,
    _gate_as_it_is,
    _activation,
    _mean_of_a_sum,
    _clip,
    _softplus,
    _minimum_of_relu,
    _linear,
    _padded,
)

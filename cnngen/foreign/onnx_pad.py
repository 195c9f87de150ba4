"""What a `Pad` puts where: its amounts were attributes once, and are inputs now."""

from cnngen.foreign.onnx_call import Call
from cnngen.foreign.onnx_program import Program


def pad_value(pad: Call, program: Program) -> float | None:
    """What a `Pad` puts around maps; nothing that a number says where it reflects them."""
    if pad.word("mode", "constant") != "constant":
        return None
    if pad.input(2):
        return program.scalar(pad.input(2))
    return pad.number("value", 0)


def sides(pad: Call, program: Program) -> tuple[int, int, int, int] | None:
    """Top, left, bottom and right of a `Pad` that pads nothing but heights and widths."""
    match pad_amounts(pad, program):
        case (0, 0, top, left, 0, 0, bottom, right) if min(top, left, bottom, right) >= 0:
            return top, left, bottom, right
        case _:
            return None


def pad_amounts(pad: Call, program: Program) -> tuple[int, ...] | None:
    """What a `Pad` adds before each of four axes, and then behind each."""
    constant = program.constants.get(pad.input(1))
    given = constant.integers() if constant else pad.integers("pads")
    axes = program.constants.get(pad.input(3))
    if given is None or not pad.input(3):
        return given
    if axes is None or len(given) != 2 * len(axes.integers()):
        return None
    result = [0] * 8
    for i, axis in enumerate(axes.integers()):
        result[axis % 4], result[4 + axis % 4] = given[i], given[len(given) // 2 + i]
    return tuple(result)

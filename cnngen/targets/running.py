"""Running channels: the variable that follows a loop in which each turn changes them."""

from cnngen.expressions.algebra import linear_step
from cnngen.expressions.expression import Binary, Constant, Expression, InputChannels, Name
from cnngen.plan.channels import unrolled
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Each, Repeat
from cnngen.targets.spelled import Printer


def end_of_loop(
    step: Repeat | Each, turn: Expression, running: Expression, channels: Expression
) -> Constant | None:
    """What a loop makes of `channels` in the end, where that is a number; `turn` is what it makes
    of `running` once.
    """
    plain = isinstance(step, Repeat) or step.between is None
    nested = any(isinstance(inner, Repeat | Each) for inner in steps(step.body))
    if not plain or nested or not isinstance(running, Name):
        return None  # what is nested may change the variable itself
    end = unrolled(step, turn, running, channels)
    return end if isinstance(end, Constant) else None


def assignment(variable: str, old: Expression, new: Expression, printer: Printer) -> str:
    """`channels = ...`, as `channels += ...` where it is one."""
    match new:
        case Binary(operator="//" | "*" as operator, left=left, right=right) if left == old:
            return f"{variable} {operator}= {printer.code(right)}"
        case _:
            gain = linear_step(new, old) if isinstance(old, Name | InputChannels) else None
    if gain is not None:
        return f"{variable} += {printer.code(gain)}"
    return f"{variable} = {printer.code(new)}"

"""Loops: what they make of channels, and how many positions their iterations take."""

from cnngen.expressions.algebra import add, equal, multiply, simplify, substitute, subtract
from cnngen.expressions.expression import Apply, Constant, Expression, Name
from cnngen.plan.channels import Channels, Known
from cnngen.plan.program import Loop
from cnngen.plan.turns import times, unrolled
from cnngen.semantics.walk import steps
from cnngen.syntax.tree import Each, Repeat


def keeps_channels(
    step: Repeat | Each,
    given: Expression,
    entry: Expression | None,
    channels: Channels,
    known: Known,
) -> bool:
    """Whether each iteration gives as many channels as it is given: `given` is a fixpoint."""
    between = step.between if isinstance(step, Each) else None
    for body in (between or (), step.body):
        turn = channels.body(body, given, known)
        if turn is None or not equal(substitute(turn, {}, entry), given):
            return False
    return True


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


def after(position: Expression, step: Repeat | Each) -> Expression:
    """The position behind a loop that begins at one: each iteration takes one, and so does what is
    between two of them.
    """
    count = times(step)
    if isinstance(step, Each) and step.between is not None:
        twice = subtract(multiply(Constant(2), count), Constant(1))
        count = simplify(Apply("max", (twice, Constant(0))))
    return simplify(add(position, count))


def reads_running(loop: Loop) -> bool:
    """Whether the iterations of a loop read what the one before gave."""
    return not (loop.step.body and loop.step.body[0].origin)

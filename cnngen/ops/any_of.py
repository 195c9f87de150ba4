"""An op that a parameter chooses: what is true of it whichever it is."""

from collections.abc import Iterable

from cnngen.ops.base import Op, Shape, Weights


class AnyOp(Op):
    """One of several ops that give the shape that they are given. Which one, only those know who
    give it, so that nobody may overwrite what it read or what it gave.
    """

    name = "op"
    gives = "same"
    ranked = True
    keeps = "both"

    def infer(self, x: Shape) -> Shape:
        return x


class AnyWithWeights(AnyOp):
    """One of several, some of which have weights: it is told the channels."""

    def weights(self, x: Shape) -> Weights:
        raise NotImplementedError


def any_of(ops: Iterable[type[Op]]) -> type[AnyOp]:
    """What is true of each of these ops."""
    return AnyWithWeights if any(op.weights is not Op.weights for op in ops) else AnyOp


def keeps_shape(op: type[Op]) -> bool:
    """Whether an op gives the shape that it is given, whatever its attributes are."""
    resizes = op.flattens or op.sets_size or bool(op.sizing)
    return op.gives == "same" and not (op.joins or resizes or op.tensors)

"""Fully connected layers: each output depends on all features of a vector."""

from collections.abc import Mapping

from cnngen.expressions.expression import Apply, Expression
from cnngen.ops.attribute import flag, init, integer, table
from cnngen.ops.base import Op, Shape, ShapeError, Vector, Weights, vector
from cnngen.ops.initializer import Drawn
from cnngen.ops.keras_layout import COLUMNS, MATRIX, InKeras


class Linear(Op, name="linear", group="fully connected"):
    """Fully connected layer: each output is a weighted sum of all features."""

    out = integer("output features")
    bias = flag("learn an offset per output feature", True)
    init = init("initial distribution of the weights; the bias then starts at zero")

    gives = "vector"
    drawn = Drawn("nn.Linear")

    def infer(self, x: Shape) -> Vector:
        vector(self, x)
        return Vector(self.out, (self.out,))

    def weights(self, x: Vector) -> Weights:
        bias: Weights = {"bias": (self.out,)} if self.bias else {}
        return {"weight": (self.out, x.features)} | bias

    def in_keras(self, weight: str, x: Vector) -> InKeras:
        return InKeras("kernel", MATRIX, COLUMNS) if weight == "weight" else InKeras("bias")

    def macs(self, output: Vector, x: Vector) -> int:
        return x.features * self.out

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return arguments["out"]


class Rbf(Op, name="rbf", group="fully connected"):
    """Radial basis functions: the squared distances of the features to points that are not learnt.

    A row of `codes` is the point of a unit: its numbers in binary, one after another, with -1 for
    each 0. `{codes: [[4, 1]], bits: 3}` has one unit, which is at 1, -1, -1, -1, -1, 1.
    """

    codes = table("a row for each unit, whose numbers in binary are its point")
    bits = integer("binary digits of each number", max=32)

    gives = "vector"
    refuses_flattened = True

    def infer(self, x: Shape) -> Vector:
        x = vector(self, x)
        if x.flattened:
            raise ShapeError(
                "`rbf` needs features that were not flattened from feature maps",
                help="put a `linear` between `flatten` and `rbf`",
            )
        if (coordinates := self._coordinates()) != x.features:
            raise ShapeError(
                f"the points of `rbf` have {coordinates} coordinates, and there are {x} features",
                help=f"give it {coordinates} features: `linear: {{out: {coordinates}}}`",
            )
        return Vector(len(self.codes), (len(self.codes),))

    def _coordinates(self) -> int:
        """How many coordinates each point has."""
        if not any(self.codes):
            raise ShapeError(
                "`rbf` has no points",
                code="empty-output",
                attribute="codes",
                label="a row of numbers for each unit",
                help="write `codes: [[1, 2], [2, 1]]` for two units",
            )
        if len({len(row) for row in self.codes}) > 1:
            raise ShapeError(
                "the rows of `codes` have different lengths",
                attribute="codes",
                label="each row is a point of as many coordinates",
                help="write as many numbers in each row",
            )
        largest = max(max(row) for row in self.codes)
        if largest >= 2**self.bits:
            raise ShapeError(
                f"a number of {self.bits} bits cannot be {largest}",
                code="out-of-range",
                attribute="codes",
                label=f"{largest} has {largest.bit_length()} bits",
                help=f"use `bits: {largest.bit_length()}`, or smaller numbers",
            )
        return len(self.codes[0]) * self.bits

    def macs(self, output: Vector, x: Vector) -> int:
        return output.features * x.features

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return Apply("len", (arguments["codes"],))

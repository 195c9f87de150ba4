"""Convolutions: the ops that hold most weights and do most of the work."""

from collections.abc import Iterator, Mapping
from math import prod

from cnngen.expressions.expression import Expression
from cnngen.ops.attribute import flag, init, integer, number, padding, size
from cnngen.ops.base import Image, Op, Shape, ShapeError, Weights, check_groups, image, times
from cnngen.ops.initializer import Drawn
from cnngen.ops.keras_layout import FILTERS, EachChannel, InKeras
from cnngen.ops.movement import Movements, Scatter
from cnngen.ops.window import axes, slide, slides


class Conv(Op, name="conv", group="convolution"):
    """Two-dimensional convolution (cross-correlation, as every framework computes it)."""

    out = integer("output channels")
    kernel = size("height and width of the window")
    stride = size("step of the window", 1)
    padding = padding("zeros around the input")
    dilation = size("distance between the elements of the window", 1)
    groups = integer("groups of channels that do not mix", 1)
    bias = flag("learn an offset per output channel", True)
    init = init("initial distribution of the weights; the bias then starts at zero")

    gives = "image"
    sizing = ("kernel", "stride", "padding", "dilation")
    drawn = Drawn("nn.Conv2d")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        check_groups(self.groups, input=x.channels, output=self.out)
        positions = slide(self, x, self.kernel, self.stride, self.padding, self.dilation)
        return Image(self.out, *positions)

    def weights(self, x: Image) -> Weights:
        weight = (self.out, x.channels // self.groups, *self.kernel)
        return {"weight": weight} | _bias(self.bias, self.out)

    def in_keras(self, weight: str, x: Image) -> InKeras:
        if weight == "bias":
            return InKeras("bias")
        each = EachChannel(self.out // self.groups)
        return InKeras("kernel", each if self.depthwise_in_keras(x) else FILTERS)

    def depthwise_in_keras(self, x: Image) -> bool:
        """Keras cannot draw orthogonal weights of a depthwise kernel."""
        orthogonal = self.init is not None and self.init.word == "orthogonal"
        return self.groups == x.channels > 1 and not orthogonal

    def counterpart(self, part: str, x: Image) -> tuple[str, int]:
        return self.name, self.groups

    def moves(self, x: Image) -> Movements:
        return slides(x, self.kernel, self.stride, self.padding, self.dilation)

    def macs(self, output: Image, x: Image) -> int:
        return _elements(output) * (x.channels // self.groups) * prod(self.kernel)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return arguments["out"]


class DepthwiseConv(Op, name="depthwise_conv", group="convolution"):
    """Convolution of each channel by itself, with as many groups as there are channels.

    Input channel `c` gives the output channels `c * multiplier` and those that follow it.
    """

    kernel = size("height and width of the window")
    stride = size("step of the window", 1)
    padding = padding("zeros around the input")
    dilation = size("distance between the elements of the window", 1)
    multiplier = integer("output channels for each input channel", 1)
    bias = flag("learn an offset per output channel", True)
    init = init("initial distribution of the weights; the bias then starts at zero")

    gives = "image"
    sizing = ("kernel", "stride", "padding", "dilation")
    drawn = Drawn("nn.Conv2d")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        positions = slide(self, x, self.kernel, self.stride, self.padding, self.dilation)
        return Image(x.channels * self.multiplier, *positions)

    def weights(self, x: Image) -> Weights:
        out = x.channels * self.multiplier
        return {"weight": (out, 1, *self.kernel)} | _bias(self.bias, out)

    def in_keras(self, weight: str, x: Image) -> InKeras:
        return InKeras("bias") if weight == "bias" else _each_channel("kernel", self.multiplier)

    def depthwise_in_keras(self, x: Image) -> bool:
        return True

    def counterpart(self, part: str, x: Image) -> tuple[str, int]:
        return "conv", x.channels

    def moves(self, x: Image) -> Movements:
        return slides(x, self.kernel, self.stride, self.padding, self.dilation)

    def macs(self, output: Image, x: Image) -> int:
        return _elements(output) * prod(self.kernel)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return times(inputs[0], arguments["multiplier"])


class SeparableConv(Op, name="separable_conv", group="convolution"):
    """A `depthwise_conv` without bias, then a 1 x 1 `conv` that mixes the channels.

    Nothing stands between the two; where batch norm or an activation should, write both ops.
    """

    out = integer("output channels")
    kernel = size("height and width of the depthwise window")
    stride = size("step of the window", 1)
    padding = padding("zeros around the input")
    dilation = size("distance between the elements of the window", 1)
    multiplier = integer("depthwise channels for each input channel", 1)
    bias = flag("learn an offset per output channel", True)
    init = init("initial distribution of both weights; the bias then starts at zero")

    gives = "image"
    sizing = ("kernel", "stride", "padding", "dilation")
    drawn = Drawn("nn.Conv2d", besides=(("pointwise_init", "conv"),))

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        positions = slide(self, x, self.kernel, self.stride, self.padding, self.dilation)
        return Image(self.out, *positions)

    def weights(self, x: Image) -> Weights:
        between = x.channels * self.multiplier
        weights: Weights = {
            "depthwise.weight": (between, 1, *self.kernel),
            "pointwise.weight": (self.out, between, 1, 1),
        }
        return weights | _bias(self.bias, self.out, "pointwise.bias")

    def in_keras(self, weight: str, x: Image) -> InKeras:
        match weight:
            case "depthwise.weight":
                return _each_channel("depthwise_kernel", self.multiplier)
            case "pointwise.weight":
                return InKeras("pointwise_kernel", FILTERS)
            case _:
                return InKeras("bias")

    def counterpart(self, part: str, x: Image) -> tuple[str, int]:
        return "conv", 1 if part == "pointwise" else x.channels

    def moves(self, x: Image) -> Movements:
        return slides(x, self.kernel, self.stride, self.padding, self.dilation)

    def macs(self, output: Image, x: Image) -> int:
        between = x.channels * self.multiplier
        return output.height * output.width * between * (prod(self.kernel) + self.out)

    def saves(self, output: Image, x: Image) -> int:
        return x.channels * self.multiplier * output.height * output.width

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return arguments["out"]


class TransposedConv(Op, name="transposed_conv", group="convolution"):
    """Transposed convolution, which enlarges its input `stride` times.

    The output has `(size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 +
    output_padding` rows and columns: the padding takes away from it, and `output_padding` adds at
    the bottom and right. With `padding: same` it has `size * stride` of them.
    """

    out = integer("output channels")
    kernel = size("height and width of the window")
    stride = size("step of the window in the output", 1)
    padding = padding("rows and columns to take from the output, alike on opposite sides")
    output_padding = size("rows and columns to add to the output; less than the stride", 0, min=0)
    dilation = size("distance between the elements of the window", 1)
    groups = integer("groups of channels that do not mix", 1)
    bias = flag("learn an offset per output channel", True)
    init = init("initial distribution of the weights; the bias then starts at zero")

    gives = "image"
    sizing = ("kernel", "stride", "padding", "output_padding", "dilation")
    drawn = Drawn("nn.ConvTranspose2d")

    def infer(self, x: Shape) -> Image:
        x = image(self, x)
        self._check_padding()
        check_groups(self.groups, input=x.channels, output=self.out)
        if self.padding == "same":
            return Image(self.out, x.height * self.stride[0], x.width * self.stride[1])
        height, width = (
            (length - 1) * step - sum(pads) + reach + extra
            for length, step, pads, reach, extra in zip(
                (x.height, x.width),
                self.stride,
                axes(self.padding),
                self._reach(),
                self.output_padding,
                strict=True,
            )
        )
        if height < 1 or width < 1:
            raise ShapeError(
                f"the padding of `transposed_conv` leaves nothing of its output for {x}",
                code="empty-output",
                attribute="padding",
                help="use a smaller padding",
            )
        return Image(self.out, height, width)

    def _reach(self) -> Iterator[int]:
        """How many rows, and columns, of the output the window covers."""
        pairs = zip(self.kernel, self.dilation, strict=True)
        return ((window - 1) * spread + 1 for window, spread in pairs)

    def _check_padding(self) -> None:
        if any(before != after for before, after in axes(self.padding)):
            raise ShapeError(
                "`transposed_conv` pads opposite sides alike",
                code="out-of-range",
                attribute="padding",
                help="write a number or `[height, width]`; `crop` can take more from one side",
            )
        if self.padding == "same" and any(self.output_padding):
            raise ShapeError(
                "`padding: same` gives `stride` times the input, and nothing can be added to that",
                code="out-of-range",
                attribute="output_padding",
                help="leave it out, or write the padding as a number",
            )
        if any(p >= s for p, s in zip(self.output_padding, self.stride, strict=True)):
            raise ShapeError(
                "`output_padding` must be less than the stride",
                code="out-of-range",
                attribute="output_padding",
                help="leave it out, or use a larger stride",
            )

    def weights(self, x: Image) -> Weights:
        weight = (x.channels, self.out // self.groups, *self.kernel)
        return {"weight": weight} | _bias(self.bias, self.out)

    def in_keras(self, weight: str, x: Image) -> InKeras:
        return InKeras("bias") if weight == "bias" else InKeras("kernel", FILTERS)

    def counterpart(self, part: str, x: Image) -> tuple[str, int]:
        return self.name, self.groups

    def moves(self, x: Image) -> Movements:
        before = [first for first, _ in axes(self.padding)]
        if self.padding == "same":
            rests = zip(self._reach(), self.stride, strict=True)
            before = [max(reach - step, 0) // 2 for reach, step in rests]
        return (
            Scatter(self.kernel[0], self.stride[0], before[0], self.dilation[0]),
            Scatter(self.kernel[1], self.stride[1], before[1], self.dilation[1]),
        )

    def macs(self, output: Image, x: Image) -> int:
        return _elements(x) * (self.out // self.groups) * prod(self.kernel)

    @classmethod
    def channels(
        cls, arguments: Mapping[str, Expression], inputs: tuple[Expression, ...]
    ) -> Expression:
        return arguments["out"]


class StandardizedConv(Conv, name="standardized_conv"):
    """A `conv` whose filters are standardized before they are used (Qiao 2019), as in BiT.

    Of each filter its mean is taken away, and what is left divided by its standard deviation. The
    weights that are learnt and kept are those before that.
    """

    eps = number("what is added to the variance of a filter", 1e-6, above=0)

    def infer(self, x: Shape) -> Image:
        output = Conv.infer(self, x)
        if (image(self, x).channels // self.groups) * prod(self.kernel) == 1:
            raise ShapeError(
                "`standardized_conv` would make 0 of filters of one number, whatever they learn",
                code="out-of-range",
                attribute="kernel",
                help="use a larger kernel or fewer groups, or `conv`",
            )
        return output

    def depthwise_in_keras(self, x: Image) -> bool:
        return False

    def counterpart(self, part: str, x: Image) -> tuple[str, int]:
        return "conv", self.groups


def _bias(present: bool, out: int, name: str = "bias") -> Weights:
    return {name: (out,)} if present else {}


def _each_channel(variable: str, multiplier: int) -> InKeras:
    return InKeras(variable, EachChannel(multiplier))


def _elements(x: Image) -> int:
    return x.channels * x.height * x.width

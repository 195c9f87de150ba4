"""Convolutions: a stock layer where that is all it takes, else a call of a support function.

Three traps. PyTorch pads opposite sides alike, which the strided "same" of Keras does not. Keras
refuses a stride together with a dilation (in Conv2D), and TensorFlow unequal strides (in depthwise
convolutions): such a stride comes late, as a pooling of size 1 after a convolution of stride 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial, reduce

from cnngen.ops.base import Op
from cnngen.ops.convolution import Conv, DepthwiseConv, SeparableConv, StandardizedConv
from cnngen.ops.pooling import AvgPool
from cnngen.python.construct import call, text
from cnngen.python.nodes import (
    Assign,
    Binary,
    Comment,
    Conditional,
    Display,
    Function,
    If,
    Name,
    Node,
    Parameter,
    Return,
    Statement,
)
from cnngen.targets.keras.construct import NAME, applied, number, tuple_of
from cnngen.targets.keras.layer_name import beside
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.support import (
    KEYWORDS_ONLY,
    Signature,
    function,
    initial,
    own_initial,
    use,
)
from cnngen.targets.keras.support import NAME as NAME_PARAMETER
from cnngen.targets.keras.use import Asked, Common, Given, Use
from cnngen.targets.keras.values import HALF, ZERO, SameOr, Value, is_number, is_size
from cnngen.targets.values import Sides, numbers

LAYERS: dict[type[Op], str] = {
    Conv: "layers.Conv2D",
    StandardizedConv: "StandardizedConv2D",
    DepthwiseConv: "layers.DepthwiseConv2D",
    SeparableConv: "layers.SeparableConv2D",
}
FUNCTIONS = {op: f"{op.name}2d" for op in LAYERS}
SAME, VALID = text("same"), text("valid")
X, LATE = Name("x"), Name("late")
KERNEL, PADDING, MODE = map(Name, ("kernel", "padding", "mode"))


def spell(made: Use) -> Node:
    """A convolution of a tensor."""
    padding = made.values["padding"]
    name, late = called(made), comes_late(made.op, made.values, made.square)
    x = _padded(made, late)
    if name is None or (made.common.alone and not late and _is_short(made)):
        if pads_by_number(made.values):
            x = _zeros(made, x)
        return applied(_stock(made, SAME if padding == "same" else None), x)
    arguments = [x, made.node("out") if "out" in made.values else None, made.node("kernel")]
    named = {
        "stride": made.varied_size("stride", 1),
        "padding": None if late and padding == "same" else _padding_argument(made),
        "dilation": made.varied_size("dilation", 1),
        "groups": made.varied("groups", 1) if "groups" in made.values else None,
        "multiplier": made.varied("multiplier", 1) if "multiplier" in made.values else None,
        "bias": made.varied_flag("bias", True),
        "eps": made.varied("eps", 1e-6) if "eps" in made.values else None,
        **{init: made.varied_initializer(init) for init in made.initializers},
    }
    use(name, Given(made.common, made.scope), SUPPORT[name])
    return call(name, *arguments, **named, name=made.name)


def called(asked: Asked) -> str | None:
    """The support function that a convolution calls; None if a layer of Keras computes it."""
    padding, late = asked.values["padding"], comes_late(asked.op, asked.values, asked.square)
    plain = (padding == "same" or is_size(padding, 0)) and not late
    return None if plain and asked.initializers["init"] is None else FUNCTIONS[asked.op]


def _is_short(made: Use) -> bool:
    """Whether two layers of Keras say what a support function would: some zeros are put around the
    tensor whatever the stride is, and the weights start as those of Keras.
    """
    known = pads_by_number(made.values) and numbers(made.values["stride"]) is not None
    sides = isinstance(made.values["padding"], Sides)
    return (known or sides) and made.initializers["init"] is None


def comes_late(op: type[Op], values: Mapping[str, Value], square: bool) -> bool:
    """Whether the stride of a convolution cannot be that of the layer."""
    if op not in LAYERS or is_size(values["stride"], 1):
        return False
    if issubclass(op, Conv):
        return not is_size(values["dilation"], 1)
    both = numbers(values["stride"])
    return not square and (both is None or both[0] != both[1])


def pads_by_number(values: Mapping[str, Value]) -> bool:
    """Whether a support function is told how many zeros to put around its input."""
    padding = values.get("padding", "")
    return not isinstance(padding, str | Sides) and not is_size(padding, 0)


def pads_by_word(values: Mapping[str, Value]) -> bool:
    """Whether a support function may be told "same"."""
    padding = values.get("padding")
    return padding == "same" or isinstance(padding, SameOr)


def told_by_parameters(
    op: type[Op], values: Mapping[str, Value], square: bool
) -> Mapping[str, Value]:
    """What a support function is told by its parameters: no padding, where the caller puts the
    zeros around its input itself.
    """
    padding = values.get("padding")
    before = padding == "same" and comes_late(op, values, square)
    if op is not AvgPool and (before or isinstance(padding, Sides)):
        return {**values, "padding": ZERO}
    return values


def _padded(made: Use, late: bool) -> Node:
    """The input of a support function, with the zeros around it that its parameters cannot say."""
    padding = made.values["padding"]
    if isinstance(padding, Sides):
        return _zeros(made, made.x)
    if padding == "same" and late:
        window = map(made.node, ("kernel", "stride", "dilation"))
        name = beside(made.name, "pad", made.scope)
        return call(made.scope.speller.use("same_pad"), made.x, *window, name=name)
    return made.x


def _zeros(made: Use, x: Node) -> Node:
    """A tensor with as many zeros around it as the padding says."""
    pairs = made.scope.pairs(made.values["padding"])
    name = beside(made.name, "pad", made.scope)
    return applied(call("layers.ZeroPadding2D", pairs, name=name), x)


def _padding_argument(made: Use) -> Node | None:
    padding = made.values["padding"]
    if isinstance(padding, Sides) or is_size(padding, 0) or "padding" in made.common.values:
        return None
    return SAME if padding == "same" else made.node("padding")


def _stock(made: Use, padding: Node | None) -> Node:
    values = made.values
    return _layer(
        made.op,
        made.scope,
        made.node("out") if "out" in values else None,
        made.node("kernel"),
        strides=made.size("stride", 1),
        padding=padding,
        dilation_rate=made.size("dilation", 1),
        groups=made.count("groups", 1),
        depth_multiplier=made.count("multiplier", 1),
        use_bias=made.flag("bias", True),
        epsilon=made.count("eps", 1e-6),
        **_renamed(made.op, dict(made.initializers)),
        name=made.name,
    )


def _layer(op: type[Op], scope: Scope, *positional: Node | None, **named: Node | None) -> Node:
    """A layer of Keras, or of a class of the file."""
    layer = scope.speller.use(LAYERS[op]) if op is StandardizedConv else LAYERS[op]
    return call(layer, *positional, **named)


def _renamed(op: type[Op], initializers: dict[str, Node | None]) -> dict[str, Node | None]:
    """The initializers by the names that Keras has for them."""
    first = "kernel_initializer" if issubclass(op, Conv) else "depthwise_initializer"
    names = {"init": first, "pointwise_init": "pointwise_initializer"}
    return {names[name]: node for name, node in initializers.items()}


# --- The support function


@dataclass(frozen=True, slots=True)
class _Definition:
    """What is known of a support function from what its uses have in common."""

    op: type[Op]
    given: Given

    @property
    def padding(self) -> Value | None:
        """What all uses agree on."""
        return self.given.common.values.get("padding")

    @property
    def half(self) -> bool:
        """Whether all are padded by half of an odd window."""
        return self.padding == HALF

    @property
    def unit(self) -> bool:
        return self.given.common.is_size("stride", 1)

    @property
    def ones(self) -> bool:
        """Whether whatever strides has a window of size 1, for which all paddings are none."""
        return all(is_size(kernel, 1) for kernel in self.given.common.strided)

    @property
    def late(self) -> Node | bool:
        """Whether the stride comes late; as a condition on parameters, where these decide."""
        common = self.given.common
        if not common.late or self.unit:
            return False
        if not issubclass(self.op, Conv):
            return "stride" in common.values or call("isinstance", Name("stride"), Name("tuple"))
        if "dilation" in common.values:
            return not common.is_size("dilation", 1)
        dilation = Name("dilation")
        if common.square:
            return Binary(">", dilation, number(1))
        return Binary("not in", dilation, tuple_of(number(1), tuple_of(number(1), number(1))))


def _define(op: type[Op], given: Given) -> Function:
    known = _Definition(op, given)
    return function(FUNCTIONS[op], _parameters(known), _about(known), [*_pad(known), *_end(known)])


SUPPORT = {name: partial(_define, op) for op, name in FUNCTIONS.items()}


def _parameters(known: _Definition) -> list[Parameter | None]:
    op, common = known.op, known.given.common
    signature = Signature(common)
    return [
        Parameter("filters", "int") if "out" in op.attributes else None,
        Parameter("kernel", common.size),
        signature.size("stride", 1),
        _padding(common, signature) if known.padding is None else None,
        KEYWORDS_ONLY,
        signature.size("dilation", 1),
        signature.count("groups", 1) if "groups" in op.attributes else None,
        signature.count("multiplier", 1) if "multiplier" in op.attributes else None,
        signature.flag("bias", True),
        signature.number("eps", "1e-6") if "eps" in op.attributes else None,
        signature.initializer("init"),
        signature.initializer("pointwise_init") if op is SeparableConv else None,
        NAME_PARAMETER,
    ]


def _padding(common: Common, signature: Signature) -> Parameter:
    """The padding: a word of Keras, or zeros on opposite sides alike."""
    if not common.numbers:
        return signature.of("padding", "str", VALID)
    words = " | str" * common.words
    return signature.of("padding", f"{common.size}{words}", number(0))


def _about(known: _Definition) -> str:
    padding = known.padding
    if padding is None and not known.given.common.numbers:
        alike = known.given.common.initializers.get("init") is not None
        return f"Convolve{', with initial weights as all convolutions here have' * alike}."
    if padding == "same" and not known.unit and known.ones:
        return 'Convolve with "same" padding; a window that strides is 1 x 1 and needs none.'
    if padding == "same" and not known.unit:
        return "Convolve with the padding of TensorFlow, which is larger at the bottom and right."
    if padding == "same":
        return "Convolve with as much padding as keeps the height and width."
    if padding is not None and is_size(padding, 0):
        return "Convolve without padding."
    unlike = "" if known.unit else ', unlike the strided "same" of Keras'
    return f"Convolve with equal padding on opposite sides{unlike}."


def _reason(op: type[Op]) -> Comment:
    conv, other = "Keras refuses a stride with a dilation", "TensorFlow refuses unequal strides"
    refused = conv if issubclass(op, Conv) else other
    return Comment(f"{refused}: the stride comes late, as a pooling of size 1.")


def _pad(known: _Definition) -> list[Statement]:
    """Put zeros around the tensor, and find out whether the stride comes late."""
    given, padding, late = known.given, known.padding, known.late
    zeros = call(
        "layers.ZeroPadding2D", given.node("padding"), name=beside(NAME, "pad", given.scope)
    )
    pad = Assign((X,), applied(zeros, X))
    statements: list[Statement] = []
    if known.half:
        return _pad_half(known)
    if padding is None and given.common.numbers:
        zeros_around: Node = PADDING
        if given.common.words:
            same = Binary("==", PADDING, SAME)
            statements.append(Assign((MODE,), Conditional(same, SAME, VALID)))
            zeros_around = Binary("and", PADDING, Binary("==", MODE, VALID))
        statements.append(If(((zeros_around, (pad,)),)))
    elif not isinstance(padding, str | None) and not is_size(padding, 0):
        statements.append(pad)
    if not isinstance(late, bool):
        stride = given.node("stride")
        strides = Conditional(late, tuple_of(number(1), stride), tuple_of(stride, number(1)))
        statements += [_reason(known.op), Assign((_bare(Name("strides"), LATE),), strides)]
    return statements


def _pad_half(known: _Definition) -> list[Statement]:
    """Put half of a window around the tensor where the stride is not 1; "same" does the rest."""
    given, one = known.given, number(1)
    common, more = given.common, ">" if given.common.square else "!="
    tests = [] if "stride" in common.values else [Binary(more, Name("stride"), one)]
    if any(numbers(kernel) in (None, (1, 1)) for kernel in common.strided):
        tests.append(Binary(more, KERNEL, one))
    half: Node = Binary("//", KERNEL, number(2))
    if not common.square:
        half = call(given.scope.speller.use("half"), KERNEL)
    zeros = call("layers.ZeroPadding2D", half, name=beside(NAME, "pad", given.scope))
    pad = Assign((X,), applied(zeros, X))
    padded: Statement = If(((reduce(_both, tests), (pad,)),)) if tests else pad
    if "stride" in common.values:
        return [padded]
    unit = Conditional(Binary("==", Name("stride"), one), SAME, VALID)
    return [Assign((PADDING,), unit), padded]


def _both(first: Binary, second: Binary) -> Binary:
    return Binary("and", first, second)


def _bare(*names: Node) -> Node:
    return Display("bare", names)


def _end(known: _Definition) -> list[Statement]:
    """Make the layer and apply it, and the stride behind it where that comes late."""
    op, given, late = known.op, known.given, known.late
    convolve = Name("convolve")
    names = ("init", "pointwise_init") if op is SeparableConv else ("init",)
    statements = [*own_initial(given.common, *names), Assign((convolve,), _made(known))]
    made = applied(convolve, X)
    strided = beside(NAME, "stride", given.scope)
    if late is False:
        return [*statements, Return(made)]
    if late is True:
        pool = call("layers.MaxPooling2D", number(1), given.node("stride"), name=strided)
        return [*statements, _reason(op), Return(applied(pool, made))]
    pool = applied(call("layers.MaxPooling2D", number(1), LATE, name=strided), X)
    ending = Conditional(Binary("==", LATE, number(1)), X, pool)
    return [*statements, Assign((X,), made), Return(ending)]


def _epsilon(given: Given) -> Node | None:
    """What is added to variances, unless all uses leave it to the layer."""
    eps = given.common.values.get("eps")
    return None if eps is not None and is_number(eps, 1e-6) else given.node("eps")


def _made(known: _Definition) -> Node:
    op, given, late = known.op, known.given, known.late
    strides = given.size("stride", 1)
    if late is not False:
        strides = None if late is True else Name("strides")
    mode: Node | None = None
    if known.padding is None and given.common.numbers:
        mode = MODE if given.common.words else None
    elif known.padding is None or (known.half and "stride" not in given.common.values):
        mode = PADDING
    elif known.padding == "same":
        mode = SAME
    names = ("init", "pointwise_init") if op is SeparableConv else ("init",)
    return _layer(
        op,
        given.scope,
        Name("filters") if "out" in op.attributes else None,
        KERNEL,
        strides,
        mode if strides is not None else None,
        padding=mode if strides is None else None,
        dilation_rate=given.size("dilation", 1),
        groups=given.count("groups") if "groups" in op.attributes else None,
        depth_multiplier=given.count("multiplier") if "multiplier" in op.attributes else None,
        use_bias=given.flag("bias", True),
        epsilon=_epsilon(given) if "eps" in op.attributes else None,
        **_renamed(op, {name: initial(given.common, name) for name in names}),
        name=NAME,
    )

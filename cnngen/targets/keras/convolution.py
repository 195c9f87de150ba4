"""Convolutions: a stock layer where that is all it takes, else a call of a support function.

Three traps. PyTorch pads opposite sides alike, which the strided "same" of Keras does not. Keras
refuses a stride together with a dilation (in Conv2D), and TensorFlow unequal strides (in depthwise
convolutions): such a stride comes late, as a pooling of size 1 after a convolution of stride 1.
"""

from dataclasses import dataclass
from functools import partial

from cnngen.ops.base import Op
from cnngen.ops.convolution import Conv, DepthwiseConv, SeparableConv
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
from cnngen.targets.keras.construct import (
    NAME,
    applied,
    call,
    number,
    suffixed,
    text,
    tuple_of,
)
from cnngen.targets.keras.support import (
    KEYWORDS_ONLY,
    Signature,
    fresh,
    function,
    initial,
    use,
)
from cnngen.targets.keras.support import NAME as NAME_PARAMETER
from cnngen.targets.keras.use import Given, Use
from cnngen.targets.keras.values import Sides, is_centred, is_size, numbers

LAYERS: dict[type[Op], str] = {
    Conv: "layers.Conv2D",
    DepthwiseConv: "layers.DepthwiseConv2D",
    SeparableConv: "layers.SeparableConv2D",
}
FUNCTIONS = {op: f"{op.name}2d" for op in LAYERS}
SAME, VALID = text("same"), text("valid")
X, MODE, LATE, ROWS, COLUMNS = map(Name, ("x", "mode", "late", "rows", "columns"))
KERNEL, PADDING = Name("kernel"), Name("padding")


def spell(made: Use) -> Node:
    """A convolution of a tensor."""
    values, same_word = made.values, made.values["padding"] == "same"
    bare, unit = is_size(values["padding"], 0), is_size(values["stride"], 1)
    centred = is_centred(values["kernel"], values["padding"], values["dilation"])
    same = same_word or (not bare and unit and centred)
    stock = made.initializers["init"] is None
    stock = stock or (same_word and "padding" not in made.common.values)
    if (same or bare) and stock and not _comes_late(made):
        return applied(_stock(made, SAME if same else None), made.x)
    x = _padded(made)
    padding = None
    if not isinstance(values["padding"], Sides) and not same_word:
        padding = made.varied_size("padding", 0)
    arguments = [x, made.node("out") if "out" in values else None, made.node("kernel")]
    named = {
        "stride": made.varied_size("stride", 1),
        "padding": padding,
        "dilation": made.varied_size("dilation", 1),
        "groups": made.varied("groups", 1) if "groups" in values else None,
        "multiplier": made.varied("multiplier", 1) if "multiplier" in values else None,
        "bias": made.varied_flag("bias", True),
        **{init: made.varied_initializer(init) for init in made.initializers},
    }
    name = FUNCTIONS[made.op]
    use(name, Given(made.common, made.scope), SUPPORT[name])
    return call(name, *arguments, **named, name=made.name)


def _comes_late(made: Use) -> bool:
    """Whether the stride cannot be that of the layer."""
    stride, dilation = made.values["stride"], made.values["dilation"]
    if is_size(stride, 1):
        return False
    if made.op is Conv:
        return not is_size(dilation, 1)
    both = numbers(stride)
    return not made.common.square and (both is None or both[0] != both[1])


def _padded(made: Use) -> Node:
    """The tensor with the zeros around it that no parameter says."""
    padding = made.values["padding"]
    name = suffixed(made.name, "_pad")
    if isinstance(padding, Sides):
        return applied(call("layers.ZeroPadding2D", made.scope.pairs(padding), name=name), made.x)
    if padding == "same" and "padding" not in made.common.values:
        window = map(made.node, ("kernel", "stride", "dilation"))
        return call(made.scope.speller.use("same_pad"), made.x, *window, name=name)
    return made.x


def _stock(made: Use, padding: Node | None) -> Node:
    values = made.values
    return _layer(
        made.op,
        made.node("out") if "out" in values else None,
        made.node("kernel"),
        strides=made.size("stride", 1),
        padding=padding,
        dilation_rate=made.size("dilation", 1),
        groups=made.count("groups", 1),
        depth_multiplier=made.count("multiplier", 1),
        use_bias=made.flag("bias", True),
        **_renamed(made.op, dict(made.initializers)),
        name=made.name,
    )


def _layer(op: type[Op], *positional: Node | None, **named: Node | None) -> Node:
    return call(LAYERS[op], *positional, **named)


def _renamed(op: type[Op], initializers: dict[str, Node | None]) -> dict[str, Node | None]:
    """The initializers by the names that Keras has for them."""
    first = "kernel_initializer" if op is Conv else "depthwise_initializer"
    names = {"init": first, "pointwise_init": "pointwise_initializer"}
    return {names[name]: node for name, node in initializers.items()}


# --- The support function


@dataclass(frozen=True, slots=True)
class _Definition:
    """What is known of a support function from what its uses have in common."""

    op: type[Op]
    given: Given

    @property
    def words(self) -> bool:
        """Whether the padding is the word `same`."""
        return self.given.common.values.get("padding") == "same"

    @property
    def bare(self) -> bool:
        padding = self.given.common.values.get("padding")
        return isinstance(padding, Sides) or (padding is not None and is_size(padding, 0))

    @property
    def varies(self) -> bool:
        """Whether the padding is a parameter."""
        return "padding" not in self.given.common.values

    @property
    def unit(self) -> bool:
        return self.given.common.is_size("stride", 1)

    @property
    def dense(self) -> bool:
        return self.given.common.is_size("dilation", 1)

    @property
    def late(self) -> Node | bool:
        """Whether the stride comes late; as a condition on parameters, where these decide."""
        common, stride = self.given.common, self.given.common.values.get("stride")
        if self.unit:
            return False
        if self.op is Conv:
            dilation = Name("dilation")
            if self.dense or "dilation" in common.values:
                return not self.dense
            if common.square:
                return Binary(">", dilation, number(1))
            return Binary("not in", dilation, tuple_of(number(1), tuple_of(number(1), number(1))))
        pair = stride is not None and isinstance(self.given.node("stride"), Display)
        if ("stride" in common.values or common.square) and not pair:
            return False
        if "stride" in common.values:
            return True
        return call("isinstance", Name("stride"), Name("tuple"))

    @property
    def half(self) -> bool:
        """Whether the padding is always that of "same"."""
        values = self.given.common.values
        window = (values.get("kernel"), values.get("padding"), values.get("dilation"))
        return self.unit and not self.bare and not self.words and is_centred(*window)

    @property
    def asks(self) -> Node | None:
        """Whether a padding is that of "same", as a condition on parameters."""
        common = self.given.common
        if not self.varies or not (self.unit or "stride" not in common.values):
            return None
        if common.square:
            reach: Node = Binary("-", KERNEL, number(1))
            if not self.dense:
                reach = Binary("*", self.given.node("dilation"), reach)
            centred = Binary("==", Binary("*", number(2), PADDING), reach)
        elif self.late is False and self.dense:
            halves = (
                Binary("/", Binary("-", side, number(1)), number(2)) for side in (ROWS, COLUMNS)
            )
            centred = Binary("==", PADDING, tuple_of(*halves))
        else:
            return None
        if self.unit:
            return centred
        return Binary("and", Binary("==", Name("stride"), number(1)), centred)


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
        signature.size("padding", 0),
        KEYWORDS_ONLY,
        signature.size("dilation", 1),
        signature.count("groups", 1) if op is Conv else None,
        signature.count("multiplier", 1) if op is not Conv else None,
        signature.flag("bias", True),
        signature.initializer("init"),
        signature.initializer("pointwise_init") if op is SeparableConv else None,
        NAME_PARAMETER,
    ]


def _about(known: _Definition) -> str:
    if known.words:
        return "Convolve with the padding of TensorFlow, which is larger at the bottom and right."
    if known.bare:
        return "Convolve without padding."
    if known.half:
        return "Convolve with as much padding as keeps the height and width."
    unlike = "" if known.unit else ', unlike the strided "same" of Keras'
    return f"Convolve with equal padding on opposite sides{unlike}."


def _reason(op: type[Op]) -> Comment:
    conv, other = "Keras refuses a stride with a dilation", "TensorFlow refuses unequal strides"
    refused = conv if op is Conv else other
    return Comment(f"{refused}: the stride comes late, as a pooling of size 1.")


def _pad(known: _Definition) -> list[Statement]:
    """Put zeros around the tensor, or say in `mode` that the layer does."""
    given, late = known.given, known.late
    if known.words:
        return _pad_same(known)
    statements: list[Statement] = []
    pad = Assign((X,), _zeros(given.node("padding")))
    if known.half or known.bare:
        pass
    elif (asks := known.asks) is not None:
        if not given.common.square:
            whole = call("isinstance", KERNEL, Name("int"))
            sides = Conditional(whole, tuple_of(KERNEL, KERNEL), KERNEL)
            statements.append(Assign((_bare(ROWS, COLUMNS),), sides))
        statements.append(Assign((MODE,), Conditional(asks, SAME, VALID)))
        test = Binary("and", PADDING, Binary("==", MODE, VALID))
        statements.append(If(((test, (pad,)),)))
    elif known.varies:
        statements.append(If(((PADDING, (pad,)),)))
    else:
        statements.append(pad)
    if not isinstance(late, bool):
        strides = Conditional(
            late,
            tuple_of(number(1), given.node("stride")),
            tuple_of(given.node("stride"), number(1)),
        )
        statements += [_reason(known.op), Assign((_bare(Name("strides"), LATE),), strides)]
    return statements


def _pad_same(known: _Definition) -> list[Statement]:
    given, late = known.given, known.late
    if late is False:
        return []
    window = (KERNEL, given.node("stride"), given.node("dilation"))
    pad = Assign(
        (X,),
        call(given.scope.speller.use("same_pad"), X, *window, name=suffixed(NAME, "_pad")),
    )
    if late is True:
        return [pad]
    stride = given.node("stride")
    strides = Conditional(
        late, tuple_of(number(1), stride, VALID), tuple_of(stride, number(1), SAME)
    )
    return [
        _reason(known.op),
        Assign((_bare(Name("strides"), LATE, MODE),), strides),
        If(((Binary("==", MODE, VALID), (pad,)),)),
    ]


def _zeros(padding: Node) -> Node:
    return applied(call("layers.ZeroPadding2D", padding, name=suffixed(NAME, "_pad")), X)


def _bare(*names: Node) -> Node:
    return Display("bare", names)


def _end(known: _Definition) -> list[Statement]:
    """Make the layer and apply it, and the stride behind it where that comes late."""
    op, given, late = known.op, known.given, known.late
    convolve = Name("convolve")
    names = ("init", "pointwise_init") if op is SeparableConv else ("init",)
    statements = [*fresh(given.common, *names), Assign((convolve,), _made(known))]
    made = applied(convolve, X)
    strided = suffixed(NAME, "_stride")
    if late is False:
        return [*statements, Return(made)]
    if late is True:
        pool = call("layers.MaxPooling2D", number(1), given.node("stride"), name=strided)
        return [*statements, _reason(op), Return(applied(pool, made))]
    pool = applied(call("layers.MaxPooling2D", number(1), LATE, name=strided), X)
    ending = Conditional(Binary("==", LATE, number(1)), X, pool)
    return [*statements, Assign((X,), made), Return(ending)]


def _made(known: _Definition) -> Node:
    op, given, late = known.op, known.given, known.late
    strides = given.size("stride", 1)
    if late is not False:
        strides = None if late is True else Name("strides")
    mode: Node | None = None
    if known.half or (known.words and late is False):
        mode = SAME
    elif (not known.words and known.asks is not None) or (known.words and late is not True):
        mode = MODE
    names = ("init", "pointwise_init") if op is SeparableConv else ("init",)
    return _layer(
        op,
        Name("filters") if "out" in op.attributes else None,
        KERNEL,
        strides,
        mode if strides is not None else None,
        padding=mode if strides is None else None,
        dilation_rate=given.size("dilation", 1),
        groups=given.count("groups") if op is Conv else None,
        depth_multiplier=given.count("multiplier") if op is not Conv else None,
        use_bias=given.flag("bias", True),
        **_renamed(op, {name: initial(given.common, name) for name in names}),
        name=NAME,
    )

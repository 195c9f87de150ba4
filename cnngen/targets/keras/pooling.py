"""Pooling: stock layers where they compute the same, else support functions.

The "same" of Keras pads other sides where it strides, its zeros never count, and it has no `ceil`.
"""

from functools import partial

from cnngen.expressions.expression import Constant
from cnngen.python.construct import call, text
from cnngen.python.nodes import (
    Assign,
    Attribute,
    Binary,
    Call,
    Comprehension,
    Conditional,
    Display,
    Function,
    If,
    Name,
    Node,
    Return,
    Slice,
    Statement,
    Subscript,
    Text,
    Verbatim,
)
from cnngen.targets.keras.construct import NAME, applied, list_of, number, tuple_of
from cnngen.targets.keras.layer_name import beside
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.support import KEYWORDS_ONLY, Signature, function, use
from cnngen.targets.keras.support import NAME as NAME_PARAMETER
from cnngen.targets.keras.use import Common, Given, Use, boolean
from cnngen.targets.keras.values import (
    Value,
    is_centred,
    is_false,
    is_odd,
    is_size,
    is_true,
)
from cnngen.targets.values import Sides

X, COUNT = map(Name, ("x", "count"))
KERNEL, STRIDE, PADDING = map(Name, ("kernel", "stride", "padding"))
SAME = text("same")
INFINITY = call("float", text("-inf"))


def _steps(made: Use) -> tuple[Value, Node | None]:
    """The stride, and how a stock layer is told: not at all where it is the kernel."""
    kernel, stride = made.values["kernel"], made.values["stride"]
    node = made.node("stride")
    steps = kernel if stride == Constant(None) else stride
    same = made.scope.value(steps) == made.node("kernel")
    return steps, None if same else node


def _is_bare(padding: Value) -> bool:
    return is_size(padding, 0)


def avg_pool(made: Use) -> Node:
    values, scope = made.values, made.scope
    padding, kernel = values["padding"], made.node("kernel")
    steps, strides = _steps(made)
    unit = is_size(steps, 1)
    exact = is_false(values["ceil"]) or unit
    counted = values["count_include_pad"]
    same = unit and (
        (padding == "same" and is_odd(values["kernel"]))
        or (is_false(counted) and is_centred(values["kernel"], padding))
    )
    if same or (_is_bare(padding) and exact):
        mode = SAME if same else None
        layer = call(
            "layers.AveragePooling2D", kernel, strides=strides, padding=mode, name=made.name
        )
        return applied(layer, made.x)
    given = Given(made.common, scope)
    step = scope.value(steps)
    if padding == "same":
        name = use("same_avg_pool2d", given, _same_avg_pool2d)
        return call(name, made.x, kernel, step, name=made.name)
    if isinstance(padding, Sides) and exact and is_true(counted):
        pad = call(
            "layers.ZeroPadding2D", scope.pairs(padding), name=beside(made.name, "pad", scope)
        )
        layer = call("layers.AveragePooling2D", kernel, strides=strides, name=made.name)
        return applied(layer, applied(pad, made.x))
    sides = isinstance(padding, Sides)
    named = {
        "padding": scope.pairs(padding) if sides else made.varied_size("padding", 0),
        "ceil": made.varied_flag("ceil", False),
        "count_include_pad": made.varied_flag("count_include_pad", True),
    }
    name = use("avg_pool2d", given, _avg_pool2d)
    return call(name, made.x, kernel, step, **named, name=made.name)


def max_pool(made: Use) -> Node:
    values, scope = made.values, made.scope
    padding, kernel = values["padding"], made.node("kernel")
    steps, strides = _steps(made)
    unit = is_size(steps, 1)
    exact = is_false(values["ceil"]) or padding == "same" or unit
    same = padding == "same" or (exact and unit and is_centred(values["kernel"], padding))
    layer = "layers.MaxPooling2D"
    if exact and (same or _is_bare(padding)):
        mode = SAME if same else None
        return applied(call(layer, kernel, strides=strides, padding=mode, name=made.name), made.x)
    given, x = Given(made.common, scope), made.x
    if isinstance(padding, Sides):
        x = _around(x, scope.pairs(padding))
        if exact:
            return applied(call(layer, kernel, strides=strides, name=made.name), x)
    named = {
        "padding": None if isinstance(padding, Sides) else made.size("padding", 0),
        "ceil": made.varied_flag("ceil", False),
    }
    name = use("max_pool2d", given, _max_pool2d)
    return call(name, x, kernel, scope.value(steps), **named, name=made.name)


def _around(x: Node, pairs: Node) -> Node:
    """A tensor with a border that never wins."""
    assert isinstance(pairs, Display)
    none = tuple_of(number(0), number(0))
    return call("ops.pad", x, tuple_of(none, *pairs.items, none), constant_values=INFINITY)


def _max_pool2d(given: Given) -> Function:
    common, signature = given.common, Signature(given.common)
    padding = None if _pads_nowhere(common) else signature.of("padding")
    if padding is not None and "padding" not in common.values:
        padding = signature.of("padding", default=number(0))
    parameters = [
        signature.of("kernel"),
        signature.of("stride"),
        padding,
        KEYWORDS_ONLY,
        signature.flag("ceil", False),
        NAME_PARAMETER,
    ]
    border, rows, columns = map(Name, ("border", "rows", "columns"))
    before = None if padding is None else PADDING
    if common.square:
        sides = Assign((border,), _sides(given, before, STRIDE))
        around = tuple_of(border, border)
    else:
        sides = Assign((Display("bare", (rows, columns)),), _each_side(given, before))
        around = tuple_of(rows, columns)
    pool = call("layers.MaxPooling2D", KERNEL, STRIDE, name=NAME)
    return function(
        "max_pool2d",
        parameters,
        'Pool with a border that never wins, unlike zeros; the "same" of Keras pads other sides.',
        [sides, Assign((X,), _around(X, around)), Return(applied(pool, X))],
    )


def _pads_nowhere(common: Common) -> bool:
    """Whether no pool of a file is told to pad: those with different sides are padded before."""
    padding = common.values.get("padding")
    return padding is not None and (isinstance(padding, Sides) or is_size(padding, 0))


def _sides(given: Given, before: Node | None, step: Node) -> Node:
    """The border on both sides of an axis: with `ceil` a last window may reach beyond the input."""
    ceil = given.common.values.get("ceil")
    more: Node = Binary("-", step, number(1))
    start: Node = number(0) if before is None else before
    if ceil is not None and is_false(ceil):
        return tuple_of(start, start)
    if before is not None:
        more = Binary("-", Binary("+", before, step), number(1))
    if ceil is None or not is_true(ceil):
        more = Conditional(given.node("ceil"), more, start)
    return tuple_of(start, more)


def _each_side(given: Given, before: Node | None) -> Node:
    """The same for rows and columns."""
    pair = given.scope.speller.use("pair")
    p, s = Name("p"), Name("s")
    ceil = given.common.values.get("ceil")
    if ceil is not None and is_false(ceil):
        return Comprehension("(", tuple_of(p, p), p, call(pair, PADDING))
    if before is None:
        return Comprehension("(", _sides(given, None, s), s, call(pair, STRIDE))
    pairs = call("zip", call(pair, PADDING), call(pair, STRIDE), strict=boolean(True))
    return Comprehension("(", _sides(given, p, s), Display("bare", (p, s)), pairs)


def _avg_pool2d(given: Given) -> Function:
    common, signature = given.common, Signature(given.common)
    size = common.size
    of_sides = size if common.square else f"{size} | tuple[tuple[int, int], tuple[int, int]]"
    sides = isinstance(common.values.get("padding"), Sides)
    varies = sides or "padding" not in common.values
    parameters = [
        signature.of("kernel"),
        signature.of("stride"),
        signature.of("padding", of_sides, number(0)) if varies else None,
        KEYWORDS_ONLY,
        signature.flag("ceil", False),
        signature.flag("count_include_pad", True),
        NAME_PARAMETER,
    ]
    padding = Name("padding") if sides else given.node("padding")
    ceil, include = common.values.get("ceil"), common.values.get("count_include_pad")
    if ceil is not None and include is not None and is_false(ceil) and is_true(include):
        pad = call("layers.ZeroPadding2D", padding, name=beside(NAME, "pad", given.scope))
        pool = call("layers.AveragePooling2D", KERNEL, STRIDE, name=NAME)
        about = 'Pool with a border of zeros that count, unlike those of "same" in Keras.'
        body: list[Statement] = [Assign((X,), applied(pad, X)), Return(applied(pool, X))]
        return function("avg_pool2d", parameters, about, body)
    body = [Assign((COUNT,), call("ops.ones_like", _plane()))]
    if sides or not common.is_size("padding", 0):
        body += _padded_count(given, padding)
    if ceil is None or not is_false(ceil):
        body += _extended(given)
    about = "Average over the elements that count: never those that `ceil` adds at the end."
    return function("avg_pool2d", parameters, about, [*body, *_average(given.scope)])


def _plane() -> Node:
    """`x[..., :1]`."""
    return Subscript(X, Verbatim(("..., :1",)))


def _average(scope: Scope) -> list[Statement]:
    """The average of a pool, corrected by how many elements of each window count."""
    pool = call("layers.AveragePooling2D", KERNEL, STRIDE, name=beside(NAME, "pool", scope))
    share = Binary("/", number(1), call("ops.average_pool", COUNT, KERNEL, STRIDE))
    product = applied(call("layers.Multiply", name=NAME), list_of(X, share))
    return [Assign((X,), applied(pool, X)), Return(product)]


def _padded_count(given: Given, padding: Node) -> list[Statement]:
    pad = Name("pad")
    made = call("layers.ZeroPadding2D", padding, name=beside(NAME, "pad", given.scope))
    both = Display("bare", (X, COUNT))
    statements: list[Statement] = [
        Assign((pad,), made),
        Assign((both,), Display("bare", (applied(pad, X), applied(pad, COUNT)))),
    ]
    include = given.common.values.get("count_include_pad")
    ones = Assign((COUNT,), call("ops.ones_like", COUNT))
    if include is None or not (is_true(include) or is_false(include)):
        return [*statements, If(((given.node("count_include_pad"), (ones,)),))]
    return [*statements, *([ones] if is_true(include) else [])]


def _extended(given: Given) -> list[Statement]:
    """What `ceil` adds at the end."""
    extend, step = Name("extend"), Name("s")
    less = Binary("-", STRIDE if given.common.square else step, number(1))
    ends: tuple[Node, ...]
    if given.common.square:
        end = Name("end")
        assigned, value, ends = end, tuple_of(number(0), less), (end, end)
    else:
        bottom, right = Name("bottom"), Name("right")
        assigned = Display("bare", (bottom, right))
        pair = given.scope.speller.use("pair")
        value = Comprehension("(", less, step, call(pair, STRIDE))
        ends = (tuple_of(number(0), bottom), tuple_of(number(0), right))
    made = call("layers.ZeroPadding2D", tuple_of(*ends), name=beside(NAME, "ceil", given.scope))
    statements: tuple[Statement, ...] = (
        Assign((assigned,), value),
        Assign((extend,), made),
        Assign(
            (Display("bare", (X, COUNT)),),
            Display("bare", (applied(extend, X), applied(extend, COUNT))),
        ),
    )
    ceil = given.common.values.get("ceil")
    if ceil is not None and is_true(ceil):
        return [*statements]
    return [If(((given.node("ceil"), statements),))]


def _same_avg_pool2d(given: Given) -> Function:
    signature, pad = Signature(given.common), given.scope.speller.use("same_pad")
    plane = call("ops.ones_like", _plane())
    shape = Attribute(X, "shape")
    known = Binary("in", Name("None"), Subscript(shape, Slice(number(1), number(3))))
    layer = call("layers.AveragePooling2D", KERNEL, STRIDE, SAME, name=NAME)

    def padded(x: Node, word: str) -> Call:
        return call(pad, x, KERNEL, STRIDE, number(1), name=beside(NAME, word, given.scope))

    return function(
        "same_avg_pool2d",
        [
            signature.of("kernel"),
            signature.of("stride"),
            KEYWORDS_ONLY,
            NAME_PARAMETER,
        ],
        "Average over what each window covers; Keras' PyTorch backend may count a border as well.",
        [
            If(((known, (Return(applied(layer, X)),)),)),
            Assign((COUNT,), padded(plane, "count")),
            Assign((X,), padded(X, "pad")),
            *_average(given.scope),
        ],
    )


ADAPTIVE = {
    "adaptive_avg_pool": ("layers.AveragePooling2D", "ops.mean"),
    "adaptive_max_pool": ("layers.MaxPooling2D", "ops.max"),
}


def adaptive_pool(made: Use) -> Node:
    op, size = made.op.name, made.node("size")
    name = use(op, Given(made.common, made.scope), partial(_adaptive, op))
    return call(name, made.x, size, name=made.name)


def _adaptive(op: str, given: Given) -> Function:
    """Pooling to a given size: a stock layer where that divides the input's, else a slice for each
    row and column.
    """
    layer, reduce = ADAPTIVE[op]
    pair = None if given.common.square else given.scope.speller.use("pair")
    sizes = f"rows, columns = {pair}(size)" if pair else "rows = columns = size"
    body = f"""\
    height, width = x.shape[1:3]
    if height is None or width is None:
        raise ValueError(f"{{name}} needs an input of known height and width")
    {sizes}
    if height % rows == 0 and width % columns == 0:
        return {layer}((height // rows, width // columns), name=name)(x)
    ends = [(i * height // rows, -(-(i + 1) * height // rows)) for i in range(rows)]
    x = ops.concatenate([{reduce}(x[:, a:b], axis=1, keepdims=True) for a, b in ends], axis=1)
    ends = [(i * width // columns, -(-(i + 1) * width // columns)) for i in range(columns)]
    parts = [{reduce}(x[:, :, a:b], axis=2, keepdims=True) for a, b in ends]
    return layers.Concatenate(axis=2, name=name)(parts)"""
    return function(
        op,
        [Signature(given.common).of("size"), KEYWORDS_ONLY, NAME_PARAMETER],
        "Pool over as many windows, which overlap where they do not divide the input's size.",
        [Text(tuple(body.splitlines()))],
    )


SUPPORT = {
    "avg_pool2d": _avg_pool2d,
    "max_pool2d": _max_pool2d,
    "same_avg_pool2d": _same_avg_pool2d,
    **{op: partial(_adaptive, op) for op in ADAPTIVE},
}

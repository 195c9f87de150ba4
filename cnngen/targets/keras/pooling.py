"""Pooling: stock layers where they compute the same, else support functions.

The "same" of Keras pads other sides where it strides, its zeros never count, and it has no `ceil`.
"""

from collections.abc import Mapping
from functools import partial

from cnngen.expressions.expression import Constant, ListOf
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
    Parameter,
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
from cnngen.targets.keras.use import Asked, Common, Given, Use, boolean
from cnngen.targets.keras.values import (
    Value,
    is_centred,
    is_false,
    is_odd,
    is_size,
    is_true,
)
from cnngen.targets.values import Sides, numbers

X, COUNT = map(Name, ("x", "count"))
KERNEL, STRIDE, PADDING = map(Name, ("kernel", "stride", "padding"))
SAME = text("same")
INFINITY = call("float", text("-inf"))


def _step(values: Mapping[str, Value]) -> Value:
    """The stride, which is the kernel where none is given."""
    return values["kernel"] if values["stride"] == Constant(None) else values["stride"]


def _strides(made: Use) -> Node | None:
    """How a stock layer is told the stride: not at all where it is the kernel."""
    same = made.scope.value(_step(made.values)) == made.node("kernel")
    return None if same else made.node("stride")


def _is_exact(values: Mapping[str, Value]) -> bool:
    """Whether no window reaches beyond the input and its padding."""
    return is_false(values["ceil"]) or is_size(_step(values), 1)


def may_be_short(values: Mapping[str, Value]) -> bool:
    """Whether a window may be shorter than its stride and the padding behind it, so that with
    `ceil` not all that fit start within the input.
    """
    if "ceil" not in values or is_false(values["ceil"]):
        return False
    padding = values["padding"]
    behind = ListOf((padding.bottom, padding.right)) if isinstance(padding, Sides) else padding
    sizes = [numbers(size) for size in (values["kernel"], _step(values), behind)]
    known = [size for size in sizes if size is not None]
    return len(known) < len(sizes) or any(k < s + p for k, s, p in zip(*known, strict=True))


def _is_same_avg(values: Mapping[str, Value]) -> bool:
    """Whether the "same" of Keras computes an average."""
    padding, kernel = values["padding"], values["kernel"]
    uncounted = is_false(values["count_include_pad"]) and is_centred(kernel, padding)
    return is_size(_step(values), 1) and ((padding == "same" and is_odd(kernel)) or uncounted)


def avg_called(asked: Asked) -> str | None:
    """The support function that an average calls; None if layers of Keras compute it."""
    values, padding = asked.values, asked.values["padding"]
    counted = isinstance(padding, Sides) and is_true(values["count_include_pad"])
    if _is_same_avg(values) or ((is_size(padding, 0) or counted) and _is_exact(values)):
        return None
    return "same_avg_pool2d" if padding == "same" else "avg_pool2d"


def avg_pool(made: Use) -> Node:
    values, scope = made.values, made.scope
    padding, kernel = values["padding"], made.node("kernel")
    name, sides = avg_called(made), isinstance(padding, Sides)
    if name is None:
        x, mode = made.x, SAME if _is_same_avg(values) else None
        if sides:
            zeros = scope.pairs(padding)
            padded = beside(made.name, "pad", scope)
            x = applied(call("layers.ZeroPadding2D", zeros, name=padded), x)
        layer = "layers.AveragePooling2D"
        return applied(call(layer, kernel, strides=_strides(made), padding=mode, name=made.name), x)
    use(name, Given(made.common, scope), SUPPORT[name])
    step = scope.value(_step(values))
    if name == "same_avg_pool2d":
        return call(name, made.x, kernel, step, name=made.name)
    named = {
        "padding": scope.pairs(padding) if sides else made.size("padding", 0),
        "ceil": made.varied_flag("ceil", False),
        "count_include_pad": made.varied_flag("count_include_pad", True),
    }
    return call(name, made.x, kernel, step, **named, name=made.name)


def _is_same_max(values: Mapping[str, Value]) -> bool:
    """Whether the "same" of Keras computes a maximum."""
    padding = values["padding"]
    unit = is_size(_step(values), 1)
    return padding == "same" or (unit and is_centred(values["kernel"], padding))


def max_called(asked: Asked) -> str | None:
    """The support function that a maximum calls; None if layers of Keras compute it."""
    values, padding = asked.values, asked.values["padding"]
    plain = isinstance(padding, Sides) or is_size(padding, 0)
    exact = _is_same_max(values) or (plain and _is_exact(values))
    return None if exact else "max_pool2d"


def max_pool(made: Use) -> Node:
    padding, kernel, x = made.values["padding"], made.node("kernel"), made.x
    sides = isinstance(padding, Sides)
    if sides:
        x = _around(x, made.scope.pairs(padding))
    if (name := max_called(made)) is None:
        mode = SAME if _is_same_max(made.values) else None
        layer = "layers.MaxPooling2D"
        return applied(call(layer, kernel, strides=_strides(made), padding=mode, name=made.name), x)
    named = {
        "padding": None if sides else made.size("padding", 0),
        "ceil": made.varied_flag("ceil", False),
    }
    use(name, Given(made.common, made.scope), SUPPORT[name])
    return call(name, x, kernel, made.scope.value(_step(made.values)), **named, name=made.name)


def _around(x: Node, pairs: Node) -> Node:
    """A tensor with a border that never wins."""
    assert isinstance(pairs, Display)
    none = tuple_of(number(0), number(0))
    return call("ops.pad", x, tuple_of(none, *pairs.items, none), constant_values=INFINITY)


def _max_pool2d(given: Given) -> Function:
    common, signature = given.common, Signature(given.common)
    padding = _padding(common, common.size)
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
        sides = Assign((border,), _sides(given, before, KERNEL, STRIDE))
        around = tuple_of(border, border)
    else:
        sides = Assign((Display("bare", (rows, columns)),), _each_side(given, before))
        around = tuple_of(rows, columns)
    pool = call("layers.MaxPooling2D", KERNEL, STRIDE, name=NAME)
    about = (
        'Pool with a border that never wins, unlike zeros; the "same" of Keras pads other sides.'
    )
    if padding is None:
        about = "Pool to the very end: a last window may hang over, onto a border that never wins."
    return function(
        "max_pool2d",
        parameters,
        about,
        [sides, Assign((X,), _around(X, around)), Return(applied(pool, X))],
    )


def _padding(common: Common, annotation: str) -> Parameter | None:
    """The padding, which stands in calls beside the other sizes, unless all go without."""
    if common.is_size("padding", 0):
        return None
    return Parameter("padding", annotation, None if "padding" in common.values else number(0))


def _sides(given: Given, before: Node | None, window: Node, step: Node) -> Node:
    """The border on both sides of an axis: with `ceil` a last window may reach beyond the input,
    but not start there.
    """
    ceil = given.common.values.get("ceil")
    start: Node = number(0) if before is None else before
    if ceil is not None and is_false(ceil):
        return tuple_of(start, start)
    reach = step if before is None else Binary("+", before, step)
    if given.common.short:
        reach = call("min", reach, window)
    more: Node = Binary("-", reach, number(1))
    if ceil is None or not is_true(ceil):
        more = Conditional(given.node("ceil"), more, start)
    return tuple_of(start, more)


def _each_side(given: Given, before: Node | None) -> Node:
    """The same for rows and columns."""
    pair = given.scope.speller.use("pair")
    k, p, s = map(Name, "kps")
    ceil = given.common.values.get("ceil")
    if ceil is not None and is_false(ceil):
        return Comprehension("(", tuple_of(p, p), p, call(pair, PADDING))
    named = {"k": KERNEL} if given.common.short else {}
    named |= {"s": STRIDE} if before is None else {"p": PADDING, "s": STRIDE}
    sides = _sides(given, None if before is None else p, k, s)
    return _of_both(sides, {name: call(pair, size) for name, size in named.items()})


def _of_both(value: Node, named: Mapping[str, Node]) -> Node:
    """A value for rows and for columns, of variables that walk over pairs together."""
    variables = tuple(map(Name, named))
    if len(named) == 1:
        return Comprehension("(", value, *variables, *named.values())
    pairs = call("zip", *named.values(), strict=boolean(True))
    return Comprehension("(", value, Display("bare", variables), pairs)


def _avg_pool2d(given: Given) -> Function:
    common, signature = given.common, Signature(given.common)
    size = common.size
    of_sides = size if common.square else f"{size} | tuple[tuple[int, int], tuple[int, int]]"
    parameters = [
        signature.of("kernel"),
        signature.of("stride"),
        _padding(common, of_sides),
        KEYWORDS_ONLY,
        signature.flag("ceil", False),
        signature.flag("count_include_pad", True),
        NAME_PARAMETER,
    ]
    ceil, include = common.values.get("ceil"), common.values.get("count_include_pad")
    if ceil is not None and include is not None and is_false(ceil) and is_true(include):
        pad = call("layers.ZeroPadding2D", PADDING, name=beside(NAME, "pad", given.scope))
        pool = call("layers.AveragePooling2D", KERNEL, STRIDE, name=NAME)
        about = 'Pool with a border of zeros that count, unlike those of "same" in Keras.'
        body: list[Statement] = [Assign((X,), applied(pad, X)), Return(applied(pool, X))]
        return function("avg_pool2d", parameters, about, body)
    body = [Assign((COUNT,), call("ops.ones_like", _plane()))]
    if not common.is_size("padding", 0):
        body += _padded_count(given)
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


def _padded_count(given: Given) -> list[Statement]:
    pad = Name("pad")
    made = call("layers.ZeroPadding2D", PADDING, name=beside(NAME, "pad", given.scope))
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


def _reach(given: Given) -> Node:
    """How far a window may reach beyond the padded input, and one more: it starts within the input
    itself. What is behind that may be a pair of its own.
    """
    common = given.common
    kernel, step, padding = (KERNEL, STRIDE, PADDING) if common.square else map(Name, "ksp")
    if not common.short:
        return step
    if common.is_size("padding", 0):
        return call("min", step, kernel)
    if not common.square:
        padding = Subscript(call(given.scope.speller.use("pair"), padding), number(1))
    return call("min", step, Binary("-", kernel, padding))


def _extended(given: Given) -> list[Statement]:
    """What `ceil` adds at the end."""
    extend = Name("extend")
    less = Binary("-", _reach(given), number(1))
    ends: tuple[Node, ...]
    if given.common.square:
        end = Name("end")
        assigned, value, ends = end, tuple_of(number(0), less), (end, end)
    else:
        bottom, right = Name("bottom"), Name("right")
        assigned = Display("bare", (bottom, right))
        pair = given.scope.speller.use("pair")
        named = {"k": KERNEL} if given.common.short else {}
        if given.common.short and not given.common.is_size("padding", 0):
            named["p"] = PADDING
        named["s"] = STRIDE
        value = _of_both(less, {name: call(pair, size) for name, size in named.items()})
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

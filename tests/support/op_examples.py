"""Ops with drawn attributes, inputs for them, and the code that their templates are given."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from cnngen.ops import OPS
from cnngen.ops.attribute import Attribute
from cnngen.ops.base import Image, Op, Shape, Vector

SINGLE = sorted(name for name, op in OPS.items() if not op.joins and not op.tensors)
JOINS = sorted(name for name, op in OPS.items() if op.joins)
TAKES_VECTORS = {"linear", "rbf"}
TAKES_BOTH = {
    *("batch_norm", "layer_norm", "l2_norm", "affine", "standardize", "scale"),
    *("dropout", "alpha_dropout", "drop_path", "flatten", "identity", "reshape"),
    *(name for name, op in OPS.items() if op.group == "activation"),
}

COUNTS = st.sampled_from([1, 2, 3, 4, 6, 8, 9, 12])  # often divisible by each other
IMAGES = st.builds(Image, COUNTS, st.integers(1, 9), st.integers(1, 9))
VECTORS = COUNTS.map(lambda n: Vector(n, (n,)))


def make(name: str, **given: Any) -> Op:
    """An op with attributes as its class takes them, and defaults for the rest."""
    attributes = OPS[name].attributes
    return OPS[name]({key: given.get(key, normal(a, a.default)) for key, a in attributes.items()})


def normal(attribute: Attribute[Any], value: Any) -> Any:
    """The value that a default stands for."""
    pairs = {"size": 2, "padding": 4}.get(attribute.kind)
    return (value,) * pairs if pairs and isinstance(value, int) else value


@st.composite
def ops(draw: st.DrawFn, name: str) -> Op:
    """An op with small attributes that are all in range, though they may not fit each other."""
    values = {key: draw(_values(attribute)) for key, attribute in OPS[name].attributes.items()}
    return OPS[name](values)


@st.composite
def inputs(draw: st.DrawFn, op: Op) -> Shape:
    """An input of a rank that the op takes."""
    if op.name == "reshape":  # of what both frameworks have in one order
        channels, height, width = (op.values[name] for name in ("channels", "height", "width"))
        n: int = channels * height * width if draw(st.integers(0, 3)) else draw(COUNTS)
        shapes = [Vector(n, (n,)), Image(n, 1, 1), Image(1, n, 1), Image(1, height, n // height)]
        return draw(st.sampled_from(shapes[: 4 if n % height == 0 else 3]))
    if op.name == "rbf" and draw(st.integers(0, 3)):
        features = len(op.values["codes"][0]) * op.values["bits"]
        return Vector(features, (features,))
    if op.name in TAKES_VECTORS:
        return draw(VECTORS)
    return draw(IMAGES | VECTORS) if op.name in TAKES_BOTH else draw(IMAGES)


def _values(attribute: Attribute[Any]) -> st.SearchStrategy[Any]:
    low = int(attribute.minimum or 0)
    few = st.integers(low, low + 3)
    values: st.SearchStrategy[Any]
    match attribute.kind:
        case "int":
            values = COUNTS if attribute.name in ("out", "stop") else few
        case "float":
            values = st.sampled_from([0.25, 0.5, 1.0])
        case "bool":
            values = st.booleans()
        case "size":
            values = st.just((low, low)) | st.tuples(few, few) | few.map(lambda n: (n, n))
        case "ints":
            values = st.lists(few, max_size=5).map(tuple)
        case "table":
            values = st.integers(1, 4).flatmap(_rows)
        case "padding":
            values = st.just((0, 0, 0, 0)) | st.just("same") | few.map(lambda n: (n,) * 4)
            values |= st.tuples(few, few).map(lambda p: (p[0], p[0], p[1], p[1]))
            values |= st.tuples(few, few, few, few)
        case "choice":
            values = st.sampled_from(attribute.choices)
        case "init":
            values = st.none()
        case "tensor":
            values = st.just("other")
    return values | st.none() if attribute.optional else values


def _rows(length: int) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    """Rows of a length, now and then of another."""
    row = st.lists(st.integers(0, 7), min_size=length, max_size=length).map(tuple)
    return st.lists(row, min_size=1, max_size=5).map(tuple) | st.just(((1,), (2, 3)))


def codes(op: Op, x: Shape) -> Mapping[str, str]:
    """The variables of a template: each attribute as code, the input's channels and rank, and that
    nothing is overwritten.
    """
    context = {
        "channels": str(x.channels if isinstance(x, Image) else x.features),
        "rank": "image" if isinstance(x, Image) else "vector",
        "in_place": "False",
    }
    for name, attribute in op.attributes.items():
        value: Any = op.values[name]
        if attribute.kind == "size" and value is not None:
            context[name] = _pair(value)
        elif isinstance(value, str):
            context[name] = value
        elif attribute.kind == "padding":
            top, bottom, left, right = value
            symmetric = top == bottom and left == right
            context |= {name: _pair((top, left)) if symmetric else "sides", "sides": repr(value)}
        else:
            context[name] = repr(value)
    return context


def _pair(value: tuple[int, int]) -> str:
    return str(value[0]) if value[0] == value[1] else repr(value)


def dimensions(x: Shape) -> tuple[int, ...]:
    return (x.channels, x.height, x.width) if isinstance(x, Image) else (x.features,)

"""The ops themselves: what they declare, refuse and compute, without any framework."""

from types import new_class
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.op_examples import SINGLE, TAKES_BOTH, TAKES_VECTORS, dimensions, inputs, make, ops

from cnngen.diagnostics.codes import CODES
from cnngen.expressions.evaluate import evaluate
from cnngen.expressions.expression import Constant
from cnngen.ops import OPS
from cnngen.ops.attribute import init, integer
from cnngen.ops.base import Image, Op, Shape, ShapeError, Vector, Weights
from cnngen.ops.join import Join
from cnngen.report.support import BUILT
from cnngen.shipped import TEMPLATES
from cnngen.syntax.forms import APART, JOINS

MAPS, FEATURES, FLATTENED = Image(12, 8, 8), Vector(12, (12,)), Vector(12, (Image(3, 2, 2),))
TWICE = {"out": 8, "kernel": (2, 2), "stride": (2, 2)}
ODD = (0, 1, 0, 1)  # another padding on each side


@pytest.mark.parametrize("target", BUILT)
def test_every_op_has_a_template_or_a_builder(target: str) -> None:
    templates = [path.stem for path in (TEMPLATES / target / "ops").glob("*.jinja")]
    assert sorted([*templates, *BUILT[target]]) == sorted(OPS)


def test_the_parser_knows_the_joins() -> None:
    """It runs before anything knows ops, and has a list of its own."""
    assert sorted({*JOINS} - {APART}) == sorted(name for name, op in OPS.items() if op.joins)


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_an_op_is_documented(op: type[Op]) -> None:
    assert op.group
    assert op.__doc__ and op.__doc__.splitlines()[0].endswith(".")
    assert op.__doc__ not in {base.__doc__ for base in op.__mro__[1:]}
    for attribute in op.attributes.values():
        assert attribute.about and not attribute.about.endswith(".")
    assert set(op.sizing) <= set(op.attributes)


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_defaults_are_in_range(op: type[Op]) -> None:
    types = {"int": int, "size": int, "padding": int, "float": float, "bool": bool}
    for attribute in op.attributes.values():
        default = attribute.default
        if attribute.required:
            continue
        if default is None:
            assert attribute.optional
        elif attribute.kind == "choice":
            assert default in attribute.choices
        else:
            assert type(default) is types[attribute.kind]
            assert attribute.minimum is None or default >= attribute.minimum
            assert attribute.maximum is None or default <= attribute.maximum
            assert attribute.above is None or default > attribute.above


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_only_shape_errors_are_raised(name: str, data: st.DataObject) -> None:
    op = data.draw(ops(name))
    x = data.draw(inputs(op))
    try:
        output = op.infer(x)
    except ShapeError as error:
        assert error.code in CODES
        assert error.attribute is None or error.attribute in op.attributes
        assert error.help
        return
    assert all(n >= 1 for n in dimensions(output))
    if not op.flattens:
        assert _symbolic_channels(op, x) == dimensions(output)[0]


def _symbolic_channels(op: Op, x: Shape) -> Any:
    arguments = {key: Constant(value) for key, value in op.values.items()}
    return evaluate(op.channels(arguments, (Constant(dimensions(x)[0]),)), {})


@pytest.mark.parametrize("name", [n for n in SINGLE if n not in TAKES_BOTH])
@settings(max_examples=1, deadline=None)
@given(data=st.data())
def test_the_wrong_rank_is_refused(name: str, data: st.DataObject) -> None:
    op = data.draw(ops(name))
    wrong = MAPS if name in TAKES_VECTORS else FEATURES
    with pytest.raises(ShapeError, match=f"`{name}` needs") as caught:
        op.infer(wrong)
    assert caught.value.help and ("flatten" if wrong is MAPS else "reshape") in caught.value.help


@pytest.mark.parametrize(
    ("op", "attribute", "code"),
    [
        (make("conv", out=8, kernel=(9, 3)), "kernel", "empty-output"),
        (make("conv", out=8, kernel=(1, 1), groups=5), "groups", "indivisible-channels"),
        (make("conv", out=8, kernel=(1, 1), groups=3), "groups", "indivisible-channels"),
        (make("standardized_conv", out=12, kernel=(1, 1), groups=12), "kernel", "out-of-range"),
        (make("transposed_conv", out=8, kernel=(2, 2), padding=ODD), "padding", "out-of-range"),
        (
            make("transposed_conv", out=8, kernel=(2, 2), output_padding=(0, 1)),
            "output_padding",
            "out-of-range",
        ),
        (
            make("transposed_conv", **TWICE, padding="same", output_padding=(1, 1)),
            "output_padding",
            "out-of-range",
        ),
        (make("max_pool", kernel=(1, 3), padding=ODD), "padding", "out-of-range"),
        (
            make("avg_pool", kernel=(2, 2), stride=(3, 3), padding=ODD, ceil=True),
            "ceil",
            "out-of-range",
        ),
        (make("max_pool", kernel=(2, 2), padding="same", ceil=True), "ceil", "out-of-range"),
        (make("blur_pool", kernel=16), "kernel", "empty-output"),
        (make("group_norm", groups=5), "groups", "indivisible-channels"),
        (make("channel_shuffle", groups=5), "groups", "indivisible-channels"),
        (make("channel_group", index=1, groups=5), "groups", "indivisible-channels"),
        (make("channel_group", index=3, groups=3), "index", "out-of-range"),
        (make("group_softmax", groups=5), "groups", "indivisible-channels"),
        (make("group_sum", groups=5), "groups", "indivisible-channels"),
        (make("pixel_shuffle", factor=3), "factor", "indivisible-channels"),
        (make("pixel_unshuffle", factor=3), "factor", "shape-mismatch"),
        (make("crop", padding=(4, 4, 0, 0)), "padding", "empty-output"),
        (make("zero_pad", padding="same"), "padding", "out-of-range"),
        (make("upsample", scale=(2, 2), align_corners=True), "align_corners", "out-of-range"),
        (make("alpha_dropout", rate=1), "rate", "out-of-range"),
        (make("slice_channels", stop=13), "stop", "shape-mismatch"),
        (make("slice_channels", start=3, stop=3), "stop", "empty-output"),
        (make("gather_channels", channels=(0, 12)), "channels", "out-of-range"),
        (make("gather_channels", channels=()), "channels", "empty-output"),
    ],
)
def test_what_does_not_fit_is_refused(op: Op, attribute: str, code: str) -> None:
    with pytest.raises(ShapeError) as caught:
        op.infer(MAPS)
    assert (caught.value.attribute, caught.value.code) == (attribute, code)


def test_reshape_refuses_what_was_flattened_from_maps() -> None:
    reshape = make("reshape", channels=3, height=2, width=2)
    assert reshape.infer(FEATURES) == Image(3, 2, 2)
    with pytest.raises(ShapeError, match="flattened from feature maps"):
        reshape.infer(FLATTENED)
    with pytest.raises(ShapeError, match="cannot make 3 x 2 x 2 of 13 features"):
        reshape.infer(Vector(13, (13,)))


def test_reshape_takes_what_has_one_order() -> None:
    reshape = make("reshape", channels=3, height=2, width=2)
    for x in (Image(12, 1, 1), Image(1, 3, 4), Vector(12, (Image(1, 3, 4),))):
        assert reshape.infer(x) == Image(3, 2, 2)
    with pytest.raises(ShapeError, match="one map, or maps of 1 x 1, and not 3 x 4 x 1"):
        reshape.infer(Image(3, 4, 1))
    with pytest.raises(ShapeError, match="cannot make 3 x 2 x 2 of 13 x 1 x 1"):
        reshape.infer(Image(13, 1, 1))


@pytest.mark.parametrize(
    ("codes", "bits", "message"),
    [
        ((), 3, "`rbf` has no points"),
        (((), ()), 3, "`rbf` has no points"),
        (((1, 2), (3,)), 3, "the rows of `codes` have different lengths"),
        (((1, 2), (3, 8)), 3, "a number of 3 bits cannot be 8"),
        (((1, 2), (3, 4)), 3, "have 6 coordinates, and there are 12 features"),
    ],
)
def test_points_that_do_not_fit_are_refused(codes: Any, bits: int, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        make("rbf", codes=codes, bits=bits).infer(FEATURES)


def test_instance_norm_needs_positions() -> None:
    norm = make("instance_norm")
    assert norm.infer(Image(4, 1, 2)) == Image(4, 1, 2)
    with pytest.raises(ShapeError, match="of maps of 1 x 1") as caught:
        norm.infer(Image(4, 1, 1))
    assert caught.value.help


def test_rbf_refuses_what_was_flattened_from_maps() -> None:
    rbf = make("rbf", codes=((1, 2, 3), (3, 2, 1)), bits=4)
    assert rbf.infer(FEATURES) == Vector(2, (2,))
    assert rbf.macs(Vector(2, (2,)), FEATURES) == 2 * 12
    with pytest.raises(ShapeError, match="flattened from feature maps"):
        rbf.infer(FLATTENED)


def test_windows() -> None:
    conv = make("conv", out=1, kernel=(3, 1), stride=(2, 1), dilation=(2, 1), padding=(2, 1, 0, 0))
    assert conv.infer(Image(1, 14, 9)) == Image(1, 7, 9)
    same = make("max_pool", kernel=(3, 3), stride=(2, 2), padding="same")
    assert same.infer(Image(1, 13, 14)) == Image(1, 7, 7)
    ceil = make("max_pool", kernel=(3, 3), stride=(2, 2), ceil=True)
    assert ceil.infer(Image(1, 112, 2)) == Image(1, 56, 1)
    short = make("max_pool", kernel=(1, 2), stride=(3, 3), ceil=True)
    assert [short.infer(Image(1, n, n)).dimensions[1:] for n in (6, 7)] == [(2, 2), (3, 3)]


def test_flattened_parts_follow_their_features() -> None:
    flatten, concat = make("flatten"), make("concat")
    maps, gates = flatten.infer(Image(3, 2, 2)), flatten.infer(Image(5, 1, 1))
    assert maps == FLATTENED
    assert gates == Vector(5, (5,))
    joined = concat.infer(maps, gates, gates, maps)
    assert joined == Vector(34, (Image(3, 2, 2), 10, Image(3, 2, 2)))
    assert make("relu").infer(joined) == joined
    assert make("linear", out=4).infer(joined) == Vector(4, (4,))


@pytest.mark.parametrize(
    ("name", "branches", "message"),
    [
        ("add", (MAPS, Image(6, 8, 8)), "have different shapes"),
        ("mean", (MAPS, Image(12, 8, 4)), "have different shapes"),
        ("subtract", (MAPS, Image(12, 8, 4)), "have different shapes"),
        ("max", (MAPS, FEATURES), "are feature maps and vectors"),
        ("add", (FEATURES, FLATTENED), "were flattened from different shapes"),
        ("concat", (MAPS, Image(12, 4, 4)), "have different heights or widths"),
        ("multiply", (MAPS, Image(12, 1, 8)), "have different shapes"),
        ("multiply", (MAPS, Image(6, 1, 1)), "have different shapes"),
        ("multiply", (MAPS, Image(1, 4, 4)), "have different shapes"),
    ],
)
def test_branches_that_do_not_fit_are_refused(
    name: str, branches: tuple[Shape, ...], message: str
) -> None:
    with pytest.raises(ShapeError, match=f"the branches of `{name}` {message}") as caught:
        make(name).infer(*branches)
    assert caught.value.label and caught.value.help


@pytest.mark.parametrize("gate", [Image(12, 1, 1), Image(1, 8, 8), Image(1, 1, 1)])
def test_a_gate_scales_maps_or_positions(gate: Image) -> None:
    assert make("multiply").infer(gate, MAPS) == make("multiply").infer(MAPS, gate) == MAPS


def test_gates_alone_make_maps() -> None:
    assert make("multiply").infer(Image(12, 1, 1), Image(1, 8, 8)) == MAPS


class Resized(Op, group="reshaping"):
    """What resizes and has weights, and does not say how."""

    factor = integer("a factor")
    init = init("an initial distribution")

    gives = "image"
    sizing = ("factor",)

    def infer(self, x: Shape) -> Shape:
        return x

    def weights(self, x: Shape) -> Weights:
        return {"weight": (1,)}


@pytest.mark.parametrize(
    ("base", "facts"),
    [
        (Op, ["it has no docstring", "`group`", "whether it `gives`", "by `infer`"]),
        (Resized, ["it has no docstring", "by `moves`", "by `in_keras`", "by `drawn`"]),
        (Join, ["it has no docstring", "by `sign`", "by `infer`"]),
    ],
)
def test_an_op_that_lacks_a_fact_cannot_be_defined(base: type[Op], facts: list[str]) -> None:
    """A class must say what no default is safe for; the message says all that is missing."""
    with pytest.raises(TypeError) as caught:
        new_class("Incomplete", (base,), {"name": "incomplete"})
    said = str(caught.value).split("; nor ")
    assert len(said) == len(facts)
    assert all(fact in text for fact, text in zip(facts, said, strict=True))
    assert "incomplete" not in OPS


@pytest.mark.parametrize("name", SINGLE)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_shapes_are_what_the_facts_say(name: str, data: st.DataObject) -> None:
    op = data.draw(ops(name))
    x = data.draw(inputs(op))
    try:
        output = op.infer(x)
    except ShapeError:
        return
    rank = "image" if isinstance(output, Image) else "vector"
    assert rank == op.gives or (op.gives == "same" and type(x) is type(output))
    if isinstance(x, Image) and isinstance(output, Image) and not op.refuses_flattened:
        other = op.infer(Image(x.channels, 7 * x.height, 7 * x.width))
        assert isinstance(other, Image)
        if op.sets_size or not op.sizing:
            sizes = [(y.height, y.width) for y in (output, other)]
            kept = [(x.height, x.width), (7 * x.height, 7 * x.width)]
            assert sizes == ([sizes[0]] * 2 if op.sets_size else kept)

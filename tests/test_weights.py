"""Which layer is which: small graphs, matched by kind, shape and structure, and what is said where they differ.

A line is a layer: name, kind, size, and what it reads: `+` stands between what is added, `|` between what is
concatenated. `*` marks a layer that exists in training only.
"""

from textwrap import dedent

import numpy as np
import pytest
from support.built_models import build

from cnngen.ops.base import Vector
from cnngen.weights.graph import Flow, Weight, WeightedLayer, WeightGraph
from cnngen.weights.layout import Array, in_keras, in_torch, keras_order
from cnngen.weights.match import Match, match
from cnngen.weights.read_network import read_network
from cnngen.weights.read_torch import read_torch
from cnngen.weights.transfer import TransferError, translate

BRANCHES = """
    stem   conv   8x3x3x3  image
    left   conv   8x8x1x1  stem
    middle conv   8x8x1x1  stem
    deep   conv   8x8x3x3  middle
    right  conv   4x8x1x1  stem
    head   linear 10x20    left | deep | right
    """


def graph(text: str, *, prefix: str = "") -> WeightGraph:
    """A graph from lines; all names get the prefix."""
    layers: dict[str, WeightedLayer] = {}
    reads: dict[str, Flow] = {}
    for line in dedent(text).strip().splitlines():
        marked, kind, size, *words = line.split()
        name = prefix + marked.removesuffix("*")
        shape = tuple(map(int, size.split("x")))
        names = ("weight", "bias", "running_mean", "running_var")[: 4 if "norm" in kind else 1]
        weights = {weight: Weight(f"{name}.{weight}", shape) for weight in names}
        layers[name] = WeightedLayer(name, kind, weights, training=marked.endswith("*"))
        parts = " ".join(words).replace("image", "").split("|")
        reads[name] = tuple(
            frozenset(prefix + other.strip() for other in part.split("+") if other.strip())
            for part in parts
        )
    return WeightGraph(layers, reads)


def matched(ours: str, theirs: str) -> Match:
    return match(graph(ours), graph(theirs, prefix="their_"))


def named(found: Match) -> dict[str, str]:
    return {p.ours.name: p.theirs.name.removeprefix("their_") for p in found.pairs}


def test_names_play_no_part() -> None:
    found = matched(
        "a conv 8x3x3x3 image\n b conv 8x8x3x3 a",
        "b conv 8x3x3x3 image\n a conv 8x8x3x3 b",
    )
    assert named(found) == {"a": "b", "b": "a"} and found.complete and not found.explain()


def test_branches_in_another_order() -> None:
    found = matched(
        BRANCHES,
        """
        stem   conv   8x3x3x3  image
        right  conv   4x8x1x1  stem
        middle conv   8x8x1x1  stem
        left   conv   8x8x1x1  stem
        deep   conv   8x8x3x3  middle
        head   linear 10x20    left | deep | right
        """,
    )
    assert all(ours == theirs for ours, theirs in named(found).items())
    assert len(found.pairs) == 6 and not found.by_order


def test_branches_that_are_concatenated_in_another_order_are_another_network() -> None:
    swapped = BRANCHES.replace("left | deep | right", "deep | left | right")
    found = matched(BRANCHES, swapped)
    assert not found.pairs and not found.complete
    assert "do not fit: ours: " in found.explain()


def test_equal_branches_are_told_apart_by_their_place_in_the_concatenation() -> None:
    ours = "a conv 8x3x3x3 image\n b conv 8x3x3x3 image\n c linear 10x16 a | b"
    theirs = "b conv 8x3x3x3 image\n a conv 8x3x3x3 image\n c linear 10x16 a | b"
    found = matched(ours, theirs)
    assert named(found) == {"a": "a", "b": "b", "c": "c"} and not found.by_order


RESIDUAL = """
    stem     conv       8x3x3x3  image
    narrow   conv       4x8x1x1  stem
    widen    conv       16x4x1x1 narrow
    norm1    batch_norm 16       widen
    shortcut conv       16x8x1x1 stem
    norm2    batch_norm 16       shortcut
    head     linear     10x16    norm1 + norm2
    """


def test_a_shortcut_before_the_residual() -> None:
    first = RESIDUAL.strip().splitlines()
    found = matched(RESIDUAL, "\n".join([first[0], *first[4:6], *first[1:4], first[6]]))
    assert all(ours == theirs for ours, theirs in named(found).items())
    assert len(found.pairs) == 7 and not found.by_order


def test_order_decides_between_what_is_alike_in_everything() -> None:
    found = matched(
        """
        first  conv       8x3x3x3 image
        norm1  batch_norm 8       first
        second conv       8x3x3x3 image
        norm2  batch_norm 8       second
        head   linear     10x8    norm1 + norm2
        """,
        """
        x conv       8x3x3x3 image
        y conv       8x3x3x3 image
        m batch_norm 8       y
        n batch_norm 8       x
        z linear     10x8    m + n
        """,
    )
    assert named(found) == {"first": "x", "norm1": "n", "second": "y", "norm2": "m", "head": "z"}
    assert [pair.ours.name for pair in found.by_order] == ["first", "norm1", "second", "norm2"]


def test_heads_that_only_we_have() -> None:
    trunk = "stem conv 8x3x3x3 image\n deep conv 8x8x3x3 stem\n head linear 10x8 deep"
    found = matched(trunk + "\n aux* linear 10x8 stem", trunk)
    assert len(found.pairs) == 3 and found.complete
    assert [layer.name for layer in found.only_ours] == ["aux"]
    assert found.explain() == "only in ours: aux (linear 10 x 8)"


def test_heads_on_both_sides() -> None:
    trunk = "stem conv 8x3x3x3 image\n deep conv 8x8x3x3 stem\n head linear 10x8 deep"
    found = matched(
        f"{trunk}\n aux1* linear 10x8 stem\n aux2* linear 10x8 deep",
        f"{trunk}\n aux2* linear 10x8 deep\n aux1* linear 10x8 stem",
    )
    assert named(found) == {name: name for name in ("stem", "deep", "head", "aux1", "aux2")}


def test_other_heads_than_theirs() -> None:
    trunk = "stem conv 8x3x3x3 image\n head linear 10x8 stem"
    found = matched(f"{trunk}\n aux* linear 10x8 stem", f"{trunk}\n aux* linear 20x8 stem")
    assert len(found.pairs) == 2 and found.complete
    assert len(found.only_ours) == len(found.only_theirs) == 1


def test_a_head_of_another_size_stands_at_the_same_place() -> None:
    found = matched(BRANCHES, BRANCHES.replace("10x20", "1000x20"))
    assert len(found.pairs) == 5 and not found.complete
    assert found.explain() == "other size: head (linear 10 x 20) is their_head (linear 1000 x 20)"


def test_a_missing_head() -> None:
    found = matched(
        BRANCHES, BRANCHES.replace("    head   linear 10x20    left | deep | right", "")
    )
    assert len(found.pairs) == 5 and not found.complete
    assert found.explain() == "only in ours: head (linear 10 x 20)"


def test_a_norm_that_only_they_have_is_left_out_of_the_structure() -> None:
    ours = "a conv 8x3x3x3 image\n b conv 8x8x3x3 image | a"
    theirs = "a conv 8x3x3x3 image\n n batch_norm 11 image | a\n b conv 8x8x3x3 n"
    found = matched(ours, theirs)
    assert named(found) == {"a": "a", "b": "b"}
    assert found.explain() == "only in theirs: their_n (batch_norm 11)"


def test_one_layer_more_of_a_kind_is_no_guess() -> None:
    ours = "a conv 8x3x3x3 image\n b conv 8x8x3x3 a"
    found = matched(ours, f"{ours}\n c conv 8x8x3x3 b")
    assert not found.pairs
    assert found.explain() == (
        "do not fit: ours: b (conv 8 x 8 x 3 x 3); "
        "theirs: their_b (conv 8 x 8 x 3 x 3), their_c (conv 8 x 8 x 3 x 3)"
    )


def test_equal_layers_that_are_connected_otherwise_do_not_match() -> None:
    found = matched(
        RESIDUAL,
        RESIDUAL.replace("norm2    batch_norm 16       shortcut", "norm2 batch_norm 16 widen"),
    )
    assert not found.pairs and "norm2 (batch_norm 16)" in found.explain()


def test_a_linear_may_be_a_convolution_of_one_pixel() -> None:
    found = matched("a linear 8x3 image", "a conv 8x3x1x1 image")
    assert found.complete and len(found.pairs) == 1


def test_heads_that_are_not_marked_on_their_side() -> None:
    trunk = "stem conv 8x3x3x3 image\n deep conv 8x8x3x3 stem\n head linear 10x8 deep"
    found = matched(f"{trunk}\n aux* linear 10x8 stem", f"{trunk}\n aux linear 10x8 stem")
    assert len(found.pairs) == 4 and found.complete and not found.only_ours


SPEC = """
    cnngen: 1
    name: Small
    about: Convolutions, a batch norm and a classifier of what was flattened
    input: {channels: 3, height: 4, width: 5}
    params: {affine: true}
    model:
      stem: [{conv: {out: 4, kernel: 3, padding: half, bias: false}}, {batch_norm: {affine: affine}}, relu]
      both:
        branches:
          wide: {separable_conv: {out: 6, kernel: 3, padding: half}}
          single: [{depthwise_conv: {kernel: 3, padding: half}}, {prelu: {shared: false}}]
        join: concat
      head: [flatten, {linear: {out: 10}}, batch_norm]
    """


def test_the_layers_of_a_network() -> None:
    found = read_network(build(SPEC).network)
    assert [str(layer) for layer in found.layers.values()] == [
        "stem.0 (conv 4 x 3 x 3 x 3)",
        "stem.1 (batch_norm 4)",
        "both.wide.depthwise (conv 4 x 1 x 3 x 3 in 4 groups)",
        "both.wide.pointwise (conv 6 x 4 x 1 x 1)",
        "both.single.0 (conv 4 x 1 x 3 x 3 in 4 groups)",
        "both.single.1 (prelu 4)",
        "head.1 (linear 10 x 200)",
        "head.2 (batch_norm 10)",
    ]
    assert found.reads["head.1"] == (
        frozenset({"both.wide.pointwise"}),
        frozenset({"both.single.1"}),
    )


@pytest.mark.torch
@pytest.mark.parametrize(
    "name", ["googlenet", "nin_cifar10", "resnet20_cifar10", "unet", "xception"]
)
def test_the_calls_of_a_pytorch_model_tell_what_its_spec_tells(name: str) -> None:
    torch = pytest.importorskip("torch")
    built = build(name)
    with torch.device("meta"):
        model = built.torch()
    modes = [module.training for module in model.modules()]
    found = match(read_network(built.network), read_torch(model, built.network.input))
    assert found.complete and not found.only_ours and not found.only_theirs
    assert [pair.ours for pair in found.pairs] == [pair.theirs for pair in found.pairs]
    assert [module.training for module in model.modules()] == modes


def state(found: WeightGraph, seed: int = 0) -> dict[str, Array]:
    draw = np.random.default_rng(seed)
    weights = [weight for layer in found.layers.values() for weight in layer.weights.values()]
    return {weight.key: draw.standard_normal(weight.shape) for weight in weights}


def test_layouts_there_and_back() -> None:
    network = build(SPEC).network
    given = state(read_network(network))
    variables = in_keras(network, given)
    assert variables["both_wide/depthwise_kernel"].shape == (3, 3, 4, 1)
    assert variables["head_1/kernel"].shape == (200, 10)
    back = in_torch(network, variables)
    assert given.keys() == back.keys()
    assert all((back[key] == given[key]).all() for key in given)


def test_keras_flattens_positions_first() -> None:
    shape = build(SPEC).network.layers["head.1"].inputs[0].shape
    assert isinstance(shape, Vector)
    maps = np.arange(200).reshape(10, 4, 5)
    assert (maps.ravel()[keras_order(shape)] == maps.transpose(1, 2, 0).ravel()).all()


def test_weights_that_nobody_has_are_refused() -> None:
    with pytest.raises(ValueError, match="no layer of the network holds stem.7.weight"):
        in_keras(build(SPEC).network, {"stem.7.weight": np.zeros(3)})


def without(found: WeightGraph, *keys: str) -> WeightGraph:
    """The graph of a model that lacks some weights."""
    layers = {
        name: WeightedLayer(
            name,
            layer.kind,
            {n: w for n, w in layer.weights.items() if w.key not in keys},
            layer.groups,
        )
        for name, layer in found.layers.items()
    }
    return WeightGraph(layers, found.reads)


def test_a_linear_of_what_was_flattened_may_be_a_convolution_of_the_whole() -> None:
    text = """
        cnngen: 1
        name: Whole
        about: A classifier that reads all positions
        input: {channels: 3, height: 4, width: 5}
        model: {head: [flatten, {linear: {out: 7}}]}
        """
    network = build(text).network
    theirs = graph("head conv 7x3x4x5 image")
    found = match(read_network(network), theirs)
    weights = translate(found, network, given := state(theirs))
    assert found.complete
    assert (weights["head.1.weight"] == given["head.weight"].reshape(7, 60)).all()
    assert not match(read_network(network), graph("head conv 7x3x5x4 image")).complete


def test_a_scale_or_bias_that_they_lack_changes_nothing() -> None:
    network = build(SPEC).network
    whole = read_network(network)
    theirs = without(whole, "stem.1.weight", "head.1.bias")
    found = translate(match(whole, theirs), network, state(theirs))
    assert (found["stem.1.weight"] == 1).all() and (found["head.1.bias"] == 0).all()


def test_a_bias_that_we_lack_goes_into_the_batch_norm_if_that_is_wanted() -> None:
    network = build(SPEC).network
    theirs = read_network(build(SPEC.replace("bias: false", "bias: true")).network)
    given = state(theirs)
    both = match(read_network(network), theirs)
    assert both.complete
    with pytest.raises(TransferError, match=r"stem.0 .* has a bias, which stem.0 .* lacks"):
        translate(both, network, given)
    found = translate(both, network, given, fold_biases=True)
    mean = found.pop("stem.1.running_mean")
    assert (mean == given["stem.1.running_mean"] - given["stem.0.bias"]).all()
    assert all((value == given[key]).all() for key, value in found.items())


def test_a_bias_without_a_batch_norm_behind_it_is_refused() -> None:
    text = SPEC.replace("{batch_norm: {affine: affine}}, ", "").replace(
        "params: {affine: true}", ""
    )
    theirs = read_network(build(text.replace("bias: false", "bias: true")).network)
    network = build(text).network
    with pytest.raises(TransferError, match="no batch norm can take it"):
        translate(match(read_network(network), theirs), network, state(theirs), fold_biases=True)


def test_a_scale_that_we_lack_is_refused() -> None:
    network = build(SPEC, {"affine": "false"}).network
    theirs = read_network(build(SPEC).network)
    with pytest.raises(TransferError, match=r"has a weight and a bias, which stem.1 .* lacks"):
        translate(match(read_network(network), theirs), network, state(theirs))

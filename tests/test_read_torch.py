"""PyTorch models that are read: the zoo's own sources, torchvision's and timm's models, programs that were exported,
and what stands in the way.
"""

from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from support.built_models import SPECS, Built, build, forget
from support.read_models import model_of, of_graph, of_network
from support.trap_networks import SIZES, braced, network
from support.traps import BLOCKS, CONVOLUTIONS, JOINS, OTHERS, POOLS, VECTORS

from cnngen.foreign.graph import Graph, Node, Reading
from cnngen.ops.base import Image, Shape, Vector

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
ZOO = sorted(path.stem for path in SPECS.glob("*.yaml"))
FAST = ("googlenet", "lenet5_1998", "resnet34_a", "sknet50", "unet_depth", "xception")
CLASSIFIERS = (
    *(
        "alexnet",
        "convnext_tiny",
        "densenet121",
        "efficientnet_b0",
        "efficientnet_v2_s",
        "googlenet",
    ),
    *(
        "inception_v3",
        "mnasnet0_5",
        "mobilenet_v2",
        "mobilenet_v3_small",
        "regnet_y_400mf",
        "resnet18",
    ),
    *("resnext50_32x4d", "shufflenet_v2_x0_5", "squeezenet1_0", "vgg11_bn", "wide_resnet50_2"),
)
SEGMENTATION = ("deeplabv3_resnet50", "fcn_resnet50", "lraspp_mobilenet_v3_large")
TIMM = (
    *(
        "cspresnet50",
        "dla34",
        "dpn48b",
        "ecaresnet26t",
        "efficientnet_b0",
        "ese_vovnet19b_slim_dw",
        "fastvit_t8",
    ),
    *(
        "ghostnet_050",
        "hardcorenas_b",
        "hrnet_w18_small",
        "inception_v4",
        "mobileone_s0",
    ),
    *(
        "regnetx_002",
        "repghostnet_050",
        "res2next50",
        "resnetv2_50",
        "rexnet_100",
        "selecsls42",
    ),
    *("skresnet18", "starnet_s050", "tf_efficientnet_b0", "vgg11", "xception41p"),
)


def read(model: Any, *shapes: Shape) -> Reading:
    from cnngen.foreign.read_torch import read_torch_model

    names = ["input"] if len(shapes) == 1 else [f"input{i}" for i in range(1, len(shapes) + 1)]
    return read_torch_model(model, dict(zip(names, shapes, strict=True)), title="M", origin="")


# --- Our own sources


@pytest.mark.parametrize(
    "stem", [stem if stem in FAST else pytest.param(stem, marks=pytest.mark.slow) for stem in ZOO]
)
def test_our_source_is_read_as_the_network(stem: str):
    check_built(build(stem))
    forget()


def check_built(built: Built) -> None:
    """What is read of the PyTorch source has the layers of the network, with the same attributes and weights."""
    from cnngen.foreign.read_torch import read_torch_model

    reading = read_torch_model(model_of(built), built.network.inputs, title="M", origin="")
    assert reading.obstacles == ()
    expected, outputs = of_network(built.network)
    found, given = of_graph(reading.graph)
    assert sorted(map(str, found)) == sorted(map(str, expected))
    if len(outputs) == 1:  # PyTorch has no name for it
        assert [*given.values()] == [*outputs.values()]
    else:
        assert given == outputs


TRAPS = {
    **CONVOLUTIONS,
    **{name: f"[sigmoid, {{scale: {{by: -1}}}}, {braced(step)}]" for name, step in POOLS.items()},
    **OTHERS,
    **VECTORS,
    **JOINS,
    **BLOCKS,
}


EVEN = [(trap, "even") for trap in (*CONVOLUTIONS, *POOLS)]


@pytest.mark.parametrize(("trap", "size"), [*EVEN, *((trap, "odd") for trap in TRAPS)])
def test_all_ops_are_read(trap: str, size: str):
    check_built(network(TRAPS[trap], SIZES[size]))


# --- Models of others


def torchvision_model(name: str) -> Any:
    from torchvision import models

    make = models.get_model_builder(name)
    takes = signature(make).parameters
    given: dict[str, Any] = {each: None for each in takes if each.startswith("weights")}
    if "aux_loss" in takes:
        given["aux_loss"] = True
    if name in ("googlenet", "inception_v3"):
        given["init_weights"] = False
    return on_meta(lambda: make(**given))


def on_meta(make: Callable[[], Any]) -> Any:
    try:
        with torch.device("meta"):
            return make()
    except NotImplementedError:  # RegNet computes its widths with tensors
        return make()


def check_weights(graph: Graph, model: Any) -> None:
    """All weights of the model are there, each once, in the shapes that our ops say."""
    shapes = {**graph.inputs, **{name: node.shape for name, node in graph.nodes.items()}}
    state = {k: v for k, v in model.state_dict().items() if not k.endswith("num_batches_tracked")}
    found: dict[str, int] = {}
    for node in graph.nodes.values():
        weights = node.op.weights(*(shapes[x] for x in node.inputs))
        assert weights.keys() == node.weights.keys(), node.name
        for name, sizes in weights.items():
            assert node.weights[name] not in found or node.shares
            found[node.weights[name]] = torch.Size(sizes).numel()
    assert found == {key: value.numel() for key, value in state.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*CLASSIFIERS, *SEGMENTATION])
def test_models_of_torchvision(name: str, torchvision: Any):
    model = torchvision_model(name)
    reading = read(model, Image(3, 299, 299) if name == "inception_v3" else Image(3, 224, 224))
    assert reading.obstacles == ()
    check_weights(reading.graph, model)


@pytest.mark.slow
@pytest.mark.parametrize("name", TIMM)
def test_models_of_timm(name: str, torchvision: Any):
    import timm

    model = on_meta(lambda: timm.create_model(name))
    reading = read(model, Image(*model.default_cfg["input_size"]))
    assert reading.obstacles == ()
    check_weights(reading.graph, model)


def test_heads_are_there_in_training_only(torchvision: Any):
    graph = read(torchvision_model("googlenet"), Image(3, 224, 224)).graph
    assert set(graph.outputs) == {"logits", "aux_logits1", "aux_logits2"}
    training = {node.name.split(".")[0] for node in graph.nodes.values() if node.training}
    assert training == {"aux1", "aux2"}


def test_where_nodes_stand(torchvision: Any):
    graph = read(torchvision_model("resnet18"), Image(3, 224, 224)).graph
    conv = graph.nodes["layer2.0.downsample.0"]
    assert [str(m.path) for m in conv.place.modules] == [
        "layer2",
        "layer2.0",
        "layer2.0.downsample",
    ]
    assert [m.kind for m in conv.place.modules] == ["Sequential", "BasicBlock", "Sequential"]
    assert (conv.label, conv.weights) == ("0", {"weight": "layer2.0.downsample.0.weight"})
    add = graph.nodes["layer2.0.add"]
    assert (add.label, add.inputs) == ("", ("layer2.0.bn2", "layer2.0.downsample.1"))
    assert add.place.line.startswith("resnet.py:")


# --- Several calls that are one op


class Computes(torch.nn.Module):
    """What a function makes of one input, with a few layers to use."""

    def __init__(self, forward: Callable[..., Any]) -> None:
        super().__init__()
        self.compute = forward
        self.conv = torch.nn.Conv2d(8, 8, 1)
        self.gamma = torch.nn.Parameter(torch.full((8, 1, 1), 0.1))
        self.gammas = torch.nn.Parameter(torch.full((8,), 0.1))

    def forward(self, x: Any) -> Any:
        return self.compute(self, x)


def nodes(forward: Callable[..., Any]) -> list[Node]:
    reading = read(Computes(forward), Image(8, 14, 14))
    assert reading.obstacles == ()
    return [*reading.graph.nodes.values()]


F = torch.nn.functional
ONE_OP: dict[str, tuple[Callable[..., Any], str, dict[str, Any]]] = {
    "silu": (lambda m, x: x * torch.sigmoid(x), "silu", {}),
    "hard_sigmoid": (lambda m, x: F.relu6(x + 3) / 6, "hard_sigmoid", {}),
    "hard_swish": (lambda m, x: x * F.relu6(x + 3.0) / 6.0, "hard_swish", {}),
    "hard_swish of a gate": (lambda m, x: x * (F.hardtanh(x + 3, 0, 6) / 6), "hard_swish", {}),
    "mish": (lambda m, x: x * torch.tanh(F.softplus(x)), "mish", {}),
    "relu6": (lambda m, x: x.clamp(0, 6), "relu6", {}),
    "mean": (lambda m, x: x.mean((2, 3), keepdim=True), "global_avg_pool", {}),
    "mean of a row": (
        lambda m, x: x.view(2, 8, -1).mean(2).view(2, 8, 1, 1),
        "global_avg_pool",
        {},
    ),
    "whole window": (lambda m, x: F.avg_pool2d(x, x.shape[2:]), "global_avg_pool", {}),
    "window": (lambda m, x: F.avg_pool2d(x, 14), "avg_pool", {"kernel": (14, 14), "stride": None}),
    "shuffle": (
        lambda m, x: x.view(2, 2, 4, 14, 14).transpose(1, 2).reshape(x.shape),
        *("channel_shuffle", {"groups": 2}),
    ),
    "pixel_shuffle": (
        lambda m, x: x.view(2, 2, 2, 2, 14, 14).permute(0, 1, 4, 2, 5, 3).reshape(2, 2, 28, 28),
        *("pixel_shuffle", {"factor": 2}),
    ),
    "pixel_unshuffle": (
        lambda m, x: x.view(2, 8, 7, 2, 7, 2).permute(0, 1, 3, 5, 2, 4).reshape(2, 32, 7, 7),
        *("pixel_unshuffle", {"factor": 2}),
    ),
    "every second": (
        lambda m, x: x[:, :, ::2, ::2],
        "max_pool",
        {"kernel": (1, 1), "stride": (2, 2)},
    ),
    "zeros": (
        lambda m, x: torch.cat([x, torch.zeros_like(x[:, :4])], 1),
        *("pad_channels", {"before": 0, "after": 4}),
    ),
    "layer scale": (lambda m, x: x * m.gamma, "affine", {"shift": False}),
    "layer scale, last": (
        lambda m, x: (x.permute(0, 2, 3, 1) * m.gammas).permute(0, 3, 1, 2),
        *("affine", {"shift": False}),
    ),
    "average": (lambda m, x: torch.stack([x, x]).mean(0), "mean", {}),
    "part": (lambda m, x: x.chunk(4, 1)[2], "channel_group", {"index": 2, "groups": 4}),
    "some": (lambda m, x: x[:, 2:5], "slice_channels", {"start": 2, "stop": 5}),
    "border": (lambda m, x: x[..., 1:-2, 1:-2], "crop", {"padding": (1, 2, 1, 2)}),
    "doubled": (lambda m, x: F.interpolate(x, scale_factor=2), "upsample", {"scale": (2, 2)}),
    "standardized": (
        lambda m, x: F.conv2d(x, _standardized(m.conv.weight), m.conv.bias),
        *("standardized_conv", {"eps": 1e-6, "out": 8}),
    ),
}


def _standardized(weight: Any) -> Any:
    variance, mean = torch.var_mean(weight, dim=(1, 2, 3), correction=0, keepdim=True)
    return (weight - mean) / (variance + 1e-6).sqrt()


@pytest.mark.parametrize("name", ONE_OP)
def test_several_calls_are_one_op(name: str):
    forward, word, values = ONE_OP[name]
    (node,) = nodes(forward)
    assert node.op.name == word
    assert {key: node.op.values[key] for key in values} == values


def test_maps_with_channels_last():
    """A linear layer of the channels at each position is a convolution of 1 x 1."""
    last, first = (
        Computes(lambda m, x, axes=axes: x.permute(axes)) for axes in ((0, 2, 3, 1), (0, 3, 1, 2))
    )
    model = torch.nn.Sequential(last, torch.nn.Linear(8, 4), first)
    (node,) = read(model, Image(8, 5, 5)).graph.nodes.values()
    assert (node.op.name, node.op.values["kernel"], node.op.values["out"]) == ("conv", (1, 1), 4)


def test_a_size_that_follows_other_maps():
    def forward(m: Any, x: Any) -> Any:
        small = F.max_pool2d(x, 2)
        return x + F.interpolate(small, size=x.shape[-2:], mode="bilinear")

    resize = next(node for node in nodes(forward) if node.op.name == "resize")
    assert resize.op.values["like"] == "input"


def test_a_module_that_is_used_again_shares_its_weights():
    first, second = (
        n for n in nodes(lambda m, x: m.conv(F.relu(m.conv(x)))) if n.op.name == "conv"
    )
    assert (first.name, second.name, second.shares) == ("conv", "conv_2", "conv")


def test_separable_convolutions():
    """A module that is both layers is one op; with more in it, it is not."""
    conv = torch.nn.Conv2d
    depthwise, pointwise = conv(8, 8, 3, groups=8, bias=False), conv(8, 4, 1)
    model = torch.nn.Sequential(torch.nn.Sequential(depthwise, pointwise), torch.nn.ReLU())
    node, _ = read(model, Image(8, 5, 5)).graph.nodes.values()
    assert (node.name, node.label, node.op.name) == ("0", "0", "separable_conv")
    assert node.weights["pointwise.bias"] == "0.1.bias"
    model[0].append(torch.nn.ReLU())
    words = [each.op.name for each in read(model, Image(8, 5, 5)).graph.nodes.values()]
    assert words == ["depthwise_conv", "conv", "relu", "relu"]


def test_weights_that_are_shared_in_part():
    model = torch.nn.Sequential(torch.nn.Conv2d(8, 8, 1), torch.nn.Conv2d(8, 8, 1))
    model[1].weight = model[0].weight
    (obstacle,) = read(model, Image(8, 5, 5)).obstacles
    assert obstacle.what == "the weight `0.weight`, which is also that of `0`"


def test_vectors_are_inputs_too():
    model = torch.nn.Sequential(torch.nn.Linear(6, 4), torch.nn.ReLU())
    graph = read(model, Vector(6, (6,))).graph
    assert [node.op.name for node in graph.nodes.values()] == ["linear", "relu"]


# --- What stands in the way


OBSTACLES: dict[str, tuple[Callable[..., Any], str, str]] = {
    "branch on values": (
        lambda m, x: m.conv(x) if x.sum() > 0 else x,
        *("a value that decides", "decide by a parameter"),
    ),
    "value": (lambda m, x: x * x.max().item(), "a value that is read (`item`)", "no values"),
    "baked in": (
        lambda m, x: F.interpolate(x, size=(20, 20)),
        *("a size that is baked in (20 x 20)", "size=x.shape[-2:]"),
    ),
    "attention": (
        lambda m, x: F.scaled_dot_product_attention(x, x, x),
        *("`scaled_dot_product_attention`", "no attention"),
    ),
    "products": (lambda m, x: torch.einsum("bchw,bdhw->bchw", x, x), "`einsum`", "learnt matrices"),
    "unknown function": (lambda m, x: torch.erf(x), "`erf`", "cnngen ops"),
    "reflected": (
        lambda m, x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
        "`pad` with reflect",
        "zeros",
    ),
    "offset": (lambda m, x: x + 1, "`add` with a number", "scale"),
    "window of another kind": (
        lambda m, x: F.max_pool2d(x, 2, dilation=2),
        "a dilation",
        "max_pool",
    ),
    "other sizes": (lambda m, x: m.conv(x[:, :4]), "does not run", "which inputs"),
    "values give sizes": (lambda m, x: x[x > 0], "a size that depends on values", "without values"),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_stands_in_the_way_is_said(name: str):
    forward, what, help = OBSTACLES[name]
    obstacle = read(Computes(forward), Image(8, 14, 14)).obstacles[0]
    assert what in obstacle.what
    assert help in obstacle.help
    assert obstacle.place.line.startswith(Path(__file__).name)


def test_all_that_stands_in_the_way_is_found_in_one_run():
    def forward(m: Any, x: Any) -> Any:
        x = torch.erf(x) if x.mean() > 0 else torch.erfinv(x)
        return torch.einsum("bchw->bhwc", F.pad(m.conv(x), (1, 1, 1, 1), mode="circular"))

    reading = read(Computes(forward), Image(8, 14, 14))
    assert [o.what.partition(" with")[0] for o in reading.obstacles] == [
        "a value that decides what is computed",
        *("`erfinv`", "`pad`", "`einsum`"),
    ]
    assert reading.graph.nodes == {}


def test_a_model_is_left_as_it_was():
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(8), torch.nn.Dropout())
    model[1].eval()
    read(model, Image(8, 4, 4))
    assert (model.training, model[0].training, model[1].training) == (True, True, False)
    assert int(model[0].num_batches_tracked) == 0


# --- Programs that were exported


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18", "shufflenet_v2_x0_5"])
def test_an_exported_program_is_the_same(name: str, torchvision: Any, tmp_path: Path):
    from torchvision import models

    from cnngen.foreign.exported import read_exported

    model = models.get_model(name, weights=None).eval()
    path = tmp_path / "model.pt2"
    torch.export.save(torch.export.export(model, (torch.zeros(1, 3, 64, 64),)), path)
    reading = read_exported(torch.export.load(path), title=name, origin="")
    assert reading.obstacles == ()
    expected = read(model, Image(3, 64, 64)).graph
    assert of_graph(reading.graph) == of_graph(expected)
    assert [*reading.graph.nodes] == [*expected.nodes]

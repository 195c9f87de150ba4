"""`--from`: files of models that somebody else wrote, whose layers have other names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.built_models import build

from cnngen.cli import cli
from cnngen.ops.base import Image
from cnngen.verify.models import channels_last
from cnngen.weights.convert import UnfitError, convert, select
from cnngen.weights.files import opened
from cnngen.weights.foreign import Adopted, Foreign, adopt
from cnngen.weights.published import KERAS, NoModelError, PublishedModel
from cnngen.weights.read_torch import read_torch
from cnngen.weights.stored import WeightsFileError
from cnngen.weights.ways import Choice, take, ways

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch]

SPEC = """
cnngen: 1
name: Ours
about: A residual, a depthwise convolution and a flatten.
params:
  classes: 5
input: {channels: 3, height: 8, width: 6}
model:
  stem:
    - conv: {out: 4, kernel: 3, padding: half, bias: false}
    - batch_norm
  body:
    branches:
      residual:
        - conv: {out: 4, kernel: 3, padding: half, bias: false}
        - batch_norm
        - relu
        - depthwise_conv: {kernel: 3, padding: half, bias: false}
        - batch_norm
      shortcut: identity
    join: add
  head:
    - max_pool: {kernel: 2, stride: 2}
    - flatten
    - linear: {out: classes}
"""
TORCH, OF_KERAS = PublishedModel("torchvision", "theirs"), PublishedModel(KERAS, "Theirs")


class Theirs(torch.nn.Module):
    """The same network; the stride is where a test wants it."""

    def __init__(self, classes: int = 5, stride: int = 1) -> None:
        super().__init__()
        nn = torch.nn
        self.fc = nn.Linear(4 * 4 * 3, classes)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv1 = nn.Conv2d(3, 4, 3, stride, padding=1, bias=False)
        self.norm_2 = nn.BatchNorm2d(4)
        self.norm_3 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.conv3 = nn.Conv2d(4, 4, 3, padding=1, bias=False, groups=4)
        self.pool = nn.MaxPool2d(2) if stride == 1 else nn.Identity()

    def forward(self, x: Any) -> Any:
        x = self.bn1(self.conv1(x))
        y = torch.relu(self.norm_2(self.conv2(x)))
        x = x + self.norm_3(self.conv3(y))
        return self.fc(self.pool(x).flatten(1))


def theirs(classes: int = 5, stride: int = 1) -> Any:
    """Their model with random weights of norms, too."""
    torch.manual_seed(0)
    model = Theirs(classes, stride).eval()
    for name, value in model.state_dict().items():
        if value.is_floating_point() and value.ndim == 1:
            value.copy_(torch.rand_like(value) + 0.5)
        elif name.endswith("tracked"):
            value.fill_(7)
    return model


def theirs_in_keras(*, biases: bool = False) -> Any:
    """The same in Keras, in other names, and perhaps with biases before batch norms."""
    from keras import Input, Model, layers

    def conv(x: Any, **more: Any) -> Any:
        kind = layers.DepthwiseConv2D if "name" in more else layers.Conv2D
        size = (3,) if kind is layers.DepthwiseConv2D else (4, 3)
        x = kind(*size, padding="same", use_bias=biases, bias_initializer="uniform", **more)(x)
        return layers.BatchNormalization(
            epsilon=1e-5, moving_mean_initializer="uniform", beta_initializer="uniform"
        )(x)

    image = Input((8, 6, 3))
    x = conv(image)
    y = conv(layers.ReLU()(conv(x)), name="each_channel")
    x = layers.Flatten()(layers.MaxPooling2D(2)(layers.Add()([y, x])))
    return Model(image, layers.Dense(5)(x))


def adopted(
    path: Path, model: Any, reference: PublishedModel = TORCH, spec: str = SPEC, **more: Any
) -> Any:
    """What a file says under our names: the state for PyTorch, and what there is to say."""
    network = build(spec).network
    foreign = Foreign.made(reference, model, network.input)
    with opened(path, foreign.names) as contents:
        found: Adopted = take(
            contents,
            foreign.names,
            Choice(),
            lambda stored: adopt(foreign, stored, network, **more),
        ).fitted
        chosen = select(network, found.stored, more.get("changed", ()))
        return convert(chosen, found.stored, "torch"), found.notes, chosen.left_out


def saved(folder: Path, state: Any) -> Path:
    torch.save(state, folder / "theirs.pth")
    return folder / "theirs.pth"


def test_the_same_outputs_in_pytorch(tmp_path: Path) -> None:
    model = theirs()
    state, notes, left_out = adopted(saved(tmp_path, model.state_dict()), theirs())
    ours = build(SPEC).torch().eval()
    ours.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    x = torch.randn(2, 3, 8, 6)
    assert torch.equal(ours(x), model(x)) and not notes and not left_out
    assert state["stem.1.num_batches_tracked"] == 7


def test_names_may_differ_in_dots(tmp_path: Path) -> None:
    new = theirs().state_dict()
    old = {name.replace("norm_2", "norm.2"): value for name, value in new.items()}
    state, _, _ = adopted(saved(tmp_path, old), theirs())
    assert np.array_equal(state["body.residual.1.weight"], new["norm_2.weight"].numpy())


def test_a_layer_that_was_changed_is_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path, theirs(classes=9).state_dict())
    state, _, left_out = adopted(path, theirs(), changed={"head.2"})
    assert left_out == ["`head.2`: `head.2.weight` is 9 x 48, not 5 x 48"]
    assert not [name for name in state if name.startswith("head.2.")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda state: state.pop("norm_3.bias"),
            "`norm_3.bias` is missing",
        ),
        (
            lambda state: state.update({"norm_4.weight": torch.ones(4)}),
            "`norm_4.weight` belongs to no layer of torchvision:theirs",
        ),
        (
            lambda state: state.update({"conv2.weight": torch.ones(4)}),
            "`conv2.weight` is 4, which has other dimensions",
        ),
        (
            lambda state: state.update({"conv1.weight": torch.ones(4, 3, 5, 5)}),
            "other size: stem.0 (conv 4 x 3 x 3 x 3) is conv1 (conv 4 x 3 x 5 x 5)",
        ),
        (
            lambda state: state.update({"fc.bias": torch.ones(5, dtype=torch.int64)}),
            "`fc.bias` has numbers of type int64",
        ),
    ],
)
def test_a_file_that_does_not_fit(tmp_path: Path, change: Any, said: str) -> None:
    state = dict(theirs().state_dict())
    change(state)
    with pytest.raises(WeightsFileError) as raised:
        adopted(saved(tmp_path, state), theirs())
    assert said in str(raised.value)


def test_a_stride_that_is_elsewhere(tmp_path: Path) -> None:
    model = theirs(stride=2)
    with pytest.raises(UnfitError) as raised:
        adopted(saved(tmp_path, model.state_dict()), model)
    assert str(raised.value).splitlines()[0] == (
        "other output: stem.0 (conv 4 x 3 x 3 x 3) gives 8 x 6, conv1 (conv 4 x 3 x 3 x 3) gives 4 x 3"
    )


SCALED = """
cnngen: 1
name: Scaled
about: A ConvNeXt whose stages are a few channels wide.
input: {channels: 3, height: 64, width: 64}
defaults:
  layer_norm: {eps: 1e-6}
blocks:
  Block:
    about: A residual whose end is scaled.
    params: {width: int}
    body:
      branches:
        shortcut: identity
        residual:
          - depthwise_conv: {kernel: 7, padding: half}
          - layer_norm
          - conv: {out: 4 * width, kernel: 1}
          - gelu
          - conv: {out: width, kernel: 1}
          - affine: {shift: false, init: {constant: {value: 1e-6}}}
      join: add
model:
  stem: [conv: {out: 8, kernel: 4, stride: 4}, layer_norm]
  first: {repeat: 2, do: {Block: {width: 8}}}
  others: {repeat: 3, do: [layer_norm, conv: {out: 16, kernel: 2, stride: 2}, Block: {width: 16}]}
  head: [global_avg_pool, layer_norm, flatten, linear: {out: 5}]
"""


def of_torchvision() -> Any:
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    stages = [(8, 16, 2), (16, 16, 1), (16, 16, 1), (16, None, 1)]
    return ConvNeXt([CNBlockConfig(*stage) for stage in stages], num_classes=5)


def of_timm() -> Any:
    from timm.models.convnext import ConvNeXt

    return ConvNeXt(depths=(2, 1, 1, 1), dims=(8, 16, 16, 16), num_classes=5)


@pytest.mark.parametrize(("package", "make"), [("torchvision", of_torchvision), ("timm", of_timm)])
def test_a_scale_that_is_no_module(
    tmp_path: Path, torchvision: Any, package: Any, make: Any
) -> None:
    """It is multiplied in a `forward`: as C x 1 x 1 in torchvision, and reshaped in timm."""
    pytest.importorskip(package)
    torch.manual_seed(0)
    model = make().eval()
    for value in model.state_dict().values():
        value.copy_(torch.randn_like(value))
    path, reference = saved(tmp_path, model.state_dict()), PublishedModel(package, "convnext")
    state, notes, left_out = adopted(path, make(), reference, SCALED)
    assert not notes and not left_out
    ours = build(SCALED).torch().eval()
    ours.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    x = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(x), model(x), rtol=1e-4, atol=1e-4)


STANDARDIZED = """
cnngen: 1
name: Ours
about: Convolutions whose filters are standardized.
input: {channels: 3, height: 8, width: 6}
model:
  stem: [standardized_conv: {out: 4, kernel: 3, stride: 2, padding: half, bias: false}, relu]
  head: [standardized_conv: {out: 5, kernel: 1, bias: false}, global_avg_pool, flatten]
"""


def test_standardized_filters_of_timm(torchvision: Any) -> None:
    """They reach the convolution in another shape and scale."""
    layers = pytest.importorskip("timm.layers")
    nn = torch.nn
    pool = (nn.AdaptiveAvgPool2d(1), nn.Flatten())
    theirs = nn.Sequential(
        layers.StdConv2d(3, 4, 3, stride=2), nn.ReLU(), layers.StdConv2d(4, 5, 1), *pool
    )
    built = build(STANDARDIZED)
    for model in (theirs, built.torch()):
        graph = read_torch(model, Image(3, 8, 6))
        assert [layer.kind for layer in graph.layers.values()] == ["conv", "conv"]
        assert not graph.unused


NEIGHBOURS = """
cnngen: 1
name: Neighbours
about: A gate for each channel, from those of its neighbours.
input: {channels: 3, height: 16, width: 16}
blocks:
  Attention:
    about: A convolution along the channels.
    body:
      branches:
        maps: identity
        gate:
          - global_avg_pool
          - reshape: {channels: 1, height: 1, width: input.channels}
          - conv: {out: 1, kernel: [1, 5], padding: half}
          - reshape: {channels: input.channels, height: 1, width: 1}
          - sigmoid
      join: multiply
model:
  stem: {conv: {out: 8, kernel: 3}}
  gate: Attention
  head: [global_avg_pool, flatten, {linear: {out: 4}}]
"""


def test_a_convolution_along_the_channels(tmp_path: Path) -> None:
    """Its filters are those of a `Conv1d` in ECA-Net."""

    class Attention(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = torch.nn.Conv2d(3, 8, 3)
            self.conv = torch.nn.Conv1d(1, 1, kernel_size=5, padding=2)
            self.fc = torch.nn.Linear(8, 4)

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            y = self.conv(x.mean((2, 3)).unsqueeze(1))
            x = x * y.sigmoid().reshape(len(x), -1, 1, 1)
            return self.fc(x.mean((2, 3)))

    torch.manual_seed(0)
    model = Attention().eval()
    path = saved(tmp_path, model.state_dict())
    state, notes, left_out = adopted(
        path, Attention(), PublishedModel("timm", "attention"), NEIGHBOURS
    )
    assert not notes and not left_out
    ours = build(NEIGHBOURS).torch().eval()
    ours.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    x = torch.randn(2, 3, 16, 16)
    torch.testing.assert_close(ours(x), model(x), rtol=1e-5, atol=1e-5)


@pytest.mark.keras
def test_a_scale_of_keras(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    from keras import Input, Model, layers
    from keras.src.applications.convnext import LayerScale

    spec = """
        cnngen: 1
        name: Scaled
        about: A convolution whose output is scaled.
        input: {channels: 3, height: 8, width: 8}
        model: {stem: [conv: {out: 4, kernel: 3, padding: half}, affine: {shift: false}]}
        """

    def make() -> Any:
        image = Input((8, 8, 3))
        scaled = LayerScale(0.5, 4)(layers.Conv2D(4, 3, padding="same")(image))
        return Model(image, scaled)

    model = make()
    model.layers[-1].set_weights([np.array([1.0, -2.0, 3.0, 0.1])])
    model.save_weights(tmp_path / "theirs.weights.h5")
    state, notes, _ = adopted(tmp_path / "theirs.weights.h5", make(), OF_KERAS, spec)
    assert not notes and state["stem.1.weight"].tolist() == pytest.approx([1.0, -2.0, 3.0, 0.1])


TWINS = """
cnngen: 1
name: Twins
about: Two branches that nothing tells apart.
input: {channels: 2, height: 4, width: 4}
model:
  body:
    branches:
      one: {conv: {out: 2, kernel: 1}}
      two: [{conv: {out: 2, kernel: 1}}, relu]
    join: add
"""


class Twins(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (torch.nn.Conv2d(2, 2, 1) for _ in range(2))

    def forward(self, x: Any) -> Any:
        return self.first(x) + torch.relu(self.second(x))


def test_layers_that_could_be_exchanged(tmp_path: Path) -> None:
    network, model = build(TWINS).network, Twins()
    path, foreign = saved(tmp_path, model.state_dict()), Foreign.made(TORCH, Twins(), network.input)
    with opened(path, foreign.names) as contents:
        (way,) = ways(contents, foreign.names, Choice())
        stored = way.stored
        with pytest.raises(UnfitError) as raised:
            adopt(foreign, stored, network)
        found = adopt(foreign, stored, network, by_order=True).stored
        assert np.array_equal(found.read("body.two.0.bias"), model.second.bias.detach().numpy())
    assert str(raised.value).splitlines() == [
        "could be exchanged with others: body.one (conv 2 x 2 x 1 x 1) is first (conv 2 x 2 x 1 x 1)",
        "could be exchanged with others: body.two.0 (conv 2 x 2 x 1 x 1) is second (conv 2 x 2 x 1 x 1)",
        "with --by-order their order decides",
    ]


@pytest.mark.keras
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".h5", ".safetensors"])
def test_files_of_keras(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("keras")
    from safetensors.numpy import save_file

    model, path = theirs_in_keras(), tmp_path / f"theirs{suffix}"
    match suffix:
        case ".weights.h5":
            model.save_weights(path)
        case ".safetensors":
            save_file({v.path: np.asarray(v) for v in model.weights}, path)
        case _:
            model.save(path)
    # Another model of the same function: Keras gives its layers other names, and variables other paths.
    other = model if suffix == ".safetensors" else theirs_in_keras()
    state, notes, _ = adopted(path, other, OF_KERAS)
    assert not notes
    check_outputs(model, state)


@pytest.mark.keras
def test_biases_before_batch_norms(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    model, path = theirs_in_keras(biases=True), tmp_path / "theirs.weights.h5"
    model.save_weights(path)
    state, notes, _ = adopted(path, theirs_in_keras(biases=True), OF_KERAS)
    assert notes == [
        "took the biases of 3 convolutions from the running means behind them: the same in evaluation"
    ]
    check_outputs(model, state)


def check_outputs(model: Any, state: Any) -> None:
    ours = build(SPEC).torch().eval()
    ours.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    x = torch.randn(2, 3, 8, 6)
    expected = np.asarray(model(channels_last(x.numpy()), training=False))
    assert np.abs(ours(x).detach().numpy() - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.keras
def test_a_file_of_keras_2_with_another_number_of_layers(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    model = theirs_in_keras()
    more = keras.layers.Dense(3)(model.output)
    keras.Model(model.input, more).save(tmp_path / "theirs.h5")
    with pytest.raises(WeightsFileError, match="`theirs.h5` has 8 layers with weights, not 7"):
        adopted(tmp_path / "theirs.h5", theirs_in_keras(), OF_KERAS)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["weights", *arguments])


def test_the_command(tmp_path: Path, torchvision: Any) -> None:
    model = torchvision.models.resnet18(num_classes=7)
    source, target = saved(tmp_path, model.state_dict()), tmp_path / "ours.pt"
    options = ("--spec", "resnet18", "--from", "torchvision")
    result = run("convert", str(source), str(target), *options)
    assert result.exit_code == 1 and not target.exists()
    assert "other size: head.2 (linear 1000 x 512) is fc (linear 7 x 512)" in result.stderr
    result = run("convert", str(source), str(target), *options, "--set", "classes=10")
    assert result.exit_code == 0, result.output
    assert result.stderr == "left out `head.2`: `head.2.weight` is 7 x 512, not 10 x 512\n"
    assert result.stdout.endswith("100 weights of 40 layers for PyTorch\n")
    result = run("convert", str(source), str(target), *options, "--set", "classes=7")
    assert result.exit_code == 0 and not result.stderr
    ours = build("resnet18", {"classes": "7"}).torch()
    ours.load_state_dict(torch.load(target, weights_only=True))
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(ours.eval()(x), model.eval()(x))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torchvision:resnet", "torchvision has no model `resnet`"),
        ("pytorch:resnet18", "`pytorch:resnet18` is none of `torchvision:NAME`, `timm:NAME`"),
    ],
)
def test_models_that_are_not_there(text: str, said: str, torchvision: Any) -> None:
    result = run("map", "resnet18", "--from", text)
    assert result.exit_code == 2 and said in result.stderr


def test_a_model_that_is_called_otherwise(torchvision: Any) -> None:
    with pytest.raises(NoModelError, match="torchvision has no model called `my_net`"):
        PublishedModel.of("torchvision", "my_net")
    assert PublishedModel.of("torchvision", "resnet_18").name == "resnet18"


def test_a_map_of_both_targets() -> None:
    result = run("map", "lenet5", "--format", "csv")
    assert result.stdout.splitlines()[:3] == [
        "ours,shape,keras,shape",
        "features.0.weight,6 x 1 x 5 x 5,features_0/kernel,5 x 5 x 1 x 6",
        "features.0.bias,6,features_0/bias,6",
    ]


def test_a_map_to_another_model(torchvision: Any) -> None:
    result = run("map", "resnet18", "--from", "torchvision", "--format", "json")
    rows = {row["ours"]: row for row in json.loads(result.stdout)}
    assert rows["features.1.0.shortcut.0.weight"] == {
        "ours": "features.1.0.shortcut.0.weight",
        "shape": [128, 64, 1, 1],
        "theirs": "layer2.0.downsample.0.weight",
        "their_shape": [128, 64, 1, 1],
        "alike": False,
    }


def test_a_map_to_another_network(torchvision: Any) -> None:
    result = run("map", "resnet18", "--from", "torchvision:resnet34")
    assert result.exit_code == 1
    assert "Error: torchvision:resnet34 is another network\ndo not fit: ours: " in result.stderr


def saved_resnet(folder: Path, torchvision: Any, change: Any = None) -> tuple[Path, Any]:
    model = torchvision.models.resnet18(num_classes=7).eval()
    if change:
        change(model)
    return saved(folder, model.state_dict()), model


def gray(model: Any) -> None:
    model.conv1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)


@pytest.mark.parametrize("package", ["torchvision", "timm:resnet18.a1_in1k", "timm:resnet18"])
def test_other_channels_than_the_package_has(
    tmp_path: Path, torchvision: Any, package: str
) -> None:
    """Of images of one channel, and of a file that has three."""
    if package.startswith("timm"):
        pytest.importorskip("timm")
    target = tmp_path / "ours.pt"
    options = ("--spec", "resnet18", "--from", package, "--input", "1x64x64", "--set", "classes=7")
    source, model = saved_resnet(tmp_path, torchvision, gray)
    result = run("convert", str(source), str(target), *options)
    assert result.exit_code == 0 and not result.stderr, result.output
    ours = build("resnet18", {"classes": "7"}, Image(1, 64, 64)).torch()
    ours.load_state_dict(torch.load(target, weights_only=True))
    x = torch.randn(1, 1, 64, 64)
    assert torch.equal(ours.eval()(x), model(x))
    source, _ = saved_resnet(tmp_path, torchvision)
    result = run("convert", str(source), str(target), *options)
    assert result.exit_code == 0, result.output
    assert result.stderr == (
        "left out `features.0.conv`: `features.0.conv.weight` is 64 x 3 x 7 x 7, not 64 x 1 x 7 x 7\n"
    ).replace("features.0.conv", next(iter(ours.state_dict())).removesuffix(".weight"))


def test_a_file_without_its_head(tmp_path: Path, torchvision: Any) -> None:
    """The same rule as without --from: left out where an option changes that layer."""
    source, model = saved_resnet(tmp_path, torchvision)
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("fc.")}
    torch.save(state, source)
    options = ("--spec", "resnet18", "--from", "torchvision")
    target = tmp_path / "ours.pt"
    result = run("convert", str(source), str(target), *options)
    assert result.exit_code == 1
    assert result.stderr.endswith(": `fc.weight` is missing\n`fc.bias` is missing\n")
    result = run("convert", str(source), str(target), *options, "--set", "classes=7")
    assert result.exit_code == 0, result.output
    assert result.stderr == "left out `head.2`: `head.2.weight` (7 x 512) is missing\n"
    ours = build("resnet18", {"classes": "7"}).torch()
    missing = ours.load_state_dict(torch.load(target, weights_only=True), strict=False)
    assert missing.missing_keys == ["head.2.weight", "head.2.bias"]
    ours.head[2].load_state_dict(model.fc.state_dict())
    x = torch.randn(1, 3, 64, 64)
    assert torch.equal(ours.eval()(x), model(x))


def test_a_wrapped_checkpoint_of_another_package(tmp_path: Path, torchvision: Any) -> None:
    _, model = saved_resnet(tmp_path, torchvision)
    state = torch.nn.DataParallel(model).state_dict()
    source = saved(tmp_path, {"epoch": 1, "state_dict": state})
    options = ("--spec", "resnet18", "--from", "torchvision", "--set", "classes=7")
    result = run("convert", str(source), str(tmp_path / "ours.pt"), *options)
    assert result.exit_code == 0, result.output
    assert result.stderr == "took the entry `state_dict`, without the prefix `module.`\n"


@pytest.mark.keras
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras", ".h5"])
def test_a_keras_model_without_its_head_in_another(tmp_path: Path, suffix: str) -> None:
    """What transfer learning with keras.applications leaves: a body as a layer, and a new head."""
    keras = pytest.importorskip("keras")
    whole, path = theirs_in_keras(), tmp_path / f"theirs{suffix}"
    body = keras.Model(whole.input, whole.layers[-2].output)
    image = keras.Input((8, 6, 3))
    model = keras.Model(image, keras.layers.Dense(9)(body(image)))
    (model.save_weights if suffix == ".weights.h5" else model.save)(path)
    network = build(SPEC).network
    foreign = Foreign.made(OF_KERAS, theirs_in_keras(), network.input)

    def fit(stored: Any) -> Any:
        found = adopt(foreign, stored, network, {"head.2"})
        return select(network, found.stored, {"head.2"}), found.stored

    with opened(path, foreign.names) as contents:
        choice = Choice() if suffix == ".h5" else Choice(key="functional")
        (chosen, stored), notes = (lambda t: (t.fitted, t.notes))(
            take(contents, foreign.names, choice, fit)
        )
        state = convert(chosen, stored, "torch")
    if suffix == ".h5":  # in the order of the layers, the new head is the one of the model
        assert chosen.left_out == ["`head.2`: `head.2.weight` is 9 x 48, not 5 x 48"] and not notes
    else:
        assert chosen.left_out == ["`head.2`: `head.2.weight` (5 x 48) is missing"]
        assert notes[0] == "took the entry `functional`"
    for value in body.weights:
        assert any(
            np.array_equal(np.sort(np.ravel(value)), np.sort(x.ravel())) for x in state.values()
        )


@pytest.mark.keras
def test_keras_files_without_a_head(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    whole = theirs_in_keras()
    body = keras.Model(whole.input, whole.layers[-2].output)
    for suffix in (".weights.h5", ".h5"):
        path = tmp_path / f"notop{suffix}"
        (body.save_weights if suffix == ".weights.h5" else body.save)(path)
        _, _, left_out = adopted(path, theirs_in_keras(), OF_KERAS, changed={"head.2"})
        assert left_out == ["`head.2`: `head.2.weight` (5 x 48) is missing"]
        with pytest.raises(UnfitError, match=r"`dense\w*/kernel` is missing"):
            adopted(path, theirs_in_keras(), OF_KERAS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("lenet5", "--from", "torchvision:alexnet"),
            "torchvision:alexnet does not take images of 3 x 28 x 28: RuntimeError: ",
        ),
        (
            ("vgg16", "--from", "keras:InceptionV3", "--input", "3x32x32"),
            "ValueError: Input size must",
        ),
        (("resnet18", "--from", "timm:resnet18.a9_in1k"), "did you mean `resnet18.a1_in1k`?"),
    ],
)
def test_what_a_package_says_is_said_in_its_name(
    arguments: tuple[str, ...], said: str, torchvision: Any
) -> None:
    for module in ("timm", "keras"):
        pytest.importorskip(module)
    result = run("map", *arguments)
    assert result.exit_code == 2 and said in result.stderr, result.output


def test_a_file_of_the_other_framework(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsFileError, match="is of PyTorch, and the model that --from names is of"
    ):
        pytest.importorskip("keras")
        adopted(saved(tmp_path, theirs().state_dict()), theirs_in_keras(), OF_KERAS)

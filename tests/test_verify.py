"""`cnngen verify` says of equal sources that they are, and of each mutation that they are not."""

import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result

from cnngen.analysis import Options, analyse_file
from cnngen.cli import cli
from cnngen.commands.waiting import Waiting
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate
from cnngen.verify.compare import Comparison, compare
from cnngen.verify.models import SourceError
from cnngen.verify.tried_inputs import other_sizes

pytest.importorskip("torch")
pytest.importorskip("keras")
pytestmark = [pytest.mark.torch, pytest.mark.keras]

SPEC = dedent("""
    cnngen: 1
    name: Small
    about: A bit of everything that goes wrong.
    input: {channels: 3, height: 16, width: 16}
    model:
      stem:
        - conv: {out: 8, kernel: 3, stride: 2, padding: half}
        - batch_norm
        - relu
      fork:
        branches:
          left: {conv: {out: 6, kernel: 3, padding: half}}
          right: {conv: {out: 6, kernel: 1}}
        join: concat
      head:
        - batch_norm
        - relu
        - global_avg_pool
        - flatten
        - linear: {out: 4}
""").lstrip()
RENAMED = dedent("""
    cnngen: 1
    name: Renamed
    about: Words that PyTorch, Keras or their files need.
    params: {nn: 4, math: 2, input_shape: 3, training_heads: 2, keras: 5, torch: 0.5}
    input: {channels: 3, height: 8, width: 8}
    model:
      forward: [conv: {out: nn, kernel: 3, padding: half, stride: math}, relu]
      state_dict: [conv: {out: keras, kernel: input_shape, padding: half}, dropout: {rate: torch}]
      update: {when: training, from: forward, do: {conv: {out: training_heads, kernel: 1}}}
      image: {conv: {out: 3, kernel: 1}}
    outputs: {count: image, index: update}
""").lstrip()

# What is changed in which source, and what shows it.
MUTATIONS = {
    "a missing ReLU": ("torch", "nn.ReLU(inplace=True),", "nn.Identity(),", "outputs"),
    "another epsilon": ("torch", "nn.BatchNorm2d(8)", "nn.BatchNorm2d(8, eps=1e-3)", "outputs"),
    "same for half": (
        "keras",
        """x = layers.ZeroPadding2D(1, name="stem_0_pad")(image)
    x = layers.Conv2D(8, 3, strides=2,""",
        'x = image\n    x = layers.Conv2D(8, 3, strides=2, padding="same",',
        "outputs",
    ),
    "a swapped branch": ("keras", "([left, right])", "([right, left])", "outputs"),
    "momentum 0.9 for 0.1": ("keras", "momentum=0.9", "momentum=0.1", "statistics"),
    "no gradient": ("torch", "self.fork(x)", "self.fork(x.detach())", "gradients"),
}


@pytest.fixture
def network(tmp_path: Path) -> Network:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC, encoding="utf-8")
    network = analyse_file(path, Report())
    assert network
    return network


def sources(network: Network) -> dict[str, str]:
    return {target: generate(network, target, Report()) or "" for target in ("torch", "keras")}


def run(network: Network, texts: dict[str, str], folder: Path) -> dict[str, Comparison]:
    """The last of each quantity, which is of float64."""
    return {each.quantity: each for each in compare(network, texts, folder)}


def test_equal_sources_are_equal(network: Network, tmp_path: Path) -> None:
    found = run(network, sources(network), tmp_path)
    assert [*found] == ["outputs", "training outputs", "gradients", "statistics", "weights"]
    assert all(each.equal for each in found.values())


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutations_are_caught(name: str, network: Network, tmp_path: Path) -> None:
    target, old, new, quantity = MUTATIONS[name]
    texts = sources(network)
    assert old in texts[target]
    texts[target] = texts[target].replace(old, new, 1)
    found = run(network, texts, tmp_path)
    assert not found[quantity].equal
    assert found[quantity].difference > 10 * found[quantity].tolerance


def test_a_source_that_does_not_run_is_said(network: Network, tmp_path: Path) -> None:
    texts = sources(network)
    texts["torch"] = texts["torch"].replace("self.fork(x)", "self.spoon(x)")
    with pytest.raises(SourceError, match="the torch source fails: AttributeError: .*spoon"):
        run(network, texts, tmp_path)


def test_the_command_compares_at_three_sizes(tmp_path: Path) -> None:
    result = verify(tmp_path, "--format", "json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    sizes = {(each["height"], each["width"]) for each in found["comparisons"]}
    assert found["equal"] and sizes == {(16, 16), (9, 9), (8, 12)}


def test_a_quick_run_says_what_it_leaves_out(tmp_path: Path) -> None:
    result = verify(tmp_path, "--quick", "--input", "3x64x96", "--format", "json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    compared = [(each["quantity"], each["height"], each["width"]) for each in found["comparisons"]]
    quantities = ["outputs", "training outputs", "gradients", "statistics"]
    assert compared == [(quantity, 17, 37) for quantity in quantities]
    assert {each["precision"] for each in found["comparisons"]} == {"float64"}
    left_out = ["64 x 96", "other sizes", "float32", "later steps of training"]
    assert found["unchecked"] == left_out
    assert (
        f"not checked: {', '.join(left_out)}"
        in verify(tmp_path, "--quick", "--input", "3x64x96").stdout
    )


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (2, 1), (7, 1), (16, 16)])
def test_no_size_is_tried_that_is_none(height: int, width: int, tmp_path: Path) -> None:
    """A network may begin with an image of one pixel, as those do that make images of noise."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "cnngen: 1\nname: Small\nabout: From noise.\n"
        f"input: {{channels: 4, height: {height}, width: {width}}}\n"
        "model: {stem: {transposed_conv: {out: 3, kernel: 4}}}\n",
        encoding="utf-8",
    )
    network = analyse_file(path, Report())
    assert network
    tried = [each.input for each in other_sizes(path, Options({}), network)]
    assert len(tried) == 2
    assert all(min(each.height, each.width) >= 1 for each in tried)
    assert Image(4, height, width) not in tried


def test_where_it_is_when_nobody_watches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line for a change after a while, and one again where nothing changes for long."""
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    say = Waiting("lenet", terminal=False)
    for clock[0], phase in [(1, "a"), (4, "b"), (6, "c"), (7, "d"), (12, "d"), (30, "d")]:
        say(phase)
    clock[0] = 75.0
    say.say()
    assert capsys.readouterr() == ("", "lenet: c (0:06)\nlenet: d (0:12)\nlenet: d (1:15)\n")


def test_a_layer_norm_of_two_channels_is_judged_by_its_own_rounding(tmp_path: Path) -> None:
    """It makes 1e-5 of the 1e-7 that float32 leaves, in either framework."""
    texts = "model: {stem: {conv: {out: 2, kernel: 3}}, norm: layer_norm}\n"
    for seed in range(4):
        result = verify_text(tmp_path, texts, "--seed", str(seed), "--own-size", "--format", "json")
        assert result.exit_code == 0, result.output
        first = json.loads(result.stdout)[0]["comparisons"][0]
        assert first["rounding"] > 1e-6 and first["difference"] < first["tolerance"]


def test_gates_are_not_driven_to_their_ends(tmp_path: Path) -> None:
    """Thirty gated residuals without a norm on the way."""
    texts = """\
blocks:
  Gated:
    about: A residual that is gated.
    body:
      branches:
        shortcut: identity
        residual:
          - conv: {out: input.channels, kernel: 3, padding: half, bias: false}
          - silu
          - branches:
              maps: identity
              gate:
                - global_avg_pool
                - conv: {out: input.channels, kernel: 1}
                - sigmoid
            join: multiply
      join: add
model:
  stem: {conv: {out: 8, kernel: 3}}
  features: {repeat: 30, do: Gated}
"""
    result = verify_text(tmp_path, texts, "--own-size", "--format", "json")
    assert result.exit_code == 0, result.output
    first = json.loads(result.stdout)[0]["comparisons"][0]
    assert first["precision"] == "float32" and first["rounding"] < 1e-5


def test_the_command_shows_the_first_stage_that_differs(tmp_path: Path) -> None:
    """The user's own spelling of an op is wrong in one framework."""
    relu = tmp_path / "templates" / "torch" / "ops" / "relu.jinja"
    relu.parent.mkdir(parents=True)
    relu.write_text("nn.LeakyReLU(0.1)", encoding="utf-8")
    result = verify(tmp_path, "--own-size", "--verbose", "--templates", str(tmp_path / "templates"))
    assert result.exit_code == 1
    assert "the sources differ" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    (stem,) = (line for line in lines if line[:1] == ["stem"])
    assert stem[1] == "stem.2" and float(stem[2]) > 1e-3


def test_names_that_the_targets_change(tmp_path: Path) -> None:
    path = tmp_path / "renamed.yaml"
    path.write_text(RENAMED, encoding="utf-8")
    result = CliRunner().invoke(cli, ["verify", "--quick", "--verbose", str(path)])
    assert result.exit_code == 0, result.output
    assert "renamed: one network" in result.output and "state_dict.0" in result.output


def test_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    result = verify(tmp_path)
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: PyTorch is not installed: pip install 'cnngen[torch]'\n"
        "TensorFlow is not installed: pip install 'cnngen[tensorflow]'\n"
    )


def test_a_model_of_somebody_else_is_the_same_network(torchvision: object) -> None:
    result = against("torchvision")
    assert result.exit_code == 0, result.output
    assert "resnet18: the network of torchvision:resnet18" in result.stdout


def test_another_network_is_told_by_its_layers(torchvision: object) -> None:
    result = against("torchvision:resnet34")
    assert result.exit_code == 1
    assert "resnet18: torchvision:resnet34 is another network\ndo not fit: ours: " in result.stderr


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("resnet18", 2, "`resnet18` is none of `torchvision:NAME`, `timm:NAME`, "),
        ("torchvision:resnet", 2, "torchvision has no model `resnet`: did you mean `resnet"),
        ("keras:os", 2, "keras.applications has no model `os`"),
    ],
)
def test_a_model_that_is_not_there(text: str, code: int, said: str, torchvision: object) -> None:
    result = against(text)
    assert result.exit_code == code
    assert said in result.stderr


def against(text: str) -> Result:
    return CliRunner().invoke(cli, ["verify", "resnet18", "--input", "3x64x64", "--against", text])


def verify(folder: Path, *arguments: str) -> Result:
    path = folder / "small.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return CliRunner().invoke(cli, ["verify", str(path), *arguments])


def verify_text(folder: Path, texts: str, *arguments: str) -> Result:
    path = folder / "small.yaml"
    head = (
        "cnngen: 1\nname: Small\nabout: Of a kind.\ninput: {channels: 3, height: 12, width: 12}\n"
    )
    path.write_text(head + texts, encoding="utf-8")
    return CliRunner().invoke(cli, ["verify", str(path), *arguments])

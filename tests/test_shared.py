"""What is used again with its weights: counted once, run each time, and the same in both frameworks."""

import json
import tempfile
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from support.built_models import Built, build

from cnngen.check import check
from cnngen.diagnostics.model import Report
from cnngen.diff.changes import difference
from cnngen.draw.figures import figures
from cnngen.report.summary import summarize
from cnngen.targets.generate import generate
from cnngen.verify.compare import Comparison, compare

SIAMESE = """
    cnngen: 1
    name: Siamese
    about: Two images by one encoder
    input: {channels: 2, height: 12, width: 12}
    model:
      left: {slice_channels: {start: 0, stop: 1}}
      right: {slice_channels: {start: 1, stop: 2}, from: input}
      encoder:
        - conv: {out: 4, kernel: 3}
          from: left
        - batch_norm: {momentum: 0.3}
        - relu
        - global_avg_pool
        - flatten
      other: {use: encoder, from: right}
      both: {branches: {left: {from: encoder}, right: {from: other}}, join: concat}
      head: {linear: {out: 2}}
    """
RETINA = """
    cnngen: 1
    name: Retina
    about: A head over three levels
    input: {channels: 3, height: 24, width: 32}
    defaults: {conv: {kernel: 3, padding: half}}
    blocks:
      Head:
        about: A head
        params: {out: int}
        body:
          - repeat: 2
            do: [{conv: {out: input.channels}}, batch_norm, relu]
          - conv: {out: out}
    model:
      p3: {conv: {out: 4, stride: 2}}
      p4: {conv: {out: 4, stride: 2}}
      p5: [{conv: {out: 4, stride: 2}}, batch_norm, relu]
      boxes3: {Head: {out: 4}, from: p3}
      boxes4: {use: boxes3, from: p4}
      boxes5: {use: boxes4, from: p5}
    outputs: {boxes3: boxes3, boxes4: boxes4, boxes5: boxes5}
    """
RECURRENT = """
    cnngen: 1
    name: Recurrent
    about: A convolution that runs again
    params: {deep: true}
    input: {channels: 3, height: 8, width: 8}
    defaults: {conv: {kernel: 3, padding: half}}
    blocks:
      Cell:
        about: A cell
        body:
          - conv: {out: 4}
          - relu:
            name: given
          - conv: {out: 4}
            name: recurrent
          - batch_norm
          - use: recurrent
          - when: deep
            do: [{conv: {out: 4, stride: 2}}, relu]
            name: smaller
          - branches:
              one: {use: recurrent}
              two: [batch_norm, relu]
            join: add
            name: last
          - use: smaller
          - relu
    model:
      body: {repeat: 2, do: Cell}
      act: relu
      again: {use: act, from: body}
      head: [global_avg_pool, flatten, {linear: {out: 3}}]
    outputs: {head: head, act: act}
    """
HALVES = """
    cnngen: 1
    name: Halves
    about: A flatten fixes sizes
    input: {channels: 2, height: 6, width: 8}
    model:
      left: {slice_channels: {start: 0, stop: 1}}
      head: [{conv: {out: 3, kernel: 3}}, flatten, {linear: {out: 4}}, batch_norm]
      right: {slice_channels: {start: 1, stop: 2}, from: input}
      sum_up:
        branches: {left: {from: head}, right: {use: head}, more: {use: head, from: left}}
        join: add
    """
HEADS = """
    cnngen: 1
    name: Heads
    about: Training uses the classifier twice
    input: {channels: 4, height: 8, width: 8}
    model:
      stem: [{conv: {out: 6, kernel: 3, padding: half}}, batch_norm, relu]
      deep: [{conv: {out: 6, kernel: 3, padding: half}}, relu]
      head: [{conv: {out: 6, kernel: 1}}, batch_norm, global_avg_pool, flatten, {linear: {out: 3}}]
      early: {when: training, do: {use: head, from: stem}}
    outputs: {head: head, early: early}
    """
NAMED = """
    cnngen: 1
    name: Named
    about: Uses in named branches.
    input: {channels: 4, height: 8, width: 8}
    defaults: {conv: {padding: half}}
    blocks:
      Two:
        about: Two inputs, one convolution.
        params: {skip: tensor}
        body:
          - conv: {out: 4, kernel: 3}
            name: conv_a
          - batch_norm:
            name: norm
          - branches:
              one: {use: conv_a}
              two: {use: conv_a, from: skip}
              three: [{from: norm}, relu]
              four: identity
            join: concat
            name: both
          - conv: {out: 4, kernel: 1}
          - use: norm
          - branches: {one: {use: norm, from: skip}, two: {use: conv_a}}
            join: multiply
    model:
      stem: {conv: {out: 4, kernel: 3}}
      deep: [{conv: {out: 4, kernel: 3}}, relu]
      two: {Two: {skip: stem}}
      encoder: {conv: {out: 4, kernel: 3, stride: 2}}
      both:
        branches: {a: {use: encoder, from: stem}, b: {use: encoder, from: input}, c: {from: encoder}}
        join: mean
    """
SPECS = {
    "siamese": SIAMESE,
    "retina": RETINA,
    "recurrent": RECURRENT,
    "halves": HALVES,
    "heads": HEADS,
    "named": NAMED,
}


def test_parameters_count_once_and_multiplications_each_time() -> None:
    network = build(SIAMESE).network
    whole = summarize(network)
    stages = {stage.name: stage for stage in whole.stages}
    assert stages["encoder"].parameters == 4 * 9 + 4 + 2 * 4 and stages["other"].parameters == 0
    assert stages["encoder"].macs == stages["other"].macs == 10 * 10 * 4 * 9
    assert whole.parameters == 48 + 2 * 8 + 2
    assert whole.buffers == 8
    layers = {layer["path"]: layer for layer in json.loads(json.dumps(whole.as_dict()))["layers"]}
    assert layers["other.0"]["shares"] == "encoder.0" and not layers["other.0"]["weights"]
    assert "shares" not in layers["encoder.0"]


def test_a_use_of_a_use_has_the_weights_of_the_first() -> None:
    layers = build(RETINA).network.layers
    assert {layers[f"boxes5.{i}"].shares for i in ("0.0", "2")} == {"boxes3.0.0", "boxes3.2"}
    inner = build(RECURRENT).network.layers["body.1.last.one"]
    assert inner.shares == "body.1.recurrent"


def test_pictures_say_whose_weights_a_box_has() -> None:
    boxes = [box for figure in figures(build(RETINA).network) for box in figure.boxes]
    marked = {box.key: box.lines[-1] for box in boxes if box.lines[-1].startswith("weights of")}
    assert marked == {
        f"{stage}.{place}": "weights of boxes3"
        for stage in ("boxes4", "boxes5")
        for place in ("0.0", "2")  # of which the first is twice there
    }


def test_a_difference_tells_weights_that_are_no_longer_shared() -> None:
    apart = SIAMESE.replace(
        "other: {use: encoder, from: right}",
        "other: [{conv: {out: 4, kernel: 3}, from: right}, {batch_norm: {momentum: 0.3}}, relu,"
        " global_avg_pool, flatten]",
    )
    found = difference(build(SIAMESE).network, build(apart).network)
    assert found.totals["parameters"] == (66, 114)
    changes = [each.attributes["weights of"] for each in found.changed if each.op == "conv"]
    assert [(each.old, each.new) for each in changes] == [("encoder.0", "none")]


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("name", SPECS)
def test_both_frameworks_compute_and_learn_the_same(name: str) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    assert [row for row in _compared(build(SPECS[name])) if not row.equal] == []


@pytest.mark.torch
@pytest.mark.keras
def test_statistics_of_all_uses_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the order of Keras not asked for, the statistics would differ."""
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    from cnngen.verify import training

    def none(_: Any) -> dict[str, tuple[int, ...]]:
        return {name: (0, 1, 2) for name in ("boxes3.0.1", "boxes3.1.1")}

    monkeypatch.setattr(training, "norm_orders", none)
    wrong = [row.quantity for row in _compared(build(RETINA)) if not row.equal]
    assert wrong == ["statistics"]


def _compared(built: Built) -> list[Comparison]:
    texts = {t: generate(built.network, t, Report()) or "" for t in ("torch", "keras")}
    with tempfile.TemporaryDirectory() as folder:
        return compare(built.network, texts, Path(folder), "float64", steps=2)


def test_what_keras_makes_for_one_size_is_refused_for_another() -> None:
    text = """
        cnngen: 1
        name: Pooled
        about: An adaptive pool, for one size or two
        input: {{channels: 4, height: 16, width: 16}}
        model:
          head: [{{adaptive_avg_pool: {{size: 3}}}}, flatten, {{linear: {{out: 5}}}}]
          small: {{{step}, from: input}}
          again: {{use: head}}
          both: {{branches: {{one: {{from: head}}, two: {{from: again}}}}, join: add}}
        """
    for step, code in (("relu: {}", []), ("max_pool: {kernel: 2}", ["unsupported-op"])):
        report = Report()
        generate(build(text.format(step=step)).network, "keras", report)
        assert [found.code for found in report] == code


# --- Beside what a person writes


def _siamese() -> Any:
    """The network of `SIAMESE` in PyTorch, by hand."""
    import torch
    from torch import nn

    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encode = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, momentum=0.3))
            self.classify = nn.Linear(8, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            images = x[:, :1], x[:, 1:]
            encoded = [self.encode(image).relu().mean((2, 3)) for image in images]
            return self.classify(torch.cat(encoded, 1))

    return Siamese().double()


@pytest.mark.torch
def test_pytorch_trains_as_a_siamese_network_by_hand_does() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    theirs, ours = _siamese(), build(SIAMESE).torch().double()
    names = {"encode": "encoder", "classify": "head"}
    state = {
        ".".join([names[key.split(".")[0]], *key.split(".")[1:]]): value
        for key, value in theirs.state_dict().items()
    }
    ours.load_state_dict(state)
    x = torch.randn(3, 2, 12, 12, dtype=torch.float64)
    for model in (theirs, ours):
        model(x).square().sum().backward()
    assert torch.allclose(ours.encoder[0].weight.grad, theirs.encode[0].weight.grad, rtol=1e-10)
    assert torch.allclose(ours.encoder[1].running_var, theirs.encode[1].running_var, rtol=1e-12)
    assert int(ours.encoder[1].num_batches_tracked) == 2
    assert sum(p.numel() for p in ours.parameters()) == 66


@pytest.mark.torch
def test_shared_weights_of_other_models_are_found() -> None:
    pytest.importorskip("torch")
    from cnngen.weights.match import match
    from cnngen.weights.read_network import read_network
    from cnngen.weights.read_torch import read_torch

    network = build(SIAMESE).network
    found = match(read_network(network), read_torch(_siamese().float(), network.input))
    pairs = {pair.ours.name: pair.theirs.name for pair in found.pairs}
    assert found.complete
    assert pairs == {"encoder.0": "encode.0", "encoder.1": "encode.1", "head": "classify"}


@pytest.mark.torch
def test_nothing_that_is_used_again_overwrites_what_others_read() -> None:
    torch = pytest.importorskip("torch")
    from cnngen.targets import torch as target

    text = """
        cnngen: 1
        name: Again
        about: An activation of two tensors
        input: {channels: 3, height: 4, width: 4}
        model:
          stem: {conv: {out: 4, kernel: 1}}
          act: relu
          deep: {conv: {out: 4, kernel: 1}, from: stem}
          more: {use: act, from: deep}
          whole:
            branches: {a: {from: act}, b: {from: more}, c: {from: deep}, d: {from: stem}}
            join: add
        """
    network = build(text).network
    made: list[Any] = []
    for in_place in (True, False):
        found: dict[str, Any] = {}
        exec(target.render(network, in_place=in_place), found)
        made.append(found["Again"]())
    made[1].load_state_dict(made[0].state_dict())
    x = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        assert torch.equal(made[0](x), made[1](x))


# --- Files


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("end", [".keras", ".weights.h5", ".safetensors"])
def test_weights_travel_by_files(name: str, end: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    keras = pytest.importorskip("keras")
    from cnngen.weights.conversion import Conversion
    from cnngen.weights.layout import in_keras
    from cnngen.weights.read_torch import COUNTER
    from cnngen.weights.ways import Choice

    built = build(SPECS[name])
    model = built.torch()
    for value in model.state_dict().values():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value))
    torch.save(model.state_dict(), tmp_path / "model.pt")
    source = generate(built.network, "keras", Report())
    path = tmp_path / f"model{end}"
    text = None if end == ".safetensors" else source
    forth = Conversion(tmp_path / "model.pt", path, built.network, "keras", False, text, None)
    forth.run(None, Choice(), by_order=False)
    state = {n: v for n, v in model.state_dict().items() if not n.endswith(COUNTER)}
    expected = in_keras(built.network, {name: v.numpy() for name, v in state.items()})
    if end == ".keras":
        other = keras.models.load_model(path)
        assert {v.path for v in other.weights} == expected.keys()
        assert all(np.array_equal(v, expected[v.path]) for v in other.weights)
    back = tmp_path / "back.pt"
    Conversion(path, back, built.network, "torch", False, None, None).run(
        None, Choice(), by_order=False
    )
    again = torch.load(back)
    assert all(torch.equal(again[name], value) for name, value in state.items())


# --- Where two models part


@pytest.mark.torch
@pytest.mark.keras
def test_layers_inside_of_what_is_shared_are_compared(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    from cnngen.verify.models import Models, channels_last, draw, import_sources
    from cnngen.verify.stages import compare_stages
    from cnngen.verify.trace import trace_keras, trace_torch
    from cnngen.verify.where import parting
    from cnngen.weights.keras_layers import keras_layers

    network = build(RETINA).network
    texts = {t: generate(network, t, Report()) or "" for t in ("torch", "keras")}
    sources = import_sources(network, texts, tmp_path)
    with Models(sources, draw(sources, 0), "float64") as models:
        stages = {each.stage: each for each in compare_stages(models)}
        assert {"p3", "p4", "p5", "boxes3"} == stages.keys()
        assert all(each.difference < 1e-12 for each in stages.values())
        model, (x,) = models.keras_model(heads=False), models.inputs.values()
        traces = trace_keras(model, channels_last(x)), trace_torch(models.torch, x)
        assert parting(*traces, network, 1e-9) is None
        (last,) = (layer for layer in keras_layers(model) if layer.name == "boxes3_1_0")
        last.bias.assign(last.bias + 1)
        traces = trace_keras(model, channels_last(x)), trace_torch(models.torch, x)
        found = parting(*traces, network, 1e-9)
        assert found is not None and found.ours.startswith("`boxes3_1_0`, Conv2D")


CLASH = """
    cnngen: 1
    name: Clash
    about: A block whose branches have one name in two joins
    input: {channels: 4, height: 8, width: 8}
    blocks:
      Unit:
        about: Two joins
        body:
          - {branches: {known: identity, wide: {conv: {out: 6, kernel: 1}}}, join: concat}
          - {branches: {narrow: {conv: {out: 8, kernel: 1}}, known: identity}, join: concat}
    model:
      stem: {conv: {out: 4, kernel: 1}}
      first: [Unit, relu]
      second: {use: first, from: stem}
    outputs: {first: first, second: second}
    """


def test_what_has_a_mistake_is_used_again_without_another(tmp_path: Path):
    path = tmp_path / "clash.yaml"
    path.write_text(dedent(CLASH))
    assert [each.code for each in check(path).diagnostics] == ["name-clash"]

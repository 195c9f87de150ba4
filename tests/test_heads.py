"""Heads that exist in training only: both sources, summary and files of weights agree on them."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from support.built_models import Built, build

from cnngen.cli import cli
from cnngen.report.summary import summarize
from cnngen.weights.layout import in_keras
from cnngen.weights.transfer import keras_state, load_keras, torch_state

# The classifiers of both heads have one shape, and stand first and last among the layers.
ALIKE = """
cnngen: 1
name: Alike
about: A head for training whose classifier has the shape of the other one.
input: {channels: 3, height: 16, width: 16}
defaults: {conv: {kernel: 3, padding: half}}
model:
  stem: [conv: {out: 8}, batch_norm, relu]
  deep: [conv: {out: 8}, relu, conv: {out: 8}, relu]
  head: [global_avg_pool, flatten, linear: {out: 5}]
  aux: {when: training, from: stem, do: [conv: {out: 8}, global_avg_pool, flatten, dropout: {rate: 0.1}, linear: {out: 5}]}
outputs: {logits: head, aux: aux}
"""

# Stages without `when: training`, which nothing but a head reads, one behind the other.
SIDE = """
cnngen: 1
name: Side
about: Stages that only heads read.
input: {channels: 3, height: 8, width: 8}
model:
  deep: {conv: {out: 4, kernel: 3}}
  stem: [from: input, conv: {out: 6, kernel: 3}, relu]
  side: [from: deep, conv: {out: 5, kernel: 1}, batch_norm, relu]
  aux: {when: training, from: deep, do: [global_avg_pool, flatten, linear: {out: 2}]}
  further: [conv: {out: 7, kernel: 1}, relu]
  aux2: {when: training, do: [global_avg_pool, flatten, linear: {out: 2}]}
  head: [from: stem, global_avg_pool, flatten, linear: {out: 2}]
  aux3: {when: training, do: {linear: {out: 2}}}
outputs: {logits: head, aux: aux, aux2: aux2, aux3: aux3}
"""

# Stages that give what they are given, always or by default, and a head that does.
PASSED = """
cnngen: 1
name: Passed
about: Stages that pass on.
params: {wide: false}
input: {channels: 3, height: 8, width: 8}
model:
  alike: identity
  stem: {conv: {out: 4, kernel: 3}}
  passed: identity
  more: {when: wide, do: {conv: {out: 4, kernel: 1}}}
  deep: {conv: {out: 4, kernel: 1}}
  aux: {when: training, from: passed, do: [conv: {out: 2, kernel: 1}, global_avg_pool, flatten]}
  aux2: {when: training, from: stem, do: [conv: {out: 2, kernel: 1}, global_avg_pool, flatten]}
  aux3: {when: training, from: more, do: [conv: {out: 2, kernel: 1}, global_avg_pool, flatten]}
  aux4: {when: training, from: alike, do: [conv: {out: 2, kernel: 1}, global_avg_pool, flatten]}
  head: [from: deep, global_avg_pool, flatten, linear: {out: 2}]
  same_as_head: {when: training, do: identity}
outputs: {logits: head, aux: aux, aux2: aux2, aux3: aux3, aux4: aux4, again: same_as_head}
"""


def fitted(built: Built) -> tuple[Any, Any, Any]:
    """A Keras model with heads after a step of training, images, and what it gives for them."""
    import keras

    keras.utils.set_random_seed(1)
    model = built.keras(training_heads=True)
    x = np.random.default_rng(0).random((8, *model.input.shape[1:]), "float32")
    labels = {name: np.arange(8) % 2 for name in model.output}
    loss = {name: keras.losses.SparseCategoricalCrossentropy(from_logits=True) for name in labels}
    model.compile("sgd", loss=loss, loss_weights=dict.fromkeys(labels, 0.5))
    model.fit(x, labels, verbose=0)
    return model, x, model.predict(x, verbose=0)


@pytest.mark.keras
@pytest.mark.parametrize("text", [ALIKE, SIDE, PASSED], ids=["alike", "side", "passed"])
@pytest.mark.parametrize("file", ["trained.weights.h5", "trained.keras"])
def test_weights_trained_with_heads_are_those_of_the_model_without(
    text: str, file: str, tmp_path: Path
) -> None:
    keras = pytest.importorskip("keras")
    built = build(text)
    trained, x, given = fitted(built)
    path = str(tmp_path / file)
    trained.save(path) if file.endswith(".keras") else trained.save_weights(path)
    for options in ({}, {"skip_mismatch": True}):
        model = built.keras()
        model.load_weights(path, **options)
        assert np.array_equal(model.predict(x, verbose=0), given["logits"])
    again = (
        keras.saving.load_model(path)
        if file.endswith(".keras")
        else built.keras(training_heads=True)
    )
    if not file.endswith(".keras"):
        again.load_weights(path)
    for name, value in again.predict(x, verbose=0).items():
        assert np.array_equal(value, given[name])


@pytest.mark.keras
def test_weights_without_heads_are_refused_by_the_model_with_heads(tmp_path: Path) -> None:
    pytest.importorskip("keras")
    built = build(ALIKE)
    path = str(tmp_path / "plain.weights.h5")
    plain = built.keras()
    plain.save_weights(path)
    with pytest.raises(ValueError, match="could not be loaded"):
        built.keras(training_heads=True).load_weights(path)
    with pytest.warns(UserWarning, match="could not be loaded"):
        (model := built.keras(training_heads=True)).load_weights(path, skip_mismatch=True)
    state = keras_state(model)
    assert all(np.array_equal(state[key], value) for key, value in keras_state(plain).items())


@pytest.mark.keras
def test_the_old_format_goes_by_names_or_is_refused(tmp_path: Path) -> None:
    """Keras 2 wrote whole models into `.h5`, with layers in their order."""
    pytest.importorskip("keras")
    built = build(ALIKE)
    trained, x, given = fitted(built)
    path = str(tmp_path / "trained.h5")
    trained.save(path)
    with pytest.raises(ValueError, match="Layer count mismatch"):
        built.keras().load_weights(path)
    (model := built.keras()).load_weights(path, by_name=True)
    assert np.array_equal(model.predict(x, verbose=0), given["logits"])


def drawn(seed: int) -> str:
    """Equal layers that read each other at random, some of them outputs, and heads on any."""
    draw = Random(seed)
    lines: list[str] = []
    names = ["input"]
    read: set[str] = set()
    for i in range(draw.randint(3, 7)):
        first, second = draw.choice(names[:2]), draw.choice(names)
        conv = "conv: {out: 3, kernel: 1}"
        arms = f"branches: {{a: [from: {first}, {conv}], b: {{from: {second}}}}}, join: add"
        lines.append(f"  s{i}: {draw.choice((f'[from: {second}, {conv}]', f'{{{arms}}}'))}")
        read |= {first, second} if "branches" in lines[-1] else {second}
        names.append(f"s{i}")
    ends = [name for name in names[1:] if name not in read]
    outputs = {f"{draw.choice('amz')}{name}": name for name in ends}
    for i in range(draw.randint(1, 3)):
        outputs[f"{draw.choice('amz')}_aux{i}"] = f"aux{i}"
        origin = draw.choice(names)
        lines.append(
            f"  aux{i}: {{when: training, from: {origin}, do: {{conv: {{out: 3, kernel: 1}}}}}}"
        )
    listed = ", ".join(f"{name}: {stage}" for name, stage in outputs.items())
    head = (
        "cnngen: 1\nname: Net\nabout: Drawn.\ninput: {channels: 3, height: 2, width: 2}\nmodel:\n"
    )
    return head + "\n".join(lines) + f"\noutputs: {{{listed}}}\n"


@pytest.mark.keras
@pytest.mark.parametrize(
    "spec", ["googlenet", "googlenet_bn", "inception_v3", *map(drawn, range(16))]
)
def test_heads_leave_the_order_of_the_other_layers(spec: str) -> None:
    pytest.importorskip("keras")
    built = build(spec)
    with_heads = [layer.name for layer in built.keras(training_heads=True).layers]
    assert with_heads == [*(layer.name for layer in built.keras().layers), "training_heads"]


@pytest.mark.torch
@pytest.mark.keras
def test_stages_that_only_heads_read_exist_in_training_only() -> None:
    pytest.importorskip("torch"), pytest.importorskip("keras")
    built = build(SIDE)
    state = torch_state(built.torch())
    weights = in_keras(built.network, state)
    for heads in (False, True):
        model = built.keras(training_heads=heads)
        summary = summarize(built.network, training=heads)
        assert model.count_params() == summary.parameters + summary.buffers
        assert load_keras(built.network, model, state) == ()
        assert keras_state(model).keys() <= weights.keys()
    assert keras_state(built.keras(training_heads=True)).keys() == weights.keys()
    called: list[str] = []
    torch_model = built.torch()
    for name, module in torch_model.named_children():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    import torch

    torch_model.eval()(torch.zeros(2, 3, 8, 8))
    assert called == ["stem", "head"]
    torch_model.train()(torch.zeros(2, 3, 8, 8))
    assert called[2:] == ["stem", "head", "deep", "side", "further", "aux", "aux2", "aux3"]


@pytest.mark.torch
@pytest.mark.keras
def test_weights_of_stages_that_only_heads_read_are_converted(tmp_path: Path) -> None:
    pytest.importorskip("torch"), pytest.importorskip("keras")
    safetensors = pytest.importorskip("safetensors.numpy")
    spec = tmp_path / "side.yaml"
    spec.write_text(SIDE, encoding="utf-8")
    state = torch_state(build(SIDE).torch())
    safetensors.save_file(state, tmp_path / "a.safetensors")

    def convert(source: str, target: str, *options: str) -> str:
        names = [str(tmp_path / source), str(tmp_path / target), "--spec", str(spec), *options]
        result = CliRunner().invoke(cli, ["weights", "convert", *names])
        assert result.exit_code == 0, result.output
        return result.output

    assert "`deep`: only training has it" in convert("a.safetensors", "plain.keras")
    convert("plain.keras", "plain.safetensors", "--to", "torch")
    plain = safetensors.load_file(tmp_path / "plain.safetensors")
    assert {key.split(".")[0] for key in plain} == {"stem", "head"}
    for file in ("all.keras", "all.weights.h5"):
        convert("a.safetensors", file, "--heads")
        convert(file, "again.safetensors", "--to", "torch")
        again = safetensors.load_file(tmp_path / "again.safetensors")
        assert all(np.array_equal(again[key], value) for key, value in state.items())

"""Ops as parameters: what a parameter makes is what the op would be in its place, in both sources."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import cnngen
from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report, Severity
from cnngen.ops import OPS
from cnngen.ops.any_of import keeps_shape
from cnngen.ops.base import Image, Vector

NET = """\
cnngen: 1
name: Net
about: Units with a norm and an activation.
params: {act: relu, norm: batch_norm, classes: 4}
input: {channels: 3, height: 16, width: 16}
blocks:
  ConvUnit:
    about: A convolution, a norm and an activation.
    params: {out: int, unit_act: relu}
    body: [{conv: {out: out, kernel: 3, padding: half, bias: false}}, norm, unit_act]
model:
  stem: [{ConvUnit: {out: 8, unit_act: act}}, {ConvUnit: {out: 8, unit_act: hard_swish}}]
  rest: [act, {conv: {out: 8, kernel: 1}}, relu]
  head: [global_avg_pool, flatten, {linear: {out: classes}}]
"""
INLINE = NET.replace(
    "params: {act: relu, norm: batch_norm, classes: 4}", "params: {classes: 4}"
).replace(", unit_act: relu}", "}")
SETTINGS: list[tuple[str, str]] = [
    ("silu", "batch_norm"),
    ("{leaky_relu: {slope: 0.1}}", "{group_norm: {groups: 4}}"),
    ("prelu", "layer_norm"),
    ("identity", "identity"),
    ("{gelu: {approximate: true}}", "{affine: {init: {normal: {std: 0.3}}}}"),
    ("{scale: {by: 0.5}}", "{local_response_norm: {size: 3}}"),
    ("softmax", "instance_norm"),
]


def load(text: str, folder: Path, **settings: str) -> cnngen.LoadedSpec:
    path = folder / ("net.yaml" if text is NET else "own.yaml")
    path.write_text(text, encoding="utf-8")
    return cnngen.load(path, settings=settings)


def written(act: str, norm: str) -> str:
    """The network with the ops in their places, which knows no parameters that are ops."""
    body = "[{conv: {out: out, kernel: 3, padding: half, bias: false}}, norm, unit_act]"
    first = body.replace("norm, unit_act", f"{norm}, {act}")
    second = body.replace("norm, unit_act", f"{norm}, hard_swish")
    blocks = "".join(
        f"  {name}:\n    about: A unit.\n    params: {{out: int}}\n    body: {steps}\n"
        for name, steps in (("First", first), ("Second", second))
    )
    head, model = INLINE.split("blocks:")[0], INLINE[INLINE.index("model:") :]
    model = model.replace("{ConvUnit: {out: 8, unit_act: act}}", "{First: {out: 8}}")
    model = model.replace("{ConvUnit: {out: 8, unit_act: hard_swish}}", "{Second: {out: 8}}")
    return f"{head}blocks:\n{blocks}{model.replace('rest: [act,', f'rest: [{act},')}"


@pytest.mark.parametrize(("act", "norm"), SETTINGS)
def test_the_network_is_that_with_the_ops_in_their_places(
    act: str, norm: str, tmp_path: Path
) -> None:
    chosen = load(NET, tmp_path, act=act, norm=norm).summary()
    own = load(written(act, norm), tmp_path).summary()
    assert [replace(layer, line=0) for layer in chosen.layers] == [
        replace(layer, line=0) for layer in own.layers
    ]


@pytest.mark.torch
@pytest.mark.parametrize(("act", "norm"), SETTINGS)
def test_pytorch_computes_what_the_ops_do_in_their_places(
    act: str, norm: str, tmp_path: Path
) -> None:
    import torch

    models: list[Any] = []
    for spec in (load(NET, tmp_path, act=act, norm=norm), load(written(act, norm), tmp_path)):
        torch.manual_seed(0)
        models.append(built(spec.build("torch"))())
    chosen, own = models
    states = chosen.state_dict(), own.state_dict()
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])  # also drawn alike
    x = torch.randn(2, 3, 16, 16)
    for model in models:
        model(x).sum().backward()  # which would refuse what was overwritten too early
    assert torch.equal(chosen(x), own(x))
    for one, other in zip(chosen.parameters(), own.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad)


@pytest.mark.torch
def test_pytorch_takes_any_function_that_makes_a_module(tmp_path: Path) -> None:
    from torch import nn, randn

    net = built(load(NET, tmp_path).build("torch"))
    model = net(
        act=nn.Identity, norm=partial(nn.GroupNorm, 2)
    )  # what follows must not overwrite its input
    kinds = [type(module) for module in model.modules()]
    assert kinds.count(nn.GroupNorm) == 2 and nn.BatchNorm2d not in kinds
    x = randn(2, 3, 16, 16, requires_grad=True)
    model(x).sum().backward()
    assert net(act=nn.Sigmoid)(x).sum().backward() is None


@pytest.mark.keras
def test_keras_takes_any_function_that_makes_a_layer(tmp_path: Path) -> None:
    from keras import layers

    net = built(load(NET, tmp_path).build("keras"), "net")
    model = net(act=partial(layers.Activation, "silu"), norm=layers.LayerNormalization)
    kinds = [type(layer) for layer in model.layers]
    assert kinds.count(layers.LayerNormalization) == 2 and layers.BatchNormalization not in kinds
    assert model.get_layer("stem_0_2").activation.__name__ == "silu"


def built(source: str, name: str = "Net") -> Any:
    namespace: dict[str, Any] = {"__name__": "net"}
    exec(source, namespace)
    return namespace[name]


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if keeps_shape(op)])
def test_ops_that_a_parameter_can_be_keep_the_shape(name: str) -> None:
    required = {"groups": 1, "size": 3, "by": 2.0}
    op = OPS[name]({n: required.get(n, a.default) for n, a in OPS[name].attributes.items()})
    for shape in (Image(4, 5, 7), Vector(6, (6,))):
        try:
            assert op.infer(shape) == shape
        except Exception as error:
            assert "feature maps" in str(error)  # it takes no vectors at all


def test_no_shape_hangs_on_an_op(tmp_path: Path) -> None:
    """So that only what counts positions is fixed in generated code."""
    text = NET.replace("[global_avg_pool, flatten,", "[flatten, act,").replace(
        "classes: 4", "classes: 4, k: 3"
    )
    text = text.replace(
        "rest: [act, {conv: {out: 8, kernel: 1}}", "rest: [act, {conv: {out: 8, kernel: k}}"
    )
    (tmp_path / "net.yaml").write_text(text)
    report = Report()
    network = analyse_file(tmp_path / "net.yaml", report)
    assert network is not None and not report.failed
    assert network.fixed == {"k": "size"}


def test_a_parameter_that_decides_maps_or_vectors_is_fixed_where_an_op_hangs_on_it(
    tmp_path: Path,
) -> None:
    text = """\
cnngen: 1
name: Net
about: A small network.
params: {norm: batch_norm, flat: true}
input: {channels: 3, height: 16, width: 16}
model:
  stem: [{when: flat, do: [global_avg_pool, flatten]}, norm]
"""
    (tmp_path / "net.yaml").write_text(text)
    network = analyse_file(tmp_path / "net.yaml", Report())
    assert network is not None and network.fixed == {"flat": "rank"}
    assert "BatchNorm1d" in cnngen.load(tmp_path / "net.yaml").build("torch")
    assert "BatchNorm2d" in cnngen.load(tmp_path / "net.yaml", settings={"flat": False}).build(
        "torch"
    )


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("3", "wrong-type"),
        ("[relu]", "unknown-name"),
        ("add", "wrong-type"),
        ("max_pool", "wrong-type"),
        ("relluu", "unknown-op"),
        ("group_norm", "missing-attribute"),
        ("{leaky_relu: {slop: 1}}", "unknown-attribute"),
        ("{relu: 6}", "wrong-kind"),
        ("{relu: {}, silu: {}}", "wrong-kind"),
    ],
)
def test_mistakes_of_a_setting(value: str, code: str, tmp_path: Path) -> None:
    found = [d.code for d in load(NET, tmp_path, act=value).check() if d.severity is Severity.ERROR]
    assert found == [code]


def test_a_setting_of_a_number_is_no_op(tmp_path: Path) -> None:
    for value in ("relu", "{relu: {}}"):
        (found,) = load(NET, tmp_path, classes=value).check()
        assert found.code == "wrong-type" and "`classes` must be a whole number" in found.message


def test_settings_may_be_mappings_in_python(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(NET)
    spec = cnngen.load(tmp_path / "net.yaml", settings={"act": {"leaky_relu": {"slope": 0.1}}})
    assert "partial(nn.LeakyReLU, 0.1)" in spec.build("torch")


def test_an_extending_spec_gives_another_op(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "base.yaml").write_text(NET)
    (tmp_path / "net.yaml").write_text(
        "cnngen: 1\nextends: base.yaml\nname: Other\nparams: {act: {elu: {alpha: 0.5}}, last: tanh}\n"
        "model: {head: [global_avg_pool, flatten, {linear: {out: classes}}, last]}\n"
    )
    spec = cnngen.load(tmp_path / "net.yaml")
    assert [d.code for d in spec.check()] == []
    ops = [layer.op for layer in spec.summary().layers]
    assert ops.count("elu") == 2 and ops[-1] == "tanh"


LOOP = """\
cnngen: 1
name: Net
about: Ops whose attributes depend on the variable of a loop, and one that is used again.
params: {act: relu}
input: {channels: 4, height: 16, width: 16}
blocks:
  Unit:
    about: An op between two uses of another.
    params: {own: op}
    body: [{act: , name: first}, own, {use: first}]
model:
  body:
    each: {i: range(3)}
    do:
      - Unit: {own: {dropout: {rate: 0.1 * i}}}
      - Unit: {own: {prelu: {start: 0.1 * i}}}
"""


@pytest.mark.torch
def test_an_op_keeps_the_variables_of_loops_as_they_are_where_it_is_named(tmp_path: Path) -> None:
    model = built(load(LOOP, tmp_path).build("torch"))()
    drops = [module for module in model.modules() if type(module).__name__ == "Dropout"]
    slopes = [module for module in model.modules() if type(module).__name__ == "PReLU"]
    assert [round(each.p, 6) for each in drops] == [0.0, 0.1, 0.2]
    assert [round(each.weight[0].item(), 6) for each in slopes] == [0.0, 0.1, 0.2]
    assert all(each.weight.shape == (4,) for each in slopes)


@pytest.mark.keras
def test_keras_makes_an_op_that_is_used_again_once(tmp_path: Path) -> None:
    model = built(
        load(LOOP, tmp_path).build("keras"), "net" if (tmp_path / "net.yaml").exists() else "own"
    )()
    names = [layer.name for layer in model.layers]
    assert names.count("body_0_0_first") == 1
    assert [
        round(float(layer.alpha[0, 0, 0]), 6) for layer in model.layers if hasattr(layer, "alpha")
    ] == [
        0.0,
        0.1,
        0.2,
    ]


def test_a_variant_is_begun_with_the_ops_of_its_base(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from cnngen.cli import cli

    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "net.yaml").write_text(
        NET.replace("act: relu", "act: {leaky_relu: {slope: 0.1}}", 1)
    )
    made = CliRunner().invoke(
        cli, ["new", str(tmp_path / "own.yaml"), "--from", str(tmp_path / "net.yaml")]
    )
    assert made.exit_code == 0, made.output
    text = (tmp_path / "own.yaml").read_text()
    assert "#   act: {leaky_relu: {slope: 0.1}}\n#   norm: batch_norm\n" in text


def test_pictures_tell_uses_with_other_ops_apart(tmp_path: Path) -> None:
    picture = load(NET, tmp_path).draw("mmd")
    assert "2 uses" not in picture and "hard_swish" in load(NET, tmp_path).draw("mmd", depth=9)


def test_one_mistake_in_what_a_parameter_is_has_one_message(tmp_path: Path) -> None:
    """Steps that apply it say nothing."""
    found = load(NET, tmp_path, act="swisch_glu").check()
    assert [d.code for d in found] == ["unknown-op"]


@pytest.mark.parametrize("target", ["torch", "keras"])
def test_a_block_that_nothing_uses_may_name_ops(target: str, tmp_path: Path) -> None:
    unused = "  Unused:\n    about: A unit.\n    body: {ConvUnit: {out: 2, unit_act: mish}}\nmodel:"
    spec = load(NET.replace("model:", unused, 1), tmp_path)
    assert [d.code for d in spec.check()] == ["unused-block"]
    assert "unit_act" in spec.build(target)

"""Recovery: a graph becomes a spec of the same network, as a person would have written it."""

from dataclasses import replace
from pathlib import Path

import pytest
from support.as_foreign import foreign_graph
from support.documentation_pages import ROOT
from support.random_specs import random_spec
from support.same_graph import differences

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.diff.changes import difference
from cnngen.foreign.graph import Graph, Module, Node, Place
from cnngen.formatting.format import format_source
from cnngen.ops.base import Image
from cnngen.recovery.recover import recover
from cnngen.semantics.network import Network
from cnngen.source import Source
from cnngen.syntax.naming import LONGEST_NAME
from cnngen.writing.spec import spec_text

ZOO = sorted((ROOT / "specs").glob("*.yaml"))

# Layers of these have other names than ours, as a graph does not say which: a branch without layers
# and a loop that is read leave no trace, and a few ops in a row are no loop.
RENAMED = {
    "deeplabv3_resnet50", "deeplabv3_resnet101", "dncnn", "dpn68", "efficientnet_v2_s",
    "itracker", "lraspp_mobilenet_v3_large", "mobilenet_v3_large", "mobilenet_v3_small",
    "nasnet_mobile", "res2net50", "siamese_omniglot", "two_stream_ucf101", "unet_depth", "vgg11",
    "vgg11_lrn", "vgg16_spp",
}  # fmt: skip


def checked(text: str, folder: Path) -> Network:
    """The network of a spec, which must be valid and laid out as `fmt` does."""
    path, report = folder / "network.yaml", Report()
    path.write_text(text)
    network = analyse_file(path, report)
    assert network is not None, f"{text}\n{render_text(list(report))}"
    return network


def recovered(graph: Graph, folder: Path) -> Network:
    text = spec_text(recover(graph))
    network = checked(text, folder)
    assert format_source(Source("network.yaml", text), Report()) == text
    return network


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_the_zoo_comes_home_from_modules(path: Path, tmp_path: Path):
    network = analyse_file(path, Report())
    assert network
    graph = foreign_graph(network)
    again = recovered(graph, tmp_path)
    assert differences(graph, foreign_graph(again)) == []
    if path.stem not in RENAMED:
        found = difference(network, again)
        groups = (*found.removed, *found.added)
        layers = [group for group in groups if {*group.ops} != {"identity"}]
        renamed = [x for x in found.renamed if not _is_identity(network, x.old)]
        assert (found.interface, layers, found.changed) == ({}, [], ())
        assert renamed == []


def _is_identity(network: Network, path: str) -> bool:
    return path in network.layers and network.layers[path].op.is_identity


@pytest.mark.parametrize("path", ZOO, ids=lambda path: path.stem)
def test_the_zoo_comes_home_from_flat_graphs(path: Path, tmp_path: Path):
    network = analyse_file(path, Report())
    assert network
    graph = foreign_graph(network, flat=True)
    assert differences(graph, foreign_graph(recovered(graph, tmp_path))) == []


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("seeds", [range(i, i + 20) for i in range(0, 100, 20)], ids=str)
def test_random_networks_come_home(seeds: range, flat: bool, tmp_path: Path):
    for seed in seeds:
        network = checked(random_spec(seed).text, tmp_path)
        graph = foreign_graph(network, flat=flat)
        said = differences(graph, foreign_graph(recovered(graph, tmp_path)))
        assert said == [], f"seed {seed}"


def written(body: str, folder: Path, *, flat: bool = False) -> str:
    """What is recovered of a network with these blocks and stages, from the blocks on."""
    head = "cnngen: 1\nname: Net\nabout: A network.\ninput: {channels: 8, height: 32, width: 32}\n"
    network = checked(head + body, folder)
    graph = foreign_graph(network, flat=flat)
    text = spec_text(recover(graph))
    assert differences(graph, foreign_graph(checked(text, folder))) == []
    return text.partition("width: 32}\n")[2].strip()


UNITS = """
blocks:
  Unit:
    about: A convolution.
    params: {out: int, stride: 1}
    body: [{conv: {out: out, kernel: 3, stride: stride, padding: half}}, batch_norm, relu]
"""


def test_uses_of_a_module_are_a_block_with_parameters(tmp_path: Path):
    text = written(
        UNITS + "model: {stem: {Unit: {out: 16}}, deep: {Unit: {out: 24, stride: 2}}}", tmp_path
    )
    assert "params: {out: int, stride: int}" in text
    assert "stem: {Unit: {out: 16, stride: 1}}" in text
    assert "deep: {Unit: {out: 24, stride: 2}}" in text


def test_what_follows_itself_is_a_loop(tmp_path: Path):
    body = "model: {deep: [{Unit: {out: 16}}, {Unit: {out: 16}}, {Unit: {out: 16}}]}"
    text = written(UNITS + body, tmp_path)
    assert "repeat: 3" in text or "repeat: 2" in text


def test_what_differs_between_iterations_is_a_list(tmp_path: Path):
    body = "model: {deep: [{Unit: {out: 16}}, {Unit: {out: 24}}, {Unit: {out: 48}}]}"
    text = written(UNITS + body, tmp_path)
    assert "each: {out: [16, 24, 48]}" in text
    assert "do: {Unit: {out: out}}" in text


GROWING = """
blocks:
  Wider:
    about: Twice as many channels, and four times in between.
    body:
      - {conv: {out: 4 * input.channels, kernel: 1}}
      - relu
      - {conv: {out: 2 * input.channels, kernel: 3, padding: half}}
model: {a: Wider, b: Wider, c: Wider}
"""


def test_channels_are_multiples_of_those_that_a_block_is_given(tmp_path: Path):
    text = written(GROWING, tmp_path)
    assert "out: 4 * input.channels" in text
    assert "out: 2 * input.channels" in text
    assert "model: {a: Wider, b: Wider, c: Wider}" in text


RESIDUAL = """
blocks:
  Residual:
    about: A convolution with a shortcut, which is a convolution where the stride asks for it.
    params: {out: int, stride: 1}
    body:
      - branches:
          shortcut:
            when: stride != 1
            do: {conv: {out: out, kernel: 1, stride: stride}}
          residual: [{conv: {out: out, kernel: 3, stride: stride, padding: half}}, batch_norm]
        join: add
      - relu
model:
  a: {Residual: {out: 8}}
  b: {Residual: {out: 16, stride: 2}}
  c: {Residual: {out: 16}}
  d: {Residual: {out: 32, stride: 2}}
"""


def test_what_some_uses_lack_is_under_a_condition(tmp_path: Path):
    text = written(RESIDUAL, tmp_path)
    assert text.count("Residual:") == 5
    assert "when: stride != 1" in text


@pytest.mark.parametrize("flat", [False, True])
def test_what_leaves_a_tensor_and_meets_again_is_branches(flat: bool, tmp_path: Path):
    text = written(RESIDUAL, tmp_path, flat=flat)
    assert "branches:" in text and "join: add" in text


SHARED = """
model:
  encoder: [{conv: {out: 8, kernel: 3, padding: half}}, relu]
  again: {use: encoder, from: input}
  both: {branches: {left: {from: encoder}, right: {from: again}}, join: concat}
"""


@pytest.mark.parametrize("flat", [False, True])
def test_shared_weights_are_used_again(flat: bool, tmp_path: Path):
    assert "use: " in written(SHARED, tmp_path, flat=flat)


def test_what_most_calls_say_is_a_default(tmp_path: Path):
    body = "[{conv: {out: 8, kernel: 3, padding: half, bias: false}}, relu]"
    text = written(f"model: {{a: {body}, b: {body}, c: {body}}}", tmp_path)
    assert "defaults: {conv: {" in text and "bias: false" in text.partition("model:")[0]
    assert "bias" not in text.partition("model:")[2]


def test_the_classes_are_a_parameter(tmp_path: Path):
    graph = foreign_graph(
        checked(
            "cnngen: 1\nname: Net\nabout: A network.\ninput: {features: 8}\n"
            "model: {head: {linear: {out: 10}}}",
            tmp_path,
        )
    )
    assert recover(graph)["params"] == {"classes": 10}


HOSTILE = [
    "from", "input", "training", "half", "I", "3x3", "0", "größe", "日本", "a-b", "a.b", "max",
    "UPPER", "x" * 100, "_", "__private", "relu", "conv", "add", "conv_1", "conv_2", "null",
    "lambda", "Conv2d", "out", "classes", "model", "identity", "nothing", "1e5", "yes", "no",
]  # fmt: skip


def hostile(names: list[str], kind: str) -> Graph:
    """A model whose parts have these names, each a module with a convolution and an activation."""
    base = foreign_graph(_NETWORK)
    conv, relu = base.nodes["part.0"], base.nodes["part.1"]
    nodes: dict[str, Node] = {}
    last = "the input"
    for i, name in enumerate(names):
        place = Place((Module(name, kind if i % 2 else name),))
        first = replace(
            conv, name=f"{i}:{name}", inputs=(last,), place=place, label=name, weights={"w": "w"}
        )
        second = replace(relu, name=f"{i}::", inputs=(first.name,), place=place, label=names[-i])
        join = replace(
            base.nodes["both.add"],
            name=f"{i}+",
            inputs=(first.name, second.name),
            place=place,
        )
        nodes |= {node.name: node for node in (first, second, join)}
        last = join.name
    return Graph(names[0], "hostile", {"the input": Image(8, 9, 9)}, nodes, {names[0]: last})


def _network() -> Network:
    path = ROOT / "specs" / "none.yaml"
    text = """
cnngen: 1
name: Net
about: A network.
input: {channels: 8, height: 9, width: 9}
model:
  part: [{conv: {out: 8, kernel: 3, padding: half}}, relu]
  both: {branches: {left: identity, right: {from: input}}, join: add}
"""
    report = Report()
    network = analyse_file(path, report, reader=lambda _path, _shown: Source("net.yaml", text))
    assert network, render_text(list(report))
    return network


_NETWORK = _network()


@pytest.mark.parametrize("kind", ["Sequential", "Block"])
def test_models_may_call_their_parts_anything(kind: str, tmp_path: Path):
    for i in range(len(HOSTILE)):
        names = HOSTILE[i:] + HOSTILE[:i]
        graph = hostile(names, kind)
        network = recovered(graph, tmp_path)
        found = [x for x in differences(graph, foreign_graph(network)) if "outputs" not in x]
        assert found == []
        assert all(len(stage) <= LONGEST_NAME for stage in network.stages)


def test_deep_graphs_are_recovered_in_time(tmp_path: Path):
    network = analyse_file(ROOT / "specs" / "resnet1202_cifar10.yaml", Report())
    assert network
    text = spec_text(recover(foreign_graph(network, flat=True)))
    assert len(text.splitlines()) < 60

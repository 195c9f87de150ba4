"""Modules from the names of a flat model's layers."""

import pytest

from cnngen.foreign.graph import Graph, Node
from cnngen.ops import OPS
from cnngen.ops.base import Image
from cnngen.recovery.named_modules import named_modules
from cnngen.recovery.recover import recover

SIZE = Image(8, 16, 16)


def graph(*layers: str) -> Graph:
    """Layers with names, each of which reads the one before, or those behind `<`."""
    nodes: dict[str, Node] = {}
    last = "input"
    for layer in layers:
        name, _, reads = layer.partition(" < ")
        inputs = tuple(reads.split()) or (last,)
        word = "add" if len(inputs) > 1 else "relu"
        op = OPS[word]({x: a.default for x, a in OPS[word].attributes.items()})
        nodes[name] = Node(name, op, inputs, SIZE, label=name)
        last = name
    return Graph("net", "", {"input": SIZE}, nodes, {"output": last})


def paths(made: Graph) -> list[str]:
    """The innermost module around each node, and its label in that."""
    return [
        f"{node.place.modules[-1].path if node.place.modules else ''}:{node.label}"
        for node in made.nodes.values()
    ]


def test_prefixes_are_modules():
    made = named_modules(graph("stem_conv", "stem_bn", "body_0_conv", "body_0_bn", "body_1_conv"))
    assert paths(made) == ["stem:conv", "stem:bn", "body.0:conv", "body.0:bn", "body.1:conv"]


def test_letters_count_blocks():
    made = named_modules(
        graph("block1a_x", "block1a_y", "block1b_x", "block1b_y", "top_x", "top_y")
    )
    assert paths(made)[1:5] == ["block1.a:y", "block1.b:x", "block1.b:y", "top:x"]


def test_the_name_of_the_model_is_no_module():
    made = named_modules(graph("net_one_x", "net_one_y", "net_two_x", "net_two_y"))
    assert paths(made) == ["one:x", "one:y", "two:x", "two:y"]


@pytest.mark.parametrize(
    "names",
    [
        ("conv2d", "batch_normalization", "conv2d_1", "batch_normalization_1"),
        ("x_1", "y_1", "x_2", "y_2", "x_3", "y_3"),
        ("add_extra", "b", "c", "d", "e"),
        ("", "__", "é_1", "1", "2_", "_"),
    ],
)
def test_names_that_say_nothing_are_left(names: tuple[str, ...]):
    given = graph(*names)
    assert named_modules(given) is given


def test_what_interrupts_a_prefix_makes_a_longer_one():
    made = named_modules(
        graph("s_0_x", "s_0_y", "down_0_x", "down_0_y", "s_1_x", "s_1_y", "down_1_x", "down_1_y")
    )
    assert paths(made)[:4] == ["s_0:x", "s_0:y", "down_0:x", "down_0:y"]


def test_a_block_has_its_join():
    made = named_modules(
        graph(
            "stem_x",
            "stem_y",
            "b2_x",
            "b2_y",
            "conv2d < stem_y",
            "add < b2_y conv2d",
            "b3_x",
            "b3_y",
        )
    )
    assert [node.place.modules[0].path for node in made.nodes.values()][4:6] == ["b2", "b2"]


def test_blocks_that_differ_in_more_than_numbers_are_one_kind():
    made = named_modules(
        graph(
            *("c_b1_x", "c_b1_y", "c_b1_s < c_b1_x", "c_b1_add < c_b1_y c_b1_s"),
            *("c_b2_x", "c_b2_y", "c_b2_add < c_b2_y c_b1_add", "top_x", "top_y"),
        )
    )
    assert made.nodes["c_b1_x"].place.modules[-1].kind == "b"
    assert made.nodes["c_b2_add"].place.modules[-1].kind == "b"


def test_loops_are_found():
    layers = [f"c_b{i}_{part}" for i in range(1, 5) for part in "xyz"]
    spec = recover(graph(*(f"stem_{x}" for x in "stuvw"), *layers))
    assert [*spec["model"]] == ["stem", "c"]
    assert spec["model"]["c"] == {"repeat": 4, "do": ["relu", "relu", "relu"]}

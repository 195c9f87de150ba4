"""The JSON Schema: it accepts every spec, and refuses what is misspelt or out of place."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from cnngen.locate import zoo
from cnngen.ops import OPS
from cnngen.schema import BLOCK_NAME, json_schema
from cnngen.syntax.naming import CAP_WORDS

SCHEMA = json_schema()
VALIDATOR = Draft7Validator(SCHEMA)

HEAD = "{cnngen: 1, name: Small, about: A network., input: {channels: 3, height: 8, width: 8}"


def accepts(text: str) -> bool:
    return VALIDATOR.is_valid(yaml.safe_load(text))


def accepts_step(step: str) -> bool:
    return accepts(f"{HEAD}, model: {{stem: {step}}}}}")


def test_the_schema_is_one():
    Draft7Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", zoo().values(), ids=lambda path: path.stem)
def test_it_accepts_the_zoo(path: Path):
    VALIDATOR.validate(yaml.safe_load(path.read_text()))


IMAGE = "{channels: 3, height: 8, width: 8}"


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ("input: {features: 8}", True),
        (f"inputs: {{left: {IMAGE}, pose: {{features: 6}}}}", True),
        (f"inputs: {{left: {IMAGE}}}", False),
        (f"inputs: {{left: {IMAGE}, repeat: {IMAGE}}}", False),
        (f"inputs: {{left: {IMAGE}, right: {{channels: 3}}}}", False),
        (f"inputs: {IMAGE}", False),
        ("input: {features: 8, height: 8}", False),
        ("input: {channels: 8}", False),
    ],
)
def test_inputs(given: str, accepted: bool):
    head = HEAD[: HEAD.index("input:")]
    assert accepts(f"{head}{given}, model: {{stem: relu}}}}") == accepted


def test_it_accepts_a_spec_that_extends_another():
    assert accepts(
        "{cnngen: 1, extends: base.yaml, params: {old: null, new: 2}, blocks: {Old: null},"
        " model: {stem: null}, outputs: {logits: null}, defaults: {conv: {bias: null}}}"
    )


@pytest.mark.parametrize(
    "step",
    [
        "relu",
        "Block",
        "[relu, Block, {conv: {out: 2 * width, kernel: [3, 1]}}]",
        "{conv: {out: 8, kernel: 3, padding: same, init: he_normal, stride: n if deep else 1}}",
        "{conv: {out: 8, padding: [0, 1, 0, 1], init: {trunc_normal: {std: 1e-2}}, bias: false}}",
        "{max_pool: {kernel: 2, stride: null}}",
        "{batch_norm: }",
        "{Block: {depth: 3, skip: stem}, name: first, from: input}",
        "{Block: }",
        "{from: input}",
        "{repeat: n - 1, do: [relu, relu]}",
        "{each: {depth: [1, 2], width: '[8] * 2'}, do: relu, between: {Block: {depth: depth}}}",
        "{when: training, from: stem, do: relu}",
        "{when: n > 1, do: relu, else: [tanh]}",
        "[act, {norm: , name: first}, {ConvUnit: {act: relu, norm: {group_norm: {groups: 4}}}}]",
        "{branches: {left: relu, right: identity, empty: , none: []}, join: concat, name: both}",
        "{block: {out: 8, stride: 1 if i == 0 else 2, act: relu}}",  # a parameter that is a block
        "{block: {unit: Basic if deep else Wide}, name: first, from: stem}",
        "{block: }",
        "{branches: {left: relu, right: {when: deep, do: relu, else: nothing}}, join: add}",
        "{branches: {left: relu, right: tanh}, join: list}",
        "{branches: {each: {map: 'pair[::-1]'}, do: {relu: , from: map}}, join: list, from: pair}",
        "{branches: '[stem, low] + pair[1:]', join: list}",
        "{branches: {left: relu, right: [{when: deep, from: a, do: [relu], else: nothing}]}, join: max}",
    ],
)
def test_it_accepts_the_language(step: str):
    assert accepts_step(step)


@pytest.mark.parametrize(
    ("given", "accepted"),
    [
        ("{input: tensors}", True),
        ("{width: 8, input: tensors, maps: tensors}", True),
        ("{input: tensor}", False),
        ("{input: 8}", False),
        ("{repeat: tensors}", False),
    ],
)
def test_the_input_of_a_block(given: str, accepted: bool):
    block = f"{{about: A block., params: {given}, body: {{branches: input, join: add}}}}"
    assert accepts(f"{HEAD}, blocks: {{Sum: {block}}}, model: {{stem: Sum}}}}") == accepted
    assert not accepts(f"{HEAD}, params: {given}, model: {{stem: relu}}}}")


@pytest.mark.parametrize(
    "step",
    [
        "reLu",
        "{reLu: {slope: 1}}",
        "add",
        "[]",
        "3",
        "{block: [3]}",
        "{block: {out: 8}, nam: first}",
        "{conv: {out: 8, kernel: 3, strides: 2}}",
        "{conv: {out: 0, kernel: 3}}",
        "{conv: {out: 1.5, kernel: 3}}",
        "{conv: {out: 8, kernel: [3, 3, 3]}}",
        "{conv: {out: 8, kernel: 3, init: he_norml}}",
        "{conv: {out: 8, kernel: 3, init: {he_normal: {std: 1}}}}",
        "{conv: {out: 8, kernel: 3}, relu: }",
        "{conv: {out: 8, kernel: 3}, nam: first}",
        "{conv: {out: 8, kernel: 3}, do: relu}",
        "{upsample: {scale: 2, mode: cubic}}",
        "{dropout: {rate: 1.5}}",
        "{name: alone}",
        "{name: alone, from: stem}",
        "{}",
        "{relu: , name: class}",
        "{relu: , name: CamelCase}",
        "{repeat: 2}",
        "{repeat: 2, do: relu, between: relu}",
        "{repeat: 2, do: relu, when: deep}",
        "{each: {}, do: relu}",
        "{each: [1, 2], do: relu}",
        "{when: deep, do: relu, esle: relu}",
        "{when: deep, do: relu, else: nothing}",
        "{branches: {left: relu, right: nothing}, join: add}",
        "{branches: {left: relu, right: {when: deep, do: nothing, else: relu}}, join: add}",
        "{branches: {left: relu, right: [relu, {when: a, do: relu, else: nothing}]}, join: add}",
        "{branches: {left: relu}, join: add}",
        "{branches: {left: relu, right: relu}}",
        "{branches: {left: relu, right: relu}, join: sum}",
        "{branches: {left: relu, right: relu}, join: lists}",
        "{do: relu}",
        "{join: add}",
        "{Block: [1]}",
    ],
)
def test_it_refuses_what_is_not_of_the_language(step: str):
    assert not accepts_step(step)


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        f"{HEAD}}}",
        f"{HEAD}, model: {{stem: relu}}, parms: {{}}}}",
        f"{HEAD.replace('cnngen: 1', 'cnngen: 2')}, model: {{stem: relu}}}}",
        f"{HEAD.replace('Small', 'small')}, model: {{stem: relu}}}}",
        f"{HEAD.replace('height', 'hight')}, model: {{stem: relu}}}}",
        f"{HEAD}, model: {{Stem: relu}}}}",
        f"{HEAD}, model: {{stem: relu}}, blocks: {{small: {{about: x, body: relu}}}}}}",
        f"{HEAD}, model: {{stem: relu}}, blocks: {{Block: {{body: relu}}}}}}",
        f"{HEAD}, model: {{stem: relu}}, defaults: {{conv: {{stridee: 1}}}}}}",
        f"{HEAD}, model: {{stem: relu}}, paper: {{author: x}}}}",
        f"{HEAD}, model: {{stem: relu}}, outputs: [stem]}}",
        f"{HEAD}, model: {{stem: relu}}, results: [{{top1: 9, source: x}}]}}",
        f"{HEAD}, model: {{stem: relu}}, results: [{{dataset: x, top1: 0, source: x}}]}}",
        f"{HEAD}, model: {{stem: relu}}, results: [{{dataset: x, source: x}}]}}",
        f"{HEAD}, model: {{stem: relu}}, results: [{{dataset: x, psnr: 101, source: x}}]}}",
    ],
)
def test_it_refuses_other_files(text: str):
    assert not accepts(text)


def test_nested_steps_are_checked_once_at_each_level():
    """Alternatives that all look inside would take exponential time."""
    step = "relu"
    for _ in range(18):
        branches = f"{{branches: {{a: {step}, b: relu}}, join: add}}"
        step = f"{{when: deep, do: {{repeat: 2, do: {branches}}}}}"
    assert accepts_step(step)
    assert not accepts_step(step.replace("a: relu", "a: reLu"))


def test_everything_of_an_op_is_in_it():
    for name, op in OPS.items():
        if not op.joins:
            definition = SCHEMA["definitions"][f"op_{name}"]
            assert list(definition["properties"]) == list(op.attributes)
            for key, attribute in op.attributes.items():
                assert definition["properties"][key]["description"] == attribute.about


def test_everything_is_described():
    assert all(value.get("description") for value in SCHEMA["properties"].values())
    keyed: dict[str, Any] = SCHEMA["definitions"]["keyed_step"]["properties"]
    assert all(value.get("description") for value in keyed.values())


@given(st.text(alphabet="aZ09_", max_size=8))
def test_block_names_are_those_of_the_language(name: str):
    assert bool(re.search(BLOCK_NAME, name)) == bool(CAP_WORDS.fullmatch(name))

"""Names belong to the author: what generated files and frameworks use themselves is no reason to refuse one.

Only words of the language and keywords of Python are refused. With each other word, both sources run,
and the layers have the names that their paths tell.
"""

import ast
import builtins
import keyword
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.agreement import check_keras, check_torch, check_values, state_shapes
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes, predicted
from support.op_examples import make
from support.torch_ops import spelled

from cnngen.analysis import analyse
from cnngen.diagnostics.model import Report
from cnngen.ops.base import Image
from cnngen.semantics.network import INPUT
from cnngen.syntax.load import load
from cnngen.syntax.naming import CAP_WORDS, IN_EXPRESSIONS, LANGUAGE, RESERVED, SNAKE_CASE
from cnngen.targets.keras.names import IMPORTED
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import SUPPORT
from cnngen.targets.keras.support import use
from cnngen.targets.keras.use import Common, Given
from cnngen.targets.registry import find_target
from cnngen.targets.spelling import Speller
from cnngen.targets.torch.names import MODULES
from cnngen.weights.layout import in_keras, in_torch
from cnngen.weights.read_network import read_network

GENERATED = sorted((Path(__file__).parent.parent / "generated").glob("*.py"))

PAGE = (Path(__file__).parent / "printed" / "names.md").read_text(encoding="utf-8")
PRINTED = [f"cnngen: 1\n{text}" for text in re.findall(r"```yaml\n([^`]+)```", PAGE)]

# A network that takes helpers, built-ins and imports to print; `{}` is where each kind of name stands.
SPEC = """
cnngen: 1
name: Shadows
about: Names that may hide others.
params: {rate: 0.3, widths: [4, 5], strides: [1, 2], times: 2PARAMETERS}
input: {channels: 3, height: 9, width: 9}
blocks:
  Plain:
    about: Some layers.
    params: {kept: tensor}
    body:
      - conv: {out: 4, kernel: 3, padding: half}
      - branches: {left: {conv: {out: 4, kernel: [1, 3], padding: half}}, right: {from: kept}}
        join: concat
BLOCKS
model:
  first: [{conv: {out: 4, kernel: 3, padding: half}}, batch_norm, relu, {affine: {init: ones}}]
  second: {Plain: {kept: first}}
  third: [pad_channels: {after: 2}, conv: {out: ceil(rate * 10) + len(widths) + sum(widths) + max(widths) - min(widths) + round(rate), kernel: 1}]
  loop: {each: {each_width: widths, each_stride: strides}, do: {conv: {out: each_width, kernel: 2, stride: each_stride, padding: [1, 0, 1, 0]}}, between: {max_pool: {kernel: 2, ceil: true, stride: 2}}}
  more: {repeat: times, do: {conv: {out: 4, kernel: 2, padding: same, stride: 2}}}
  pool: [{adaptive_avg_pool: {size: 2}}, {channel_shuffle: {groups: 2}}, {avg_pool: {kernel: 2, padding: 1, count_include_pad: false}}]
STAGES
  last: relu
  aux: {when: training, from: first, do: relu}
outputs: {out: last, aux: aux}
"""
CONV = "conv: {out: 4, kernel: 1}"


# What is like other names: of blocks with equal functions, the network, channels of a tensor, an area.
CLOSE = {
    *(
        "A1",
        "A_1",
        "Plain2",
        "PLAIN2",
        "Shadows",
        "ShadowsOutputs",
        "Network",
        "shadows",
        "network",
    ),
    *("kept_channels", "x_channels", "area", "area_2", "out_channels", "self", "plain", "se", "SE"),
}
TAKEN = {  # by the network itself
    "block": {"Plain", "Taking", "Named", "Arms"},
    "parameter": {"rate", "widths", "strides", "times", "kept", "each_width", "each_stride"},
    "variable": {"rate", "widths", "strides", "times"},
    "parameter of a block": {"rate", "widths", "strides", "times"},
    "stage": {"first", "second", "third", "loop", "more", "pool", "last", "aux", "used"},
    "step": set[str](),
    "branch": {"concat"},
}


def spec(kind: str, names: list[str]) -> str:
    """The network with these names at places of one kind, in use."""
    parameters = blocks = stages = ""
    match kind:
        case "block":
            blocks = "".join(f"  {n}: {{about: A block., body: [{CONV}, relu]}}\n" for n in names)
            stages = f"  used: [{', '.join(names)}]"
        case "parameter":
            parameters = "".join(f", {name}: 4" for name in names)
            stages = "  used: [" + ", ".join(f"conv: {{out: {n}, kernel: 1}}" for n in names) + "]"
        case "parameter of a block":
            given = ", ".join(f"{name}: int" for name in names)
            body = ", ".join(f"conv: {{out: {n}, kernel: 3, padding: half}}" for n in names)
            blocks = f"  Taking: {{about: A block., params: {{{given}}}, body: [{body}, Plain: {{kept: input}}]}}\n"
            blocks = blocks.replace(", Plain: {kept: input}", "")
            stages = f"  used: {{Taking: {{{', '.join(f'{name}: 4' for name in names)}}}}}"
        case "variable":
            loops = (
                f"{{each: {{{n}: widths}}, do: {{conv: {{out: {n}, kernel: 1}}}}}}" for n in names
            )
            stages = f"  used: [{', '.join(loops)}]"
        case "stage":
            stages = "".join(f"  {name}: {{{CONV}}}\n" for name in names)
            stages += "".join(
                f"  joined{i}: {{branches: {{a: {{from: {n}}}, b: {{{CONV}}}}}, join: add}}\n"
                for i, n in enumerate(names)
            )
        case "step":
            body = "".join(f"      - {{{CONV}, name: {name}}}\n" for name in names)
            body += "".join(
                f"      - {{branches: {{a: {{from: {n}}}, b: {{{CONV}}}}}, join: add, name: joined{i}}}\n"
                for i, n in enumerate(names)
            )
            blocks = f"  Named:\n    about: A block.\n    body:\n{body}"
            stages = "  used: Named"
        case "branch":
            arms = ", ".join(f"{name}: {{{CONV}}}" for name in names)
            body = f"{{branches: {{{arms}, some_other: identity}}, join: concat}}"
            blocks = f"  Arms: {{about: A block., body: [{body}, relu]}}\n"
            stages = "  used: Arms"
        case _:
            raise AssertionError(kind)
    text = SPEC.replace("PARAMETERS", parameters).replace("BLOCKS\n", blocks)
    return text.replace("STAGES", stages)


SPEC_ALONE = SPEC.replace("PARAMETERS", "").replace("BLOCKS\n", "").replace("STAGES", "")
KINDS = ("block", "parameter", "parameter of a block", "variable", "stage", "step", "branch")


@cache
def sources() -> tuple[str, ...]:
    """All generated files, and all that a target may put into one."""
    texts = [path.read_text(encoding="utf-8") for path in GENERATED]
    texts += [find_target(each).render(build(SPEC_ALONE).network) for each in ("torch", "keras")]
    for speller in map(Speller, ("torch", "keras")):
        for name in sorted(speller.support_names()):
            speller.use(name)
        if speller.target == "torch":
            spelled(speller, make("separable_conv", out=4, kernel=(3, 3)), Image(2, 5, 5))
        else:
            given = Given(Common(), Scope(speller, {}))
            for name, define in SUPPORT.items():
                use(name, given, define)
        texts.append("\n\n".join(speller.support.values()))
    return tuple(texts)


@cache
def words() -> tuple[str, ...]:
    """Every name in them: of helpers, arguments, variables, imports, built-ins, classes, attributes of modules."""
    found = {name for name in dir(builtins) if "_" not in name} | {*keyword.kwlist, *MODULES}
    found |= LANGUAGE
    for text in sources():
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name):
                    found.add(name)
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
                    found.add(name)
                case ast.alias(name=name, asname=other):
                    found |= {*name.split("."), *([other] if other else [])}
                case _:
                    pass
    return tuple(sorted(found | CLOSE))


def candidates(kind: str) -> list[str]:
    if kind != "block":
        return [word for word in words() if SNAKE_CASE.fullmatch(word)]
    made = {*words(), *map(_cap_words, words())}
    return sorted(name for name in made if CAP_WORDS.fullmatch(name))


def _cap_words(word: str) -> str:
    return "".join(part.capitalize() for part in word.split("_"))


def accepted(kind: str, name: str, tmp_path: Path) -> bool:
    path = tmp_path / "network.yaml"
    path.write_text(spec(kind, [name]), encoding="utf-8")
    report = Report()
    tree = load(path, report)
    made = analyse(tree, report) if tree else None
    if made is None:  # for the name; where it is used, it may be another word
        codes = {d.code for d in report}
        is_given = (kind, name) == ("parameter of a block", INPUT)  # only as `input: tensors`
        assert codes & {"bad-name", "shadowed-name", "duplicate-key"} or is_given, name
    return made is not None


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("kind", KINDS)
def test_only_words_of_the_language_and_keywords_are_refused(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    every = candidates(kind)
    names = [name for name in every if accepted(kind, name, tmp_path)]
    refused = set(every) - set(names) - set(TAKEN[kind])
    of_values = kind in ("parameter", "parameter of a block", "variable")
    assert refused == set(every) & (RESERVED | IN_EXPRESSIONS if of_values else RESERVED)
    assert len(names) > 150
    for start in range(0, len(names), 40):
        built = build(spec(kind, names[start : start + 40]))
        network = built.network
        assert state_shapes(built) == predicted(network)
        assert keras_shapes(built.keras(training_heads=True)) == expected_in_keras(network)


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize(
    "name",
    [*sorted(IMPORTED), "conv2d", "pair", "same_pad", "x", "forward", "sum", "input", "range"],
)
def test_a_file_may_be_called_as_what_is_in_it(name: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    path = tmp_path / f"{name.lower()}.yaml"
    path.write_text(SPEC_ALONE, encoding="utf-8")
    built = build(path)
    assert state_shapes(built) == predicted(built.network)
    assert keras_shapes(built.keras(training_heads=True)) == expected_in_keras(built.network)


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("text", PRINTED)
def test_both_sources_compute_the_same(text: str) -> None:
    """The specs of a page on which anybody can read what was renamed."""
    built = build(text)
    check_torch(built)
    check_keras(built)
    check_values(built)
    state = {name: np.zeros(shape, "float32") for name, shape in predicted(built.network).items()}
    assert in_torch(built.network, in_keras(built.network, state)).keys() == state.keys()
    keys = read_network(built.network).layers.values()
    assert {weight.key for layer in keys for weight in layer.weights.values()} == state.keys()

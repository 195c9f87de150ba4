"""Whatever generated files read, an author cannot hide it: a name is refused, or the sources run."""

import ast
import builtins
import symtable
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support.agreement import state_shapes
from support.built_models import build
from support.carried_weights import expected_in_keras, keras_shapes, predicted

from cnngen.analysis import analyse
from cnngen.diagnostics.model import Report
from cnngen.syntax.load import can_name_function, load
from cnngen.syntax.naming import CAP_WORDS, HELPERS, SNAKE_CASE, snake_case
from cnngen.targets.keras.scope import Scope
from cnngen.targets.keras.spell import SUPPORT
from cnngen.targets.keras.support import use
from cnngen.targets.keras.use import Common, Given
from cnngen.targets.registry import find_target
from cnngen.targets.spelling import Speller

GENERATED = sorted((Path(__file__).parent.parent / "generated").glob("*.py"))

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
        if speller.target == "keras":
            given = Given(Common(), Scope(speller, {}))
            for name, define in SUPPORT.items():
                use(name, given, define)
        texts.append("\n\n".join(speller.support.values()))
    return tuple(texts)


@cache
def words() -> tuple[str, ...]:
    """Every name in them, but for those of blocks and networks: of helpers, arguments, variables, imports."""
    found = {name for name in dir(builtins) if "_" not in name}
    for text in sources():
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name):
                    found.add(name)
                case ast.alias(name=name, asname=other):
                    found |= {*name.split("."), *([other] if other else [])}
                case _:
                    pass
    return tuple(sorted(found - own()))


@cache
def own() -> set[str]:
    """What is called after a block or a network of the zoo."""
    found: set[str] = set()
    for path in GENERATED:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.add(node.name)
    return found - HELPERS | {"Plain", "plain", "Shadows", "ShadowsOutputs", "network"}


def globals_read(table: symtable.SymbolTable) -> Iterator[str]:
    """What functions and classes read from around them: helpers, imports, built-ins."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (symbol.is_global() or table.get_type() == "module"):
            yield symbol.get_name()
    for child in table.get_children():
        yield from globals_read(child)


def candidates(kind: str) -> list[str]:
    if kind != "block":
        return [word for word in words() if SNAKE_CASE.fullmatch(word)]
    made = {word if CAP_WORDS.fullmatch(word) else _cap_words(word) for word in words()}
    functions = {snake_case(name): name for name in sorted(made) if CAP_WORDS.fullmatch(name)}
    return [*functions.values()]


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
        assert codes & {"bad-name", "name-clash", "shadowed-name", "duplicate-key"}, name
    return made is not None


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_refused_or_hides_nothing(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("keras")
    names = [name for name in candidates(kind) if accepted(kind, name, tmp_path)]
    assert names
    for start in range(0, len(names), 40):
        built = build(spec(kind, names[start : start + 40]))
        network = built.network
        assert state_shapes(built) == predicted(network)
        assert keras_shapes(built.keras(training_heads=True)) == expected_in_keras(network)


def test_functions_hide_nothing_that_files_read(tmp_path: Path) -> None:
    """The functions of blocks and of the network stand beside what all functions read."""
    tables = [symtable.symtable(text, "generated", "exec") for text in sources()]
    read = {name for table in tables for name in globals_read(table)} - own()
    assert {"range", "len", "zip", "layers", "ops", "keras", "math", "conv2d"} <= read
    assert [name for name in read if can_name_function(name)] == []
    for name in read:
        for block in {name, _cap_words(name)}:
            if CAP_WORDS.fullmatch(block) and name in (block, snake_case(block)):
                assert not accepted("block", block, tmp_path), block

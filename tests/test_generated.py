"""The generated files: up to date, formatted, importing a framework only, and parametric."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.targets import keras, torch

ROOT = Path(__file__).parent.parent
GENERATED = sorted((ROOT / "generated").glob("*.py"))
KERAS = [path for path in GENERATED if path.stem.endswith("_keras")]
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
RUFF = shutil.which("ruff") or str(Path(sys.executable).parent / "ruff")


def code(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_generated_sources_are_what_the_compiler_writes(spec: Path):
    network = analyse_file(spec, Report())
    assert network
    for name, target in (("torch", torch), ("keras", keras)):
        path = ROOT / "generated" / f"{spec.stem}_{name}.py"
        assert path.read_bytes() == target.render(network).encode()


def test_every_generated_source_has_its_spec():
    expected = {f"{spec.stem}_{target}" for spec in SPECS for target in ("torch", "keras")}
    assert {path.stem for path in GENERATED} == expected


@pytest.mark.parametrize("arguments", [["format", "--check"], ["check"]], ids=" ".join)
def test_ruff_has_nothing_to_say(arguments: list[str]):
    run = subprocess.run([RUFF, *arguments, *GENERATED], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.stem)
def test_only_the_framework_and_the_standard_library_are_imported(path: Path):
    framework = "torch" if path.stem.endswith("_torch") else "keras"
    modules: set[str] = set()
    for node in ast.walk(code(path)):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").split(".")[0])
    assert modules - sys.stdlib_module_names == {framework}


@pytest.mark.parametrize("path", GENERATED, ids=lambda path: path.stem)
def test_no_two_definitions_differ_only_in_constants(path: Path):
    shapes: dict[str, str] = {}
    for node in code(path).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            other = shapes.setdefault(without_constants(node), node.name)
            assert other == node.name, f"{node.name} and {other} are alike"


def without_constants(node: ast.ClassDef | ast.FunctionDef) -> str:
    """The code of a definition with its own name, its docstrings and all constants left out."""
    tree = ast.parse(ast.unparse(node))
    for part in ast.walk(tree):
        if isinstance(part, ast.Constant):
            part.value = 0
        elif isinstance(part, ast.ClassDef | ast.FunctionDef):
            if part.name == node.name:
                part.name = "definition"
            if isinstance(part.body[0], ast.Expr) and isinstance(part.body[0].value, ast.Constant):
                part.body = part.body[1:] or [ast.Pass()]
    return ast.dump(tree)


def test_constants_alone_do_not_make_a_difference():
    first, second = ast.parse("def a(x):\n    return x + 1\ndef b(x):\n    return x + 2").body
    assert isinstance(first, ast.FunctionDef) and isinstance(second, ast.FunctionDef)
    assert without_constants(first) == without_constants(second)


@pytest.mark.parametrize("path", KERAS, ids=lambda path: path.stem)
def test_keras_has_no_lambda_and_one_layer_of_its_own(path: Path):
    """Standardized filters: no layer of Keras has them, and it documents how to derive one."""
    names = {n.attr for n in ast.walk(code(path)) if isinstance(n, ast.Attribute)}
    assert "Lambda" not in names
    assert not [n for n in ast.walk(code(path)) if isinstance(n, ast.Lambda)]
    classes = [n for n in ast.walk(code(path)) if isinstance(n, ast.ClassDef)]
    layers = {"StandardizedConv2D": "layers.Conv2D"}
    for made in classes:
        (base,) = map(ast.unparse, made.bases)
        assert base == layers.get(made.name, "NamedTuple")  # of records


def test_loops_and_parameters_stay():
    source = (ROOT / "generated" / "densenet121_torch.py").read_text(encoding="utf-8")
    assert "for i, depth in enumerate(stages):" in source
    assert source.count("nn.Conv2d(") == 4  # one for each in the spec, whatever the depth

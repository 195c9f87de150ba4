"""The Python API says what the command line says."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import cnngen
from cnngen.api import check_source
from cnngen.cli import cli
from cnngen.report.size_answer import as_text
from cnngen.source import Source

SPEC = """\
cnngen: 1
name: Small
about: A small network.
params: {widths: [8, 16], bias: true}
input: {channels: 3, height: 32, width: 32}
model:
  stem:
    each: {width: widths}
    do: {conv: {out: width, kernel: 3, bias: bias}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return path


def test_a_path_or_a_name(path: Path):
    for spec, name in ((path, "Small"), (str(path), "Small"), ("resnet50", "ResNet50")):
        assert cnngen.load(spec).summary().name == name


def test_build_gives_what_the_command_writes(path: Path):
    cli.main(["build", str(path), "-o", str(path.parent)], standalone_mode=False)
    spec = cnngen.load(path)
    assert spec.check() == []
    for target in ("torch", "keras"):
        assert spec.build(target) == (path.parent / f"small_{target}.py").read_text()


def test_settings_and_input(path: Path):
    spec = cnngen.load(path, input=(1, 9, 9), settings={"widths": [2, 3, 4], "bias": False})
    summary = spec.summary()
    assert summary.inputs == {"input": (1, 9, 9)}
    assert summary.outputs == {"stem": (4, 3, 3)}
    assert summary.buffers == 0 and "bias" not in summary.layers[0].weights
    assert "from small.yaml with bias=false, widths=[2, 3, 4], input=1x9x9." in spec.build("torch")


def test_activations_are_bytes_for_an_image():
    found = cnngen.load("vgg16").activations()
    assert found.inference == 4 * 2 * 64 * 224 * 224  # two tensors of its first stage
    assert found.training > found.inference


def test_sizes_are_those_of_the_command(path: Path):
    found = cnngen.load(path).sizes()
    assert as_text(found) == CliRunner().invoke(cli, ["sizes", str(path)]).output
    assert 5 in found.built.height and 4 not in found.built.height


def test_an_invalid_spec_raises_what_check_prints(path: Path):
    path.write_text(SPEC.replace("kernel: 3", "kernel: 0"))
    spec = cnngen.load(path)
    assert [diagnostic.code for diagnostic in spec.check()] == ["out-of-range"]
    for use in (spec.summary, lambda: spec.build("torch")):
        with pytest.raises(cnngen.SpecError, match=r"^error\[out-of-range\]: `kernel` must be"):
            use()


@pytest.mark.parametrize("name", ["resnet5", "nothing/of/this.yaml", "\0", "tests"])
def test_an_unknown_spec(name: str):
    with pytest.raises(cnngen.UnknownSpecError):
        cnngen.load(name)


def test_templates(path: Path, tmp_path: Path):
    (tmp_path / "torch/ops").mkdir(parents=True)
    (tmp_path / "torch/ops/conv.jinja").write_text("nn.LazyConv2d({{ out }}, {{ kernel }})")
    assert "nn.LazyConv2d(width, 3)" in cnngen.load(path).build("torch", templates=[tmp_path])


def test_a_text_is_checked_as_a_file_of_its_own():
    (found,) = check_source(Source("example.yaml", SPEC + "extends: pyproject.toml\n"))
    assert (found.code, found.primary.span.source.path) == ("wrong-kind", "pyproject.toml")
    (found,) = check_source(Source("example.yaml", SPEC + "extends: ../small.yaml\n"))
    assert (found.code, found.primary.span.line) == ("bad-extends", 10)
    assert not list(check_source(Source("example.yaml", SPEC)))
    for extends in ("missing.yaml", "example.yaml"):
        (found,) = check_source(Source("example.yaml", f"{SPEC}extends: {extends}\n"))
        assert found.message.startswith(f"`{extends}` ")


def test_a_fix_of_a_text_is_one_that_would_be_kept():
    """As `cnngen check` prints it: advice, and no promise that mending would break."""
    (found,) = check_source(Source("example.yaml", SPEC.replace("{conv:", "{cnov:")))
    assert [edit.text for edit in found.fix] == ["conv"]
    (found,) = check_source(Source("example.yaml", SPEC.replace("height: 32", "height: 2")))
    assert found.notes[-1].startswith("the nearest size that works")


def test_a_text_is_formatted():
    assert cnngen.format_text("cnngen:  1 # one") == "cnngen: 1  # one\n"
    with pytest.raises(cnngen.SpecError, match="net.yaml:1:4"):
        cnngen.format_text("a: [1", "net.yaml")

"""`cnngen import`: what models there are, what is said of each, and what is written."""

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cnngen.cli import cli
from cnngen.foreign.graph import Module, Obstacle, Place
from cnngen.importing.refusal import refusal
from cnngen.importing.title import title_of

SMALL = dedent("""
    import torch
    from torch import nn

    class Unit(nn.Sequential):
        def __init__(self, channels):
            conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            super().__init__(conv, nn.BatchNorm2d(channels), nn.ReLU())

    class Net(nn.Module):
        def __init__(self, width, classes=3, depth=2):
            super().__init__()
            self.stem = nn.Conv2d(3, width, 3, stride=2)
            self.units = nn.Sequential(*(Unit(width) for _ in range(depth)))
            self.head = nn.Linear(width, classes)

        def forward(self, x):
            return self.head(self.units(self.stem(x)).mean((2, 3)))

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Conv2d(3, 4, 3), nn.Conv2d(1, 4, 3)

        def forward(self, image, depth):
            return self.left(image) + self.right(depth)

    class Strange(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 4, 3)
            self.parts = nn.ModuleList([Part(), Part()])

        def forward(self, x):
            x = self.stem(x)
            for part in self.parts:
                x = part(x)
            return torch.cumsum(x, 1)

    class Part(nn.Module):
        def forward(self, x):
            return torch.fft.fft2(x).real

    def number():
        return 3

    def ends():
        raise SystemExit(5)
""")
CONV = {"filters": 4, "kernel_size": [3, 3], "activation": "relu", "padding": "same"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(SMALL, encoding="utf-8")
    return tmp_path


def line_of(word: str) -> int:
    """The line of the models that calls a function."""
    return next(i for i, line in enumerate(SMALL.splitlines(), 1) if word in line)


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(cli, list(arguments))
    assert not isinstance(result.exception, KeyError | TypeError | AttributeError)
    return result


def configuration(*layers: tuple[str, dict[str, Any]]) -> str:
    """A sequential model of Keras in JSON."""
    first = {"class_name": "InputLayer", "config": {"batch_shape": [None, 16, 16, 3], "name": "x"}}
    listed = [
        {"class_name": kind, "module": "keras.layers", "config": {"name": f"{kind}_{i}", **config}}
        for i, (kind, config) in enumerate(layers)
    ]
    config = {"name": "mine", "layers": [first, *listed]}
    return json.dumps({"class_name": "Sequential", "module": "keras", "config": config})


# --- Without a framework


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "`nothing` is none of `torchvision:NAME`, `timm:NAME`, "),
        (["nothing.onnx"], "there is no file `nothing.onnx`"),
        (["net.py"], "name the class or function in it: net.py:NAME"),
        (["no_such_module_x:f"], "there is no module `no_such_module_x`"),
        (["other.py:Net"], "there is no file `other.py`"),
        (["net.py:Net", "-o", "net.py"], "`net.py` is there already: --force writes over it"),
        (["net.py:Net", "-o", "my-net.yaml"], "`my-net` cannot name a function"),
        (["net.py:Net", "--name", "my_net"], "`my_net` cannot name a spec: write it like `MyNet`"),
        (["net.py:Net", "--weights", "w.safetensors"], "say for which framework"),
        (["m.json", "--set", "a=1"], "--set is for a class or a function"),
    ],
)
def test_wrong_use(folder: Path, arguments: list[str], said: str):
    (folder / "m.json").write_text(configuration(("Conv2D", CONV)))
    result = run("import", *arguments)
    assert result.exit_code == 2 and said in result.stderr, result.output


def test_a_configuration_of_keras_needs_no_keras(folder: Path):
    text = configuration(("Conv2D", CONV), ("Flatten", {}), ("Dense", {"units": 7}))
    (folder / "mine.json").write_text(text)
    result = run("import", "mine.json", "--no-verify", "-o", "mine.yaml")
    assert (result.exit_code, result.stdout) == (0, "wrote mine.yaml\n"), result.output
    spec = (folder / "mine.yaml").read_text(encoding="utf-8")
    assert "about: Imported from mine.json." in spec and "params: {classes: 7}" in spec
    assert run("check", "mine.yaml").output == "mine.yaml: ok\n"
    assert run("fmt", "--check", "mine.yaml").exit_code == 0


def test_a_spec_has_the_name_that_it_is_given(folder: Path):
    (folder / "mine.json").write_text(configuration(("Conv2D", CONV)))
    result = run("import", "mine.json", "--no-verify", "--name", "Other")
    assert "\nname: Other\n" in result.stdout, result.output


def test_a_file_is_read_as_data(folder: Path):
    """A `Lambda` holds code that Keras would run."""
    lambda_ = ("Lambda", {"function": {"class_name": "__lambda__", "config": {"code": "4wAAAA"}}})
    (folder / "mine.json").write_text(configuration(("Conv2D", CONV), lambda_))
    result = run("import", "mine.json", "-o", "mine.yaml")
    assert result.exit_code == 1 and "`Lambda`" in result.stderr, result.output
    assert not (folder / "mine.yaml").exists()


@pytest.mark.parametrize("ending", ["json", "keras", "h5", "onnx"])
@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[1, 2", b"PK\x03\x04" + b"\0" * 40, b"\x89HDF\r\n"]
)
def test_damaged_files(folder: Path, ending: str, content: bytes):
    pytest.importorskip({"h5": "h5py", "onnx": "onnx"}.get(ending, "json"))
    (folder / f"mine.{ending}").write_bytes(content)
    result = run("import", f"mine.{ending}", "-o", "mine.yaml")
    assert result.exit_code == 2 and "mine." in result.stderr, result.output
    assert not (folder / "mine.yaml").exists()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("densenet121", "Densenet121"),
        ("UNet", "UNet"),
        ("resnet50.a1_in1k", "Resnet50A1In1k"),
        ("my-model", "MyModel"),
        ("3d", "D"),
        ("Conv", "Conv"),
        ("a1_2b", "A1_2b"),
        ("", "Net"),
        ("None", "NoneNet"),
        ("x" * 60, "X" + "x" * 39),
    ],
)
def test_titles(name: str, title: str):
    assert title_of(name) == title


def test_obstacles_are_told_once_with_all_their_places():
    place = [Place((Module(f"layers.{i}", "Part"),), "net.py:7") for i in range(5)]
    many = [Obstacle("`fft2`", each, "leave it out") for each in place]
    text = refusal("net.py:Net", [*many, Obstacle("`cumsum`", Place(), "")])
    assert text == dedent("""
        net.py:Net cannot be imported: no spec says 2 things in it

        `fft2`, 5 times
          in `layers.0`, net.py:7
          in `layers.1`, net.py:7
          in `layers.2`, net.py:7
          and in 2 more places
          help: leave it out

        `cumsum`""").lstrip("\n")


# --- Models of one's own


@pytest.mark.torch
class TestOwn:
    @pytest.fixture(autouse=True)
    def torch(self) -> None:
        pytest.importorskip("torch")

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ("net.py:Net --input 3x16x16", "`net.py:Net` needs `width`: add --set width=VALUE"),
            ("net.py:Net --set width=4", "does not say what it takes: add --input CxHxW"),
            (
                "net.py:Net --set width=4 --set clases=2",
                "takes no `clases`: did you mean `classes`?",
            ),
            ("net.py:Nett", "`net.py` has no `Nett`: did you mean `Net`?"),
            ("net.py:number", "`net.py:number` makes a `int`, which is no model"),
            ("net.py:ends", "`net.py:ends` cannot be run: SystemExit: 5"),
            ("net.py:Net --set width=x", "`net.py:Net` cannot be run: TypeError"),
        ],
    )
    def test_what_is_missing_is_said(self, arguments: str, said: str):
        result = run("import", *arguments.split())
        assert result.exit_code == 2 and said in result.stderr, result.output

    def test_blocks_and_loops_are_found(self):
        wanted = ["--set", "width=4", "--set", "depth=3", "--input", "3x16x16", "--no-verify"]
        result = run("import", "net.py:Net", *wanted)
        assert result.exit_code == 0, result.output
        assert "  Unit:\n" in result.stdout and "repeat: 3" in result.stdout

    def test_several_inputs_have_names(self):
        given = ["--input", "image=3x16x16", "--input", "depth=1x16x16"]
        result = run("import", "net.py:Two", *given, "--no-verify")
        assert result.exit_code == 0, result.output
        assert "depth: {channels: 1, height: 16, width: 16}" in result.stdout

    def test_a_refusal_names_everything_at_once(self, folder: Path):
        result = run("import", "net.py:Strange", "--input", "3x16x16", "-o", "strange.yaml")
        assert result.exit_code == 1 and not (folder / "strange.yaml").exists()
        assert "no spec says 3 things in it" in result.stderr
        assert f"`fft_fft2`, 2 times\n  in `parts.0`, net.py:{line_of('fft2')}\n" in result.stderr
        assert f"`cumsum`\n  in net.py:{line_of('cumsum')}\n" in result.stderr
        assert "--partial writes the spec up to there" in result.stderr

    def test_a_part_is_a_spec_with_a_remark(self, folder: Path):
        given = ["--input", "3x16x16", "-o", "strange.yaml", "--partial"]
        result = run("import", "net.py:Strange", *given)
        assert result.exit_code == 1 and result.stdout == "wrote strange.yaml\n"
        text = (folder / "strange.yaml").read_text(encoding="utf-8")
        assert (
            "# This is a part of the original. Behind it come:\n  # * `fft_fft2`, 2 times" in text
        )
        assert run("check", "strange.yaml").output == "strange.yaml: ok\n"

    def test_modules_of_a_package_import_each_other(self, folder: Path):
        package = folder / "nets"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "parts.py").write_text(SMALL)
        (package / "whole.py").write_text(
            "from .parts import Net\n\ndef small():\n    return Net(4)\n"
        )
        for name in ("nets/whole.py:small", "nets.whole:small"):
            result = run("import", name, "--input", "3x16x16", "--no-verify")
            assert result.exit_code == 0, result.output
            assert "\nname: Small\n" in result.stdout


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.slow
class TestCompared:
    """What is written was run."""

    @pytest.fixture(autouse=True)
    def frameworks(self) -> None:
        pytest.importorskip("torch")
        pytest.importorskip("keras")

    def given(self) -> list[str]:
        return ["net.py:Net", "--set", "width=4", "--input", "3x16x16"]

    def test_own_weights_come_along(self, folder: Path):
        result = run("import", *self.given(), "-o", "mine.yaml", "--weights", "mine.pt")
        assert result.exit_code == 0, result.output
        assert "one network: net.py:Net has 431 parameters; outputs differ by" in result.stderr
        assert "wrote mine.pt: 14 weights for PyTorch\n" in result.stdout

    def test_another_network_is_not_written(self, folder: Path, monkeypatch: pytest.MonkeyPatch):
        from cnngen.importing import spec

        text = spec.spec_text

        def wrong(data: Any) -> str:
            return text(data).replace("- relu", "- relu6")

        monkeypatch.setattr(spec, "spec_text", wrong)
        result = run("import", *self.given(), "-o", "mine.yaml")
        assert result.exit_code == 1 and "its outputs in torch differ" in result.stderr
        assert not (folder / "mine.yaml").exists()

    def test_own_models_are_references(self, folder: Path):
        assert run("import", *self.given(), "--no-verify", "-o", "mine.yaml").exit_code == 0
        own = ["net.py:Net", "--argument", "width=4"]
        result = run("verify", "mine.yaml", "--against", *own, "--quick")
        assert result.stdout.startswith("mine: the network of net.py:Net"), result.output
        result = run("weights", "map", "mine.yaml", "--from", *own)
        assert "head.weight" in result.stdout, result.output
        result = run("weights", "map", "mine.yaml", "--from", "net.py:Net")
        assert "`net.py:Net` needs `width`: add --argument width=VALUE" in result.stderr

    def test_files_of_keras(self, folder: Path):
        (folder / "mine.json").write_text(configuration(("Conv2D", CONV), ("MaxPooling2D", {})))
        result = run("import", "mine.json", "-o", "mine.yaml")
        assert result.exit_code == 0 and "has 112 parameters" in result.stderr, result.output


def test_it_says_that_numpy_is_missing(tmp_path: Path):
    (tmp_path / "net.json").write_text("{}")
    hidden = "import sys; sys.modules['numpy'] = None; from cnngen.cli import cli; cli()"
    command = [sys.executable, "-c", hidden, "import", "net.json", "--no-verify"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "Error: numpy is not installed: pip install 'cnngen[weights]'\n"

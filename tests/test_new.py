"""`cnngen new`: a spec to begin with, which is right as it is."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.built_models import SPECS

from cnngen.cli import cli
from cnngen.commands.new import class_name


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, list(arguments))


def test_a_network_that_is_right(folder: Path) -> None:
    result = run("new", "my_net")
    assert (result.exit_code, result.stdout) == (0, "wrote my_net.yaml\n"), result.output
    text = (folder / "my_net.yaml").read_text(encoding="utf-8")
    assert "\nname: MyNet\n" in text and "`cnngen check my_net.yaml`" in text
    assert run("check", "my_net.yaml").output == "my_net.yaml: ok\n"
    assert run("build", "my_net.yaml").exit_code == 0


def test_a_file_that_is_there_stays(folder: Path) -> None:
    (folder / "mine.yaml").write_text("mine")
    result = run("new", "mine")
    assert result.exit_code == 2 and "--force writes over it" in result.stderr
    assert (folder / "mine.yaml").read_text() == "mine"
    assert run("new", "mine.yaml", "--force").exit_code == 0
    assert run("check", "mine.yaml").exit_code == 0


@pytest.mark.parametrize("name", ["1st", "my-net", "class", "with", ""])
def test_a_name_must_fit_a_function(name: str, folder: Path) -> None:
    result = run("new", name)
    assert result.exit_code == 2 and "cannot name a function" in result.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize("name", sorted(path.stem for path in SPECS.glob("*.yaml")))
def test_a_variant_of_any_network_of_the_zoo(name: str, folder: Path) -> None:
    result = run("new", "variant", "--from", name)
    assert result.exit_code == 0, result.output
    assert run("check", "variant.yaml").output == "variant.yaml: ok\n"
    assert run("diff", name, "variant.yaml", "--exit-code").exit_code == 0


def test_what_a_variant_says(folder: Path) -> None:
    result = run("new", "wide", "--from", "resnet101")
    assert result.stdout.splitlines() == [
        "wrote resnet101.yaml",
        "wrote resnet50.yaml",
        "wrote wide.yaml",
    ]
    assert (folder / "wide.yaml").read_text(encoding="utf-8") == (
        "cnngen: 1\n"
        "name: Wide\n"
        "about: ResNet101 with changes.\n"
        "extends: resnet101.yaml\n"
        "\n"
        "# Only what differs from resnet101.yaml stands here.\n"
        "# Its parameters, of which others may be given:\n"
        "#\n"
        "# params:\n"
        "#   classes: 1000  # number of classes\n"
        "#   depths: [3, 4, 23, 3]  # bottlenecks in each stage\n"
        "#   widths: [64, 128, 256, 512]  # channels of their 3 x 3 convolutions, a quarter of the stage's\n"
        "#   strides: [1, 2, 2, 2]  # step of the first bottleneck of each stage\n"
        "\n"
        "# A block or stage that has the name of one there takes its place, and null removes it.\n"
        "# Its blocks: Residual, Bottleneck.\n"
        "# Its stages: stem, features, head.\n"
    )
    again = run("new", "other", "--from", "resnet101")
    assert again.stdout == "wrote other.yaml\n"  # the others are there


def test_a_variant_of_an_own_spec(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("")
    (folder / "base").mkdir()
    assert run("new", "base/mine").exit_code == 0
    result = run("new", "variants/small", "--from", "base/mine.yaml")
    assert result.exit_code == 0, result.output
    text = (folder / "variants" / "small.yaml").read_text(encoding="utf-8")
    assert "extends: ../base/mine.yaml\n" in text
    assert run("check", "variants/small.yaml").exit_code == 0


def test_a_parent_with_errors_is_shown(folder: Path) -> None:
    (folder / "bad.yaml").write_text("cnngen: 1\n")
    result = run("new", "good", "--from", "bad.yaml")
    assert result.exit_code == 1 and "error[" in result.stderr
    assert not (folder / "good.yaml").exists()


def test_a_variant_cannot_take_the_name_of_its_parent(folder: Path) -> None:
    result = run("new", "lenet5", "--from", "lenet5")
    assert result.exit_code == 2 and "cannot extend itself" in result.stderr
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("stem", "name"), [("my_net", "MyNet"), ("resNet50_b", "ResNet50B"), ("_", "Net")]
)
def test_the_name_of_the_class(stem: str, name: str) -> None:
    assert class_name(stem) == name

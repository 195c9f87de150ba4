"""Where the weights lie in a file: in an entry of a checkpoint, behind a prefix, in a model in a model.

Each file is written by the framework or the way of training that makes such files, and what is found in
it is compared with the model that was saved.
"""

import argparse
import collections
import importlib
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from support.built_models import build
from support.converted_weights import SMALL

from cnngen.cli import cli

torch = pytest.importorskip("torch")
pytest.importorskip("ml_dtypes")
safetensors = pytest.importorskip("safetensors.numpy")
pytestmark = [pytest.mark.torch]


class Lightning(torch.nn.Module):
    """What holds a model, a criterion with weights of its own, and perhaps an average of the model."""

    def __init__(self, model: Any, **others: Any) -> None:
        super().__init__()
        self.model = model
        for name, module in others.items():
            setattr(self, name, module)


class Settings(dict[str, Any]):
    """A dictionary of a class of its own, as many programs keep their settings in."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def model(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    made = build(SMALL).torch().eval()
    made.stem[1].running_mean.uniform_()
    return made


def convert(folder: Path, name: str, *options: str, target: str = "out.pt") -> Result:
    files = [str(folder / name), str(folder / target), "--spec", str(folder / "small.yaml")]
    return CliRunner().invoke(cli, ["weights", "convert", *files, *options])


def check(folder: Path, name: str, original: Any, *options: str, said: str = "") -> None:
    """The weights that are found are those of a model, and this is what is said about the place."""
    result = convert(folder, name, *options)
    assert result.exit_code == 0, result.output
    assert result.stderr == said
    found = model(seed=1)
    found.load_state_dict(torch.load(folder / "out.pt", weights_only=True))
    x = torch.randn(2, 3, 8, 6)
    assert torch.equal(found(x), original(x))


def test_a_wrapped_model(folder: Path) -> None:
    """The wrappers themselves say what stands before each name."""
    original = model()
    parallel = torch.nn.DataParallel(original)
    compiled = torch.compile(original)
    averaged = torch.optim.swa_utils.AveragedModel(original)
    wrapped = {
        "module.": parallel,
        "_orig_mod.": compiled,
        "module._orig_mod.": torch.nn.DataParallel(compiled),
        "_orig_mod.module.": torch.compile(parallel),
        "model.": Lightning(original),
    }
    for prefix, each in wrapped.items():
        torch.save(each.state_dict(), folder / "wrapped.pth")
        check(
            folder,
            "wrapped.pth",
            original,
            said=f"took the weights without the prefix `{prefix}`\n",
        )
        safetensors.save_file(
            {k: v.numpy() for k, v in each.state_dict().items()}, folder / "a.safetensors"
        )
        check(
            folder,
            "a.safetensors",
            original,
            said=f"took the weights without the prefix `{prefix}`\n",
        )
    torch.save(averaged.state_dict(), folder / "averaged.pth")  # with its count of models
    check(folder, "averaged.pth", original, said="took the weights without the prefix `module.`\n")


@pytest.mark.parametrize(
    "key", ["state_dict", "model", "state_dict_ema", "ema", "model_state_dict", "net", "weights"]
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_of_a_training(folder: Path, key: str, zipped: bool) -> None:
    original = model()
    optimizer = torch.optim.Adam(original.parameters())
    original(torch.zeros(2, 3, 8, 6)).sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 3,
        "optimizer": optimizer.state_dict(),
        "best": np.float64(0.5),
        "scores": np.ones(3),
        "args": argparse.Namespace(lr=0.1, out=Path("runs")),
        "settings": Settings(depth=3, more=Settings(a=1)),
        "meters": collections.defaultdict(list, loss=[1.0]),
        key: torch.nn.DataParallel(original).state_dict(),
    }
    torch.save(checkpoint, folder / "last.pth.tar", _use_new_zipfile_serialization=zipped)
    said = f"took the entry `{key}`, without the prefix `module.`\n"
    check(folder, "last.pth.tar", original, said=said)


@pytest.mark.parametrize(
    "name",
    ["a.ckpt", "a.pth.tar", "a.bin", "a.tar", "a.weights.h5", "a.safetensors", "a"],
)
def test_the_ending_does_not_count(folder: Path, name: str) -> None:
    torch.save(model().state_dict(), folder / name)
    check(folder, name, model())
    safetensors.save_file({k: v.numpy() for k, v in model().state_dict().items()}, folder / name)
    check(folder, name, model())


def test_paths_of_keras_behind_a_prefix(folder: Path) -> None:
    torch.save(model().state_dict(), folder / "a.pt")
    assert convert(folder, "a.pt", "--to", "keras", target="b.safetensors").exit_code == 0
    state = safetensors.load_file(folder / "b.safetensors")
    outer = {f"sequential/{name}": value for name, value in state.items()}
    safetensors.save_file(outer, folder / "c.safetensors")
    check(
        folder, "c.safetensors", model(), said="took the weights without the prefix `sequential/`\n"
    )


PAGE = (Path(__file__).parent.parent / "docs" / "weights.md").read_text(encoding="utf-8")


def test_an_average_beside_the_weights(folder: Path) -> None:
    """Which one is meant is not known, so both are named; what is said can be pasted."""
    first, second = model(), model(seed=2)
    both = {"state_dict": first.state_dict(), "state_dict_ema": second.state_dict()}
    torch.save(both, folder / "last.pth.tar")
    result = convert(folder, "last.pth.tar")
    assert result.exit_code == 1
    assert result.stderr.replace(f"{folder}/", "") in PAGE
    assert result.stderr.partition("tar: ")[2] == (
        "the network fits several entries of the file: choose one\n"
        "  --key state_dict\n"
        "  --key state_dict_ema: an average over the training, which its authors usually evaluate\n"
    )
    check(folder, "last.pth.tar", first, *pasted(result, 0), said="took the entry `state_dict`\n")
    check(
        folder, "last.pth.tar", second, *pasted(result, 1), said="took the entry `state_dict_ema`\n"
    )


def pasted(result: Result, row: int) -> list[str]:
    """The options that an error offers in one of its lines."""
    lines = [line for line in result.stderr.splitlines() if line.startswith("  --")]
    return shlex.split(lines[row].partition(": ")[0])


def test_weights_beside_those_of_the_model(folder: Path) -> None:
    """A criterion with weights, and an average in the same module: nothing is left out unasked."""
    original, average = model(), model(seed=2)
    whole = Lightning(original, criterion=torch.nn.PReLU())
    torch.save({"state_dict": whole.state_dict(), "hparams": Settings(a=1)}, folder / "last.ckpt")
    result = convert(folder, "last.ckpt")
    assert result.exit_code == 1
    assert result.stderr.replace(f"{folder}/", "") in PAGE
    assert result.stderr.partition("ckpt: ")[2] == (
        "the network fits a part of the file: choose it, if you can do without the rest\n"
        "  --prefix model.: leaves out `criterion.weight`\n"
    )
    said = (
        "took the entry `state_dict`, without the prefix `model.`\n"
        "left out what is beside it: `criterion.weight`\n"
    )
    check(folder, "last.ckpt", original, *pasted(result, 0), said=said)
    check(folder, "last.ckpt", original, "--prefix", "model", said=said)
    torch.save(Lightning(original, model_ema=average).state_dict(), folder / "b.ckpt")
    result = convert(folder, "b.ckpt")
    assert "the network fits several parts of the file: choose one" in result.stderr
    assert "--prefix model_ema.: an average over the training" in result.stderr
    for row, expected in enumerate((original, average)):
        result_row = pasted(result, row)
        assert convert(folder, "b.ckpt", *result_row).exit_code == 0
        found = torch.load(folder / "out.pt", weights_only=True)
        assert torch.equal(found["head.2.weight"], expected.head[2].weight)


def test_where_nothing_fits_the_likeliest_place_is_named(folder: Path) -> None:
    state = model().state_dict()
    del state["head.2.bias"]
    torch.save({"other": {"a": torch.ones(1)}, "state_dict": state}, folder / "a.pth")
    result = convert(folder, "a.pth")
    assert result.exit_code == 1
    assert result.stderr.partition("pth: ")[2] == (
        "the entry `state_dict`:\n`head.2.bias` (5) is missing\n"
    )
    result = convert(folder, "a.pth", "--set", "classes=3")
    assert result.exit_code == 0 and "left out `head.2`" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--key", "state-dict"], "the file has no entry `state-dict`: did you mean `state_dict`?"),
        (["--key", "x"], "the file has no entry `x`: it has `state_dict`"),
        (["--prefix", "net."], "no weight of the network is behind the prefix `net.`"),
    ],
)
def test_a_choice_that_is_not_there(folder: Path, options: list[str], said: str) -> None:
    torch.save({"state_dict": model().state_dict()}, folder / "a.pth")
    result = convert(folder, "a.pth", *options)
    assert result.exit_code == 1 and said in result.stderr


def test_a_key_where_there_are_no_entries(folder: Path) -> None:
    safetensors.save_file({k: v.numpy() for k, v in model().state_dict().items()}, folder / "a")
    result = convert(folder, "a", "--key", "model")
    assert result.exit_code == 1 and "so leave --key out" in result.stderr


class Calls:
    """What a pickle would call when it is read."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("zipped", [True, False])
def test_nothing_in_a_file_is_called(folder: Path, zipped: bool) -> None:
    """Not even where the weights beside it are read."""
    victim = folder / "victim"
    code = f"__import__('pathlib').Path({str(victim)!r}).touch()"
    calls = [
        (eval, (code,)),
        (exec, (code,)),
        (getattr, (Path, "touch")),
        (subprocess.Popen, (["touch", str(victim)],)),
        (shutil.copy, (str(folder / "small.yaml"), str(victim))),
        (importlib.import_module, ("antigravity",)),
        (torch.load, (str(folder / "other.pt"), None, None)),
        (torch.serialization.add_safe_globals, ([eval],)),
    ]
    known = {*map(id, torch.serialization.get_safe_globals())}
    for call, arguments in calls:
        saved = {"hook": Calls(call, arguments), "state_dict": model().state_dict()}
        torch.save(saved, folder / "a.pth", _use_new_zipfile_serialization=zipped)
        check(folder, "a.pth", model(), said="took the entry `state_dict`\n")
        assert not victim.exists() and "antigravity" not in sys.modules
    assert {*map(id, torch.serialization.get_safe_globals())} == known
    for call, arguments in ((os.mkdir, (str(victim),)), (os.system, (f"touch {victim}",))):
        torch.save({"hook": Calls(call, arguments)}, folder / "a.pth")
        result = convert(folder, "a.pth")
        assert result.exit_code == 1 and not victim.exists(), result.output


def test_lists_and_deeper_entries(folder: Path) -> None:
    original = model()
    torch.save([{"nets": {"student": original.state_dict()}}, 3], folder / "a.pth")
    check(folder, "a.pth", original, said="took the entry `0/nets/student`\n")
    check(
        folder,
        "a.pth",
        original,
        "--key",
        "0/nets/student",
        said="took the entry `0/nets/student`\n",
    )


def test_a_file_that_refers_to_itself_or_is_deep_or_wide_ends(folder: Path) -> None:
    loop: dict[str, Any] = {"x": torch.ones(1)}
    loop["self"] = [loop] * 50
    deep: Any = {}
    for _ in range(200):
        deep = {"a": deep, "b": deep}
    torch.save({"loop": loop, "deep": deep}, folder / "a.pth")
    result = convert(folder, "a.pth")
    assert result.exit_code == 1 and "has no layer of the network" in result.stderr
    names = {"a." * 2000 + str(i): torch.ones(1) for i in range(2000)}
    torch.save(names, folder / "a.pth")
    result = convert(folder, "a.pth")
    assert result.exit_code == 1 and len(result.stderr) < 1500


@pytest.mark.keras
@pytest.mark.parametrize("name", ["a.keras", "a.weights.h5", "a.h5"])
def test_a_keras_model_in_a_model(folder: Path, name: str) -> None:
    keras = pytest.importorskip("keras")
    original = build(SMALL).keras()
    x = np.random.default_rng(0).random((2, 8, 6, 3), np.float32)
    image = keras.Input((8, 6, 3))
    outer = keras.Model(image, original(keras.layers.Rescaling(0.5)(image)))
    outer.compile("adam", "mse")
    write(outer, folder / name)
    expected = np.asarray(outer(2 * x))
    result = convert(folder, name)
    assert result.exit_code == 0, result.output
    check_outputs(folder, x, expected)
    with_more = keras.Model(image, keras.layers.Dense(2, name="more")(original(image)))
    write(with_more, folder / name)
    result = convert(folder, name)
    assert result.exit_code == 1
    if name != "a.h5":
        assert "leaves out `more/0`, `more/1`" in result.stderr
        result = convert(folder, name, *pasted(result, 0))
        assert result.exit_code == 0, result.output
        assert "took the entry `functional`\nleft out what is beside it: " in result.stderr
        check_outputs(folder, x, expected)


def write(made: Any, path: Path) -> None:
    (made.save_weights if path.name.endswith(".weights.h5") else made.save)(path)


def check_outputs(folder: Path, x: Any, expected: Any) -> None:
    ours = model(seed=3)
    ours.load_state_dict(torch.load(folder / "out.pt", weights_only=True))
    found = ours(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).detach().numpy()
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.keras
def test_two_keras_models_in_a_model(folder: Path) -> None:
    keras = pytest.importorskip("keras")
    image = keras.Input((8, 6, 3))
    pair = [build(SMALL).keras() for _ in range(2)]
    for i, each in enumerate(pair):
        each.name = f"net{i}"
    keras.Model(image, [each(image) for each in pair]).save(folder / "pair.keras")
    result = convert(folder, "pair.keras")
    assert result.exit_code == 1
    assert "the network fits several parts of the file: choose one" in result.stderr
    for row, each in enumerate(pair):
        assert convert(folder, "pair.keras", *pasted(result, row)).exit_code == 0
        found = torch.load(folder / "out.pt", weights_only=True)
        theirs = np.asarray(next(v for v in each.weights if v.path.endswith("head_2/kernel")))
        assert np.array_equal(found["head.2.weight"].numpy(), theirs.T)

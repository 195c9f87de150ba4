"""`cnngen weights convert`: files of weights from one framework to the other and back."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from support.built_models import Built, build
from support.converted_weights import EVERY_LAYER, WITH_HEADS, convert, random_state, save

from cnngen.verify.models import channels_last
from cnngen.weights.places import places
from cnngen.weights.read_torch import COUNTER

ml_dtypes = pytest.importorskip("ml_dtypes")
safetensors = pytest.importorskip("safetensors.numpy")
pytest.importorskip("h5py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with both specs."""
    (tmp_path / "network.yaml").write_text(EVERY_LAYER, encoding="utf-8")
    (tmp_path / "heads.yaml").write_text(WITH_HEADS, encoding="utf-8")
    return tmp_path


def converted(folder: Path, source: str, target: str, *options: str, **spec: str) -> Result:
    result = convert(folder, source, target, *options, **spec)
    assert result.exit_code == 0, result.output
    return result


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("word", ["float16", "bfloat16", "float32", "float64"])
def test_a_round_trip_gives_the_same_bytes(folder: Path, word: str) -> None:
    save(folder, ml_dtypes.bfloat16 if word == "bfloat16" else word)
    converted(folder, "torch.safetensors", "keras.safetensors", "--to", "keras")
    converted(folder, "keras.safetensors", "again.safetensors", "--to", "torch")
    converted(folder, "again.safetensors", "twice.safetensors", "--to", "keras")
    for ours, theirs in (("torch", "again"), ("keras", "twice")):
        first, second = (folder / f"{name}.safetensors" for name in (ours, theirs))
        assert first.read_bytes() == second.read_bytes()
    keras = safetensors.load_file(folder / "keras.safetensors")
    assert {place.names["keras"] for place in places(build(EVERY_LAYER).network)} == keras.keys()
    assert {value.dtype.name for value in keras.values()} == {word}


def test_the_format_in_the_metadata_stays(folder: Path) -> None:
    path = folder / "torch.safetensors"
    safetensors.save_file(
        random_state(build(EVERY_LAYER).network), path, {"format": "pt", "a": "1", "b": ""}
    )
    before = path.read_bytes()
    converted(folder, "torch.safetensors", "torch.safetensors", "--to", "torch")  # over itself
    once = path.read_bytes()
    assert b'"__metadata__":{"format":"pt"}' in once and once != before
    converted(folder, "torch.safetensors", "torch.safetensors", "--to", "torch")
    assert path.read_bytes() == once


def test_others_may_read_the_file(folder: Path) -> None:
    save(folder)
    mask = os.umask(0o022)
    try:
        converted(folder, "torch.safetensors", "new.safetensors", "--to", "keras")
        assert (folder / "new.safetensors").stat().st_mode & 0o777 == 0o644
        (folder / "new.safetensors").chmod(0o640)
        converted(folder, "torch.safetensors", "new.safetensors", "--to", "keras")
        assert (folder / "new.safetensors").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(mask)


def test_counts_of_batches_stay_where_no_keras_is_between(folder: Path) -> None:
    counter = f"stem.1.{COUNTER}"
    save(folder, **{counter: np.array(7)})
    converted(folder, "torch.safetensors", "same.safetensors", "--to", "torch")
    assert safetensors.load_file(folder / "same.safetensors")[counter] == 7
    converted(folder, "torch.safetensors", "keras.safetensors", "--to", "keras")
    converted(folder, "keras.safetensors", "again.safetensors", "--to", "torch")
    again = safetensors.load_file(folder / "again.safetensors")[counter]
    assert again == 0 and again.dtype == np.int64


def test_no_framework_is_imported_for_safetensors(folder: Path) -> None:
    save(folder)
    code = (
        "import sys; from cnngen.cli import cli\n"
        "cli(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'keras', 'tensorflow'} & sys.modules.keys()"
    )
    names = [str(folder / name) for name in ("torch.safetensors", "keras.safetensors")]
    spec = ["--spec", str(folder / "network.yaml"), "--to", "keras"]
    done = subprocess.run(
        [sys.executable, "-c", code, "weights", "convert", *names, *spec],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_layers_that_a_setting_changes_are_left_out_and_said(folder: Path) -> None:
    state = save(folder)
    set_classes = ("--to", "keras", "--set", "classes=3")
    result = converted(folder, "torch.safetensors", "keras.safetensors", *set_classes)
    assert "left out `head.7`: `head.7.weight` is 5 x 7, not 3 x 7" in result.stderr
    found = safetensors.load_file(folder / "keras.safetensors")
    assert not any(name.startswith("head_7/") for name in found)
    assert len(found) == len([name for name in state if not name.endswith(COUNTER)]) - 2


def test_other_differences_are_errors(folder: Path) -> None:
    state = save(folder)
    state["stem.0.weight"] = state["stem.0.weight"][:, :1]
    del state["head.5.bias"]
    state["stem.12.weight"] = np.zeros(3)
    safetensors.save_file(state, folder / "torch.safetensors")
    (folder / "out.safetensors").write_text("mine")
    result = convert(
        folder, "torch.safetensors", "out.safetensors", "--to", "keras", "--set", "classes=3"
    )
    assert result.exit_code == 1
    assert "`stem.0.weight` is 8 x 1 x 3 x 1, not 8 x 2 x 3 x 1" in result.stderr
    assert "`head.5.bias` (7) is missing" in result.stderr
    assert "`stem.12.weight` belongs to no layer of the spec" in result.stderr
    assert (folder / "out.safetensors").read_text() == "mine" and not left_over(folder)


def test_many_problems_are_counted(folder: Path) -> None:
    save(folder, **{f"other.{i}.weight": np.zeros(1) for i in range(25)})
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 11 and "and 15 more" in result.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 40,
        b"\x08\0\0\0\0\0\0\0{}      ",
        (10**6).to_bytes(8, "little") + b"{",
        b"\x02\0\0\0\0\0\0\0[]",
    ],
)
@pytest.mark.parametrize("suffix", [".safetensors", ".weights.h5", ".keras"])
def test_broken_files_are_said(folder: Path, content: bytes, suffix: str) -> None:
    (folder / f"broken{suffix}").write_bytes(content)
    result = convert(folder, f"broken{suffix}", "out.safetensors", "--to", "torch")
    assert result.exit_code == 1, result.output
    assert f"broken{suffix}" in result.stderr and "Traceback" not in result.output
    assert not (folder / "out.safetensors").exists()


def test_names_in_a_file_do_not_reach_the_terminal(folder: Path) -> None:
    save(folder, **{"\x1b[31mred": np.zeros(1), "long" * 1000: np.zeros(1)})
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 1 and "\x1b" not in result.output and len(result.output) < 600


def test_integers_are_no_weights(folder: Path) -> None:
    save(folder, **{"head.5.bias": np.zeros(7, np.int8)})
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 1
    assert "`head.5.bias` has numbers of type int8" in result.stderr


@pytest.mark.parametrize(
    "target, options, message",
    [
        ("out.safetensors", (), "--to torch or --to keras"),
        ("out.pt", ("--to", "keras"), ".pt is for PyTorch, not for Keras"),
        ("out.npz", ("--to", "keras"), "`out.npz` does not end with one of .safetensors"),
        ("heads.yaml/out.safetensors", ("--to", "keras"), "cannot write"),
    ],
)
def test_wrong_use_is_said(
    folder: Path, target: str, options: tuple[str, ...], message: str
) -> None:
    save(folder)
    result = convert(folder, "torch.safetensors", target, *options)
    assert result.exit_code == 2 and message in result.stderr


def test_a_missing_package_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    result = convert(folder, "torch.safetensors", "out.safetensors", "--to", "keras")
    assert result.exit_code == 2
    assert "safetensors is not installed: pip install 'cnngen[weights]'" in result.stderr


@pytest.mark.parametrize(
    "fault",
    ["OSError('no such library')", "ImportError('no such library')", "AttributeError('no such')"],
)
@pytest.mark.parametrize(
    ("package", "called", "options"),
    [
        ("torch", "PyTorch", ()),
        ("safetensors", "safetensors", ()),
        ("torchvision", "torchvision", ("--from", "torchvision:resnet18")),
        ("timm", "timm", ("--from", "timm:resnet18")),
    ],
)
def test_what_a_package_raises_when_it_is_imported_is_said_in_its_name(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    called: str,
    options: tuple[str, ...],
    fault: str,
) -> None:
    save(folder)
    (folder / "packages" / package).mkdir(parents=True)
    (folder / "packages" / package / "__init__.py").write_text(f"raise {fault}", encoding="utf-8")
    monkeypatch.syspath_prepend(folder / "packages")
    for name in [x for x in sys.modules if x.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    result = convert(folder, "torch.safetensors", "out.pt", *options)
    assert result.exit_code == 2
    kind, text = fault.removesuffix("')").split("('")
    assert f"{called} cannot be imported: {kind}: {text}\n" in result.stderr


@pytest.mark.parametrize(
    "arguments", [["map", "network.yaml"], ["convert", "a.pt", "b.keras", "--spec", "network.yaml"]]
)
def test_without_numpy_what_to_install_is_said(folder: Path, arguments: list[str]) -> None:
    """In a process of its own, as here numpy and what imports it are loaded already."""
    (folder / "a.pt").touch()
    code = "import sys; sys.modules['numpy'] = None\nfrom cnngen.cli import cli; cli(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "weights", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == "Error: numpy is not installed: pip install 'cnngen[weights]'\n"


def test_a_safetensors_file_of_another_network_is_said(folder: Path) -> None:
    safetensors.save_file({"a.weight": np.zeros(1)}, folder / "other.safetensors")
    result = convert(folder, "other.safetensors", "out.safetensors", "--to", "keras")
    assert (
        result.exit_code == 1 and "has no layer of the network: it has `a.weight`" in result.stderr
    )


@pytest.mark.torch
@pytest.mark.parametrize("suffix", [".pt", ".pth"])
@pytest.mark.parametrize("word", ["bfloat16", "float32"])
def test_files_of_pytorch(folder: Path, suffix: str, word: str) -> None:
    torch = pytest.importorskip("torch")
    model = build(EVERY_LAYER).torch().to(getattr(torch, word))
    for zipped in (True, False):
        torch.save(model.state_dict(), folder / f"a{suffix}", _use_new_zipfile_serialization=zipped)
        converted(folder, f"a{suffix}", "a.safetensors", "--to", "keras")
        converted(folder, "a.safetensors", f"b{suffix}")
        state = torch.load(folder / f"b{suffix}", weights_only=True)
        assert {value.dtype for value in state.values()} == {getattr(torch, word), torch.int64}
        for name, value in model.state_dict().items():
            assert torch.equal(value, state[name])
        model.load_state_dict(state)  # strict
        first = (folder / f"b{suffix}").read_bytes()
        converted(folder, "a.safetensors", f"b{suffix}")
        assert (folder / f"b{suffix}").read_bytes() == first


class Malicious:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@pytest.mark.torch
def test_a_pickle_is_not_executed(folder: Path) -> None:
    torch = pytest.importorskip("torch")
    path, victim = folder / "bad.pt", folder / "victim"
    torch.save({"stem.0.weight": Malicious(str(victim))}, path)
    plain = pickle.dumps(Malicious(str(victim)))
    nested = folder / "nested.pt"
    torch.save({"state_dict": {}, "epoch": 3}, nested)
    for content in (path.read_bytes(), plain, b"", b"PK\x03\x04", nested.read_bytes()):
        path.write_bytes(content)
        result = convert(folder, "bad.pt", "out.safetensors", "--to", "keras")
        assert result.exit_code == 1 and "bad.pt" in result.stderr, result.output
        assert not victim.exists() and len(result.stderr.splitlines()) <= 3


@pytest.mark.torch
@pytest.mark.keras
@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
@pytest.mark.parametrize("word", ["bfloat16", "float16", "float32", "float64"])
def test_files_of_keras_and_back(folder: Path, suffix: str, word: str) -> None:
    pytest.importorskip("keras")
    save(folder, ml_dtypes.bfloat16 if word == "bfloat16" else word)
    converted(folder, "torch.safetensors", f"a{suffix}")
    converted(folder, f"a{suffix}", "again.safetensors", "--to", "torch")
    again = (folder / "again.safetensors").read_bytes()
    assert again == (folder / "torch.safetensors").read_bytes()
    assert not left_over(folder)


@pytest.mark.torch
@pytest.mark.keras
def test_the_other_model_computes_the_same(folder: Path) -> None:
    torch, keras = pytest.importorskip("torch"), pytest.importorskip("keras")
    built = build(EVERY_LAYER)
    model, x = loaded(built, save(folder))
    expected = model(x).detach().numpy()
    for suffix in (".weights.h5", ".keras"):
        converted(folder, "torch.safetensors", f"a{suffix}")
        other = built.keras()
        if suffix == ".keras":
            other = keras.saving.load_model(folder / "a.keras")
        else:
            other.load_weights(folder / "a.weights.h5")
        found = np.asarray(other(channels_last(x.numpy())))
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
        back = built.torch().eval()
        converted(folder, f"a{suffix}", "back.pt")
        back.load_state_dict(torch.load(folder / "back.pt", weights_only=True))
        assert torch.equal(back(x), model(x))


def loaded(built: Built, state: dict[str, Any]) -> tuple[Any, Any]:
    """The PyTorch model with these weights, and images for it."""
    import torch

    model = built.torch().eval()
    model.load_state_dict({name: torch.as_tensor(value) for name, value in state.items()})
    shape = built.network.input
    return model, torch.randn(2, shape.channels, shape.height, shape.width)


@pytest.mark.torch
@pytest.mark.keras
def test_heads_that_only_training_has(folder: Path) -> None:
    keras = pytest.importorskip("keras")
    save(folder, text=WITH_HEADS)
    result = converted(folder, "torch.safetensors", "a.keras", spec="heads")
    assert "left out `aux.2`: only training has it" in result.stderr
    assert len(keras.saving.load_model(folder / "a.keras").outputs) == 1
    result = converted(folder, "a.keras", "back.safetensors", "--to", "torch", spec="heads")
    assert "left out `aux.2`" in result.stderr
    result = converted(folder, "torch.safetensors", "b.keras", "--heads", spec="heads")
    assert not result.stderr
    assert len(keras.saving.load_model(folder / "b.keras").outputs) == 2
    converted(folder, "b.keras", "back.safetensors", "--to", "torch", spec="heads")
    assert (folder / "back.safetensors").read_bytes() == (folder / "torch.safetensors").read_bytes()


@pytest.mark.keras
def test_files_of_keras_that_refer_elsewhere_are_refused(folder: Path) -> None:
    pytest.importorskip("keras")
    import h5py

    save(folder)
    converted(folder, "torch.safetensors", "a.weights.h5")
    with h5py.File(folder / "a.weights.h5", "r+") as file:
        group = file["layers/conv2d/vars"]
        del group["1"]
        group.create_dataset(
            "1", (8,), "f4", external=[(str(folder / "network.yaml"), 0, h5py.h5f.UNLIMITED)]
        )
    result = convert(folder, "a.weights.h5", "out.safetensors", "--to", "torch")
    assert result.exit_code == 1 and "refers to other files" in result.stderr


@pytest.mark.keras
def test_mixed_precisions_are_no_keras_model(folder: Path) -> None:
    pytest.importorskip("keras")
    save(folder, **{"head.5.bias": np.zeros(7, np.float16)})
    result = convert(folder, "torch.safetensors", "a.weights.h5")
    assert result.exit_code == 1 and "float16 and float32" in result.stderr
    assert not (folder / "a.weights.h5").exists()

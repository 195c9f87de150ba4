"""Take networks at full size through the tools of both frameworks, and print a page about it.

python scripts/citizens.py > docs/citizens.md
"""

import platform
import sys
import tempfile
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import conftest  # noqa: E402, F401  # quiet frameworks
from support.citizenship import (  # noqa: E402
    CLOSE,
    compiles,
    exports,
    gives_features,
    has_stock_layers_only,
    keras_model,
    load_elsewhere,
    runs_as_onnx,
    save,
    torch_model,
    trains,
)

from cnngen.analysis import analyse_file  # noqa: E402
from cnngen.diagnostics.model import Report  # noqa: E402
from cnngen.semantics.network import Network  # noqa: E402

# Together they use every construct of the language.
NETWORKS = (
    *("lenet5", "alexnet", "alexnet_2012", "vgg16", "nin_cifar10", "googlenet"),
    *("resnet50", "resnet20_cifar10", "densenet121", "unet"),
)
BACKENDS = ("tensorflow", "torch", "jax")
COLUMNS = ("compile", "export", "ONNX", "stock layers", "features", "fit", *BACKENDS)
PACKAGES = ("torch", "onnxruntime", "keras", "tensorflow", "jax")


PAGE = """# Good citizens

What generated models go through with the tools of their frameworks, at the size and with the
parameters of their specs. `python scripts/citizens.py` prints this page; the tests do the same with
smaller networks.

| column | |
| --- | --- |
| compile | `torch.compile(model, fullgraph=True)` with its usual backend gives the same outputs |
| export | `torch.export` gives a program with the same outputs |
| ONNX | exported and run by ONNX Runtime, it gives the same outputs |
| stock layers | all layers of the Keras model are those of Keras |
| features | a Keras model of an inner layer's output can be cut out by the layer's name |
| fit | one step of `fit` changes the weights |
| tensorflow, torch, jax | a `.keras` file in a fresh process: largest relative difference |

With {versions}, Python {python}, on a CPU.
Outputs that differ by more than {close:g}, relative, would show as a failure.
"""


def main() -> None:
    warnings.simplefilter("ignore")
    names = sys.argv[1:] or NETWORKS
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: row(name, Path(folder)) for name in names}
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print(PAGE.format(versions=versions, python=platform.python_version(), close=CLOSE))
    print("| network | " + " | ".join(COLUMNS) + " |")
    print("| --- " * (len(COLUMNS) + 1) + "|")
    for name, cells in rows.items():
        print(f"| {name} | " + " | ".join(cells[column] for column in COLUMNS) + " |")


def row(name: str, folder: Path) -> dict[str, str]:
    """What one network went through."""
    network = analyse_file(ROOT / "specs" / f"{name}.yaml", Report())
    assert network
    size = (network.input.height, network.input.width)
    model, x = torch_model(name, {}, size)
    cells = {
        "compile": outcome(lambda: compiles(model, x, "inductor")),
        "export": outcome(lambda: exports(model, x)),
        "ONNX": outcome(lambda: runs_as_onnx(model, x, folder / f"{name}.onnx")),
    }
    keras, images = keras_model(name, {}, size)
    saved = save(keras, images, folder, name)
    cells |= {
        "stock layers": outcome(lambda: has_stock_layers_only(keras)),
        "features": outcome(lambda: gives_features(keras, images, first_conv(network))),
        "fit": outcome(lambda: trains(keras, images)),
    }
    for backend in BACKENDS:
        try:
            (difference,) = load_elsewhere([saved], backend).values()
            cells[backend] = (
                f"{difference:.0e}" if difference < CLOSE else f"differs: {difference:.0e}"
            )
        except AssertionError as error:
            cells[backend] = f"fails: {last_line(error)}"
    print(name, cells, file=sys.stderr)
    return cells


def outcome(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # whatever a framework raises belongs into the table
        return f"fails: {last_line(error)}"
    return "ok"


def last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:80].replace("|", "/")


def first_conv(network: Network) -> str:
    path = next(path for path, layer in network.layers.items() if layer.op.name == "conv")
    return path.replace(".", "_")


if __name__ == "__main__":
    main()

"""Take every network of `specs/` at full size through the tools of both frameworks.

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
from citizens import (  # noqa: E402
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

BACKENDS = ("tensorflow", "torch", "jax")
COLUMNS = ("compile", "export", "ONNX", "stock layers", "features", "fit", *BACKENDS)
PACKAGES = ("torch", "onnxruntime", "keras", "tensorflow", "jax")


def main() -> None:
    warnings.simplefilter("ignore")
    names = sys.argv[1:] or sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
    with tempfile.TemporaryDirectory() as folder:
        rows = {name: row(name, Path(folder)) for name in names}
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    print("# Good citizens\n")
    print(
        "What every generated model went through, at the size and with the parameters of its spec."
    )
    print("`python scripts/citizens.py` prints this page.\n")
    print(f"With {versions}, Python {platform.python_version()}, on a CPU. Outputs are compared")
    print(f"at {CLOSE:g} relative; the last columns are models that were saved with TensorFlow and")
    print("loaded in a fresh process on each backend of Keras, with the relative difference.\n")
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

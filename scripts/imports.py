"""Import models of other packages, and print a table of what came of it.

`python scripts/imports.py` takes hours: all classifiers and segmentation networks of torchvision,
all models of keras.applications, the smallest of each module of timm, and ONNX files of some. Given
sources (`torchvision:resnet18`, `timm:*`), it takes those. `--input 3x128x128` makes it faster, as
do `--target torch`, which leaves Keras out, and `--no-verify`, which runs nothing, and compares the
layers with weights alone.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from cnngen.diagnostics.model import Report
from cnngen.foreign.graph import Graph
from cnngen.importing.original import SEED, original_of
from cnngen.importing.proof import DifferentError, parameters, prove
from cnngen.importing.source import find_source
from cnngen.importing.spec import UnsoundError, made_spec
from cnngen.ops.base import Shape, shape_of
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate
from cnngen.verify.models import SourceError, draw_inputs
from cnngen.weights.match import match
from cnngen.weights.published import PACKAGES, PublishedModel, names_of
from cnngen.weights.read_graph import read_graph
from cnngen.weights.read_network import read_network
from cnngen.weights.reference import NoModelError

TARGETS = ("torch", "keras")
LOOPS = ("repeat:", "each:")
NO_CLASSIFIERS = ("rcnn", "retinanet", "ssd", "fcos", "raft", "r3d", "mc3", "r2plus1d", "mvit",
                  "s3d", "swin3d", "quantized")  # fmt: skip
IN_ONNX = ("resnet18", "resnet50", "densenet121", "googlenet", "mobilenet_v2", "mobilenet_v3_small",
           "efficientnet_b0", "shufflenet_v2_x1_0", "squeezenet1_1", "vgg11_bn", "alexnet",
           "mnasnet1_0", "regnet_y_400mf", "convnext_tiny", "inception_v3")  # fmt: skip


@dataclass(frozen=True)
class Row:
    """What came of a model: the text of its spec, or what stood in the way."""

    model: str
    seconds: float
    text: str = ""
    difference: float | None = None
    obstacle: str = ""

    def __str__(self) -> str:
        if not self.text:
            cells = [self.model, "no", "", "", "", f"{self.seconds:.0f}", "", self.obstacle]
        else:
            words = self.text.split()
            blocks = sum(line.startswith("  ") and line[2:3].isupper() for line in self._blocks())
            loops = sum(words.count(word) for word in LOOPS)
            apart = "" if self.difference is None else f"{self.difference:.0e}"
            lines = len(self.text.splitlines())
            counts = [str(n) for n in (lines, blocks, loops)]
            works = "no" if self.obstacle else "yes"
            cells = [self.model, works, *counts, f"{self.seconds:.0f}", apart, self.obstacle]
        return f"| {' | '.join(cells)} |"

    def _blocks(self) -> list[str]:
        return self.text.partition("\nblocks:\n")[2].partition("\nmodel:")[0].splitlines()


def imported(
    model: str, inputs: dict[str, Shape], targets: Iterable[str], file: Path | None = None
) -> Row:
    """Import a model, or the file that it was exported to, and compare it for these targets."""
    start = time.monotonic()
    text = ""

    def row(difference: float | None = None, obstacle: str = "") -> Row:
        said = " ".join(obstacle.split()).replace("|", "/")[:160]
        return Row(model, time.monotonic() - start, text, difference, said)

    try:
        source = find_source(str(file or model), inputs, {})
        reading = source.read(source.title)
        if reading.obstacles:
            kinds = [*dict.fromkeys(x.what for x in reading.obstacles)]
            more = f" and {len(kinds) - 2} more" if len(kinds) > 2 else ""
            return row(obstacle=", ".join(kinds[:2]) + more)
        text, network = made_spec(reading.graph, "imported")
        made = {target: generate(network, target, Report()) for target in targets}
        texts = {target: each for target, each in made.items() if each is not None}
        if not texts:
            return row(obstacle=_structure(reading.graph, network))
        drawn = draw_inputs(network.inputs, 2, "float32", SEED)
        original = original_of(source, reading, network, drawn, own_weights=False)
        with tempfile.TemporaryDirectory() as folder:
            proof = prove(original, network, texts, {}, drawn, Path(folder), lambda phase: None)
        return row(max(proof.differences.values(), default=None))
    except (NoModelError, DifferentError, SourceError, UnsoundError) as error:
        return row(obstacle=str(error))
    except Exception as error:  # a mistake of ours, which is a row, too
        return row(obstacle=f"{type(error).__name__}: {error}")


def _structure(graph: Graph, network: Network) -> str:
    """Where layers with weights differ from those that were read, without running anything."""
    ours, theirs = read_network(network), read_graph(graph)
    found = match(ours, theirs)
    if found.complete and parameters(ours) == parameters(theirs):
        return ""
    return found.explain() or "other parameters"


def models(patterns: list[str]) -> Iterator[str]:
    """The models that patterns mean."""
    for package in PACKAGES:
        if patterns and not any(each.startswith(f"{package}:") for each in patterns):
            continue
        names = names_of(package)
        if package == "torchvision":
            names = [x for x in names if not any(word in x for word in NO_CLASSIFIERS)]
        if package == "timm":
            names = [*_smallest(names)]
        for name in names:
            if not patterns or any(fnmatch(f"{package}:{name}", each) for each in patterns):
                yield f"{package}:{name}"


def _smallest(names: list[str]) -> Iterator[str]:
    """The model of each module of timm that has the fewest weights."""
    import timm
    import torch

    by_module: dict[str, list[tuple[int, str]]] = {}
    for name in names:
        module = timm.models._registry._model_to_module[name]
        with torch.device("meta"):
            try:
                made = timm.create_model(name, pretrained=False)
            except Exception:  # of models that need values while they are made
                continue
        by_module.setdefault(module, []).append((sum(p.numel() for p in made.parameters()), name))
    for sizes in by_module.values():
        yield min(sizes)[1]


def exported(name: str, inputs: dict[str, Shape], *, optimize: bool, folder: Path) -> Path:
    """The ONNX file of a model of torchvision."""
    import torch

    reference = PublishedModel("torchvision", name)
    shapes = [*(inputs or {"input": reference.usual()[0]}).values()]
    path = folder / f"{name}.onnx"
    given = tuple(torch.zeros(1, *shape.dimensions) for shape in shapes)
    model = reference.model(*shapes).eval()
    torch.onnx.export(model, given, str(path), optimize=optimize, verbose=False)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="*")
    parser.add_argument("--input", default="")
    parser.add_argument("--target", choices=TARGETS, action="append")
    parser.add_argument("--no-verify", action="store_true")
    options = parser.parse_args()
    sizes = [int(x) for x in options.input.split("x")] if options.input else []
    inputs = {"input": shape_of(sizes)} if sizes else {}
    targets = () if options.no_verify else options.target or TARGETS
    print("| model | works | lines | blocks | loops | seconds | difference | in the way |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |", flush=True)
    plain = [x for x in options.sources if not x.startswith("onnx:")]
    for model in models(plain) if plain or not options.sources else ():
        print(imported(model, inputs, targets), flush=True)
    for name in IN_ONNX:
        for optimize in (True, False):
            label = f"onnx:{name}{'' if optimize else ' (not optimized)'}"
            if options.sources and not any(fnmatch(label, x) for x in options.sources):
                continue
            with tempfile.TemporaryDirectory() as folder:
                file = exported(name, inputs, optimize=optimize, folder=Path(folder))
                print(imported(label, {}, targets, file), flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Home again: what is imported of a source that cnngen has written is the spec that it was made of.

`python tests/test_import_home.py` goes through the whole zoo, and prints what it finds. Identities
leave no trace in a model, and neither do the names of what has none there.
"""

import importlib.util
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.documentation_pages import ROOT

from cnngen.analysis import analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diff.changes import Difference, Group, Values, difference
from cnngen.importing.spec import made_spec
from cnngen.semantics.network import Network
from cnngen.targets.generate import generate
from cnngen.targets.keras.functions import input_shapes, model_function_name
from cnngen.targets.torch.names import model_class_name

SPECS = ROOT / "specs"
COMMUTATIVE = {"add", "multiply", "average", "maximum", "minimum"}
NO_TRACE = {"init"}  # distributions are drawn once, and a model keeps the numbers
QUICK = ("alexnet", "densenet121", "googlenet", "lenet5", "mobilenet_v2", "resnet18", "resnet50",
         "squeezenet1_1", "unet", "vgg11")  # fmt: skip

OTHERWISE = {"googlenet"}  # its branches have the names of modules, which layers of Keras have not


def network_of(path: Path) -> Network:
    network = analyse_file(path, Report())
    assert network, path
    return network


def model_of(network: Network, target: str) -> Any:
    """What the generated source makes."""
    text = generate(network, target, Report())
    assert text
    spec = network.resolution.spec
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{spec.stem}_{target}.py")
        path.write_text(text, encoding="utf-8")
        found = importlib.util.spec_from_file_location(path.stem, path)
        assert found and found.loader
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    if target == "torch":
        return getattr(module, model_class_name(spec))()
    return getattr(module, model_function_name(spec))(**input_shapes(network))


def differences(path: Path, target: str) -> list[str]:
    """What `cnngen diff` has to say about a spec, and what comes back of its source."""
    network = network_of(path)
    model = model_of(network, target)
    title = network.resolution.spec.name.text
    if target == "torch":
        from cnngen.foreign.read_torch import read_torch_model

        reading = read_torch_model(model, network.inputs, title=title, origin="")
    else:
        from cnngen.foreign.keras_model import read_keras_model

        reading = read_keras_model(model, title=title, origin="")
    if reading.obstacles:
        return [f"{x.what}, in {x.place}" for x in reading.obstacles]
    _, imported = made_spec(reading.graph, network.resolution.spec.stem)
    return [*said(difference(network, imported))]


def said(found: Difference) -> Iterator[str]:
    """The differences that count: none is of identities, nor of layers that are only called
    otherwise, of which as many have come as have gone.
    """
    renamed = _counts(found.added) == _counts(found.removed)
    for word, groups in () if renamed else (("added", found.added), ("removed", found.removed)):
        for group in groups:
            if {*group.ops} != {"identity"}:
                yield f"{word}: {group}"
    for change in found.changed:
        seen = {
            word: x
            for word, x in change.attributes.items()
            if word not in NO_TRACE and not (word == "reads" and _same(change.op, x))
        }
        if seen:
            yield f"changed: {change.op} at {', '.join(change.paths)}: {seen}"
    yield from (f"moved: {each}" for each in found.moved)


def _counts(groups: Iterable[Group]) -> Counter[str]:
    """How many layers of each op there are, and how many parameters and operations they have."""
    total: Counter[str] = Counter()
    for group in groups:
        total.update(group.ops, parameters=group.parameters, macs=group.macs)
    del total["identity"]
    return +total


def _same(op: str, reads: Values) -> bool:
    """Whether a join reads the same in another order, which makes no difference to it."""
    return op in COMMUTATIVE and sorted(reads.old.split(", ")) == sorted(reads.new.split(", "))


@pytest.mark.torch
@pytest.mark.parametrize("name", QUICK)
def test_home_from_pytorch(name: str):
    pytest.importorskip("torch")
    assert differences(SPECS / f"{name}.yaml", "torch") == []


@pytest.mark.keras
@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in QUICK if name not in OTHERWISE])
def test_home_from_keras(name: str):
    pytest.importorskip("keras")
    assert differences(SPECS / f"{name}.yaml", "keras") == []


def main() -> None:
    targets = sys.argv[1:] or ["torch", "keras"]
    for target in targets:
        home = 0
        paths = sorted(SPECS.glob("*.yaml"))
        for path in paths:
            try:
                found = differences(path, target)
            except Exception as error:
                found = [f"{type(error).__name__}: {error}"[:150]]
            home += not found
            if found:
                print(f"{target} {path.stem}: {len(found)}: {found[0]}", flush=True)
        print(f"{target}: {home} of {len(paths)} are home")


if __name__ == "__main__":
    main()

"""A spec compiled for both targets, its sources imported and its models built."""

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

from cnngen.analysis import Options, analyse_file
from cnngen.diagnostics.model import Report
from cnngen.diagnostics.text import render_text
from cnngen.ops.base import Image
from cnngen.semantics.network import INPUT, Network

SPECS = Path(__file__).parents[2] / "specs"

# How the names of the zoo's networks begin that came after the classical line. Of these, some take no
# image of another size, or only large ones.
ONE_SIZE = ("dcgan", "itracker", "siamese", "sppnet", "ssd300", "two_stream")
LATER = (
    *ONE_SIZE,
    *(
        "bit_",
        "convnext",
        "cspdarknet",
        "darknet",
        "dncnn",
        "dpn",
        "ecaresnet",
        "efficientnet",
        "espcn",
        "ghostnet",
        "hrnet",
        "mnasnet",
        "mobilenet",
        "nasnet",
        "regnet",
        "repvgg",
        "res2net",
    ),
    *("deeplab", "fcn", "lraspp", "resnet50_fpn", "resnet50_v2", "resnet101_v2", "resnet152_v2"),
    *("retinanet", "shufflenet", "sknet", "squeezenet", "srresnet", "unet_depth", "unet_plus_plus"),
    "vgg16_spp",
    *("wide_resnet", "wrn"),
)


@dataclass(frozen=True, eq=False)
class Built:
    """A network and what its generated sources define; each is generated when it is asked for."""

    network: Network
    settings: Mapping[str, str]

    @cached_property
    def torch(self) -> Callable[..., Any]:
        """The class of the PyTorch source."""
        from cnngen.targets.torch import render
        from cnngen.targets.torch.names import model_class_name

        source = render(self.network, self._listed())
        name = model_class_name(self.network.resolution.spec)
        return getattr(_import(f"{self._stem}_torch", source), name)

    @cached_property
    def keras(self) -> Callable[..., Any]:
        """The function of the Keras source."""
        from cnngen.targets.keras import render
        from cnngen.targets.keras.functions import model_function_name

        source = render(self.network, self._listed())
        name = model_function_name(self.network.resolution.spec)
        return getattr(_import(f"{self._stem}_keras", source), name)

    @cached_property
    def heads(self) -> dict[str, bool]:
        """The argument of the Keras function that adds what exists in training only, where it has one."""
        return {"training_heads": True} if self.network.training_stages() else {}

    @property
    def _stem(self) -> str:
        return self.network.resolution.spec.stem

    def _listed(self) -> list[str]:
        return [f"{name}={value}" for name, value in self.settings.items()]


def build(
    spec: Path | str, settings: Mapping[str, str] | None = None, input: Image | None = None
) -> Built:
    """Compile a spec: a file, the name of one in `specs/`, or (of several lines) its text."""
    return _build(spec, tuple((settings or {}).items()), input)


@cache
def _build(spec: Path | str, settings: tuple[tuple[str, str], ...], input: Image | None) -> Built:
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(spec, str) and "\n" in spec:
            path = Path(folder) / "network.yaml"
            path.write_text(dedent(spec), encoding="utf-8")
            if "extends:" in spec:
                shutil.copytree(SPECS, folder, dirs_exist_ok=True)
        else:
            path = spec if isinstance(spec, Path) else SPECS / f"{spec}.yaml"
        network = analyse_file(
            path, report, Options(dict(settings), {INPUT: input} if input else {})
        )
    if network is None:
        raise AssertionError(render_text(list(report)))
    return Built(network, dict(settings))


def forget() -> None:
    """Free all that was built; for callers who build thousands."""
    _build.cache_clear()
    if "keras" in sys.modules:
        sys.modules["keras"].backend.clear_session()


def _import(name: str, source: str) -> ModuleType:
    """A source as a module of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.py"
        path.write_text(source, encoding="utf-8")
        found = importlib.util.spec_from_file_location(name, path)
        assert found and found.loader
        module = importlib.util.module_from_spec(found)
        found.loader.exec_module(module)
    return module

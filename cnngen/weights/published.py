"""Models of other packages, by name: torchvision, timm and keras.applications."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from inspect import signature
from typing import Any

from cnngen.diagnostics.suggest import suggest
from cnngen.diagnostics.terminal import one_line
from cnngen.frameworks import MissingFrameworkError, framework, imported, keras_on_tensorflow
from cnngen.ops.base import Image
from cnngen.semantics.network import INPUT, Network
from cnngen.weights.graph import WeightGraph
from cnngen.weights.places import Framework
from cnngen.weights.read_keras import read_keras
from cnngen.weights.read_torch import read_torch

RGB = 3
LONGEST = 300
KERAS = "keras.applications"
PACKAGES = ("torchvision", "timm", KERAS)
DECLARED: list[Any] = []  # what is declared lives as long as its library


class NoModelError(Exception):
    """There is no such model; the message names a similar one, or quotes the package."""


def only_image(network: Network) -> Image:
    """What models of other packages are given; `NoModelError` where a network is given more."""
    if [*network.images] == [INPUT]:
        return network.input
    listed = ", ".join(f"{name} ({shape})" for name, shape in network.inputs.items())
    raise NoModelError(f"models of other packages are given one image, and this network {listed}")


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model of another package, by name."""

    package: str
    name: str

    @classmethod
    def of(cls, text: str, stem: str = "") -> "PublishedModel":
        """From `torchvision:densenet121`, or from `torchvision` alone for the model that is called
        like a spec; `keras` is short for `keras.applications`.

        Raises `NoModelError`, also where the package has no such model.
        """
        package, _, name = text.partition(":")
        package = KERAS if package == "keras" else package
        if package not in PACKAGES or not (name or stem):
            known = ", ".join(f"`{package}:NAME`" for package in PACKAGES)
            raise NoModelError(f"`{text}` is none of {known}")
        names = _names(package)
        if package == "timm":
            name = _untagged(name, names)
        if not name and (name := _called(stem, names)) is None:
            raise NoModelError(
                f"{package} has no model called `{stem}`: name one of its models, {package}:NAME"
            )
        if name not in names:
            guess = suggest(name, names)
            remedy = f": did you mean `{guess}`?" if guess else ""
            raise NoModelError(f"{package} has no model `{name}`{remedy}")
        return cls(package, name)

    def __str__(self) -> str:
        return f"{self.package}:{self.name}"

    @property
    def framework(self) -> Framework:
        return "keras" if self.package == KERAS else "torch"

    def takes(self, input: Image) -> Image:
        """The images for which the model is made: those of PyTorch have three channels."""
        return input if self.framework == "keras" else replace(input, channels=RGB)

    def model(self, input: Image) -> Any:
        """The model without trained weights, for images of a size."""
        with self._speaking(input):
            return self._made(input)

    def graph(self, model: Any, input: Image) -> WeightGraph:
        """The layers of the model that hold weights."""
        with self._speaking(input):
            return read_keras(model) if self.framework == "keras" else read_torch(model, input)

    @contextmanager
    def _speaking(self, input: Image) -> Generator[None]:
        """Whatever a package raises while its model is made or followed is reported as its own
        words.
        """
        try:
            yield
        except (MissingFrameworkError, NoModelError):
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:LONGEST]
            raise NoModelError(
                f"{self} does not take images of {input}: {type(error).__name__}: {one_line(text)}"
            ) from error

    def _made(self, input: Image) -> Any:
        if self.package == "torchvision":
            make = _package("torchvision").models.get_model_builder(self.name)
            takes = signature(make).parameters
            trained = [name for name in takes if name.startswith("weights")]
            heads = {"aux_loss": True} if "aux_loss" in takes else {}  # as trained weights have it
            return make(**dict.fromkeys(trained), **heads)  # weights of a backbone would be loaded
        if self.package == "timm":
            return _package("timm").create_model(self.name, pretrained=False)
        size = (input.height, input.width, input.channels)
        make = getattr(keras_on_tensorflow().applications, self.name)
        return make(weights=None, input_shape=size, classifier_activation=None)


def _names(package: str) -> list[str]:
    if package == "torchvision":
        return _package("torchvision").models.list_models()
    if package == "timm":
        return _package("timm").list_models()
    return [name for name in dir(keras_on_tensorflow().applications) if name[0].isupper()]


def _untagged(name: str, names: list[str]) -> str:
    """`resnet18` for `resnet18.a1_in1k`; the tag says who trained the weights."""
    plain, _, tag = name.partition(".")
    if not tag or plain not in names:
        return name
    tagged = _package("timm").list_pretrained(f"{plain}.*")
    if name not in tagged:
        guess = suggest(name, tagged)
        remedy = f": did you mean `{guess}`?" if guess else f": there is `{plain}`"
        raise NoModelError(f"timm has no weights `{name}`{remedy}")
    return plain


def _called(stem: str, names: list[str]) -> str | None:
    """The name of a spec, `inception_v3`, as the package spells it: `InceptionV3`."""
    return next((name for name in names if _plain(name) == _plain(stem)), None)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _package(name: str) -> Any:
    """torchvision or timm."""
    framework("torch")
    try:
        return imported(name, f"pip install {name}")
    except MissingFrameworkError as error:
        if "torchvision::nms" not in str(error):
            raise
        _declare_nms()
        return import_module(name)


def _declare_nms() -> None:
    """Declare operators that a torchvision built for CUDA expects, and a PyTorch for CPUs does not
    have; classifiers do not use them.
    """
    library = framework("torch").library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    DECLARED.append(library)

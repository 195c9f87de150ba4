"""Models of other packages, by name: torchvision, timm and keras.applications."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from inspect import signature
from typing import Any, cast

from cnngen.diagnostics.suggest import suggest
from cnngen.frameworks import MissingFrameworkError, framework, imported, keras_on_tensorflow
from cnngen.ops.base import Image, Shape
from cnngen.semantics.network import INPUT, Network
from cnngen.weights.graph import WeightGraph
from cnngen.weights.places import Framework
from cnngen.weights.reference import NoModelError, speaking, weight_graph

RGB = 3
KERAS = "keras.applications"
PACKAGES = ("torchvision", "timm", KERAS)
FORMS = ", ".join([*(f"`{package}:NAME`" for package in PACKAGES), "`file.py:Class`"])
USUAL = 224  # pixels of a side
DECLARED: list[Any] = []  # what is declared lives as long as its library


def only_image(network: Network) -> Image:
    """What models of other packages are given; `NoModelError` where a network is given more."""
    if [*network.images] == [INPUT]:
        return network.input
    listed = ", ".join(f"{name} ({shape})" for name, shape in network.inputs.items())
    raise NoModelError(f"models of other packages are given one image, and this network {listed}")


def package_of(text: str) -> str:
    """The package that `torchvision:densenet121` names, or nothing."""
    package = text.partition(":")[0]
    package = KERAS if package == "keras" else package
    return package if package in PACKAGES else ""


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """A model of another package, by name."""

    package: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @classmethod
    def of(
        cls, text: str, stem: str = "", arguments: Mapping[str, Any] | None = None
    ) -> "PublishedModel":
        """From `torchvision:densenet121`, or from `torchvision` alone for the model that is called
        like a spec; `keras` is short for `keras.applications`.

        Raises `NoModelError`, also where the package has no such model.
        """
        package, name = package_of(text), text.partition(":")[2]
        if not package or not (name or stem):
            raise NoModelError(f"`{text}` is none of {FORMS}")
        names = names_of(package)
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
        return cls(package, name, arguments or {})

    def __str__(self) -> str:
        return f"{self.package}:{self.name}"

    @property
    def framework(self) -> Framework:
        return "keras" if self.package == KERAS else "torch"

    def takes(self, network: Network) -> tuple[Shape, ...]:
        """One image, which has three channels in PyTorch's packages."""
        image = only_image(network)
        return (image if self.framework == "keras" else replace(image, channels=RGB),)

    def usual(self) -> tuple[Shape, ...]:
        """The images that the model is usually given."""
        with speaking(self):
            channels, height, width = self._usual()
            return (Image(channels, height, width),)

    def model(self, *inputs: Shape) -> Any:
        """The model without trained weights, for images of a size."""
        with speaking(self, *inputs):
            return self._made(*inputs)

    def outline(self, *inputs: Shape) -> Any:
        """The same model; in PyTorch, without memory for its weights."""
        if self.framework == "keras":
            return self.model(*inputs)
        with framework("torch").device("meta"):
            return self.model(*inputs)

    def graph(self, model: Any, *inputs: Shape) -> WeightGraph:
        return weight_graph(self, model, *inputs)

    def _usual(self) -> tuple[int, int, int]:
        if self.package == "torchvision":
            weights = _package("torchvision").models.get_model_weights(self.name)
            size = min((_side(x.transforms()) for x in weights), default=USUAL)
            return RGB, size, size
        if self.package == "timm":
            known = _package("timm").get_pretrained_cfg(self.name, allow_unregistered=False)
            return known.input_size if known else (RGB, USUAL, USUAL)
        model = self._maker()(weights=None, classifier_activation=None, **self.arguments)
        _, height, width, channels = model.inputs[0].shape
        return channels, height or USUAL, width or USUAL

    def _made(self, *inputs: Shape) -> Any:
        if self.package == "torchvision":
            make = _package("torchvision").models.get_model_builder(self.name)
            takes = signature(make).parameters
            trained = [name for name in takes if name.startswith("weights")]
            heads = {"aux_loss": True} if "aux_loss" in takes else {}  # as trained weights have it
            without = dict.fromkeys(trained)  # weights of a backbone would be loaded
            return make(**without, **{**heads, **self.arguments})
        if self.package == "timm":
            return _package("timm").create_model(self.name, pretrained=False, **self.arguments)
        (input,) = inputs
        channels, height, width = input.dimensions
        given = {"input_shape": (height, width, channels), **self.arguments}
        return self._maker()(**{"weights": None, "classifier_activation": None, **given})

    def _maker(self) -> Any:
        return getattr(keras_on_tensorflow().applications, self.name)


def _side(transforms: Any) -> int:
    """The side of the images that a preset of torchvision makes."""
    for word in ("crop_size", "resize_size"):
        if isinstance(sizes := getattr(transforms, word, None), list):
            return cast("list[int]", sizes)[-1]
    return USUAL


def names_of(package: str) -> list[str]:
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

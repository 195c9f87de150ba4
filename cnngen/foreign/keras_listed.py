"""A Keras model as its configuration lists it: layers, and what each of their calls is given."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cnngen.foreign.foreign_file import ForeignFileError
from cnngen.foreign.keras_json import (
    Before,
    Leaf,
    leaves,
    mapping,
    references,
    sequence,
    shown,
    text,
)

INPUT = "InputLayer"
SEQUENTIAL = "Sequential"
Key = tuple[str, int]  # a layer, and which of its calls


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A layer with what each of its calls is given."""

    name: str
    kind: str
    config: Any
    entry: Mapping[str, Any]
    nodes: Sequence[Any]

    @property
    def is_model(self) -> bool:
        return is_model(self.entry)


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """An input or an output, with its name where it has one."""

    name: str
    key: Key
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """A model. Its calls are counted from 0, but where it lists what layers read: there, those of
    models begin with `offsets`.
    """

    name: str
    kind: str
    layers: Mapping[str, Layer]
    inputs: Sequence[End]
    outputs: Sequence[End]
    offsets: Mapping[str, int]

    @property
    def is_sequential(self) -> bool:
        return self.kind == SEQUENTIAL

    @property
    def declares_input(self) -> bool:
        first = next(iter(self.layers.values()))
        return first.kind == INPUT and "added" not in first.entry

    def layer(self, name: str) -> Layer:
        if name not in self.layers:
            raise ForeignFileError(f"there is no layer `{shown(name)}`, which another one reads")
        return self.layers[name]

    def node(self, key: Key) -> Any:
        """What a call is given."""
        nodes = self.layer(key[0]).nodes
        if not 0 <= key[1] < len(nodes):
            raise ForeignFileError(
                f"the layer `{shown(key[0])}` is not given anything, and other layers read it"
            )
        return nodes[key[1]]

    def key(self, leaf: Leaf) -> Key:
        """The call that gives a tensor which a layer reads."""
        return leaf[0], leaf[1] - self.offsets.get(leaf[0], 0)

    def read_by(self, key: Key) -> list[Key]:
        return [self.key(leaf) for leaf in references(self.node(key))]


def is_model(entry: Mapping[str, Any]) -> bool:
    """Whether a layer is a model whose layers are known."""
    config = entry.get("config")
    if entry.get("class_name") == SEQUENTIAL:
        return True
    return isinstance(config, dict) and "layers" in config and "output_layers" in config


def listed(entry: Mapping[str, Any]) -> Listed:
    """A model, given its configuration."""
    kind = entry.get("class_name")
    if not is_model(entry) or not isinstance(kind, str):
        raise ForeignFileError(
            f"`{shown(kind)}` is no functional or sequential model: its file does not say how its"
            " layers are connected, which only its Python does"
            if isinstance(kind, str)
            else "it is not the configuration of a model of Keras"
        )
    config: Any = entry.get("config")
    if isinstance(config, list):  # as Keras 1 wrote sequential models
        config = {"layers": cast("list[Any]", config)}
    config = mapping(config, "the configuration of a model")
    name = text(config.get("name", "model"), "the name of a model")
    if "output_layers" not in config:
        return _sequential(name, config)
    layers = _functional(config)
    inputs, outputs = (
        [*leaves(config.get(which), which)] for which in ("input_layers", "output_layers")
    )
    if not inputs or not outputs:
        raise ForeignFileError(f"the model `{shown(name)}` has no inputs, or no outputs")
    offsets, ends = _counted(layers, [leaf for _, leaf in outputs])
    return Listed(
        *(name, kind, layers),
        [End(named, (leaf[0], leaf[1]), leaf[2]) for named, leaf in inputs],
        [End(named, key, leaf[2]) for (named, leaf), key in zip(outputs, ends, strict=True)],
        offsets,
    )


def _entries(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in sequence(config.get("layers"), "the list of layers"):
        layer = mapping(entry, "a layer")
        text(layer.get("class_name"), "the class of a layer")
        if not (is_model(layer) and isinstance(layer.get("config"), list)):
            mapping(layer.get("config"), "the configuration of a layer")
        yield layer


def _named(entry: Mapping[str, Any], default: Any) -> str:
    config: Any = entry["config"]
    own = default if isinstance(config, list) else config.get("name", default)
    return text(entry.get("name", own), "the name of a layer")


def _functional(config: Mapping[str, Any]) -> dict[str, Layer]:
    found: dict[str, Layer] = {}
    for entry in _entries(config):
        name = _named(entry, None)
        if name in found:
            raise ForeignFileError(f"there are two layers `{shown(name)}`")
        nodes = sequence(entry.get("inbound_nodes", []), f"the calls of `{shown(name)}`")
        found[name] = Layer(name, entry["class_name"], entry["config"], entry, nodes)
    return found


def _counted(
    layers: Mapping[str, Layer], outputs: Sequence[Leaf]
) -> tuple[dict[str, int], list[Key]]:
    """From which number the calls of models are counted where layers read them; and the calls that
    give the outputs, counted from 0.

    Functional models are built by a call of their own, which they count as the first: Keras 3 does
    so where it lists outputs, and Keras 2 everywhere, of sequential models as well.
    """
    nested = {name: layer for name, layer in layers.items() if layer.is_model}
    nodes = [node for layer in layers.values() for node in layer.nodes]
    if not any(isinstance(node, list) for node in nodes):
        ends = {name: int(layer.kind != SEQUENTIAL) for name, layer in nested.items()}
        return {}, [(name, max(number - ends.get(name, 0), 0)) for name, number, _ in outputs]
    read = [*outputs, *(leaf for node in nodes for leaf in references(node))]
    offsets = {
        name: min((number for layer, number, _ in read if layer == name), default=0)
        for name in nested
    }
    return offsets, [(name, number - offsets.get(name, 0)) for name, number, _ in outputs]


def _sequential(name: str, config: Mapping[str, Any]) -> Listed:
    """The layers as if each were called with what the one before it gives."""
    entries = list(_entries(config))
    if not entries:
        raise ForeignFileError(f"the model `{shown(name)}` has no layers")
    if entries[0]["class_name"] != INPUT:
        shape = _first_shape(entries[0]) or config.get("build_input_shape")
        start = {"name": "input", "batch_shape": shape}
        entries.insert(0, {"class_name": INPUT, "config": start, "added": True})
    layers: dict[str, Layer] = {}
    before: str | None = None
    for i, entry in enumerate(entries):
        called = _named(entry, f"layer_{i}")
        while called in layers:
            called += "_"
        nodes: list[Any] = [] if before is None else [{"args": [Before(before)]}]
        layers[called] = Layer(called, entry["class_name"], entry["config"], entry, nodes)
        before = called
    first, *_, last = [*layers, *layers]
    return Listed(name, SEQUENTIAL, layers, [End("", (first, 0), 0)], [End("", (last, 0), 0)], {})


def _first_shape(entry: Mapping[str, Any]) -> Any:
    """The shape that a layer says that it is given; of a model, its first layer."""
    first: Any = entry
    if is_model(entry):
        config: Any = entry["config"]
        layers: Any = (
            cast("dict[str, Any]", config).get("layers") if isinstance(config, dict) else 0
        )
        first = cast("list[Any]", layers)[0] if isinstance(layers, list) and layers else None
    match first:
        case {"config": {"batch_shape": shape}} | {"config": {"batch_input_shape": shape}}:
            return shape
        case _:
            return None

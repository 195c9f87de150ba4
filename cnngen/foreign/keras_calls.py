"""The configuration of a Keras model -> the calls of its layers, in the order of execution.

Models in models are taken apart: each of their uses is as many calls as it has layers. The format
is that of Keras 3; that of Keras 2 differs in how inbound nodes are listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from cnngen.foreign.foreign_file import ForeignFileError
from cnngen.foreign.graph import Module

MOST_CALLS = 100_000
MOST_NESTED = 10  # models in models
INPUT = "InputLayer"
CONSTANTS = ("__tensor__", "__numpy__")
NO_CYCLE = "the layer `{}` depends on itself"

Key = tuple[str, int]  # a layer and which of its calls
Stated = tuple[int | None, ...]  # the shape of a tensor, batch included, as far as it is known


@dataclass(frozen=True, slots=True)
class Reference:
    """A tensor: one of those that a call gives."""

    call: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A layer or an operation of Keras, applied.

    `arguments` and `keywords` are what it is given: tensors, lists of them, and constants. `layer`
    is the same in all calls of a layer. An operation has a number for a name: it is no layer, and
    has none. `custom` where the class is none of Keras.
    """

    number: int
    layer: str
    name: str
    kind: str
    config: Mapping[str, Any]
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    modules: tuple[Module, ...]
    operation: bool
    custom: bool


@dataclass(slots=True)
class Calls:
    """All calls, in an order in which each comes after those that it depends on.

    `inputs` has the shape that each input is declared with, `outputs` the tensor of each output,
    and `stated` what the configuration says of the shapes of tensors.
    """

    name: str = ""
    version: int = 3
    calls: list[Call] = field(default_factory=list[Call])
    inputs: dict[str, tuple[Reference, Stated]] = field(
        default_factory=dict[str, tuple[Reference, Stated]]
    )
    outputs: dict[str, Reference] = field(default_factory=dict[str, Reference])
    stated: dict[Reference, Stated] = field(default_factory=dict[Reference, Stated])

    def add(self, call: Call) -> Reference:
        if len(self.calls) >= MOST_CALLS:
            raise ForeignFileError(f"the model has more than {MOST_CALLS} layers")
        self.calls.append(replace(call, number=len(self.calls)))
        return Reference(len(self.calls) - 1, 0)


def read_calls(model: Any) -> Calls:
    """The calls of a model, given its configuration as JSON has it."""
    whole = _mapping(model, "the model")
    calls = Calls()
    version = str(whole.get("keras_version"))
    calls.version = 2 if version.startswith(("1", "2")) else 3
    expansion = _Model(whole, calls, (), 0)
    calls.name = expansion.name
    results = expansion.expand(None)
    names = expansion.output_names
    if len(results) == 1 and not names:
        calls.outputs["output"] = results[0]
    else:
        used: dict[str, int] = {}
        for i, (reference, named) in enumerate(zip(results, names, strict=True)):
            base = named or calls.calls[reference.call].name or f"output_{i}"
            used[base] = used.get(base, 0) + 1
            calls.outputs[base if used[base] == 1 else f"{base}_{used[base]}"] = reference
    return calls


def is_model(layer: Mapping[str, Any]) -> bool:
    """Whether a layer is a model whose layers are known."""
    config = layer.get("config")
    if layer.get("class_name") == "Sequential":
        return True
    return isinstance(config, Mapping) and "layers" in config and "output_layers" in config


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """A layer as a model lists it, with what each of its calls is given."""

    name: str
    entry: Mapping[str, Any]
    nodes: tuple[Any, ...]


class _Model:
    """One use of a model."""

    def __init__(
        self, entry: Mapping[str, Any], calls: Calls, modules: tuple[Module, ...], depth: int
    ) -> None:
        if depth > MOST_NESTED:
            raise ForeignFileError(f"there are more than {MOST_NESTED} models in models")
        if not is_model(entry):
            kind = entry.get("class_name")
            raise ForeignFileError(
                f"`{_shown(kind)}` is no functional or sequential model: its file does not say how"
                " its layers are connected, which only its Python does"
                if isinstance(kind, str)
                else "it is not the configuration of a model of Keras"
            )
        config = entry.get("config")
        if isinstance(config, list):  # as Keras 1 wrote sequential models
            config = {"layers": config}
        self.config = _mapping(config, "the configuration of a model")
        self.kind = _text(entry.get("class_name"), "the class of a model")
        self.name = _text(self.config.get("name", "model"), "the name of a model")
        self.calls, self.modules, self.depth = calls, modules, depth
        self.layers = self._functional() if "output_layers" in self.config else self._sequential()
        self.offsets: dict[str, int] = {}
        self.done: dict[Key, list[Reference]] = {}
        self.output_names: list[str] = []
        self.trusted = True  # whether the shapes that it states are those of this use

    # --- What a model lists

    def _entries(self) -> Iterator[Mapping[str, Any]]:
        for entry in _sequence(self.config.get("layers"), "the list of layers"):
            layer = _mapping(entry, "a layer")
            _text(layer.get("class_name"), "the class of a layer")
            _mapping(layer.get("config"), "the configuration of a layer")
            yield layer

    def _functional(self) -> dict[str, _Layer]:
        found: dict[str, _Layer] = {}
        for entry in self._entries():
            name = _text(entry.get("name", entry["config"].get("name")), "the name of a layer")
            nodes = _sequence(entry.get("inbound_nodes", []), f"the calls of `{_shown(name)}`")
            if name in found:
                raise ForeignFileError(f"there are two layers `{_shown(name)}`")
            found[name] = _Layer(name, entry, tuple(nodes))
        return found

    def _sequential(self) -> dict[str, _Layer]:
        """The layers as if each were called with what the one before it gives."""
        found: dict[str, _Layer] = {}
        entries = list(self._entries())
        if not entries:
            raise ForeignFileError(f"the model `{_shown(self.name)}` has no layers")
        if entries[0]["class_name"] != INPUT:
            first = entries[0]["config"]
            shape = first.get("batch_input_shape", first.get("batch_shape"))
            build = self.config.get("build_input_shape")
            shape = shape or build or _inner_shape(entries[0])
            start = {"name": "input", "batch_shape": shape}
            entries.insert(0, {"class_name": INPUT, "config": start, "inbound_nodes": []})
        before = ""
        for i, entry in enumerate(entries):
            name = _text(entry["config"].get("name", f"layer_{i}"), "the name of a layer")
            while name in found:
                name += "_"
            chained = ({"args": [_Before(before)], "kwargs": {}},) if before else ()
            found[name] = _Layer(name, entry, chained)
            before = name
        return found

    def _ends(self, which: str) -> list[tuple[str, Key, int]]:
        """The input or output layers: their names, where they have some, their calls, and which of
        the tensors of these.
        """
        if "output_layers" not in self.config:
            first, *_, last = [*self.layers, *self.layers]
            return [("", (first if which == "input_layers" else last, 0), 0)]
        return [*_leaves(self.config.get(which), which)]

    # --- What calls it makes

    def expand(self, given: Sequence[Reference] | None) -> list[Reference]:
        """Add the calls of this use, which is given these tensors; the model itself none."""
        starts = self._ends("input_layers")
        ends = self._ends("output_layers")
        if given is not None and len(given) != len(starts):
            raise ForeignFileError(
                f"the model `{_shown(self.name)}` has {len(starts)} inputs and is given"
                f" {len(given)}"
            )
        self._find_offsets(ends)
        for i, (named, key, _) in enumerate(starts):
            shape = _stated(self._layer(key[0]).entry["config"])
            if given is None:
                self.done[key] = [self._declared(key[0], named, shape)]
            else:
                self.done[key] = [given[i]]
                self.trusted = self.trusted and self.calls.stated.get(given[i]) == shape
        for key in self._ordered([key for _, key, _ in ends]):
            self.done[key] = self._call(key)
        self.output_names = [named for named, _, _ in ends] if len(ends) > 1 else []
        if ends[0][0]:
            self.output_names = [named for named, _, _ in ends]
        return [self._tensor(key, index) for _, key, index in ends]

    def _find_offsets(self, ends: Sequence[tuple[str, Key, int]]) -> None:
        """Functional models count their calls from 1, as they are built by a call of their own."""
        least: dict[str, int] = {}
        keys = [key for _, key, _ in ends]
        for layer in self.layers.values():
            keys += [(r[0], r[1]) for node in layer.nodes for r in _references(node)]
        for name, number in keys:
            least[name] = min(number, least.get(name, number))
        nested = (name for name, layer in self.layers.items() if is_model(layer.entry))
        self.offsets = {name: max(min(least.get(name, 0), 1), 0) for name in nested}

    def _declared(self, layer: str, named: str, shape: Stated) -> Reference:
        if "batch_input_shape" in self._layer(layer).entry["config"]:
            self.calls.version = 2
        name = named or layer
        call = Call(0, layer, name, INPUT, {}, (), {}, (), False, False)
        reference = self.calls.add(call)
        self.calls.inputs[name] = reference, shape
        self.calls.stated[reference] = shape
        return reference

    def _layer(self, name: str) -> _Layer:
        if name not in self.layers:
            raise ForeignFileError(f"there is no layer `{_shown(name)}`, which another one reads")
        return self.layers[name]

    def _node(self, key: Key) -> Any:
        layer = self._layer(key[0])
        number = key[1] - self.offsets.get(key[0], 0)
        if not 0 <= number < len(layer.nodes):
            raise ForeignFileError(
                f"the layer `{_shown(key[0])}` is not given anything, and other layers read it"
            )
        return layer.nodes[number]

    def _ordered(self, ends: Sequence[Key]) -> Iterator[Key]:
        """The calls that lead to these, each after those before it, a branch after the other."""
        entered: set[Key] = set()
        left: set[Key] = set(self.done)
        waiting = [(key, False) for key in reversed(ends)]
        while waiting:
            key, leaving = waiting.pop()
            if key in left:
                continue
            if leaving:
                left.add(key)
                yield key
                continue
            if key in entered:
                raise ForeignFileError(NO_CYCLE.format(_shown(key[0])))
            entered.add(key)
            waiting.append((key, True))
            before = [(r[0], r[1]) for r in _references(self._node(key))]
            waiting += [(each, False) for each in reversed(before) if each not in left]

    def _call(self, key: Key) -> list[Reference]:
        layer, node = self._layer(key[0]), self._node(key)
        arguments, keywords = self._given(node)
        if is_model(layer.entry):
            kind = layer.entry["class_name"]
            kind = layer.name if kind in ("Functional", "Model", "Sequential") else kind
            inner = Module(self._path(layer.name), kind)
            model = _Model(layer.entry, self.calls, (*self.modules, inner), self.depth + 1)
            flat = [x for x in _flat([*arguments, *keywords.values()]) if isinstance(x, Reference)]
            return model.expand(flat)
        entry = layer.entry
        module, registered = entry.get("module"), entry.get("registered_name")
        inside = isinstance(module, str) and module.partition(".")[0] in ("keras", "keras_core")
        operation = inside and ".ops" in str(module)
        custom = isinstance(registered, str) and ">" in registered and "keras" not in registered
        call = Call(
            *(0, self._path(layer.name), layer.name, entry["class_name"]),
            *(entry["config"], tuple(arguments), keywords, self.modules),
            *(operation, custom or (isinstance(module, str) and not inside)),
        )
        return [self.calls.add(call)]

    def _path(self, name: str) -> str:
        return f"{self.modules[-1].path}.{name}" if self.modules else name

    def _tensor(self, key: Key, index: int) -> Reference:
        """One of the tensors of a call; those of a layer are told apart by its index alone."""
        results = self.done[key]
        if len(results) > 1 or is_model(self._layer(key[0]).entry):
            if not 0 <= index < len(results):
                raise ForeignFileError(f"the model `{_shown(key[0])}` has no output {index}")
            return results[index]
        first = results[0]
        return first if index == 0 else Reference(first.call, index)

    # --- What a call is given

    def _given(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(node, Mapping):
            typed = cast("Mapping[str, Any]", node)
            arguments = _sequence(typed.get("args", []), "the arguments of a layer")
            keywords = _mapping(typed.get("kwargs", {}), "the arguments of a layer")
            return [self._value(x) for x in arguments], {k: self._value(x) for k, x in keywords.items()}
        return self._given_in_keras_2(node)

    def _value(self, value: Any) -> Any:
        """A constant as it is, and what stands for a tensor as that."""
        match value:
            case _Before(name):
                return self._tensor((name, 0), 0)
            case {"class_name": "__keras_tensor__"}:
                (name, number, index), shape = _history(value)
                reference = self._tensor((name, number), index)
                if self.trusted and shape is not None:
                    self.calls.stated.setdefault(reference, shape)
                return reference
            case {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}:
                return Slice(start, stop, step)
            case {"class_name": "__ellipsis__"}:
                return ...
            case {"class_name": "__tuple__", "items": list(items)}:
                return [self._value(x) for x in cast("list[Any]", items)]
            case {"class_name": str(kind), "config": {"value": constant}} if kind in CONSTANTS:
                return constant
            case list():
                return [self._value(x) for x in cast("list[Any]", value)]
            case _:
                return value

    def _given_in_keras_2(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        """What Keras 2 lists: `[name, node, tensor, keywords]` for each tensor."""
        tensors = [node] if _is_leaf(node) else _sequence(node, "the calls of a layer")
        found: list[Any] = []
        keywords: dict[str, Any] = {}
        for each in tensors:
            leaf = _sequence(each, "what a layer reads")
            found.append(self._old(leaf))
            for name, value in (leaf[3] if len(leaf) > 3 and isinstance(leaf[3], dict) else {}).items():
                many = isinstance(value, list) and all(map(_is_leaf, cast("list[Any]", value)))
                if _is_leaf(value):
                    keywords[name] = self._old(value)
                elif many and value:
                    keywords[name] = [self._old(x) for x in value]
                else:
                    keywords[name] = value
        return found if len(found) == 1 else [found], keywords

    def _old(self, leaf: Sequence[Any]) -> Any:
        if leaf[:2] == ["_CONSTANT_VALUE", -1] and len(leaf) > 2:
            return leaf[2]
        name, number, index = _leaf(leaf)
        return self._tensor((name, number), index)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of an axis, as Python writes it."""

    start: Any
    stop: Any
    step: Any


@dataclass(frozen=True, slots=True)
class _Before:
    """What the layer before gives, in a sequential model."""

    layer: str


def _references(node: Any) -> Iterator[tuple[str, int, int]]:
    """All tensors in what a call is given, in their order."""
    match node:
        case _Before(name):
            yield name, 0, 0
        case {"class_name": "__keras_tensor__"}:
            yield _history(node)[0]
        case dict():
            for value in cast("dict[str, Any]", node).values():
                yield from _references(value)
        case list() if _is_leaf(cast("list[Any]", node)):
            if node[0] != "_CONSTANT_VALUE":
                yield _leaf(cast("list[Any]", node))
            for value in cast("list[Any]", node)[3:]:
                yield from _references(value)
        case list():
            for value in cast("list[Any]", node):
                yield from _references(value)
        case _:
            return


def _history(tensor: Any) -> tuple[tuple[str, int, int], Stated | None]:
    config = _mapping(tensor.get("config"), "a tensor")
    leaf = _leaf(_sequence(config.get("keras_history"), "where a tensor comes from"))
    shape = config.get("shape")
    return leaf, (_shape(shape) if isinstance(shape, list) else None)


def _is_leaf(value: Any) -> bool:
    """Whether a list is `[layer, node, tensor]`, with keywords perhaps."""
    if not isinstance(value, list):
        return False
    items = cast("list[Any]", value)
    if len(items) not in (3, 4) or not isinstance(items[0], str) or not _is_whole(items[1]):
        return False
    return _is_whole(items[2]) or items[0] == "_CONSTANT_VALUE"


def _leaf(value: Sequence[Any]) -> tuple[str, int, int]:
    if not _is_leaf([*value]):
        raise ForeignFileError("what a layer reads is not said as `[layer, call, tensor]`")
    return value[0], value[1], value[2]


def _leaves(value: Any, which: str, named: str = "") -> Iterator[tuple[str, Key, int]]:
    """The ends of a model, in the order in which Keras counts them: those of a dictionary by name."""
    if _is_leaf(value):
        name, number, index = _leaf(value)
        yield named, (name, number), index
    elif isinstance(value, Mapping):
        for key, inner in sorted(cast("Mapping[str, Any]", value).items()):
            yield from _leaves(inner, which, key)
    else:
        items = _sequence(value, f"`{which}`")
        if not items:
            raise ForeignFileError(f"the model has no `{which}`")
        for inner in items:
            yield from _leaves(inner, which)


def _flat(values: Sequence[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from _flat(cast("list[Any]", value))
        elif isinstance(value, Mapping):
            typed = cast("Mapping[str, Any]", value)
            yield from _flat([typed[name] for name in sorted(typed)])
        else:
            yield value


def _stated(config: Mapping[str, Any]) -> Stated:
    shape = config.get("batch_shape", config.get("batch_input_shape"))
    return _shape(shape) if isinstance(shape, list) else ()


def _inner_shape(entry: Mapping[str, Any]) -> Any:
    """The shape of the input of a model that is the first layer of another."""
    if not is_model(entry) or not isinstance(entry["config"], Mapping):
        return None
    layers: Any = entry["config"].get("layers")
    first: Any = layers[0] if isinstance(layers, list) and layers else None
    match first:
        case {"config": {"batch_shape": shape}} | {"config": {"batch_input_shape": shape}}:
            return shape
        case _:
            return None


def _shape(value: Any) -> Stated:
    sizes = _sequence(value, "a shape")
    if not all(n is None or (_is_whole(n) and 0 <= n < 2**31) for n in sizes):
        raise ForeignFileError("a shape is no list of sizes")
    return tuple(sizes)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ForeignFileError(f"{what} is no mapping in the file")
    return cast("dict[str, Any]", value)


def _sequence(value: Any, what: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ForeignFileError(f"{what} is no list in the file")
    return cast("list[Any]", value)


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ForeignFileError(f"{what} is no text in the file")
    return value


def _shown(value: Any) -> str:
    return str(value)[:60]
